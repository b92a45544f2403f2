# SPDX-License-Identifier: Apache-2.0
"""A whole deployment: an engine in either mode, a reviewer and a notifier beside it, each a process with a name that can
be killed and started again.

    with ChatStub() as stub, WebhookStub() as hook:
        deployment = Local(program, folder, stub, hook, policy)
        deployment.start(lines)
        deployment.kill("reviewer")
        deployment.stop()
        deployment.verify()
"""

import json
import os

from support.broker import kcat, produce_events
from support.checks import equal
from support.kafka_mode import CASE_KEY, SHORT_TIMES, Instance, command, write_config
from support.process import ROOT, Process, wait_until
from support.webhook_stub import SECRET

ENVIRONMENT = {**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY, "FAIRUSE_WEBHOOK_SECRET": SECRET}
BESIDE = ("reviewer", "notifier")
# Before a process says so, a signal ends it as it ends any.
RUNS = {"engine": "reading", "reviewer": "model", "notifier": "notifying at"}


def sections(stub, hook, with_engine=False):
    """Of the deployment's file."""
    beside = {"with_engine": True} if with_engine else {}
    reviewer = {"endpoint": stub.url, "prompts": str(ROOT / "config" / "prompts"), "model": "gpt-5.1"}
    notifier = {"url": hook.url, "product": "Example", "appeal": "https://example.com/appeal"}
    return {"reviewer": {**reviewer, **beside}, "notifier": {**notifier, "retry": {"first": "200ms", "most": "1s"}, **beside}}


class Deployment:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.processes = {}

    def run(self, name, *words, instance="one"):
        """One process, by its name; its log goes on over its starts."""
        env = {**ENVIRONMENT, "FAIRUSE_INSTANCE": instance}
        self.processes[name] = Process(self.program, *words, env=env, log=self.log_of(name))

    def log_of(self, name):
        return self.folder / f"{name}.log"

    def run_beside(self, name):
        """`reviewer`, or `reviewer-two` for another instance."""
        kind, _, instance = name.partition("-")
        self.run(name, kind, "--config", self.config, "--state", self.state_of(name), instance=instance or "one")

    def kill(self, name):
        self.processes[name].kill()

    def start_again(self, name):
        if name == "engine":
            self.run_engine()
        else:
            self.run_beside(name)

    def await_start(self, name):
        process = self.processes[name]
        process.wait_for_line(RUNS[name.partition("-")[0]])
        return process

    def stop_one(self, name):
        process = self.await_start(name)
        equal(process.stop(), 0, f"exit code of the {name}, which said {process.tail()}")

    def stop(self):
        """The engine last."""
        for name in sorted(self.processes, key=lambda name: name == "engine"):
            self.stop_one(name)


class Local(Deployment):
    def __init__(self, program, folder, stub, hook, policy, with_engine=False):
        super().__init__(program, folder)
        self.input, self.state, self.config = folder / "events.ndjson", folder / "state", folder / "local.yaml"
        text = {"enabled": True, "source": "fairuse/test", "policies": {"live": str(policy)}, "streams": {"kind": "local"}}
        self.config.write_text(json.dumps(text | sections(stub, hook, with_engine)), encoding="utf-8")
        self.beside = () if with_engine else BESIDE

    def state_of(self, name):
        return self.state

    def run_engine(self):
        self.run("engine", "run", "--config", self.config, "--state", self.state, "--input", self.input)

    def start(self, lines):
        self.input.write_text("".join(lines), encoding="utf-8")
        self.run_engine()
        wait_until(self.decisions, "the first decisions")
        for name in self.beside:
            self.run_beside(name)

    def send(self, lines):
        with self.input.open("a", encoding="utf-8") as growing:
            growing.write("".join(lines))

    def decisions(self):
        done = Process(self.program, "decisions", "--state", self.state)
        return [json.loads(each) for each in done.output().splitlines()] if done.wait() == 0 else []

    def verify(self):
        done = Process(self.program, "verify", "--state", self.state, env=ENVIRONMENT)
        equal(done.wait(), 0, f"verify, which said {done.tail()}")


class Kafka(Deployment):
    def __init__(self, program, folder, stub, hook, policy, broker, partitions=2, beside=BESIDE):
        super().__init__(program, folder)
        self.broker = broker
        self.beside = beside
        self.config = write_config(folder / "kafka.yaml", broker.bootstrap, "people", live=policy, streams=SHORT_TIMES,
                                   **sections(stub, hook))  # fmt: skip
        words = ["topics", "create", "--config", self.config, "--inputs", "--partitions", partitions]
        code, told = command(program, *words)
        equal(code, 0, told)
        self.engine = Instance(program, self.config, folder / "one")

    def state_of(self, name):
        return self.folder / name

    def start(self, lines):
        self.send(lines)
        self.engine.start()
        for name in self.beside:
            self.run_beside(name)

    def send(self, lines):
        produce_events(self.broker.bootstrap, "people.events", lines)

    def kill(self, name):
        if name == "broker":
            self.broker.kill9()
        elif name == "engine":
            self.engine.kill9()
        else:
            super().kill(name)

    def start_again(self, name):
        if name == "broker":
            self.broker.start()
        elif name == "engine":
            self.engine.start()
        else:
            super().start_again(name)

    def read(self, topic, app="people"):
        """Values, as they are committed."""
        words = ["-q", "-C", "-t", f"{app}.{topic}", "-o", "beginning", "-e", "-X", "isolation.level=read_committed"]
        return [json.loads(each) for each in kcat(self.broker.bootstrap, *words, "-f", "%s\n").splitlines() if each]

    def decisions(self):
        words = ["-q", "-C", "-t", "people.decisions", "-o", "beginning", "-e", "-X", "isolation.level=read_committed"]
        lines = kcat(self.broker.bootstrap, *words, "-f", "%k\t%h\t%s\n").splitlines()
        return [decision_of(*each.split("\t", 2)) for each in lines if each]

    def stop(self):
        super().stop()
        self.engine.stop()

    def verify(self):
        capture = self.folder / "all.capture"
        code, told = command(self.program, "capture", "export", "--config", self.config, capture)
        equal(code, 0, told)
        code, told = command(self.program, "verify", capture)
        equal(code, 0, told)


def decision_of(key, headers, value):
    """Of a record, as local mode prints it."""
    time = next(each for each in headers.split(",") if each.startswith("ce_time="))
    return {"subject": key, "time": time.removeprefix("ce_time="), "data": json.loads(value)}


def live(decisions, kind):
    """What `kind` of decision says, of the live slot."""
    return [each["data"] for each in decisions if (each["data"]["decision"], each["data"]["slot"]) == (kind, "live")]
