#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ladder end to end on the wall clock, against a model and a webhook of ours: a listener's day, then warning,
throttle and restrict, each told to the user, and back to nothing by timers.
usage: ladder_test.py PROGRAM local|threads|VERSION-OF-KAFKA"""

import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import listener  # noqa: E402
from support.broker import Broker, kcat, produce_events  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.kafka_mode import CASE_KEY, SHORT_TIMES, Instance, command, write_config  # noqa: E402
from support.process import ROOT, Process, wait_until  # noqa: E402
from support.webhook_stub import SECRET, WebhookStub  # noqa: E402

PROGRAM, MODE = sys.argv[1:]
POLICY = ROOT / "config" / "demo" / "ladder.yaml"
ENVIRONMENT = {**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY, "FAIRUSE_WEBHOOK_SECRET": SECRET, "FAIRUSE_INSTANCE": "one"}
UP = ["warning", "throttle", "restrict"]
DOWN = ["throttle", "warning", "none"]


def sections(stub, hook, with_engine=False):
    """Of the deployment. The first attempts fail, as they do in life."""
    beside = {"with_engine": True} if with_engine else {}
    reviewer = {"endpoint": stub.url, "prompts": str(ROOT / "config" / "prompts"), "model": "gpt-5.1"}
    notifier = {"url": hook.url, "product": "Example", "appeal": "https://example.com/appeal"}
    return {"reviewer": {**reviewer, **beside}, "notifier": {**notifier, "retry": {"first": "200ms", "most": "1s"}, **beside}}


def beside(config, state, *names):
    """The reviewer and the notifier, as processes of their own."""
    for name in names:
        yield Process(PROGRAM, name, "--config", config, "--state", state(name), env=ENVIRONMENT, log=state(f"{name}.log"))


class Local:
    def __init__(self, folder, stub, hook, with_engine):
        self.folder = folder
        self.input = folder / "events.ndjson"
        self.state = folder / "state"
        self.config = folder / "local.yaml"
        text = {"enabled": True, "source": "fairuse/test", "policies": {"live": str(POLICY)}, "streams": {"kind": "local"}}
        self.config.write_text(json.dumps(text | sections(stub, hook, with_engine)), encoding="utf-8")
        self.with_engine = with_engine
        self.processes = []

    def start(self, lines):
        self.input.write_text("".join(lines), encoding="utf-8")
        words = ["run", "--config", self.config, "--state", self.state, "--input", self.input]
        self.processes.append(Process(PROGRAM, *words, env=ENVIRONMENT, log=self.folder / "run.log"))
        wait_until(self.decisions, "the first decisions")
        if not self.with_engine:
            where = lambda name: self.folder / name if name.endswith(".log") else self.state  # noqa: E731
            self.processes += beside(self.config, where, "reviewer", "notifier")

    def send(self, line):
        with self.input.open("a", encoding="utf-8") as growing:
            growing.write(line)

    def decisions(self):
        done = Process(PROGRAM, "decisions", "--state", self.state)
        return [json.loads(each)["data"] for each in done.output().splitlines()] if done.wait() == 0 else []

    def stop(self):
        for each in reversed(self.processes):
            equal(each.stop(), 0, f"exit code of {each}")

    def verify(self):
        done = Process(PROGRAM, "verify", "--state", self.state, env=ENVIRONMENT)
        equal(done.wait(), 0, f"verify, which said {done.tail()}")


class Kafka:
    def __init__(self, folder, stub, hook, broker):
        self.folder, self.broker = folder, broker
        self.config = write_config(folder / "kafka.yaml", broker.bootstrap, "people", live=POLICY, streams=SHORT_TIMES,
                                   **sections(stub, hook))  # fmt: skip
        code, told = command(PROGRAM, "topics", "create", "--config", self.config, "--inputs", "--partitions", 2)
        equal(code, 0, told)
        self.engine = Instance(PROGRAM, self.config, folder / "one")
        self.processes = []

    def start(self, lines):
        produce_events(self.broker.bootstrap, "people.events", lines)
        self.engine.start()
        self.processes += beside(self.config, lambda name: self.folder / name, "reviewer", "notifier")

    def send(self, line):
        produce_events(self.broker.bootstrap, "people.events", [line])

    def decisions(self):
        words = ["-q", "-C", "-t", "people.decisions", "-o", "beginning", "-e", "-f", "%s\\n"]
        return [json.loads(each) for each in kcat(self.broker.bootstrap, *words).splitlines()]

    def stop(self):
        for each in reversed(self.processes):
            equal(each.stop(), 0, f"exit code of {each}, which said {each.tail()}")
        self.engine.stop()

    def verify(self):
        words = ["--config", self.config, "-o", self.folder / "all.capture"]
        code, told = command(PROGRAM, "capture", "export", *words)
        equal(code, 0, told)
        code, told = command(PROGRAM, "verify", self.folder / "all.capture")
        equal(code, 0, told)


def live(decisions, kind):
    return [each for each in decisions if each["decision"] == kind and each["slot"] == "live"]


def climb(deployment, hook):
    """Signs of life until the user is restricted; nobody else asks for a review."""
    for number in range(1, 300):
        told = [each.data.get("stage") for each in hook.taken]
        if told[-1:] == ["restrict"]:
            return
        deployment.send(listener.heartbeat(number))
        time.sleep(0.5)
    raise AssertionError(f"the user was told {told}, and never of restrict")


def story(deployment, stub, hook):
    deployment.start(listener.day(locale="de"))
    climb(deployment, hook)
    wait_until(lambda: [each["to"] for each in live(deployment.decisions(), "stage_changed")][-1:] == ["none"],
               "the stages end by themselves")  # fmt: skip
    deployment.stop()
    decisions = deployment.decisions()
    equal([each["to"] for each in live(decisions, "stage_changed")], UP + DOWN, "stages")
    equal([each.data["stage"] for each in hook.taken], UP, "what the user was told")
    check(all("FU-" in each.data["text"] for each in hook.taken), "each message names its case")
    check(all(each.data["locale"] == "de" for each in hook.taken), "messages are in the user's language")
    equal(hook.wrong + hook.elsewhere + stub.wrong, [], "what was wrong with requests")
    strikes = live(decisions, "strike_added")
    equal([(each["score"], each["usage_type"], each["model"]) for each in strikes], [(0.93, "audiobook", "gpt-5.1")] * 3,
          "verdicts")  # fmt: skip
    equal(len(live(decisions, "review_requested")), 3, "reviews")
    check(all(each["evidence"][0].startswith("listener-00-") for each in strikes), "evidence is conversations")
    deployment.verify()


def main():
    with tempfile.TemporaryDirectory(prefix="fairuse-ladder-") as name, \
            ChatStub(script=["429=1", "500"], says="audiobook") as stub, \
            WebhookStub(script=["500", "cut"]) as hook:  # fmt: skip
        folder = pathlib.Path(name)
        if MODE in ("local", "threads"):
            story(Local(folder, stub, hook, MODE == "threads"), stub, hook)
        else:
            with Broker(f"ladder_{MODE}_{os.getpid()}", version=MODE) as broker:
                story(Kafka(folder, stub, hook, broker), stub, hook)
    print(f"ok: {len(stub.asked)} calls, {len(hook.seen)} requests to the webhook")


if __name__ == "__main__":
    main()
