#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three instances on a real broker, each of which answers for every user; they are killed while they are asked. No answer
that is not degraded may differ from the row on which it says it rests; what users see of themselves agrees with it; and
sessions side by side overspend a budget by no more than the leases that were open at a kill.
usage: gate_kafka_test.py PROGRAM VERSION-OF-KAFKA [KILLS]"""

import collections
import datetime
import gzip
import http.client
import itertools
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, free_port, token_line  # noqa: E402
from support.broker import Broker, consume, kcat  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.kafka_mode import SHORT_TIMES, Instance, command, make_topics, write_config  # noqa: E402
from support.listener import event, instant, now  # noqa: E402
from support.metrics import Status, documented  # noqa: E402
from support.process import ROOT, wait_until  # noqa: E402

HOUR_MS = 3_600_000
RESTRICTED = [f"bad-{number:02}" for number in range(12)]
FREE = [f"good-{number:02}" for number in range(12)]
USERS = RESTRICTED + FREE
# Whose budget is shared by sessions.
LEASED = [f"lease-{number}" for number in range(4)]
SESSIONS = 4
BUDGET_MS = 30 * 60_000
STATUS = "/v1/fair-use/status"
INSTANCE = json.loads((ROOT / "events" / "schemas" / "instance.v1.json").read_text(encoding="utf-8"))
TOKENS = (
    token_line("gate", "gateway")
    + token_line("phone", "producer")
    + "".join(token_line(uid, "user", uid=uid) for uid in USERS + LEASED)
)


class Asker(threading.Thread):
    """Asks one instance about all users, and keeps every answer."""

    def __init__(self, instance, seed):
        super().__init__(daemon=True)
        self.instance, self.draw = instance, random.Random(seed)
        self.answers, self.seen, self.over = [], [], False

    def ask(self, api):
        uid = self.draw.choice(USERS)
        if self.draw.random() < 0.1:
            answer = api.call("GET", STATUS, token=uid)
            check(answer.status in (200, 503), f"status {answer.status}: {answer.body}")
            if answer.status == 200:
                self.seen.append((uid, answer.json()))
        else:
            self.answers.append((uid, api.gate(uid)))

    def run(self):
        while not self.over:
            process = self.instance.process
            try:
                api = Api(process)
                while not self.over and process is self.instance.process and process.runs():
                    self.ask(api)
            except (OSError, AssertionError, http.client.HTTPException):
                # It is being killed, or starts.
                time.sleep(0.05)


class Session(threading.Thread):
    """Uses a budget in stretches, each under a lease of its own, through whichever instance answers."""

    def __init__(self, instances, uid, number):
        super().__init__(daemon=True)
        self.instances, self.uid, self.name = instances, uid, f"{uid}/{number}"
        self.draw = random.Random(self.name)
        self.open_ms = 0
        # Of each UTC day: a budget is a day's.
        self.spent_ms = collections.Counter()
        self.told, self.over = collections.Counter(), False

    def run(self):
        for stretch in range(100_000):
            if self.over:
                return
            try:
                self.use(Api(self.draw.choice(self.instances).process), stretch)
            except (OSError, AssertionError, http.client.HTTPException):
                time.sleep(0.05)

    def use(self, api, stretch):
        answer = api.gate(self.uid, "stream", session=f"{self.name}/{stretch}", planned_ms=self.draw.randint(300, 3_000))
        self.told[answer["reason"] if answer["reason"] != "none" else "lease" if "lease" in answer else "none"] += 1
        lease = answer.get("lease")
        if lease is None:
            time.sleep(0.1)
            return
        self.open_ms = lease["granted_ms"]
        stt = event(f"{self.name}/{stretch}", "stt", {"ms": lease["granted_ms"], "lease": lease["id"]}, self.uid)
        # Sent again after a kill, it is known.
        outcomes = send(self.instances, [stt])
        check(outcomes in ({"accepted"}, {"duplicate"}), f"{outcomes}")
        self.spent_ms[instant(stt["time"]).date()] += self.open_ms
        self.open_ms = 0


class Watcher(threading.Thread):
    """How much of each budget no committed state knew of: leases that are used, and STT that is sent and not yet committed.
    Whoever is the next owner knows no leases, and reads the STT first."""

    def __init__(self, instances, sessions):
        super().__init__(daemon=True)
        self.instances, self.sessions, self.draw = instances, sessions, random.Random(4)
        self.peaks, self.over = collections.Counter(), False

    def run(self):
        while not self.over:
            for uid in LEASED:
                try:
                    answer = Api(self.draw.choice(self.instances).process, token=uid).call("GET", STATUS)
                except (OSError, AssertionError, http.client.HTTPException):
                    continue
                if answer.status == 200 and "budget" in answer.json():
                    self.look(uid, answer.json()["budget"]["used_ms"])
            time.sleep(0.05)

    def look(self, uid, used_ms):
        # No more is given of a budget that is used up.
        if used_ms >= BUDGET_MS:
            return
        own = [each for each in self.sessions if each.uid == uid]
        told_ms = sum(each.spent_ms[now().date()] + each.open_ms for each in own)
        self.peaks[uid] = max(self.peaks[uid], told_ms - used_ms)


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


def check_instances(broker):
    """What they say of themselves is as its schema says."""
    said = kcat(broker.bootstrap, "-C", "-t", "gate.instances", "-e", "-q", "-f", "%k %s\\n").splitlines()
    check(said, "instances say what they own")
    for line in said:
        partition, value = line.split(" ", 1)
        check(int(partition) in range(3), f"{partition} is a partition")
        jsonschema.validate(json.loads(value), INSTANCE)


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


def check_statuses(seen, rows):
    """Each agrees with the last row of its partition up to its epoch."""
    for uid, status in seen:
        known = [(epoch, row) for (partition, epoch), row in rows[uid].items() if partition == status["partition"]]
        before = [each for each in sorted(known, key=lambda each: each[0]) if each[0] <= status["epoch"]]
        row = before[-1][1] if before else {"stage": "none", "hard_restricted": False}
        equal((status["stage"], status["uploads"]["refused"]), (row["stage"], row["hard_restricted"]), f"{uid} in {status}")


def check_budgets(instances, sessions, unknown):
    """What was used is what sessions say, and no more than the budget and what was unknown to new owners."""
    overspent = collections.Counter()
    for uid in LEASED:
        days = sum((each.spent_ms for each in sessions if each.uid == uid), collections.Counter())

        def counted(status, days=days):
            used, spent = status["budget"]["used_ms"], days[now().date()]
            # A budget that is used up is charged no more; the stretch that uses it up is charged whole.
            return used == spent or BUDGET_MS <= used < spent

        Api(instances[0].process, token=uid).wait_for_status(counted, f"the STT of {uid}, {days}")
        for day, spent in days.items():
            overspent[uid] = max(overspent[uid], spent - BUDGET_MS)
            check(spent <= BUDGET_MS + unknown[uid], f"{uid} used {spent} ms of {day}, {unknown[uid]} ms were unknown to new owners")
    told = sum((each.told for each in sessions), collections.Counter())
    check(told["lease"] > 0, f"leases were given: {told}")
    known = {"lease", "none", "budget_exhausted", "budget_reserved", "no_owner", "starting", "view_late"}
    check(set(told) <= known, f"nothing else: {told}")
    return f"{dict(told)}; overspent, in ms: {dict(overspent)}, of {dict(unknown)} unknown to new owners"


def send(instances, events):
    """Through whichever instance answers."""
    for _ in range(200):
        for each in instances:
            if not each.runs():
                continue
            try:
                answer = Api(each.process, token="phone").call("POST", "/v1/events", json.dumps(events),
                                                               headers={"Content-Type": "application/cloudevents-batch+json"})  # fmt: skip
            except (OSError, AssertionError, http.client.HTTPException):
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
    (folder / "forward.key").write_text("of this test alone, and long enough\n", encoding="utf-8")
    api = {"tokens": "tokens", "advertise": "http://127.0.0.1:1", "forward_key": "forward.key", "instances_topic": "gate.instances",
           "status_listen": "127.0.0.1:0", "limits": {"user": {"per_second": 0}}}
    config = write_config(folder / "kafka.yaml", broker.bootstrap, "gate", streams=SHORT_TIMES, api=api)
    code, told = command(program, "topics", "create", "--config", config, "--inputs", "--partitions", 3)
    equal(code, 0, told)
    instances = [Instance(program, config, folder / name) for name in ("one", "two", "three")]
    ports = {each.name: free_port() for each in instances}

    def start(each):
        port = ports[each.name]
        each.start("--listen", f"127.0.0.1:{port}", "--advertise", f"http://127.0.0.1:{port}")

    for each in instances:
        start(each)
    outcomes = send(instances, [event(f"day-{user}", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, user) for user in USERS])
    equal(outcomes, {"accepted"}, "outcomes")
    for user in RESTRICTED + LEASED:
        operate(program, config, "set_stage", user, "restrict")
    for each in instances:
        api = Api(each.process)
        for user in RESTRICTED:
            api.wait_for(user, lambda answer: answer["answer"] == "refuse", f"{each.name} refuses {user}")
    askers = [Asker(each, seed) for seed, each in enumerate(instances)]
    sessions = [Session(instances, uid, number) for uid in LEASED for number in range(SESSIONS)]
    watcher = Watcher(instances, sessions)
    for each in [*askers, *sessions, watcher]:
        each.start()
    draw = random.Random(3)
    for turn in range(kills):
        victim = draw.choice(instances)
        victim.kill9()
        time.sleep(draw.uniform(0, 0.3))
        start(victim)
        send([each for each in instances if each is not victim],
             [event(f"t-{turn}-{user}", "speech", {"lane": "realtime", "ms": 1}, user) for user in USERS])  # fmt: skip
        time.sleep(draw.uniform(0.2, 1.0))
    for each in instances:
        Api(each.process).wait_for(RESTRICTED[0], lambda answer: answer["answer"] == "refuse", f"{each.name} is back")
    for each in [*askers, *sessions, watcher]:
        each.over = True
        each.join()
    answers = [answer for each in askers for answer in each.answers]
    rows = rows_of(broker)
    check_answers(answers, rows)
    seen = [each for asker in askers for each in asker.seen]
    check(seen, "statuses were seen")
    check_statuses(seen, rows)
    check_instances(broker)
    leases = check_budgets(instances, sessions, watcher.peaks)
    told = collections.Counter(answer["reason"] for _, answer in answers)
    check(told["hard_restricted"] > 0 and told["none"] > 0, f"answers of both kinds: {told}")
    # A broker that a busy machine keeps waiting for 10 s makes a view late.
    check(set(told) <= {"hard_restricted", "none", "starting", "view_late"}, f"degraded by a fault only: {told}")
    return instances, config, f"{len(answers)} answers: {dict(told)}; {len(seen)} statuses; of sessions: {leases}"


def switches_reach_every_instance(program, instances, config, times):
    """How long each took, in ms, from the end of the command, which is durable then."""
    took = []
    for _ in range(times):
        for on, reason in ((True, "kill_switch"), (False, "hard_restricted")):
            operate(program, config, "kill_switch", "on" if on else "off")
            begun = time.monotonic()
            for each in instances:
                api = Api(each.process)
                api.wait_for(RESTRICTED[0], lambda answer: answer["reason"] == reason, f"{reason} at {each.name}")
                took.append(round((time.monotonic() - begun) * 1_000))
    return sorted(took)


def every_metric_stands_in_the_table(instances):
    wanted = sorted(documented("API", "wall", "Kafka"))
    for each in instances:
        status = Status(each.process)
        wait_until(lambda status=status: status.get("/readyz") == (200, "ok\n"), f"{each.name} is ready")
        wait_until(lambda status=status: sorted(status.figures().shapes()) == wanted, f"{each.name} has the metrics of the table")


def a_trace_goes_with_an_event_to_its_dead_letter(program, config, broker, instances):
    operate(program, config, "erase", "gone", "--yes")
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"Content-Type": "application/cloudevents+json", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    api = Api(instances[0].process, token="phone")
    ids = itertools.count()

    def is_named():
        """An event from before the erasure, in an epoch behind it."""
        late = event(f"late-{next(ids)}", "stt", {"ms": 1}, "gone", ago=datetime.timedelta(minutes=2))
        equal(api.call("POST", "/v1/events", json.dumps(late), headers=headers).status, 202, "status")
        lines = (line for each in instances for line in each.log_text().splitlines())
        return any("`erased`" in line and f", trace {trace}. " in line for line in lines)

    wait_until(is_named, "the log names the trace")
    kept = consume(broker.bootstrap, "gate.dead_letters", "-f", "%h\\n")
    check(any(f"traceparent={headers['traceparent']}" in each for each in kept), f"{kept} have the trace")


def an_event_that_no_record_can_hold_stops_nobody(instances):
    api = Api(instances[0].process, token="phone")
    headers = {"Content-Type": "application/cloudevents+json", "Content-Encoding": "gzip"}
    for more, status in ((1_040_000, 202), (1_048_000, 400)):
        large = event(f"large-{more}", "stt", {"ms": 1}) | {"extension": "x" * more}
        answer = api.call("POST", "/v1/events", gzip.compress(json.dumps(large).encode()), headers=headers)
        equal(answer.status, status, f"status of {more} bytes: {answer.body}")
    equal(answer.json()["reason"], "too_large", "reason")


def a_record_that_the_topic_does_not_take_stops_nobody(program, broker, folder):
    """The topic takes less than the deployment says."""
    make_topics(broker, "small", 1, max_message_bytes=100_000)
    config = write_config(folder / "small.yaml", broker.bootstrap, "small", streams=SHORT_TIMES,
                          api={"tokens": "tokens", "listen": "127.0.0.1:0"})  # fmt: skip
    one = Instance(program, config, folder / "small").start()
    one.wait_for_state("ready", 1)
    api, statuses = Api(one.process, token="phone"), {}

    def send_one(number):
        # Nothing that compresses.
        large = {"extension": random.Random(number).randbytes(100_000).hex()} if number % 4 == 0 else {}
        sent = json.dumps(event(f"e-{number}", "stt", {"ms": 1}) | large)
        headers = {"Content-Type": "application/cloudevents+json"}
        statuses[number] = api.call("POST", "/v1/events", sent, headers=headers).status

    threads = [threading.Thread(target=send_one, args=(number,)) for number in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    equal(statuses, {number: 413 if number % 4 == 0 else 202 for number in range(12)}, "statuses")
    one.stop()


def without_a_broker_the_gate_opens_and_events_are_refused(broker, instances):
    broker.kill9()
    for each in instances:
        api = Api(each.process)
        late = api.wait_for(RESTRICTED[0], lambda answer: answer["degraded"], f"the view of {each.name} grows old")
        equal((late["answer"], late["reason"]), ("allow", "view_late"), "answer and reason")
    # Those that have written before, and the one that has not.
    for each in instances:
        headers = {"Content-Type": "application/cloudevents+json"}
        answer = Api(each.process, token="phone").call("POST", "/v1/events", json.dumps(event("lost", "stt", {"ms": 1})), headers=headers)
        equal((answer.status, answer.json()["reason"]), (503, "not_durable"), f"an event at {each.name}")
    instances[0].stop()
    broker.start()
    for each in instances[1:]:
        Api(each.process).wait_for(RESTRICTED[0], lambda answer: answer["answer"] == "refuse", f"{each.name} reads again")


def main():
    program, version = sys.argv[1:3]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 6
    with tempfile.TemporaryDirectory(prefix="fairuse-gate-") as scratch, Broker("gate", version) as broker:
        instances, config, asked = kill_and_ask(program, broker, pathlib.Path(scratch), kills)
        took = switches_reach_every_instance(program, instances, config, max(1, kills // 3))
        every_metric_stands_in_the_table(instances)
        a_trace_goes_with_an_event_to_its_dead_letter(program, config, broker, instances)
        an_event_that_no_record_can_hold_stops_nobody(instances)
        a_record_that_the_topic_does_not_take_stops_nobody(program, broker, pathlib.Path(scratch))
        without_a_broker_the_gate_opens_and_events_are_refused(broker, instances)
        for each in instances:
            each.stop()
        print(f"{kills} kills, {asked}; a switch was seen after {took[len(took) // 2]} ms (median), {took[-1]} ms (latest)")


main()
