#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random faults, a given number of each, while events come in; then everything is read again.

usage: storm_test.py VERSION KILLS ZOMBIES BOUNCES ENGINE FEED JUDGE
"""

import os
import sys
import unittest

from faults import Deployment, Programs, bounce, check_zombies, random_kills, rebalance_storm, zombie
from support.broker import Broker

VERSION = sys.argv.pop(1)
KILLS, ZOMBIES, BOUNCES = (int(sys.argv.pop(1)) for _ in range(3))
PROGRAMS = Programs(*[sys.argv.pop(1) for _ in range(3)])


class Storm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(f"storm_test_{os.getpid()}", VERSION))

    def deployment(self, app, seed):
        deployment = Deployment(PROGRAMS, self.broker, app, seed=seed)
        deployment.supervised = True
        for name in "abc":
            deployment.instance(name)
        return deployment

    def begin(self, deployment):
        deployment.feed()
        for one in deployment.instances.values():
            one.start()
        deployment.await_ready()

    def test_nothing_is_lost_or_doubled_by_kills(self):
        with self.deployment("kills", 11) as deployment:
            self.begin(deployment)
            random_kills(deployment, KILLS)
            print(f"{VERSION}, kills: {deployment.judge()}")

    def test_zombies_commit_nothing(self):
        with self.deployment("zombies", 12) as deployment:
            self.begin(deployment)
            woken = [zombie(deployment, deployment.random.choice(deployment.running())) for _ in range(ZOMBIES)]
            counts = deployment.judge()
            check_zombies(deployment, woken)
            print(f"{VERSION}, zombies: {counts}")

    def test_a_broker_may_come_and_go(self):
        with self.deployment("bounces", 13) as deployment:
            self.begin(deployment)
            for number in range(BOUNCES):
                # The last one is longer than a transaction may take.
                bounce(deployment, clean=number % 2 == 1, outage_s=4 if number == BOUNCES - 1 else 0)
                deployment.supervise()
                deployment.await_ready()
            print(f"{VERSION}, bounces: {deployment.judge()}")

    def test_members_may_come_and_go(self):
        with self.deployment("members", 14) as deployment:
            self.begin(deployment)
            rebalance_storm(deployment, 6)
            print(f"{VERSION}, rebalances: {deployment.judge()}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
