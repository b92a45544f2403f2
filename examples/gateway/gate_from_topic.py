#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway that keeps the enforcement topic in memory and answers itself. Needs python3-confluent-kafka.

    printf '%s\n' 'u-17 upload' 'u-18 stream' | gate_from_topic.py 127.0.0.1:9092 fairuse.enforcement.v1

Whatever goes wrong, audio goes on: until all is read, and when no broker has answered for a while, all are allowed.
"""

import contextlib
import datetime
import json
import sys
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

LATE_AFTER_S = 10
# Times of the topic are of one form, so their texts are in the order of time.
NEVER = "9999-12-31T23:59:59.999Z"
REFUSALS, OTHERS = ("hard_restricted", "ceiling", "budget_exhausted"), ("content_locked", "exempt")


class Gate:
    """Reads in a thread of its own. Threads: any may ask."""

    def __init__(self, bootstrap, topic):
        self.topic, self.rows, self.controls, self.controls_of = topic, {}, {}, ""
        # Offsets up to which each partition is read, and since when all that was committed is.
        self.read_to, self.known_at, self.is_known = {}, 0, threading.Event()
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "gateway", "enable.auto.commit": False,
                                  "isolation.level": "read_committed", "enable.partition.eof": True,
                                  "auto.offset.reset": "earliest"})  # fmt: skip
        threading.Thread(target=self.keep_reading, daemon=True).start()

    def keep_reading(self):
        while True:
            try:
                self.read_once()
            except KafkaException as problem:
                print(f"the gate cannot read {self.topic}: {problem}", file=sys.stderr)
                time.sleep(1)

    def read_once(self):
        """All that is committed, and what comes in the second after it."""
        asked_at = time.monotonic()
        if not self.read_to:
            self.begin()
        partitions = [TopicPartition(self.topic, each) for each in self.read_to]
        ends = {each.partition: self.consumer.get_watermark_offsets(each, timeout=2)[1] for each in partitions}
        while any(self.read_to[each] < end for each, end in ends.items()):
            if time.monotonic() > asked_at + LATE_AFTER_S:
                return
            self.take_some()
        self.known_at = asked_at
        self.is_known.set()
        while time.monotonic() < asked_at + 1:
            self.take_some()

    def begin(self):
        found = self.consumer.list_topics(self.topic, timeout=5).topics[self.topic]
        if found.error:
            raise KafkaException(found.error)
        self.consumer.assign([TopicPartition(self.topic, each, OFFSET_BEGINNING) for each in found.partitions])
        self.read_to = dict.fromkeys(found.partitions, 0)

    def take_some(self):
        for each in self.consumer.consume(1_000, timeout=0.1):
            if not each.error():
                # What is no row stops nothing.
                with contextlib.suppress(ValueError, LookupError):
                    self.take(each.key().decode(), each)
                self.read_to[each.partition()] = each.offset() + 1
            elif each.error().code() == KafkaError._PARTITION_EOF:
                self.read_to[each.partition()] = each.offset()

    def take(self, uid, record):
        if record.value() is None:
            self.rows.pop(uid, None)
            return
        row = json.loads(record.value())
        if not isinstance(row, dict):
            return
        if uid == "*":
            # Every partition says what holds for all: the newest counts.
            said_at = dict(record.headers())["ce_time"].decode()
            if said_at >= self.controls_of:
                self.controls, self.controls_of = row, said_at
        elif says_something(row) or uid in self.rows:
            self.rows[uid] = row | {"partition": record.partition()}

    def ask(self, uid, purpose):
        age_s = time.monotonic() - self.known_at
        if not self.is_known.is_set() or age_s > LATE_AFTER_S:
            return answer("view_late" if self.is_known.is_set() else "starting", degraded=True)
        now = datetime.datetime.now(datetime.timezone.utc)
        return answer_from(self.rows.get(uid), self.controls, purpose, now) | {"age_ms": int(age_s * 1000)}


def says_something(row):
    return row["stage"] != "none" or row["actions"] or any(row[each] for each in (*REFUSALS, *OTHERS))


def answer(reason, kind="allow", **more):
    return {"answer": kind, "reason": reason, "degraded": False, "locked": False, "actions": {}} | more


def answer_from(row, controls, purpose, now):
    """What POST /v1/gate says. A clock ends what a row says; it never makes a refusal."""
    if row is None:
        return answer("none")
    rests_on = {"epoch": row["epoch"], "partition": row["partition"]}
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if controls.get("kill_switch"):
        return answer("kill_switch", **rests_on)
    if not controls.get("enabled", True):
        return answer("disabled", **rests_on)
    if row["exempt"]:
        return answer("exempt", **rests_on)
    for reason in REFUSALS if purpose == "upload" else REFUSALS[2:]:
        if row[reason] and at < end_of(reason, row):
            return refusal(reason, row, now) | rests_on
    holds = at <= row.get("until", NEVER)
    actions = {name: value for name, value in row["actions"].items() if holds and name != "caps"}
    kind = "allow_locked" if row["content_locked"] else "allow_degraded" if actions else "allow"
    return answer("none", kind, **rests_on, locked=row["content_locked"], actions=actions)


def end_of(reason, row):
    if reason == "budget_exhausted":
        return row.get("budget_resets_at", NEVER)
    ends = row.get("retry_at", NEVER)
    return min(ends, row.get("until", NEVER)) if reason == "hard_restricted" else ends


def refusal(reason, row, now):
    of = "budget_" if reason == "budget_exhausted" else ""
    said = answer(reason, "refuse", limit_ms=row["budget_ms" if of else "limit_ms"], used_ms=row[f"{of}used_ms"])
    if (end := end_of(reason, row)) == NEVER:
        return said
    left = datetime.datetime.fromisoformat(end.replace("Z", "+00:00")) - now
    return said | {"resets_at": end, "retry_after_s": max(1, -(-left // datetime.timedelta(seconds=1)))}


def main():
    gate = Gate(*sys.argv[1:3])
    # Who takes no request before that refuses from the first one on.
    gate.is_known.wait(5)
    for line in sys.stdin:
        uid, purpose = line.rsplit(maxsplit=1)
        print(json.dumps(gate.ask(uid, purpose)), flush=True)


if __name__ == "__main__":
    main()
