#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three instances on a real broker, each of which answers for every user; they are killed while they are asked. No answer
that is not degraded may differ from the row on which it says it rests.
usage: gate_kafka_test.py PROGRAM VERSION-OF-KAFKA [KILLS]"""

import collections
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.broker import Broker, kcat  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.kafka_mode import SHORT_TIMES, Instance, command, write_config  # noqa: E402
from support.listener import event  # noqa: E402
from support.process import wait_until  # noqa: E402

HOUR_MS = 3_600_000
RESTRICTED = [f"bad-{number:02}" for number in range(12)]
FREE = [f"good-{number:02}" for number in range(12)]
USERS = RESTRICTED + FREE
TOKENS = token_line("gate", "gateway") + token_line("phone", "producer")


class Asker(threading.Thread):
    """Asks one instance about all users, and keeps every answer."""

    def __init__(self, instance, seed):
        super().__init__(daemon=True)
        self.instance, self.draw = instance, random.Random(seed)
        self.answers, self.over = [], False

    def run(self):
        while not self.over:
            process = self.instance.process
            try:
                api = Api(process)
                while not self.over and process is self.instance.process and process.runs():
                    uid = self.draw.choice(USERS)
                    self.answers.append((uid, api.gate(uid)))
            except (OSError, AssertionError):
                # It is being killed, or starts.
                time.sleep(0.05)


def rows_of(broker):
    """What the topic has said of each user, by partition and epoch."""
    rows = collections.defaultdict(dict)
    for line in kcat(broker.bootstrap, "-C", "-t", "gate.enforcement", "-e", "-q", "-X", "isolation.level=read_committed",
                     "-f", "%p %k %s\\n").splitlines():  # fmt: skip
        partition, key, value = line.split(" ", 2)
        if value:
            row = json.loads(value)
            rows[key][int(partition), row["epoch"]] = row
    return rows


def check_answers(answers, rows):
    wrong = []
    for uid, answer in answers:
        if answer["degraded"]:
            equal(answer["answer"], "allow", "a degraded answer allows")
            continue
        if "epoch" not in answer:
            if answer["answer"] != "allow":
                wrong.append((uid, answer, "rests on no row"))
            continue
        row = rows[uid].get((answer["partition"], answer["epoch"]))
        refused = row is not None and row["hard_restricted"]
        if row is None or refused != (answer["answer"] == "refuse"):
            wrong.append((uid, answer, row))
        elif refused and (answer["limit_ms"], answer["used_ms"], answer["resets_at"]) != (
            row["limit_ms"], row["used_ms"], row["retry_at"]):  # fmt: skip
            wrong.append((uid, answer, row))
    equal(wrong[:3], [], f"wrong answers, of {len(wrong)}")


def send(instances, events):
    """Through whichever instance answers."""
    for _ in range(200):
        for each in instances:
            if not each.runs():
                continue
            try:
                answer = Api(each.process, token="phone").call("POST", "/v1/events", json.dumps(events),
                                                               headers={"Content-Type": "application/cloudevents-batch+json"})  # fmt: skip
            except (OSError, AssertionError):
                continue
            if answer.status == 202:
                return {each["outcome"] for each in answer.json()["events"]}
        time.sleep(0.1)
    raise AssertionError("no instance takes events")


def operate(program, config, *words):
    code, told = command(program, "command", "--config", config, *words, "--actor", "ann", "--reason", "a test")
    equal(code, 0, told)


def kill_and_ask(program, broker, folder, kills):
    (folder / "tokens").write_text(TOKENS, encoding="utf-8")
    config = write_config(folder / "kafka.yaml", broker.bootstrap, "gate", streams=SHORT_TIMES, api={"tokens": "tokens"})
    code, told = command(program, "topics", "create", "--config", config, "--inputs", "--partitions", 3)
    equal(code, 0, told)
    listen = ("--listen", "127.0.0.1:0")
    instances = [Instance(program, config, folder / name) for name in ("one", "two", "three")]
    for each in instances:
        each.start(*listen)
    outcomes = send(instances, [event(f"day-{user}", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, user) for user in USERS])
    equal(outcomes, {"accepted"}, "outcomes")
    for user in RESTRICTED:
        operate(program, config, "set_stage", user, "restrict")
    for each in instances:
        api = Api(each.process)
        for user in RESTRICTED:
            api.wait_for(user, lambda answer: answer["answer"] == "refuse", f"{each.name} refuses {user}")
    askers = [Asker(each, seed) for seed, each in enumerate(instances)]
    for each in askers:
        each.start()
    draw = random.Random(3)
    for turn in range(kills):
        victim = draw.choice(instances)
        victim.kill9()
        time.sleep(draw.uniform(0, 0.3))
        victim.start(*listen)
        send([each for each in instances if each is not victim],
             [event(f"t-{turn}-{user}", "speech", {"lane": "realtime", "ms": 1}, user) for user in USERS])  # fmt: skip
        time.sleep(draw.uniform(0.2, 1.0))
    for each in instances:
        Api(each.process).wait_for(RESTRICTED[0], lambda answer: answer["answer"] == "refuse", f"{each.name} is back")
    for each in askers:
        each.over = True
        each.join()
    answers = [answer for each in askers for answer in each.answers]
    check_answers(answers, rows_of(broker))
    told = collections.Counter(answer["reason"] for _, answer in answers)
    check(told["hard_restricted"] > 0 and told["none"] > 0, f"answers of both kinds: {told}")
    # A broker that a busy machine keeps waiting for 10 s makes a view late.
    check(set(told) <= {"hard_restricted", "none", "starting", "view_late"}, f"degraded by a fault only: {told}")
    return instances, config, len(answers), told


def switches_reach_every_instance(program, instances, config):
    for on, reason in ((True, "kill_switch"), (False, "hard_restricted")):
        operate(program, config, "kill_switch", "on" if on else "off")
        for each in instances:
            Api(each.process).wait_for(RESTRICTED[0], lambda answer: answer["reason"] == reason, f"{reason} at {each.name}")


def without_a_broker_the_gate_opens(broker, instances):
    broker.kill9()
    for each in instances:
        api = Api(each.process)
        late = api.wait_for(RESTRICTED[0], lambda answer: answer["degraded"], f"the view of {each.name} grows old")
        equal((late["answer"], late["reason"]), ("allow", "view_late"), "answer and reason")
    broker.start()
    for each in instances:
        Api(each.process).wait_for(RESTRICTED[0], lambda answer: answer["answer"] == "refuse", f"{each.name} reads again")


def main():
    program, version = sys.argv[1:3]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 6
    with tempfile.TemporaryDirectory(prefix="fairuse-gate-") as scratch, Broker("gate", version) as broker:
        instances, config, asked, told = kill_and_ask(program, broker, pathlib.Path(scratch), kills)
        switches_reach_every_instance(program, instances, config)
        without_a_broker_the_gate_opens(broker, instances)
        for each in instances:
            each.stop()
        print(f"{kills} kills, {asked} answers: {dict(told)}")


main()
