#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two reviewers and two notifiers share the work of a deployment; one of each is stopped and one is killed in the middle,
and comes back: every request has one verdict, nobody misses a message, and each of them did a part.
usage: group_test.py PROGRAM VERSION-OF-KAFKA"""

import collections
import json
import os
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import listener  # noqa: E402
from support.broker import Broker  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.people import Kafka, live  # noqa: E402
from support.process import wait_until  # noqa: E402
from support.webhook_stub import WebhookStub  # noqa: E402
from torture.people_test import POLICY, STAGES, told  # noqa: E402

USERS = [f"user-{i:02}" for i in range(24)]
# The others come when everybody is back, so that there is work left for who was killed: that one cannot say what it did
# before.
FIRST = USERS[:12]
BESIDE = ("reviewer-one", "reviewer-two", "notifier-one", "notifier-two")
# Behind so many messages, three a user: who is stopped, and who is killed.
DISTURBANCES = {10: ("reviewer-one", "notifier-two"), 30: ("notifier-one", "reviewer-two")}
DONE = {"reviewer": r"(\d+) verdicts, 0 failed", "notifier": r"(\d+) sent, 0 given up"}


def climb(deployment, hook, users, messages):
    """Signs of life of those of `users` who are not restricted yet, until users were told of so many stages."""
    for number in range(1, 400):
        by_user = told(hook)
        if sum(map(len, by_user.values())) >= messages:
            return
        waiting = [user for user in users if by_user[user][-1:] != STAGES[-1:]]
        deployment.send([listener.heartbeat(f"{messages}-{number}", user) for user in waiting])
        time.sleep(0.3)
    raise AssertionError(f"users were told of {dict(by_user)}")


def disturb(deployment, stopped, killed):
    deployment.kill(killed)
    deployment.stop_one(stopped)
    deployment.start_again(stopped)
    deployment.start_again(killed)


def done_by(deployment, name):
    """By those of its processes that were stopped."""
    said = deployment.log_of(name).read_text(encoding="utf-8")
    return sum(map(int, re.findall(DONE[name.partition("-")[0]], said)))


def check_everything(deployment, stub, hook):
    decisions = deployment.decisions()
    asked, answered = (
        sorted((each["subject"], each["data"]["request"]) for each in decisions if each["data"]["decision"] == kind)
        for kind in ("review_requested", "strike_added")
    )
    equal(answered, asked, "one verdict for each request")
    verdicts = collections.Counter(each["id"] for each in deployment.read("events") if "review" in each["type"])
    equal(set(verdicts.values()), {1}, "how often a verdict stands in its topic")
    equal(len(verdicts), len(asked), "verdicts")
    equal(told(hook), {user: STAGES for user in USERS}, "what users were told, in order")
    equal(len({each.id for each in hook.taken}), len(live(decisions, "notification")), "one id for each notification")
    equal(hook.wrong + hook.elsewhere + stub.wrong, [], "what was wrong with requests")
    ends = {each["id"] for each in deployment.read("notification-ends.v1", app="fairuse") if each["end"] == "sent"}
    equal(ends, {each.id for each in hook.taken}, "notifications that were sent")


def story(deployment, stub, hook):
    deployment.start([line for user in FIRST for line in listener.day(user)])
    for messages, (stopped, killed) in DISTURBANCES.items():
        climb(deployment, hook, FIRST, messages)
        disturb(deployment, stopped, killed)
    for name in BESIDE:
        deployment.await_start(name)
    deployment.send([line for user in USERS if user not in FIRST for line in listener.day(user)])
    climb(deployment, hook, USERS, len(STAGES) * len(USERS))
    wait_until(lambda: len({each.id for each in hook.taken}) >= len(STAGES) * len(USERS), "everybody was told of everything")
    deployment.stop()
    check_everything(deployment, stub, hook)
    done = {name: done_by(deployment, name) for name in BESIDE}
    check(all(done.values()), f"each did a part: {done}")
    deployment.verify()
    return done


def main():
    program, version = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="fairuse-group-") as name, \
            ChatStub(says="audiobook", latency=0.2) as stub, WebhookStub() as hook, \
            Broker(f"group_{version}_{os.getpid()}", version=version) as broker:  # fmt: skip
        folder = pathlib.Path(name)
        policy = folder / "policy.yaml"
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        done = story(Kafka(program, folder, stub, hook, policy, broker, partitions=4, beside=BESIDE), stub, hook)
        print(f"ok: {done}; {len(stub.asked)} calls, {len(hook.taken)} messages taken")


if __name__ == "__main__":
    main()
