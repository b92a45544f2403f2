#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every named gap of an epoch's life, once each: the process dies or sleeps exactly there, and nobody can tell.

usage: gaps_test.py VERSION ENGINE FEED JUDGE
"""

import os
import shutil
import sys
import unittest

from faults import Broker, Life, Tools, wait_for

VERSION = sys.argv.pop(1)
TOOLS = Tools(*[sys.argv.pop(1) for _ in range(3)])

# reliability.md's names of what lies before and behind each place.
TAKEOVER = ["group_joined", "store_opened", "offsets_read", "end_known", "restoring", "agreed"]  # G0
EPOCH = [
    "epoch_sealed",  # G1
    "slices_done",
    "produced",  # G2
    "flushed",  # G3
    "offsets_sent",  # G4, G5a
    "committed",  # G6
    "pending",  # G8
    "published",
    "store_write",
    "store_written",
]
ASLEEP = ["produced", "flushed", "offsets_sent"]  # G11


class Gaps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(f"gaps_test_{os.getpid()}", VERSION)
        cls.broker.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__(None, None, None)

    def test_who_dies_in_a_gap_goes_on_by_itself(self):
        with Life(TOOLS, self.broker, "same", seed=1) as life:
            instance = life.instance("a")
            life.feed()
            instance.start()
            life.await_ready()
            instance.kill9()
            for place in TAKEOVER + EPOCH:
                if place == "restoring":
                    shutil.rmtree(instance.state)
                instance.start(fail=f"{place}:kill:{self.nth(place)}")
                instance.await_death()
                life.count("gaps")
            instance.start()
            print(f"{VERSION}, same instance: {life.judge()}")

    def test_another_takes_over_from_who_died_in_a_gap(self):
        with Life(TOOLS, self.broker, "other", seed=2) as life:
            pair = [life.instance("a"), life.instance("b")]
            life.feed()
            for number, place in enumerate(EPOCH + TAKEOVER):
                instance = pair[number % 2]
                instance.start(fail=f"{place}:kill:{self.nth(place)}")
                instance.await_death()
                life.count("gaps")
            pair[0].start()
            print(f"{VERSION}, other instance: {life.judge()}")

    def test_who_wakes_up_in_a_gap_after_another_took_over_commits_nothing(self):
        with Life(TOOLS, self.broker, "asleep", seed=3) as life:
            sleeper, other = life.instance("a"), life.instance("b")
            life.feed()
            for place in ASLEEP:
                sleeper.start(fail=f"{place}:stop:{self.nth(place)}")
                wait_for(f"a sleeps at {place}", sleeper.is_stopped)
                other.start()
                life.await_owner(other)
                sleeper.resume()
                life.count("gaps")
                wait_for("a is one of the group or gone", lambda: not sleeper.runs() or sleeper.ready())
                life.await_ready()
                if sleeper.runs():
                    sleeper.stop()
                other.stop()
            other.start()
            print(f"{VERSION}, asleep: {life.judge()}")

    @staticmethod
    def nth(place):
        return 1 if place in TAKEOVER else 7


if __name__ == "__main__":
    unittest.main(verbosity=2)
