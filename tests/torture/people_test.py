#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Engine, reviewer, notifier and broker are killed at random while users climb the ladder: every request gets one
verdict, nobody misses a message, repeats carry one id, and the whole is decided again byte for byte.
usage: people_test.py PROGRAM local|VERSION-OF-KAFKA [KILLS [SEED]]"""

import collections
import json
import os
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import jsonschema  # noqa: E402
from support import listener  # noqa: E402
from support.broker import Broker  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.people import Kafka, Local, live  # noqa: E402
from support.process import ROOT, wait_until  # noqa: E402
from support.webhook_stub import WebhookStub  # noqa: E402

END = json.loads((ROOT / "events" / "schemas" / "notification-end.v1.json").read_text(encoding="utf-8"))
STAGES = ["warning", "throttle", "restrict"]
USERS = [f"user-{i:02}" for i in range(12)]
# Stages that outlast the test; a review that was asked for is answered, however often its reviewer is killed.
POLICY = {
    "name": "kills",
    "metering": {"bucket": "15s"},
    "lanes": {"realtime": "enforce", "sync": "enforce", "backfill": "meter", "custom": "meter"},
    "windows": {"daily": {"span": "24h", "cap": "2h"}},
    "plans": {"free": ["basic"]},
    "review": {"score": 0.7, "cooldown": "1s", "cleared": {"below": 0.35, "cooldown": "1s"}, "check_interval": "0s",
               "timeout": "30m", "lookback": "7d", "at_last_stage": "skip"},
    "ladder": {"counts": "qualifying", "steps": [
        {"stage": "warning", "notify": True, "ends_after": "2h", "falls_to": "none"},
        {"stage": "throttle", "notify": True, "strikes": 1, "within": "1h", "ends_after": "2h", "falls_to": "warning"},
        {"stage": "restrict", "notify": True, "strikes": 2, "within": "1h", "ends_after": "2h", "falls_to": "throttle"},
    ]},
    "budget": {"per_utc_day": "0s"},
}  # fmt: skip


def told(hook):
    """Stages that each user was told of, each id once, in the order in which they were taken first."""
    seen, by_user = set(), collections.defaultdict(list)
    for each in hook.taken:
        if each.id not in seen:
            seen.add(each.id)
            by_user[each.data["user"]].append(each.data["stage"])
    return by_user


def all_told(hook):
    by_user = told(hook)
    return all(by_user[user][-1:] == STAGES[-1:] for user in USERS)


def disturb(deployment, names, hook, kills, draw):
    """Signs of life of all users, and kills among them, until everybody was told of everything; kills that were done."""
    done = collections.Counter()
    number = 0
    while sum(done.values()) < kills or not all_told(hook):
        number += 1
        by_user = told(hook)
        waiting = [user for user in USERS if by_user[user][-1:] != STAGES[-1:]]
        if waiting:
            deployment.send([listener.heartbeat(number, user) for user in waiting])
        time.sleep(draw.uniform(0.05, 0.6))
        if sum(done.values()) < kills:
            name = draw.choice(names)
            deployment.kill(name)
            time.sleep(draw.uniform(0, 0.4))
            deployment.start_again(name)
            done[name] += 1
        check(number < 60 * (kills + 10), f"everybody is told in the end: {dict(by_user)}")
    return done


def check_everything(deployment, stub, hook):
    decisions = deployment.decisions()
    requests = [(each["subject"], each["data"]["request"]) for each in decisions
                if each["data"]["decision"] == "review_requested"]  # fmt: skip
    strikes = [(each["subject"], each["data"]["request"]) for each in decisions
               if each["data"]["decision"] == "strike_added"]  # fmt: skip
    equal(sorted(strikes), sorted(requests), "one verdict for each request")
    equal(len(set(strikes)), len(strikes), "no request has two")
    equal({user: told(hook)[user] for user in USERS}, {user: STAGES for user in USERS}, "what users were told, in order")
    equal(len(live(decisions, "notification")), len({each.id for each in hook.taken}), "one id for each notification")
    equal(hook.wrong + hook.elsewhere + stub.wrong, [], "what was wrong with requests")


def check_topics(deployment):
    """On Kafka a verdict stands once in its topic, and each notification has an end."""
    ends = deployment.read("notification-ends.v1", app="fairuse")
    for each in ends:
        jsonschema.validate(each, END)
    equal(len({each["id"] for each in ends if each["end"] == "sent"}), len(USERS) * len(STAGES), "notifications that were sent")
    ids = collections.Counter(each["id"] for each in deployment.read("events") if "review" in each["type"])
    equal({id for id, count in ids.items() if count > 1}, set(), "verdicts that stand twice")
    check(len(ids) == len(USERS) * len(STAGES), f"{len(ids)} verdicts")


def story(deployment, stub, hook, names, kills, seed):
    draw = random.Random(seed)
    deployment.start([line for user in USERS for line in listener.day(user)])
    done = disturb(deployment, names, hook, kills, draw)
    wait_until(lambda: all_told(hook), "everybody was told of everything")
    deployment.stop()
    check_everything(deployment, stub, hook)
    if isinstance(deployment, Kafka):
        check_topics(deployment)
    deployment.verify()
    return {"people": sum(done.values()), **{f"{name} killed": count for name, count in sorted(done.items())},
            "decisions": len(deployment.decisions()), "calls": len(stub.asked), "webhooks": len(hook.taken),
            "webhooks taken twice": len(hook.taken) - len({each.id for each in hook.taken})}  # fmt: skip


def kill_at_random(program, mode, kills, seed):
    """What was done, in numbers. `mode`: local, or a version of Kafka."""
    with tempfile.TemporaryDirectory(prefix="fairuse-people-") as name, \
            ChatStub(says="audiobook", latency=0.2) as stub, WebhookStub() as hook:  # fmt: skip
        folder = pathlib.Path(name)
        policy = folder / "policy.yaml"
        policy.write_text(json.dumps(POLICY), encoding="utf-8")
        names = ["engine", "reviewer", "notifier"]
        if mode == "local":
            return story(Local(program, folder, stub, hook, policy), stub, hook, names, kills, seed)
        with Broker(f"people_{mode}_{os.getpid()}", version=mode) as broker:
            names = names * 2 + ["broker"]
            return story(Kafka(program, folder, stub, hook, policy, broker), stub, hook, names, kills, seed)


if __name__ == "__main__":
    words = sys.argv[3:]
    print("ok:", kill_at_random(sys.argv[1], sys.argv[2], int(words[0]) if words else 10, int(words[1]) if words[1:] else 1))
