# SPDX-License-Identifier: Apache-2.0
"""The few requests of Kafka's protocol that replace Java's command line tools, at 5 ms instead of a second each."""

import socket
import struct

from system import Refusal

METADATA, CREATE_TOPICS, DELETE_RECORDS, CREATE_ACLS, DELETE_ACLS = 3, 19, 21, 30, 31
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "txn": 5}
OPERATIONS = {
    name: code
    for code, name in enumerate(
        "all read write create delete alter describe cluster_action describe_configs alter_configs"
        " idempotent_write".split(),
        start=2,
    )
}


def text(value):
    if value is None:
        return struct.pack(">h", -1)
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Answer:
    """Takes an answer apart from front to back."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def number(self, kind):
        (value,) = struct.unpack_from(">" + kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self):
        length = self.number("h")
        if length < 0:
            return None
        self.at += length
        return self.data[self.at - length : self.at].decode()


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise OSError("the broker closed the connection")
        data += part
    return data


def ask(address, key, version, body, wait_s=10.0):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), wait_s) as connection:
        request = struct.pack(">hhi", key, version, 1) + text("tools/kafka") + body
        connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", receive(connection, 4))
        return Answer(receive(connection, length)[4:])


def live_brokers(address):
    """Ids of the brokers in service, as the broker at `address` sees them; empty if no broker answers yet."""
    try:
        answer = ask(address, METADATA, 4, array([]) + b"\0", wait_s=2.0)
    except OSError:
        return []
    answer.number("i")
    brokers = []
    for _ in range(answer.number("i")):
        brokers.append(answer.number("i"))
        answer.text()
        answer.number("i")
        answer.text()
    return brokers


def refuse_error(what, code, message):
    if code:
        raise Refusal(f"{what}: {message or 'refused'} (error {code})")


def create_topic(address, name, partitions, replicas, config):
    settings = array([text(key) + text(value) for key, value in config.items()])
    topic = text(name) + struct.pack(">ih", partitions, replicas) + array([]) + settings
    answer = ask(address, CREATE_TOPICS, 4, array([topic]) + struct.pack(">i?", 10_000, False), wait_s=15.0)
    answer.number("i")
    for _ in range(answer.number("i")):
        topic_name = answer.text()
        refuse_error(f"topic {topic_name}", answer.number("h"), answer.text())


def delete_records(address, name, partition, offset):
    """All before `offset`, as retention does."""
    topic = text(name) + array([struct.pack(">iq", partition, offset)])
    answer = ask(address, DELETE_RECORDS, 1, array([topic]) + struct.pack(">i", 10_000), wait_s=15.0)
    answer.number("i")
    for _ in range(answer.number("i")):
        topic_name = answer.text()
        for _ in range(answer.number("i")):
            place = f"records of {topic_name} [{answer.number('i')}]"
            answer.number("q")
            refuse_error(place, answer.number("h"), None)


def change_acl(address, user, operation, resource, deny=False, remove=False):
    """`resource` is cluster, or kind:name with kind topic, group or txn; a name ending in * is a prefix."""
    kind, _, name = resource.partition(":")
    if kind not in RESOURCES or operation.lower() not in OPERATIONS or (kind == "cluster") == bool(name):
        raise Refusal(
            f"cannot read '{operation} {resource}': operations are {', '.join(OPERATIONS)}; resources are"
            " topic:NAME, group:NAME, txn:NAME (NAME* for a prefix) and cluster"
        )
    name = name or "kafka-cluster"
    pattern = 4 if name.endswith("*") and name != "*" else 3
    entry = struct.pack(">b", RESOURCES[kind]) + text(name[:-1] if pattern == 4 else name) + struct.pack(">b", pattern)
    entry += text(f"User:{user}") + text("*") + struct.pack(">bb", OPERATIONS[operation.lower()], 2 if deny else 3)
    answer = ask(address, DELETE_ACLS if remove else CREATE_ACLS, 1, array([entry]))
    answer.number("i")
    for _ in range(answer.number("i")):
        code = answer.number("h")
        refuse_error(f"{operation} {resource}", code, answer.text())
        if remove:
            break
