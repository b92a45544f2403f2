#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A topic with everything in it that is no event: each record becomes one dead letter, byte for byte, and nothing else
changes.

usage: poison_test.py FAIRUSE
"""

import itertools
import json
import os
import pathlib
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker  # noqa: E402
from support.kafka_mode import Instance, make_topics, write_config  # noqa: E402
from support.process import ROOT, wait_until  # noqa: E402
from support.records import Record, murmur2, read, write  # noqa: E402
from support.traffic import admin, line, ms, now_ms, speech, time_text  # noqa: E402

FAIRUSE = sys.argv.pop(1)
PARTITIONS = 2
# The engine judges the share over a minute and 10,000 records.
WINDOW_RECORDS = 12_000


def as_bytes(text):
    return None if text is None else text.encode("latin-1")


def put_together(value, instants):
    """A value of the corpus as bytes."""
    if isinstance(value, list):
        return b"".join(as_bytes(one) if isinstance(one, str) else as_bytes(one[0]) * one[1] for one in value)
    return as_bytes(at_instants(value, instants))


def at_instants(text, instants):
    for name, instant in instants.items():
        text = text.replace("{" + name + "}", instant) if text is not None else None
    return text


def partition_of(key):
    return murmur2(key, PARTITIONS)


def corpus(topic):
    """[(name, reason, record)]"""
    shifts = {"now": "-2s", "past": "-30d", "before": "-1m", "future": "+2d"}
    instants = {name: time_text(now_ms() + ms(shift)) for name, shift in shifts.items()}
    made = []
    for text in (ROOT / "tests" / "data" / "poison" / "records.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(text)
        key = as_bytes(row["key"])
        headers = [(name, as_bytes(at_instants(value, instants))) for name, value in row.get("headers", [])]
        partition = partition_of(key or b"")
        if row.get("where") == "elsewhere":
            partition = 1 - partition
        made.append((row["name"], row["reason"],
                     Record(topic, partition, key, put_together(row["value"], instants), headers)))
    return made


def event(topic, text):
    """A line of traffic.py as a record under its subject."""
    subject = json.loads(text)["subject"].encode()
    return Record(topic, partition_of(subject), subject, text.strip().encode())


def good(topic, number, count):
    """As many users, each with something to decide."""
    names, at = [f"{number}-{i}" for i in range(count)], now_ms() - ms("1s")
    return [event(topic, admin(f"good-{name}", f"g-{name}", at, "set_stage", stage="warning")) for name in names]


def header(record, name):
    """The last one counts."""
    found = [value for each, value in record.headers if each == name]
    return found[-1] if found else None


class Poison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(f"poison_test_{os.getpid()}", "3.9"))
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="fairuse-poison-")))

    def instance(self, app, input_of=None, stop=0):
        """An engine with topics of its own, on its own input or another's."""
        make_topics(self.broker, app, PARTITIONS, max_message_bytes=4_000_000)
        streams = {"inputs": [f"{input_of or app}.events"], "record_bytes_max": "2MiB"}
        streams["dead_letter_share"] = {"alarm": 0.01, "stop": stop}
        config = write_config(self.folder / f"{app}.yaml", self.broker.bootstrap, app, streams=streams)
        made = Instance(FAIRUSE, config, self.folder / app, name="one")
        self.addCleanup(lambda: made.runs() and made.kill9())
        return made

    def run_to_end(self, instance):
        self.assertEqual(instance.start("--until-end").process.wait(), 0, instance.process.tail())

    def read(self, app, output):
        return read(self.broker.bootstrap, f"{app}.{output}", PARTITIONS)

    def state(self, app):
        """The rows that the changelog comes to, without what it says of itself."""
        rows = {}
        for each in self.read(app, "changelog"):
            rows[each.partition, each.key] = each.value
        return {key: value for key, value in rows.items() if value is not None and key[1] != b"m"}

    def check_dead_letters(self, topic, dead, poison):
        """One for each record, with all that it had, and why."""
        sent = {(each.partition, each.offset): each for each in read(self.broker.bootstrap, topic, PARTITIONS)}
        self.assertEqual(len(dead), len(poison))
        seen = []
        for each in dead:
            origin = int(header(each, "fairuse.error.partition")), int(header(each, "fairuse.error.offset"))
            original = sent.pop(origin)
            self.assertEqual((each.key, each.value), (original.key, original.value))
            self.assertEqual(each.headers[: len(original.headers)], original.headers)
            added = [name for name, _ in each.headers[len(original.headers) :]]
            self.assertTrue(all(name.startswith("fairuse.error.") for name in added), added)
            self.assertEqual(header(each, "fairuse.error.topic"), topic.encode())
            self.assertTrue(header(each, "fairuse.error.remedy"))
            why = header(each, "fairuse.error.reason").decode()
            seen.append((original.key, original.value, original.headers, why))
        for name, reason, record in poison:
            with self.subTest(name):
                reasons = [why for *sent, why in seen if sent == [record.key, record.value, record.headers]]
                self.assertIn(reason, reasons)

    def test_every_record_becomes_one_dead_letter_and_changes_nothing(self):
        topic = "once.events"
        one = self.instance("once")
        poison = corpus(topic)
        first = good(topic, 1, 40)
        gone = [event(topic, speech("u-gone", "s-gone", now_ms() - ms("5s"))),
                event(topic, line("erasure", "u-gone", "x-gone", now_ms() - ms("3s"), {"actor": "privacy"}))]
        write(self.broker.bootstrap, first + gone)
        self.run_to_end(one)
        between = good(topic, 2, len(poison))
        write(self.broker.bootstrap, [each for pair in zip(between, [row[2] for row in poison]) for each in pair])
        self.run_to_end(one)
        dead = self.read("once", "dead_letters")
        self.check_dead_letters(topic, dead, poison)
        decided = {each.key for each in self.read("once", "decisions")}
        self.assertEqual(decided - {b"*", b"u-gone"}, {each.key for each in first + between})

        before = self.state("once"), len(self.read("once", "decisions"))
        write(self.broker.bootstrap, [record for _, _, record in poison])
        self.run_to_end(one)
        again = self.read("once", "dead_letters")
        self.assertEqual(len(again), 2 * len(poison))
        self.check_dead_letters(topic, [each for each in again if each not in dead], poison)
        self.assertEqual((self.state("once"), len(self.read("once", "decisions"))), before)
        print(f"{len(poison)} records of poison, twice: {len(again)} dead letters, {len(decided)} users decided")

    def test_a_broken_stream_is_reported_and_stops_an_engine_that_is_configured_so(self):
        topic = "patient.events"
        patient, strict = self.instance("patient"), self.instance("strict", input_of="patient", stop=0.05)
        poisoned = [row[2] for row in corpus(topic) if len(row[2].value or b"") < 1_000]
        # A few first: shares are counted from the engine's first record.
        write(self.broker.bootstrap, good(topic, 3, 20))
        goes_on, stops = patient.start().process, strict.start().process
        wait_until(lambda: all(self.read(app, "decisions") for app in ("patient", "strict")), "both engines decide")
        at = now_ms() - ms("1s")
        mixed = [event(topic, speech(f"user-{i % 500}", f"m-{i}", at, 1)) for i in range(WINDOW_RECORDS)]
        for i in range(0, WINDOW_RECORDS, 10):
            mixed[i] = poisoned[i // 10 % len(poisoned)]
        write(self.broker.bootstrap, mixed)
        # It is noticed at the first record after the minute.
        for serial in itertools.count():
            if not stops.runs():
                break
            self.assertLess(serial, 480, stops.tail())
            write(self.broker.bootstrap, [event(topic, speech("user-1", f"later-{serial}", now_ms() - ms("1s"), 1))])
            time.sleep(0.5)
        self.assertEqual(stops.code, 1, stops.tail())
        self.assertIn("of the records became dead letters", strict.log_text())
        self.assertIn("Stopped, as streams.dead_letter_share.stop says", strict.log_text())
        goes_on.wait_for_line("of the records became dead letters")
        patient.stop()


if __name__ == "__main__":
    unittest.main()
