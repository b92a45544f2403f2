# SPDX-License-Identifier: Apache-2.0
"""A broker's segment files, for facts that no client gets: which producer wrote a batch, and when it committed.

Record batches of version 2 (magic 2): https://kafka.apache.org/documentation/#recordbatch
"""

import struct

HEADER = struct.Struct(">qiibihiqqqhii")  # base offset ... records count
TRANSACTIONAL = 0x10
CONTROL = 0x20
COMMIT = 1


def _varint(data, at):
    """Zigzag varint at `at`; value and where it ends."""
    shift = result = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (result >> 1) ^ -(result & 1), at
        shift += 7


def batches(folder):
    """(attributes, producer id, last timestamp in s, records) of every whole batch, in their order."""
    for path in sorted(folder.glob("*.log")):
        data = path.read_bytes()
        at = 0
        while at + HEADER.size <= len(data):
            fields = HEADER.unpack_from(data, at)
            length, magic, attributes, last, producer = fields[1], fields[3], fields[5], fields[8], fields[9]
            if magic != 2 or length <= 0 or at + 12 + length > len(data):
                break
            yield attributes, producer, last / 1_000, data[at + HEADER.size : at + 12 + length], fields[12]
            at += 12 + length


def records(body, count):
    """(key, value) of an uncompressed batch."""
    at = 0
    for _ in range(count):
        length, at = _varint(body, at)
        end = at + length
        at += 1
        _, at = _varint(body, at)
        _, at = _varint(body, at)
        size, at = _varint(body, at)
        key = body[at : at + size] if size >= 0 else None
        at += max(size, 0)
        size, at = _varint(body, at)
        yield key, body[at : at + size] if size >= 0 else None
        at = end


def commits(folder):
    """(producer id, instant in s) of the commit markers of a partition."""
    for attributes, producer, at, body, count in batches(folder):
        if not attributes & CONTROL:
            continue
        for key, _ in records(body, count):
            if struct.unpack(">hh", key)[1] == COMMIT:
                yield producer, at


def producer_names(data):
    """producer id -> transactional.id, from the log of the transaction coordinator."""
    names = {}
    for folder in data.glob("__transaction_state-*"):
        for attributes, _, _, body, count in batches(folder):
            if attributes & CONTROL or attributes & 0x07:
                continue
            for key, value in records(body, count):
                if value is None or struct.unpack_from(">h", key)[0] != 0:
                    continue
                (size,) = struct.unpack_from(">h", key, 2)
                name = key[4 : 4 + size].decode()
                (producer,) = struct.unpack_from(">q", value, 2)
                names[producer] = name
    return names
