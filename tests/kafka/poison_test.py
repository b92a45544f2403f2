#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A topic with everything in it that is no event: each record becomes one dead letter, byte for byte, and nothing else
changes.

usage: poison_test.py FAIRUSE
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from broker import OUTPUTS, ROOT, Broker
from records import Record, murmur2, read, write

sys.path.insert(0, str(ROOT / "tests" / "cli"))

from traffic import DAY_MS, MINUTE_MS, admin, line, speech  # noqa: E402

FAIRUSE = sys.argv.pop(1)
PARTITIONS = 2
COMPACTED = ("enforcement", "policies", "changelog")
# The engine judges the share over a minute and 10,000 records.
WINDOW_RECORDS = 12_000
PATIENCE_S = 240

CONFIG = """
enabled: true
source: fairuse/poison
policies: {{live: {policy}}}
streams:
  kind: kafka
  bootstrap: {bootstrap}
  app: {app}
  inputs: [{input}]
  outputs: {{{outputs}}}
  record_bytes_max: 2MiB
  dead_letter_share: {{alarm: 0.01, stop: {stop}}}
"""


def now_ms():
    return int(time.time() * 1000)


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
    base = now_ms()
    shifts = {"now": -2_000, "past": -30 * DAY_MS, "before": -MINUTE_MS, "future": 2 * DAY_MS}
    instants = {name: json.loads(line("x", "u", "i", base + shift, {}))["time"] for name, shift in shifts.items()}
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
    return [event(topic, admin(f"good-{number}-{i}", f"g-{number}-{i}", now_ms() - 1_000, "set_stage", stage="warning"))
            for i in range(count)]


def header(record, name):
    """The last one counts."""
    found = [value for each, value in record.headers if each == name]
    return found[-1] if found else None


class Poison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(f"poison_test_{os.getpid()}", "3.9").__enter__()
        cls.addClassCleanup(lambda: cls.broker.reset())
        cls.scratch = tempfile.TemporaryDirectory(prefix="fairuse-poison-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = pathlib.Path(cls.scratch.name)

    def input(self, name):
        """A topic of this test alone: who counts dead letters counts those of everything in it."""
        topic = f"{name}.events"
        self.broker.topic(topic, partitions=PARTITIONS, max_message_bytes=4_000_000)
        return topic

    def app(self, name, topic, stop="0"):
        """Output topics and configuration of one more engine on an input."""
        for output in OUTPUTS:
            settings = {"cleanup_policy": "compact"} if output in COMPACTED else {}
            self.broker.topic(f"{name}.{output}", partitions=PARTITIONS, max_message_bytes=4_000_000, **settings)
        config = self.folder / f"{name}.yaml"
        config.write_text(CONFIG.format(policy=ROOT / "config" / "policies" / "fair.yaml", app=name, input=topic,
                                        stop=stop, bootstrap=self.broker.bootstrap,
                                        outputs=", ".join(f"{one}: {name}.{one}" for one in OUTPUTS)))
        return name

    def start(self, app, *options):
        log = open(self.folder / f"{app}.log", "ab")
        self.addCleanup(log.close)
        environment = {**os.environ, "FAIRUSE_INSTANCE": "one", "FAIRUSE_CASE_KEY": "poison-case-key-0123456789abcdef"}
        command = [FAIRUSE, "run", "--config", self.folder / f"{app}.yaml", "--state", self.folder / app, *options]
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=environment)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def log(self, app):
        return (self.folder / f"{app}.log").read_text(encoding="utf-8", errors="replace")

    def run_to_end(self, app):
        self.assertEqual(self.start(app, "--until-end").wait(PATIENCE_S), 0, self.log(app)[-3000:])

    def read(self, app, output):
        return read(self.broker.bootstrap, f"{app}.{output}", PARTITIONS)

    def state(self, app):
        """The rows that the changelog comes to, without what it says of itself."""
        rows = {}
        for each in self.read(app, "changelog"):
            rows[each.partition, each.key] = each.value
        return {key: value for key, value in rows.items() if value is not None and key[1] != b"m"}

    def check_letters(self, topic, letters, poison):
        """One letter for each record, with all that it had, and why."""
        sent = {(each.partition, each.offset): each for each in read(self.broker.bootstrap, topic, PARTITIONS)}
        self.assertEqual(len(letters), len(poison))
        seen = []
        for letter in letters:
            place = int(header(letter, "fairuse.error.partition")), int(header(letter, "fairuse.error.offset"))
            original = sent.pop(place)
            self.assertEqual((letter.key, letter.value), (original.key, original.value))
            self.assertEqual(letter.headers[: len(original.headers)], original.headers)
            added = [name for name, _ in letter.headers[len(original.headers) :]]
            self.assertTrue(all(name.startswith("fairuse.error.") for name in added), added)
            self.assertEqual(header(letter, "fairuse.error.topic"), topic.encode())
            self.assertTrue(header(letter, "fairuse.error.remedy"))
            why = header(letter, "fairuse.error.reason").decode()
            seen.append((original.key, original.value, original.headers, why))
        for name, reason, record in poison:
            with self.subTest(name):
                reasons = [why for *sent, why in seen if sent == [record.key, record.value, record.headers]]
                self.assertIn(reason, reasons)

    def test_every_record_becomes_one_letter_and_changes_nothing(self):
        topic = self.input("letters")
        app = self.app("letters", topic)
        poison = corpus(topic)
        first = good(topic, 1, 40)
        gone = [event(topic, speech("u-gone", "s-gone", now_ms() - 5_000)),
                event(topic, line("erasure", "u-gone", "x-gone", now_ms() - 3_000, {"actor": "privacy"}))]
        write(self.broker.bootstrap, first + gone)
        self.run_to_end(app)
        between = good(topic, 2, len(poison))
        write(self.broker.bootstrap, [each for pair in zip(between, [row[2] for row in poison]) for each in pair])
        self.run_to_end(app)
        letters = self.read(app, "dead_letters")
        self.check_letters(topic, letters, poison)
        decided = {each.key for each in self.read(app, "decisions")}
        self.assertEqual(decided - {b"*", b"u-gone"}, {each.key for each in first + between})

        before = self.state(app), len(self.read(app, "decisions"))
        write(self.broker.bootstrap, [record for _, _, record in poison])
        self.run_to_end(app)
        again = self.read(app, "dead_letters")
        self.assertEqual(len(again), 2 * len(poison))
        self.check_letters(topic, [each for each in again if each not in letters], poison)
        self.assertEqual((self.state(app), len(self.read(app, "decisions"))), before)
        print(f"{len(poison)} records of poison, twice: {len(again)} letters, {len(decided)} users decided")

    def await_log(self, app, process, words):
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.log(app):
            self.assertIsNone(process.poll(), f"{app} ended before '{words}': {self.log(app)[-2000:]}")
            self.assertLess(time.monotonic(), deadline, f"no '{words}' of {app}: {self.log(app)[-2000:]}")
            time.sleep(0.1)

    def test_a_broken_stream_is_told_of_and_stops_who_asked_for_it(self):
        topic = self.input("shares")
        poisoned = [row[2] for row in corpus(topic) if len(row[2].value or b"") < 1_000]
        # A few first: shares are counted from where the engine looks first.
        write(self.broker.bootstrap, good(topic, 3, 20))
        patient, strict = self.app("patient", topic), self.app("strict", topic, stop="0.05")
        goes_on, stops = self.start(patient), self.start(strict)
        deadline = time.monotonic() + PATIENCE_S
        while not all(self.read(app, "decisions") for app in (patient, strict)):
            self.assertLess(time.monotonic(), deadline, self.log(patient)[-2000:] + self.log(strict)[-2000:])
        mixed = [event(topic, speech(f"user-{i % 500}", f"m-{i}", now_ms() - 1_000, 1)) for i in range(WINDOW_RECORDS)]
        for at in range(0, WINDOW_RECORDS, 10):
            mixed[at] = poisoned[at // 10 % len(poisoned)]
        write(self.broker.bootstrap, mixed)
        # Whatever comes after the minute is what it is noticed at.
        serial = 0
        while stops.poll() is None and time.monotonic() < deadline:
            write(self.broker.bootstrap, [event(topic, speech("user-1", f"later-{serial}", now_ms() - 1_000, 1))])
            serial += 1
            time.sleep(0.5)
        self.assertEqual(stops.wait(1), 1, self.log(strict)[-2000:])
        self.assertIn("of the records became dead letters", self.log(strict))
        self.assertIn("Stopped, as streams.dead_letter_share.stop says", self.log(strict))
        self.await_log(patient, goes_on, "of the records became dead letters")
        goes_on.send_signal(signal.SIGTERM)
        self.assertEqual(goes_on.wait(60), 0, self.log(patient)[-2000:])


if __name__ == "__main__":
    unittest.main()
