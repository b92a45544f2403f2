#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds of the engine take turns on one deployment, instance by instance, and the outputs are the same.

usage: upgrade_test.py VERSION OLD ENGINE FEED JUDGE

OLD is another build of the engine; with ENGINE in its place this is a rolling restart. Half of the changes are an orderly stop,
half are kill -9.
"""

import os
import pathlib
import sys
import time
import unittest

from faults import Deployment, Programs
from support.broker import Broker
from support.process import wait_until

VERSION = sys.argv.pop(1)
OLD = pathlib.Path(sys.argv.pop(1))
PROGRAMS = Programs(*[sys.argv.pop(1) for _ in range(3)])
PAUSE_S = 1.5


class Upgrade(unittest.TestCase):
    def test_instances_go_to_the_new_build_and_back_one_by_one(self):
        name = f"upgrade_test_{os.getpid()}"
        with Broker(name, VERSION) as broker, Deployment(PROGRAMS, broker, "roll", seed=4) as deployment:
            pair = [deployment.instance("a"), deployment.instance("b")]
            deployment.feed()
            for one in pair:
                one.program = OLD
                one.start()
            deployment.await_ready()
            for turn, engine in enumerate([PROGRAMS.engine, OLD, PROGRAMS.engine]):
                for number, one in enumerate(pair):
                    self.change(one, engine, in_order=(turn + number) % 2 == 0)
                    deployment.await_ready()
                    deployment.count("changes")
            print(f"{VERSION}: {deployment.judge()}")

    @staticmethod
    def change(one, engine, in_order):
        wait_until(one.ready, f"{one.name} owns something")
        time.sleep(PAUSE_S)
        if in_order:
            one.stop()
        else:
            one.kill9()
        one.program = engine
        one.start()
        # A refusal of the other build's rows would show here, and stay.
        wait_until(one.ready, f"{one.name} owns something again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
