# SPDX-License-Identifier: Apache-2.0
"""A cluster of one or three brokers (each broker and controller in one process) and its folder.

    cluster.json          what it is: version, ports, settings; written once, then read by every command
    lock                  one command at a time
    ca.pem, ...           certificates, with --secure
    node-1/               process (pid and birth), server.properties, broker.log, data/

The folder has the whole state: a command finds the brokers by it, and a killed one comes back with its data and ports.
"""

import base64
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import secure
import wire
from install import ROOT, Kafka
from system import Process, Refusal, free_ports, say, write

START_S = 120
STOP_S = 20
ALONE_S = 3
PROFILES = {
    # Small, quick to start and quick to notice that a member is gone.
    "test": {
        "java": ["-XX:TieredStopAtLevel=1"],
        "heap": {1: "768m", 3: "512m"},
        "settings": {
            # After kill -9 the controller refuses the broker until its old session has ended.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.dedupe.buffer.size": 16 << 20,
            "num.network.threads": 2,
            "num.io.threads": 4,
        },
    },
    # The JVM's best code and Kafka's own settings.
    "bench": {"java": [], "heap": {1: "1g", 3: "1g"}, "settings": {}},
}
COMMON = {
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "log.retention.ms": -1,
    "offsets.topic.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 4,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
    "transaction.state.log.num.partitions": 4,
}


def random_id():
    """An id in Kafka's own spelling; its tools take one that starts with a dash for an option."""
    while True:
        text = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def named(name):
    """The cluster of that name in this checkout."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
        raise Refusal(f"'{name}' is no name for a cluster: letters, digits, _ . - after a letter")
    return Cluster(ROOT / "build" / "kafka" / name)


def all_named():
    return [Cluster(path.parent) for path in sorted((ROOT / "build" / "kafka").glob("*/cluster.json"))]


class Node:
    """One broker of a cluster."""

    def __init__(self, cluster, number):
        self.number = number
        self.folder = cluster.folder / f"node-{number}"
        self.ports = cluster.facts["nodes"][str(number)]
        self.address = f"127.0.0.1:{self.ports['PLAINTEXT']}"

    def process(self):
        return Process.read(self.folder / "process")

    def state(self):
        process = self.process()
        if process is None:
            return "stopped"
        return "paused" if process.state() == "T" else "running"

    def spawn(self, arguments):
        with open(self.folder / "broker.log", "a", encoding="utf-8") as log:
            child = subprocess.Popen(
                arguments, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        Process.of(child.pid).write(self.folder / "process")
        return child

    def log_tail(self):
        path = self.folder / "broker.log"
        return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""

    def kill(self):
        process = self.process()
        if process and not process.signal(signal.SIGKILL, wait_s=STOP_S):
            raise Refusal(f"process {process.pid} survived SIGKILL for {STOP_S} s")


class Cluster:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        path = self.folder / "cluster.json"
        self.facts = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def nodes(self, only=None):
        if self.facts is None:
            raise Refusal(f"no broker in {self.folder}; `tools/kafka status` lists those there are")
        if only is not None and str(only) not in self.facts["nodes"]:
            raise Refusal(f"no node {only}; there are {', '.join(self.facts['nodes'])}")
        return [Node(self, int(n)) for n in self.facts["nodes"] if only is None or int(n) == only]

    def bootstrap(self):
        return ",".join(node.address for node in self.nodes())

    # --- making ---

    def create(self, name, version, brokers=1, profile="test", settings=None, users=None, port=None, fetched=False):
        """Choose ports, write the configuration and format the storage. `users` {name: password} makes it secure.
        `port` is the first node's, where clients connect; without it any free one is."""
        kafka = Kafka(version)
        if not fetched:
            kafka.fetch()
        self._take_folder()
        listeners = ["PLAINTEXT", "CONTROLLER", *(secure.LISTENERS if users else [])]
        ports = free_ports(brokers * len(listeners))
        ports[0] = port or ports[0]
        facts = {
            "name": name,
            "version": kafka.version,
            "cluster_id": random_id(),
            "profile": profile,
            "settings": settings or {},
            "users": users or {},
            "nodes": {str(n + 1): dict(zip(listeners, ports[n * len(listeners) :])) for n in range(brokers)},
        }
        self.facts = facts
        if users:
            secure.make_certificates(self.folder, users)
        for node in self.nodes():
            (node.folder / "data").mkdir(parents=True)
            self._write_properties(node)
        self._format(kafka)
        self._remember()
        (self.folder / "unfinished").unlink()

    def _take_folder(self):
        """An empty folder, or what an interrupted `create` left of one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = {path.name for path in self.folder.iterdir()} - {"lock"}
        if found and "unfinished" not in found:
            raise Refusal(f"{self.folder} is neither empty nor a broker's; choose another folder")
        (self.folder / "unfinished").touch()
        for name in found - {"unfinished"}:
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _remember(self):
        write(self.folder / "cluster.json", json.dumps(self.facts, indent=2) + "\n")

    def change(self, settings):
        """Take over server properties; they hold for a node from its next start."""
        if settings:
            self.facts["settings"].update(settings)
            self._remember()

    def _write_properties(self, node):
        nodes = self.nodes()
        protocols = {name: "PLAINTEXT" if name == "CONTROLLER" else name for name in node.ports}
        outside = [f"{name}://127.0.0.1:{port}" for name, port in node.ports.items() if name != "CONTROLLER"]
        copies = len(nodes)
        enough = 2 if copies > 2 else 1
        properties = {
            "process.roles": "broker,controller",
            "node.id": node.number,
            "controller.quorum.voters": ",".join(f"{n.number}@127.0.0.1:{n.ports['CONTROLLER']}" for n in nodes),
            "listeners": ",".join([*outside, f"CONTROLLER://127.0.0.1:{node.ports['CONTROLLER']}"]),
            "advertised.listeners": ",".join(outside),
            "listener.security.protocol.map": ",".join(f"{name}:{value}" for name, value in protocols.items()),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": node.folder / "data",
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "share.coordinator.state.topic.replication.factor": copies,
            "min.insync.replicas": enough,
            "transaction.state.log.min.isr": enough,
            "share.coordinator.state.topic.min.isr": enough,
            **COMMON,
            **PROFILES[self.facts["profile"]]["settings"],
            **(secure.properties(self.folder, self.facts["users"]) if self.facts["users"] else {}),
            **self.facts["settings"],
        }
        write(node.folder / "server.properties", "".join(f"{key}={value}\n" for key, value in properties.items()))

    def _format(self, kafka):
        """Give every node the same first records: the version's features, and the SCRAM users if there are any."""
        source = kafka.bootstrap
        if self.facts["users"]:
            first = self.nodes()[0].folder
            kafka.format(first / "server.properties", self.facts["cluster_id"], self.facts["users"])
            source = first / "data"
        for node in self.nodes():
            data = node.folder / "data"
            if data != source:
                shutil.copytree(source, data, dirs_exist_ok=True)
            identity = f"cluster.id={self.facts['cluster_id']}\nnode.id={node.number}\ndirectory.id={random_id()}\n"
            write(data / "meta.properties", "version=1\n" + identity)

    # --- running ---

    def start(self, java_options=(), log_level="warn", with_parent=None, fetched=False):
        """Start the nodes that do not run and wait until all are in service."""
        kafka = Kafka(self.facts["version"])
        if not fetched:
            kafka.fetch()
        profile = PROFILES[self.facts["profile"]]
        heap = profile["heap"][len(self.facts["nodes"])]
        options = [f"-Xmx{heap}", *profile["java"], *java_options, "-Djava.awt.headless=true"]
        logger = "-Dorg.slf4j.simpleLogger"
        options += [f"{logger}.defaultLogLevel={log_level}", f"{logger}.showDateTime=true"]
        options += [f"{logger}.dateTimeFormat=HH:mm:ss.SSS", f"{logger}.showThreadName=false"]
        children = {}
        for node in self.nodes():
            if node.process() is None:
                self._write_properties(node)
                command = kafka.java_command("kafka.Kafka", node.folder / "server.properties", options=options)
                children[node] = node.spawn(command)
        if children and with_parent is not None:
            self._guard(children, with_parent)
        self._await(children)

    def _guard(self, children, parent):
        """Start a process that kills these brokers when `parent` has ended, whether or not this one still runs."""
        program = [sys.executable, "-B", __file__, str(parent), *(str(child.pid) for child in children.values())]
        nowhere = subprocess.DEVNULL
        subprocess.Popen(program, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)

    def _await(self, children):
        deadline = time.monotonic() + START_S
        nodes = [node for node in self.nodes() if node.state() != "paused"]
        waiting = list(nodes)
        while waiting:
            waiting = [node for node in waiting if len(wire.live_brokers(node.address)) < len(nodes)]
            dead = [node for node, child in children.items() if child.poll() is not None]
            late = time.monotonic() > deadline
            if dead or late:
                node = (dead or waiting)[0]
                for started in children:
                    started.kill()
                why = "ended at once" if dead else f"was not in service after {START_S} s"
                raise Refusal(f"node {node.number} {why}; the end of {node.folder / 'broker.log'}:\n{node.log_tail()}")
            if waiting:
                time.sleep(0.03)

    def stop(self, only=None):
        """Stop cleanly, all at once; kill what does not end. A node whose controllers have gone before it would wait
        for them for minutes."""
        stopping = [(node, node.process()) for node in self.nodes(only)]
        for _, process in stopping:
            if process:
                process.signal(signal.SIGCONT)
                process.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        alone = False
        while left := [node for node, process in stopping if process and process.alive()]:
            if not alone and 2 * sum(node.process() is not None for node in self.nodes()) <= len(self.facts["nodes"]):
                alone = True
                deadline = min(deadline, time.monotonic() + ALONE_S)
            if time.monotonic() > deadline:
                for node in left:
                    say(f"node {node.number} {'was left without a quorum' if alone else 'did not stop'} and was killed")
                    node.kill()
                return
            time.sleep(0.02)

    def kill(self, only=None):
        for node in self.nodes(only):
            node.kill()

    def signal(self, number, only=None):
        for node in self.nodes(only):
            process = node.process()
            if process is None:
                raise Refusal(f"node {node.number} does not run")
            process.signal(number)

    def remove(self):
        """Kill the brokers and remove all they wrote."""
        if self.facts:
            self.kill()
            shutil.rmtree(self.folder)
            self.facts = None

    # --- looking and helping ---

    def describe(self):
        """What `--json` prints."""
        nodes = self.nodes()
        states = {node.number: node.state() for node in nodes}
        description = {
            "name": self.facts["name"],
            "version": self.facts["version"],
            "bootstrap": self.bootstrap(),
            "folder": str(self.folder),
            "nodes": [],
        }
        for node in nodes:
            process = node.process()
            description["nodes"].append(
                {
                    "node": node.number,
                    "state": states[node.number],
                    "pid": process.pid if process else None,
                    "memory_mb": process.memory_mb() if process else 0,
                    "address": node.address,
                    "log": str(node.folder / "broker.log"),
                }
            )
        if self.facts["users"]:
            description["secure"] = secure.describe(self.folder, self.facts["users"], nodes)
        return description

    def _reachable(self):
        for node in self.nodes():
            if node.state() == "running":
                return node.address
        raise Refusal(f"{self.facts['name']} does not run; tools/kafka start --name {self.facts['name']}")

    def topic(self, name, partitions=1, replicas=-1, config=None):
        wire.create_topic(self._reachable(), name, partitions, replicas, config or {})

    def delete_records(self, name, partition, offset):
        wire.delete_records(self._reachable(), name, partition, offset)

    def acl(self, *arguments, **options):
        wire.change_acl(self._reachable(), *arguments, **options)


def guard(parent, pids):
    """Wait for the end of `parent` or of all the brokers; then no broker is left."""
    brokers = [descriptor for descriptor in (Process.of(pid).open() for pid in pids) if descriptor is not None]
    parent_end = Process.of(parent).open()
    while brokers and parent_end is not None:
        ended, _, _ = select.select([parent_end, *brokers], [], [])
        if parent_end in ended:
            break
        brokers = [descriptor for descriptor in brokers if descriptor not in ended]
    for broker in brokers:
        try:
            signal.pidfd_send_signal(broker, signal.SIGKILL)
        except ProcessLookupError:
            pass


if __name__ == "__main__":
    guard(int(sys.argv[1]), [int(pid) for pid in sys.argv[2:]])
