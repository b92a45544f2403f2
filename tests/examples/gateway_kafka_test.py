#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateways of examples/gateway that keep the enforcement topic in memory answer as POST /v1/gate does, for every
user and every row; while no broker answers they allow.
usage: gateway_kafka_test.py PROGRAM VERSION-OF-KAFKA [SEED]"""

import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.broker import Broker  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.go_programs import go_program  # noqa: E402
from support.kafka_mode import SHORT_TIMES, Instance, command, write_config  # noqa: E402
from support.listener import event, now  # noqa: E402
from support.process import ROOT, Failure, Process, need_module, wait_until  # noqa: E402
from support.records import murmur2  # noqa: E402

Producer = need_module("confluent_kafka", "python3-confluent-kafka").Producer

HOUR_MS = 3_600_000
PARTITIONS = 2
TOPIC = "gateway.enforcement"
EXAMPLES = ROOT / "examples" / "gateway"
TOKENS = token_line("gate", "gateway") + token_line("phone", "producer")
KNOWN = ["restricted", "spent", "throttled", "exempt", "erased", "plain", "unknown"]
QUESTIONS = ("stream", "upload")


class Gateway:
    """One of the examples, asked through its stdin."""

    def __init__(self, name, *words):
        self.name = name
        self.process = Process(*words, stdin=subprocess.PIPE)
        self.asked = 0

    def answers(self, questions):
        """Questions are (uid, purpose)."""
        self.process.stdin.write("".join(f"{uid} {purpose}\n" for uid, purpose in questions).encode())
        self.process.stdin.flush()
        begin, self.asked = self.asked, self.asked + len(questions)

        def written():
            check(self.process.runs(), f"{self.name} ended: {self.process.tail()}")
            lines = self.process.output().decode().splitlines()
            return lines[begin : self.asked] if len(lines) >= self.asked else None

        return [json.loads(each) for each in wait_until(written, f"{self.name} answers")]


def differs(engine, gateway):
    """Nothing but the moment of asking may."""
    left = [each.get("retry_after_s") for each in (engine, gateway)]
    if (None in left and left != [None, None]) or (None not in left and abs(left[0] - left[1]) > 2):
        return True
    apart = ("age_ms", "retry_after_s")
    return {k: v for k, v in engine.items() if k not in apart} != {k: v for k, v in gateway.items() if k not in apart}


def wait_until_alike(api, gateways, users):
    """The answers of all; views follow the topic at their own pace."""
    questions = [(uid, purpose) for uid in users for purpose in QUESTIONS]
    told, found = {}, None

    def alike():
        nonlocal found
        told["engine"] = [api.gate(*each) for each in questions]
        for each in gateways:
            told[each.name] = each.answers(questions)
            pairs = zip(questions, told["engine"], told[each.name])
            found = next(((each.name, *pair) for pair in pairs if differs(*pair[1:])), None)
            if found:
                return False
        return not any(each["degraded"] for each in told["engine"])

    try:
        wait_until(alike, "all answer alike", patience_s=60)
    except Failure:
        raise Failure(f"answers differ, or the engine's is degraded: {found}") from None
    return dict(zip(questions, told["engine"]))


def send(api, *events):
    answer = api.call("POST", "/v1/events", json.dumps(events), token="phone",
                      headers={"Content-Type": "application/cloudevents-batch+json"})  # fmt: skip
    equal({each["outcome"] for each in answer.json()["events"]}, {"accepted"}, "outcomes")


def operate(program, config, *words):
    code, told = command(program, "command", "--config", config, *words, "--actor", "ann", "--reason", "a test")
    equal(code, 0, told)


def as_the_engine_decides(program, config, api, gateways):
    send(api, *(event(f"day-{uid}", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, uid) for uid in KNOWN[:-1]))
    send(api, event("stt", "stt", {"ms": HOUR_MS}, "spent"), event("plan", "account", {"plan": "pro"}, "plain"))
    for uid in ("restricted", "spent", "exempt", "erased"):
        operate(program, config, "set_stage", uid, "restrict")
        api.wait_for(uid, lambda answer: answer["answer"] == "refuse", f"{uid} is restricted")
    send(api, event("stt-2", "stt", {"ms": HOUR_MS}, "spent"))
    operate(program, config, "set_stage", "throttled", "throttle")
    operate(program, config, "exempt", "exempt", "on")
    operate(program, config, "erase", "erased", "--yes")
    for uid, purpose, reason in (
        ("exempt", "upload", "exempt"),
        ("erased", "upload", "none"),
        ("spent", "stream", "budget_exhausted"),
    ):
        api.wait_for(uid, lambda answer, reason=reason: answer["reason"] == reason, f"{uid} is {reason}", purpose)
    api.wait_for("throttled", lambda answer: answer["answer"] == "allow_degraded", "the throttle")
    told = wait_until_alike(api, gateways, KNOWN)
    equal(told["restricted", "upload"]["reason"], "hard_restricted", "an upload of the restricted")
    equal(told["restricted", "stream"]["answer"], "allow", "a stream of the restricted")
    for switch, reason in (("kill_switch", "kill_switch"), ("enable", "disabled")):
        operate(program, config, switch, "on" if switch == "kill_switch" else "off")
        api.wait_for("restricted", lambda answer, reason=reason: answer["reason"] == reason, reason)
        wait_until_alike(api, gateways, KNOWN)
        operate(program, config, switch, "off" if switch == "kill_switch" else "on")
        api.wait_for("restricted", lambda answer: answer["answer"] == "refuse", f"{switch} back")
    wait_until_alike(api, gateways, KNOWN)


def instant(ago):
    return (now() - ago).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def some_row(draw, locked=False):
    """As the engine writes them, in any combination; times far enough from now."""

    def maybe(name):
        minutes = draw.choice((None, -1, 1))
        return {} if minutes is None else {name: instant(datetime.timedelta(minutes=minutes * draw.randint(10, 1_000)))}

    def truth():
        return draw.random() < 0.3

    row = {"stage": draw.choice(("none", "warning", "throttle", "restrict")), **maybe("since"), **maybe("until")}
    actions = {"stt_model": "economy", "vad_threshold": 0.25, "caps": "hard"}
    row["actions"] = {name: value for name, value in actions.items() if truth()}
    row |= {"hard_restricted": truth(), "ceiling": truth()}
    if row["hard_restricted"] or row["ceiling"]:
        row |= {"used_ms": draw.randint(1, HOUR_MS), "limit_ms": draw.randint(1, HOUR_MS), **maybe("retry_at")}
    row["budget_exhausted"] = truth()
    if row["budget_exhausted"]:
        row |= {"budget_used_ms": draw.randint(1, HOUR_MS), "budget_ms": draw.randint(1, HOUR_MS)}
        row |= maybe("budget_resets_at")
    row |= {"content_locked": locked or truth(), "exempt": truth()}
    if row["exempt"]:
        row |= maybe("exempt_until")
    return row | {"policy": {"name": "fair", "digest": "d"}, "epoch": draw.randint(1, 1_000_000)}


def controls(killed, enabled=True):
    return {"enabled": enabled, "kill_switch": killed, "policy": {"name": "fair", "digest": "d"}, "stages": {}, "epoch": 7}


class Rows:
    """A writer of rows, in transactions."""

    def __init__(self, bootstrap):
        self.producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "rows of a test"})
        self.producer.init_transactions(30)

    def write(self, rows, commit=True):
        """(uid, partition or None, row or None for a tombstone or text, instant)."""
        self.producer.begin_transaction()
        for uid, partition, row, at in rows:
            place = murmur2(uid.encode(), PARTITIONS) if partition is None else partition
            value = row if row is None or isinstance(row, str) else json.dumps(row, separators=(",", ":"))
            self.producer.produce(TOPIC, key=uid, value=value, partition=place, headers={"ce_time": at})
        # What is aborted was sent, too.
        equal(self.producer.flush(30), 0, "records that are not sent")
        (self.producer.commit_transaction if commit else self.producer.abort_transaction)(30)


def of_any_row(broker, api, gateways, seed):
    draw = random.Random(seed)
    users = [f"any {number:03}" for number in range(250)]
    rows = Rows(broker.bootstrap)
    at = instant(datetime.timedelta())
    # Who is erased comes back with something: of others it is an accident of memory whether a row is kept.
    erased = set(draw.sample(users, 40))
    for turn in range(4):
        rows.write([(uid, None, None if uid in erased and turn == 1 else some_row(draw, uid in erased), at)
                    for uid in users if turn == 1 or draw.random() < 0.7])  # fmt: skip
    told = wait_until_alike(api, gateways, users)
    reasons = {each["reason"] for each in told.values()}
    wanted = {"none", "hard_restricted", "ceiling", "budget_exhausted", "exempt"}
    check(reasons >= wanted, f"all that a row can say: {reasons}")
    # What is no row says nothing.
    rows.write([(uid, 0, text, at) for uid in ("*", "any 000") for text in ("", "{", "null", "[]", "7")])
    # What is aborted was never said.
    rows.write([(uid, None, some_row(draw), at) for uid in users] + [("*", 0, controls(True), at)], commit=False)
    rows.write([(users[0], None, some_row(draw), at)])
    before = {key: each.get("epoch") for key, each in told.items() if key[0] != users[0]}
    told = wait_until_alike(api, gateways, users[1:])
    equal({key: each.get("epoch") for key, each in told.items()}, before, "epochs")
    # The newest row of all partitions counts, whichever is read last.
    later = datetime.timedelta(hours=1)
    rows.write([("*", 1, controls(True), instant(-later))])
    rows.write([("*", 0, controls(False), instant(-later / 2))])
    rows.write([(users[1], None, some_row(draw), at)])
    told = wait_until_alike(api, gateways, users)
    equal({each["reason"] for each in told.values()}, {"none", "kill_switch"}, "reasons while the switch is on")
    rows.write([("*", 0, controls(False), instant(-2 * later))])
    told = wait_until_alike(api, gateways, users)
    check("kill_switch" not in {each["reason"] for each in told.values()}, "the switch is off again")


def while_the_broker_hangs_they_allow(broker, gateways):
    broker.pause()
    question = [("restricted", "upload")]
    for each in gateways:

        def late_answer(gateway=each):
            answer = gateway.answers(question)[0]
            return answer if answer["degraded"] else None

        late = wait_until(late_answer, f"{each.name} is late")
        equal((late["answer"], late["reason"]), ("allow", "view_late"), f"the answer of {each.name}")
    broker.resume()
    for each in gateways:
        wait_until(lambda each=each: each.answers(question)[0]["answer"] == "refuse", f"{each.name} reads again")


def main():
    program, version = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    with tempfile.TemporaryDirectory(prefix="fairuse-gateway-") as scratch, Broker("gateway", version) as broker:
        folder = pathlib.Path(scratch)
        (folder / "tokens").write_text(TOKENS, encoding="utf-8")
        api = {"tokens": "tokens"}
        config = write_config(folder / "kafka.yaml", broker.bootstrap, "gateway", streams=SHORT_TIMES, api=api)
        where = (broker.bootstrap, TOPIC)
        in_python = (sys.executable, "-B", EXAMPLES / "gate_from_topic.py")
        early = Gateway("before its topic", *in_python, *where)
        in_go = go_program(EXAMPLES / "go", "gate_from_topic")
        equal(early.answers([("restricted", "upload")])[0]["reason"], "starting", "an answer before there is a topic")
        code, told = command(program, "topics", "create", "--config", config, "--inputs", "--partitions", PARTITIONS)
        equal(code, 0, told)
        engine = Instance(program, config, folder / "one").start("--listen", "127.0.0.1:0")
        api = Api(engine.process)
        gateways = [early, Gateway("Python", *in_python, *where), Gateway("Go", in_go, *where)]
        as_the_engine_decides(program, config, api, gateways)
        # One that starts now reads what is there.
        gateways += [Gateway("Go, later", in_go, *where)]
        of_any_row(broker, api, gateways, seed)
        while_the_broker_hangs_they_allow(broker, gateways)
        engine.stop()
        print(f"gateways answer as the engine does: {', '.join(each.name for each in gateways)}; seed {seed}")


main()
