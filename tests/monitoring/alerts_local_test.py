#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each alert rings by its own fault, and no other does: an engine in local mode with an API, a reviewer and a notifier
beside it, under a real Prometheus and Alertmanager.
usage: alerts_local_test.py PROGRAM"""

import datetime
import json
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, free_port, token_line  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.listener import event, line  # noqa: E402
from support.monitor import Monitor  # noqa: E402
from support.people import ENVIRONMENT, sections  # noqa: E402
from support.process import ROOT, Process, wait_until  # noqa: E402
from support.webhook_stub import WebhookStub  # noqa: E402

HOUR_MS = 3_600_000
JOBS = {"engine": "fairuse", "reviewer": "fairuse-reviewer", "notifier": "fairuse-notifier"}
THRESHOLDS = {"fairuse_notifier_oldest_seconds > 900": "fairuse_notifier_oldest_seconds > 3"}
WHO = {"actor": "ann", "reason": "a test"}


def command(id, name, user, **data):
    return line(id, "admin", {"command": name, **WHO, **data}, user)


class Rig:
    """The three processes; each has its settings in a file of its own, so that a fault may be one of these."""

    def __init__(self, program, folder, chat, hook):
        self.program, self.folder, self.chat, self.hook = program, folder, chat, hook
        self.ports = {name: free_port() for name in JOBS}
        policy = folder / "ladder.yaml"
        shipped = (ROOT / "config/demo/ladder.yaml").read_text(encoding="utf-8")
        policy.write_text(shipped.replace("timeout: 60s", "timeout: 6s"), encoding="utf-8")
        self.base = {"enabled": True, "source": "fairuse/test", "streams": {"kind": "local"},
                     "policies": {"live": str(policy)},
                     "api": {"tokens": "tokens", "listen": "127.0.0.1:0", "status_listen": self.address("engine")}}  # fmt: skip
        (folder / "tokens").write_text(token_line("gate", "gateway") + token_line("phone", "producer"), encoding="utf-8")
        beside = sections(chat, hook)
        self.reviewer = {**beside["reviewer"], "listen": self.address("reviewer"), "retries": 0}
        self.notifier = {**beside["notifier"], "listen": self.address("notifier")}
        self.processes = {}
        self.input = folder / "in.ndjson"
        self.input.write_text("", encoding="utf-8")
        for name in JOBS:
            self.start(name)
            if name == "engine":
                self.send(line("first", "stt", {"ms": 1}))
                wait_until(lambda: any((folder / "state").glob("**/CURRENT")), "the store")

    def address(self, name):
        return f"127.0.0.1:{self.ports[name]}"

    def start(self, name, **settings):
        """The file is read at the start alone, so the next one may have other settings."""
        sections_now = {"reviewer": {**self.reviewer}, "notifier": {**self.notifier}}
        if name in sections_now:
            sections_now[name] |= settings
        config = self.folder / f"{name}.yaml"
        config.write_text(json.dumps(self.base | sections_now), encoding="utf-8")
        words = ["run", "--input", self.input] if name == "engine" else [name]
        self.processes[name] = Process(self.program, *words, "--config", config, "--state", self.folder / "state",
                                       env=ENVIRONMENT, log=self.folder / f"{name}.log")  # fmt: skip
        self.processes[name].wait_for_line("/metrics on port")

    def stop(self, name):
        self.processes.pop(name).stop()

    def send(self, *lines):
        with self.input.open("a", encoding="utf-8") as growing:
            growing.write("".join(lines))

    def listen_for_long(self, user):
        """Three hours of an audiobook: a review is asked for."""
        talk = {"conversation": f"c-{user}", "title": "Chapter 3", "duration_ms": 3 * HOUR_MS, "lane": "realtime"}
        self.send(line(f"c-{user}", "conversation", talk, user), line(f"s-{user}", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, user))


def a_process_that_is_gone(rig, monitor):
    for name, alert in (("reviewer", "FairuseReviewerDown"), ("notifier", "FairuseNotifierDown"), ("engine", "FairuseDown")):
        rig.processes[name].kill()
        monitor.expect_only(alert)
        rig.start(name)
        monitor.expect()


def senders_whose_events_are_refused(rig, monitor):
    monitor.expect_only("FairuseDeadLetters", each_turn=lambda: rig.send("no event\n"))
    monitor.expect()


def a_command_under_a_used_id(rig, monitor):
    rig.send(command("used", "reset", "u-1"))
    rig.send(command("used", "set_stage", "u-1", stage="none"))
    monitor.expect_only("FairuseCommandIdReused")
    monitor.expect()


def a_disk_that_takes_no_events(rig, monitor):
    api = Api(rig.processes["engine"], token="phone")
    spool = rig.folder / "state/spool"
    wait_until(lambda: not any(spool.glob("*")), "the last delivery is taken")
    if spool.exists():
        spool.rmdir()
    spool.write_text("no folder", encoding="utf-8")
    sent = json.dumps(event("w-1", "stt", {"ms": 1}))
    headers = {"Content-Type": "application/cloudevents+json"}
    monitor.expect_only("FairuseEventsUnwritten", each_turn=lambda: api.call("POST", "/v1/events", sent, headers=headers))
    spool.unlink()
    monitor.expect()


def an_engine_that_falls_behind(rig, monitor):
    over = threading.Event()

    def flood():
        ago = datetime.timedelta(minutes=5)
        for number in range(10_000_000):
            if over.is_set():
                return
            rig.send(*(line(f"f-{number}-{i}", "stt", {"ms": 0}, f"u-{i % 50}", ago=ago) for i in range(2_000)))

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    monitor.expect_only("FairuseLag")
    over.set()
    flooding.join()
    monitor.expect()


def a_webhook_that_fails(rig, monitor):
    rig.hook.fault_of = lambda *_: "500"
    rig.send(command("n-1", "set_stage", "u-told", stage="warning"))
    monitor.expect_only("FairuseNotifierStuck")
    rig.hook.fault_of = lambda *_: ""
    monitor.expect()
    rig.hook.fault_of = lambda *_: "410"
    rig.send(command("n-2", "set_stage", "u-never-told", stage="throttle"))
    monitor.expect_only("FairuseNotifierGaveUp")
    rig.hook.fault_of = lambda *_: ""
    monitor.expect()


def a_model_that_fails(rig, monitor):
    rig.stop("reviewer")
    rig.start("reviewer", breaker={"failures": 2, "pause": "1s"})
    monitor.expect()
    rig.chat.script.extend(1_000 * [("500", None)])
    for number in range(6):
        rig.listen_for_long(f"u-fails-{number}")
    monitor.expect_only("FairuseReviewerPaused", "FairuseReviewsFail")
    rig.chat.script.clear()
    # The next call finds that it answers again.
    rig.listen_for_long("u-well")
    monitor.let_an_hour_pass()
    monitor.expect()


def an_hour_whose_money_is_spent(rig, monitor):
    rig.stop("reviewer")
    # The hour counts the calls before the restart, too.
    rig.start("reviewer", per_hour={"requests": 1})
    monitor.expect()
    for number in range(2):
        rig.listen_for_long(f"u-costs-{number}")
    monitor.expect("FairuseReviewerMoneyUsedUp")
    # Later more reviews have failed than have a verdict, too.
    monitor.let_an_hour_pass()
    monitor.expect()


def many_who_are_restricted_at_once(rig, monitor):
    rig.stop("reviewer")
    rig.start("reviewer")
    monitor.expect()
    for number in range(15):
        rig.listen_for_long(f"u-much-{number}")
        rig.send(command(f"r-{number}", "set_stage", f"u-much-{number}", stage="restrict"))
    monitor.expect_only("FairuseRestrictionsJump")


# The last one rings for a day.
FAULTS = (
    a_process_that_is_gone,
    senders_whose_events_are_refused,
    a_command_under_a_used_id,
    a_disk_that_takes_no_events,
    an_engine_that_falls_behind,
    a_webhook_that_fails,
    a_model_that_fails,
    an_hour_whose_money_is_spent,
    many_who_are_restricted_at_once,
)


def main():
    with tempfile.TemporaryDirectory(prefix="fairuse-alerts-") as scratch, ChatStub() as chat, WebhookStub() as hook:
        folder = pathlib.Path(scratch)
        rig = Rig(sys.argv[1], folder, chat, hook)
        with Monitor(folder / "monitor", {JOBS[name]: port for name, port in rig.ports.items()}, THRESHOLDS) as monitor:
            wait_until(lambda: len(monitor.query("up == 1")) == len(JOBS), "all are scraped")
            monitor.expect()
            for fault in FAULTS:
                began = time.monotonic()
                fault(rig, monitor)
                print(f"ok      {fault.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        for name in list(rig.processes):
            rig.stop(name)


main()
