# SPDX-License-Identifier: Apache-2.0
"""A real broker for Python tests.

    with Broker("my_test", version="3.9") as broker:
        broker.topic("orders", partitions=4)
        broker.kill9()
        broker.start()

The name keeps tests that run side by side apart. A broker dies with the test that started it, however that ends, and
its folder is removed when the test is content; after a failure the folder stays and its path is in the error.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Of the engine, by their names in a deployment.
OUTPUTS = "decisions notifications enforcement review_requests dead_letters policies journal changelog".split()


def wait_until(condition, what, patience_s):
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience_s:
            raise AssertionError(f"gave up: {what}")
        time.sleep(0.1)


class Broker:
    def __init__(self, name, version="4.1", brokers=1, secure=False, settings=None, profile="test"):
        self.name = name
        self._choices = ["--version", version, "--brokers", str(brokers), "--profile", profile]
        self._choices += ["--secure"] if secure else []
        for key, value in (settings or {}).items():
            self._choices += ["--set", f"{key}={value}"]
        self.bootstrap = None

    def run(self, command, *arguments):
        """Run a command of tools/kafka on this broker; its stdout."""
        program = [sys.executable, "-B", ROOT / "tools" / "kafka", command, *arguments, "--name", self.name]
        program = list(map(str, program))
        done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"tools/kafka {command} answered {done.returncode}: {done.stderr.strip()}")
        return done.stdout

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

    def start(self):
        """Start whatever does not run; the bootstrap address."""
        self.bootstrap = self.run("start", *self._choices, "--with-parent", os.getpid()).strip()
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


def kcat(bootstrap, *arguments, text=None, check=True):
    """stdout of kcat; librdkafka properties as `-X key=value`."""
    program = ["kcat", "-b", bootstrap, *arguments]
    done = subprocess.run(program, input=text, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(program)}: {done.stderr}")
    return done.stdout


def produce(bootstrap, topic, text, *options):
    kcat(bootstrap, "-q", "-P", "-t", topic, "-X", "acks=all", *options, text=text + "\n")


def consume(bootstrap, topic, *options):
    return kcat(bootstrap, "-q", "-C", "-t", topic, "-o", "beginning", "-e", *options).split()
