#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A partition's store that is damaged while no process runs is restored from the changelog, rolled back and read on, or
refused with a message. Afterwards every store equals the fold of its changelog, and the judge finds nothing.

usage: store_faults_test.py VERSION AGE_STORE ENGINE FEED JUDGE
"""

import os
import random
import shutil
import sys
import time
import unittest

from faults import PARTITIONS, Deployment, Programs
from support.broker import Broker
from support.kafka_mode import CASE_KEY
from support.process import Failure, run, wait_until

VERSION = sys.argv.pop(1)
AGE_STORE = sys.argv.pop(1)
PROGRAMS = Programs(*[sys.argv.pop(1) for _ in range(3)])
# Half of what tombstones are kept for, and a little.
TOO_OLD_H = 7 * 24 // 2 + 1


# --- damage to one store; each says what it did ---


def newest(store, pattern):
    """Where the most recent rows are."""
    found = sorted((store / "db").glob(pattern), key=lambda path: path.stat().st_mtime_ns)
    found = [path for path in found if path.stat().st_size > 0] or found
    if not found:
        raise Failure(f"{store} has no {pattern}")
    return found[-1]


def flip(pattern):
    def damage(store, draw):
        path = newest(store, pattern)
        data = bytearray(path.read_bytes())
        at = draw.randrange(len(data))
        data[at] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
        return f"byte {at} of {len(data)}"

    return f"byte flipped in {pattern}", damage


def cut(pattern, share):
    def damage(store, _):
        path = newest(store, pattern)
        size = path.stat().st_size
        os.truncate(path, int(size * share))
        return f"{int(size * share)} of {size} bytes left"

    return f"{pattern} cut", damage


def lose(pattern):
    def damage(store, _):
        newest(store, pattern).unlink()
        return "removed"

    return f"{pattern} missing", damage


def age(store, _):
    run(AGE_STORE, store, TOO_OLD_H, code=0, env={**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY})
    return f"saved {TOO_OLD_H} h ago"


def nothing(_store, _draw):
    return "as kill -9 left it"


def power_loss(share):
    """RocksDB syncs tables and manifest; of its log only a prefix is sure to be there."""
    name, damage = cut("*.log", share)
    return f"power lost, {share:.0%} of the log synced", damage


TABLE, LOG, MANIFEST, CURRENT = "*.sst", "*.log", "MANIFEST-*", "CURRENT"
# One run each: a fault for each partition.
ROUNDS = [
    [("nothing", nothing), ("old state", age), ("old state", age), ("nothing", nothing)],
    [flip(TABLE), flip(LOG), flip(MANIFEST), flip(CURRENT)],
    [flip(LOG), flip(TABLE), flip(CURRENT), flip(MANIFEST)],
    [cut(TABLE, 0.5), cut(LOG, 0.5), cut(MANIFEST, 0.5), cut(CURRENT, 0.5)],
    [cut(MANIFEST, 0.98), cut(CURRENT, 0), cut(TABLE, 0.98), cut(LOG, 0.98)],
    [lose(TABLE), lose(LOG), lose(MANIFEST), lose(CURRENT)],
    [power_loss(0), power_loss(0.3), power_loss(0.6), power_loss(0.9)],
]


def swap(one, other):
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


class StoreFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(f"store_faults_test_{os.getpid()}", VERSION))
        cls.deployment = cls.enterClassContext(Deployment(PROGRAMS, cls.broker, "store", seed=11, users=300, rate=400))
        cls.instance = cls.deployment.instance("a")
        cls.rows = []
        cls.make_base()
        cls.addClassCleanup(cls.print_rows)

    @classmethod
    def print_rows(cls):
        print("| fault | what was done | outcome |\n|---|---|---|")
        for row in cls.rows:
            print("| " + " | ".join(row) + " |")

    @classmethod
    def make_base(cls):
        """State of a process that was killed: tables, and a log with rows that no table has. The changelog goes on."""
        cls.deployment.feed()
        kills = 0
        # A table is written when a store with rows is opened; on a busy machine a store may have none yet.
        while kills < 3 or not all(any((store / "db").glob(TABLE)) for store in cls.stores()):
            if kills == 10:
                raise Failure("a store has no table after ten starts")
            kills += 1
            cls.instance.start()
            cls.deployment.await_ready()
            since = cls.epochs()
            wait_until(lambda: cls.epochs() > since + 60 * PARTITIONS, "some epochs")
            cls.instance.kill9()
        cls.base = cls.deployment.folder / "base"
        shutil.copytree(cls.instance.state, cls.base)
        cls.instance.start()
        cls.deployment.await_ready()
        time.sleep(1)
        cls.deployment.judge()

    @classmethod
    def epochs(cls):
        said = cls.instance.status()
        return sum(part["epoch"] for part in said["partitions"]) if said else 0

    def setUp(self):
        self.reset()

    def reset(self):
        shutil.rmtree(self.instance.state, ignore_errors=True)
        shutil.copytree(self.base, self.instance.state)

    @classmethod
    def stores(cls):
        return [cls.instance.state / "worker-0" / f"p{number:05}" for number in range(PARTITIONS)]

    def outcome(self, since):
        """What happened to each partition, in words."""
        found = {}
        for _, text in self.instance.lines(since):
            for number in range(PARTITIONS):
                if not text.startswith(f"partition {number}"):
                    continue
                if "is set aside" in text:
                    why = text.split(": ", 1)[1].split(" It is ")[0].replace(str(self.deployment.folder), "")
                    found[number] = f"set aside ({why}), restored"
                elif "is refused" in text:
                    found[number] = "refused: " + text.split(": ", 1)[1]
                elif "is ready at epoch" in text:
                    read = text.split(", ")[-1]
                    found[number] = f"{found.get(number, 'kept')}; {read}"
        return found

    def go_on(self, faults):
        """Start, see what became of it, stop in order, and look at everything. `faults`: (name, what was done)."""
        since = time.time()
        ends = self.start_until_ready(faults)
        self.instance.stop()
        found = self.outcome(since)
        named = self.examine(faults)
        for number, fault in enumerate(faults):
            seen = found.get(number, "?")
            seen += "; the process ended once, with a message" if f"partition {number}:" in ends else ""
            seen += "; what is damaged was not needed yet, and a reader of it gets an error" if f"p{number:05}" in named else ""
            self.rows.append((*fault, seen))
        return [found.get(number, "?") for number in range(PARTITIONS)]

    def start_until_ready(self, faults):
        """A table is checked as it is read: then the process ends, and the next one restores. What it said."""
        ends = ""
        for _ in range(PARTITIONS + 1):
            self.instance.start()
            wait_until(
                lambda: not self.instance.runs() or len(self.instance.ready()) == PARTITIONS,
                "the stores are ready, or refused",
            )
            if self.instance.runs():
                return ends
            said = self.instance.last_line()
            if self.instance.process.code != 1 or "is damaged" not in said:
                raise Failure(f"{faults}: ended with {self.instance.process.code}: {said}")
            ends += said
        raise Failure(f"{faults}: it does not get over this: {ends}")

    def examine(self, faults):
        """Read everything again. Damage that reading names is not silent: then what it says is returned."""
        try:
            self.deployment.examine()
        except Failure as wrong:
            findings = str(wrong).splitlines()[1:]
            if not findings or not all("is damaged" in each for each in findings):
                raise Failure(f"{faults}: {wrong}") from None
            return str(wrong)
        return ""

    def test_damaged_cut_and_missing_files_are_never_silently_wrong(self):
        draw = random.Random(5)
        for faults in ROUNDS:
            self.reset()
            done = [(name, damage(store, draw)) for (name, damage), store in zip(faults, self.stores())]
            found = self.go_on(done)
            for (name, _), seen in zip(faults, found):
                if name == "old state":
                    self.assertIn("set aside (The store is older", seen)

    def test_stores_of_two_partitions_change_places(self):
        swap(self.stores()[0], self.stores()[1])
        found = self.go_on([("stores swapped", "with 1"), ("stores swapped", "with 0")]
                             + [("nothing", "as kill -9 left it")] * 2)
        for seen in found[:2]:
            self.assertIn("set aside (The store is that of another partition", seen)

    def test_logs_of_two_partitions_change_places(self):
        one, other = newest(self.stores()[2], LOG), newest(self.stores()[3], LOG)
        mine, theirs = one.read_bytes(), other.read_bytes()
        one.write_bytes(theirs)
        other.write_bytes(mine)
        found = self.go_on([("nothing", "as kill -9 left it")] * 2
                             + [("logs swapped", "with 3"), ("logs swapped", "with 2")])
        for seen in found[2:]:
            self.assertIn("set aside", seen)

    def full_disk(self, name, size):
        """It ends with exit code 1 and says why; with space it goes on."""
        shutil.rmtree(self.instance.state)
        since = time.time()
        self.instance.start(disk=size)
        wait_until(lambda: not self.instance.runs(), f"the disk of {size} is full")
        code = self.instance.process.code
        said = [text for _, text in self.instance.lines(since) if "Disk full" in text]
        self.rows.append((name, f"a disk of {size}", f"exit code {code}: {said[-1] if said else '?'}"))
        self.assertEqual(code, 1, self.instance.last_line())
        self.assertTrue(said, self.instance.last_line())

    def test_a_disk_that_is_full_stops_the_process_and_loses_nothing(self):
        self.full_disk("disk full in a restore", "12600k")
        self.deployment.feed()
        self.full_disk("disk full in a run", "18m")
        self.reset()
        self.instance.start()
        self.deployment.await_ready()
        self.deployment.judge()


if __name__ == "__main__":
    unittest.main()
