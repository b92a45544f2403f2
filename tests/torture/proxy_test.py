#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The end of a transaction, lost, late and repeated on its way: G5b and G13.

usage: proxy_test.py VERSION ROUNDS ENGINE FEED JUDGE
"""

import os
import sys
import time
import unittest

from faults import Broker, Life, Tools, wait_for
from proxy import FAULTS, Proxy

VERSION = sys.argv.pop(1)
ROUNDS = int(sys.argv.pop(1))
TOOLS = Tools(*[sys.argv.pop(1) for _ in range(3)])


class EndOfTransaction(unittest.TestCase):
    def test_an_end_of_a_transaction_may_be_lost_late_and_repeated(self):
        with Proxy() as proxy:
            settings = {"advertised.listeners": f"PLAINTEXT://{proxy.address}"}
            with Broker(f"proxy_test_{os.getpid()}", VERSION, settings=settings) as broker:
                proxy.leads_to(broker.bootstrap)
                with Life(TOOLS, broker, "proxy", seed=21, bootstrap=proxy.address) as life:
                    self.play(life, proxy)
                    counts = life.judge()
                print(f"{VERSION}: {dict(proxy.fired)} {counts}")

    def play(self, life, proxy):
        instance = life.instance("a").start()
        life.feed()
        life.await_ready()
        for _ in range(ROUNDS):
            for fault in FAULTS:
                proxy.arm(fault, late_s=life.random.uniform(0.02, 0.6))
                wait_for(f"{fault} happens", lambda: not proxy.is_armed() or not instance.runs())
                life.supervise()
                time.sleep(life.random.uniform(0, 0.4))
        life.await_ready()


if __name__ == "__main__":
    unittest.main(verbosity=2)
