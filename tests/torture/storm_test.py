#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random faults, a given number of each, while events come in; then everything is read again.

usage: storm_test.py VERSION KILLS ZOMBIES BOUNCES ENGINE FEED JUDGE
"""

import os
import sys
import unittest

from faults import Broker, Life, Tools, bounce, check_zombies, random_kills, rebalance_storm, zombie

VERSION = sys.argv.pop(1)
KILLS, ZOMBIES, BOUNCES = (int(sys.argv.pop(1)) for _ in range(3))
TOOLS = Tools(*[sys.argv.pop(1) for _ in range(3)])


class Storm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(f"storm_test_{os.getpid()}", VERSION)
        cls.broker.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.broker.__exit__(None, None, None)

    def life(self, app, seed):
        life = Life(TOOLS, self.broker, app, seed=seed)
        life.supervised = True
        for name in "abc":
            life.instance(name)
        return life

    def begin(self, life):
        life.feed()
        for one in life.instances.values():
            one.start()
        life.await_ready()

    def test_nothing_is_lost_or_doubled_by_kills(self):
        with self.life("kills", 11) as life:
            self.begin(life)
            random_kills(life, KILLS)
            print(f"{VERSION}, kills: {life.judge()}")

    def test_zombies_commit_nothing(self):
        with self.life("zombies", 12) as life:
            self.begin(life)
            woken = [zombie(life, life.random.choice(life.running())) for _ in range(ZOMBIES)]
            counts = life.judge()
            check_zombies(life, woken)
            print(f"{VERSION}, zombies: {counts}")

    def test_a_broker_may_come_and_go(self):
        with self.life("bounces", 13) as life:
            self.begin(life)
            for number in range(BOUNCES):
                # The last one is longer than a transaction may take.
                bounce(life, clean=number % 2 == 1, outage_s=4 if number == BOUNCES - 1 else 0)
                life.supervise()
                life.await_ready()
            print(f"{VERSION}, bounces: {life.judge()}")

    def test_members_may_come_and_go(self):
        with self.life("members", 14) as life:
            self.begin(life)
            rebalance_storm(life, 6)
            print(f"{VERSION}, rebalances: {life.judge()}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
