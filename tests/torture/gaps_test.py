#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every named gap of an epoch, once each: the process is killed or suspended exactly there, and decisions
are the same.

usage: gaps_test.py VERSION ENGINE FEED JUDGE
"""

import os
import shutil
import sys
import unittest

from faults import Deployment, Programs
from support.broker import Broker
from support.process import wait_until

VERSION = sys.argv.pop(1)
PROGRAMS = Programs(*[sys.argv.pop(1) for _ in range(3)])

# reliability.md's names of what lies before and behind each place. EPOCH goes first: nothing can be restored before
# there was a commit.
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
        cls.broker = cls.enterClassContext(Broker(f"gaps_test_{os.getpid()}", VERSION))

    def test_an_instance_that_is_killed_in_a_gap_goes_on_by_itself(self):
        with Deployment(PROGRAMS, self.broker, "same", seed=1) as deployment:
            instance = deployment.instance("a")
            deployment.feed()
            for place in EPOCH + TAKEOVER:
                if place == "restoring":
                    shutil.rmtree(instance.state)  # its store may be up to date
                instance.start(fail=f"{place}:kill:{self.nth(place)}")
                instance.await_failpoint()
                deployment.count("gaps")
            instance.start()
            print(f"{VERSION}, same instance: {deployment.judge()}")

    def test_another_takes_over_from_an_instance_that_was_killed_in_a_gap(self):
        with Deployment(PROGRAMS, self.broker, "other", seed=2) as deployment:
            pair = [deployment.instance("a"), deployment.instance("b")]
            deployment.feed()
            for number, place in enumerate(EPOCH + TAKEOVER):
                instance = pair[number % 2]
                if place == "restoring":
                    shutil.rmtree(instance.state)
                instance.start(fail=f"{place}:kill:{self.nth(place)}")
                instance.await_failpoint()
                deployment.count("gaps")
            pair[0].start()
            print(f"{VERSION}, other instance: {deployment.judge()}")

    def test_an_instance_that_wakes_in_a_gap_after_another_took_over_commits_nothing(self):
        with Deployment(PROGRAMS, self.broker, "asleep", seed=3) as deployment:
            sleeper, other = deployment.instance("a"), deployment.instance("b")
            deployment.feed()
            for place in ASLEEP:
                sleeper.start(fail=f"{place}:stop:{self.nth(place)}")
                wait_until(sleeper.is_suspended, f"a sleeps at {place}")
                other.start()
                deployment.await_owner(other)
                sleeper.resume()
                deployment.count("gaps")
                wait_until(lambda: not sleeper.runs() or sleeper.ready(), "a is one of the group or gone")
                deployment.await_ready()
                if sleeper.runs():
                    sleeper.stop()
                other.stop()
            other.start()
            print(f"{VERSION}, asleep: {deployment.judge()}")

    @staticmethod
    def nth(place):
        return 1 if place in TAKEOVER else 7


if __name__ == "__main__":
    unittest.main(verbosity=2)
