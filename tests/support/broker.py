# SPDX-License-Identifier: Apache-2.0
"""A real broker for Python tests.

    with Broker("my_test", version="3.9") as broker:
        broker.topic("orders", partitions=4)
        broker.kill9()
        broker.start()

The name keeps tests that run side by side apart. A broker ends with the process that started it, however that ends, and
its folder is removed when the test has passed; after a failure the folder stays and its path is printed.
"""

import json
import os
import sys

from support.process import ROOT, run


class Broker:
    def __init__(self, name, version="4.1", brokers=1, secure=False, settings=None, profile="test", users=()):
        self.name = name
        self._choices = ["--version", version, "--brokers", str(brokers), "--profile", profile]
        self._choices += ["--secure"] if secure else []
        for user in users:
            self._choices += ["--user", f"{user}:{user}-secret"]
        for key, value in (settings or {}).items():
            self._choices += ["--set", f"{key}={value}"]
        self.bootstrap = None

    def run(self, command, *arguments):
        """Run a command of tools/kafka on this broker; its stdout."""
        tool = [sys.executable, "-B", ROOT / "tools" / "kafka"]
        return run(*tool, command, *arguments, "--name", self.name, code=0).stdout

    def __enter__(self):
        self.reset()
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            self.reset()
        else:
            self.kill9()
            print(f"the broker's folder is kept: {ROOT / 'build' / 'kafka' / self.name}", file=sys.stderr)

    def start(self, with_parent=True):
        """Start the nodes that do not run; the bootstrap address. `with_parent`: until this process ends."""
        parent = ["--with-parent", os.getpid()] if with_parent else []
        self.bootstrap = self.run("start", *self._choices, *parent).strip()
        return self.bootstrap

    def stop(self, node=None):
        self.run("stop", *self._only(node))

    def kill9(self, node=None):
        self.run("kill9", *self._only(node))

    def pause(self, node=None):
        self.run("pause", *self._only(node))

    def resume(self, node=None):
        self.run("resume", *self._only(node))

    def reset(self):
        self.run("reset")

    def topic(self, name, partitions=1, **config):
        settings = [f"--config={key.replace('_', '.')}={value}" for key, value in config.items()]
        self.run("topic", name, "--partitions", partitions, *settings)

    def delete_records(self, topic, partition, offset):
        self.run("delete-records", topic, partition, offset)

    def acl(self, user, operations, resource, *options):
        self.run("acl", user, operations, resource, *options)

    def status(self):
        """As `tools/kafka status --json`: state and pid of each node, addresses, files."""
        return json.loads(self.run("status", "--json"))

    def states(self):
        return [node["state"] for node in self.status()["nodes"]]

    @staticmethod
    def _only(node):
        return [] if node is None else ["--node", node]


def kcat(bootstrap, *arguments, text=None, code=0):
    """stdout of kcat; librdkafka properties as `-X key=value`."""
    given = {} if text is None else {"input": text}
    return run("kcat", "-b", bootstrap, *arguments, code=code, timeout=60, **given).stdout


def produce(bootstrap, topic, text, *options):
    kcat(bootstrap, "-q", "-P", "-t", topic, "-X", "acks=all", *options, text=text + "\n")


def produce_events(bootstrap, topic, lines, *options):
    """Lines of traffic.py, or (key, value), to the partitions that Java producers choose."""
    pairs = [(json.loads(each)["subject"], each.strip()) if isinstance(each, str) else each for each in lines]
    text = "\n".join(f"{key}\t{value}" for key, value in pairs)
    produce(bootstrap, topic, text, "-K", "\t", "-X", "partitioner=murmur2", *options)


def consume(bootstrap, topic, *options):
    """Words, or lines without spaces, from the topic's beginning to where it ends now."""
    return kcat(bootstrap, "-q", "-C", "-t", topic, "-o", "beginning", "-e", *options).split()
