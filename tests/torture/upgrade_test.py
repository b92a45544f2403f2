#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds of the engine take turns on one deployment, instance by instance, and nobody can tell.

usage: upgrade_test.py VERSION OLD ENGINE FEED JUDGE

OLD is another build of the engine; with ENGINE in its place this is a rolling restart. Half of those who change go in
order, half are killed.
"""

import os
import pathlib
import sys
import time
import unittest

from faults import Broker, Life, Tools, wait_for

VERSION = sys.argv.pop(1)
OLD = pathlib.Path(sys.argv.pop(1))
TOOLS = Tools(*[sys.argv.pop(1) for _ in range(3)])
PAUSE_S = 1.5


class Upgrade(unittest.TestCase):
    def test_instances_go_to_the_new_build_and_back_one_by_one(self):
        with Broker(f"upgrade_test_{os.getpid()}", VERSION) as broker, Life(TOOLS, broker, "roll", seed=4) as life:
            pair = [life.instance("a"), life.instance("b")]
            life.feed()
            for one in pair:
                one.engine = OLD
                one.start()
            life.await_ready()
            for turn, engine in enumerate([TOOLS.engine, OLD, TOOLS.engine]):
                for number, one in enumerate(pair):
                    self.change(one, engine, in_order=(turn + number) % 2 == 0)
                    life.await_ready()
                    life.count("changes")
            print(f"{VERSION}: {life.judge()}")

    @staticmethod
    def change(one, engine, in_order):
        wait_for(f"{one.name} owns something", one.ready)
        time.sleep(PAUSE_S)
        if in_order:
            one.stop()
        else:
            one.kill9()
        one.engine = engine
        one.start()
        # A refusal of the other build's rows would stand here, and not go away.
        wait_for(f"{one.name} owns something again", one.ready)


if __name__ == "__main__":
    unittest.main(verbosity=2)
