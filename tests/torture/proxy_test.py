#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The end of a transaction, lost, late and repeated on its way: G5b and G13.

usage: proxy_test.py VERSION ROUNDS ENGINE FEED JUDGE
"""

import os
import sys
import time
import unittest

from faults import Deployment, Programs
from proxy import FAULTS, Proxy
from support.broker import Broker
from support.process import wait_until

VERSION = sys.argv.pop(1)
ROUNDS = int(sys.argv.pop(1))
PROGRAMS = Programs(*[sys.argv.pop(1) for _ in range(3)])


class EndOfTransaction(unittest.TestCase):
    def test_an_end_of_a_transaction_may_be_lost_late_and_repeated(self):
        with Proxy() as proxy:
            settings = {"advertised.listeners": f"PLAINTEXT://{proxy.address}"}
            with Broker(f"proxy_test_{os.getpid()}", VERSION, settings=settings) as broker:
                proxy.leads_to(broker.bootstrap)
                with Deployment(PROGRAMS, broker, "proxy", seed=21, bootstrap=proxy.address) as deployment:
                    self.disturb(deployment, proxy)
                    counts = deployment.judge()
                print(f"{VERSION}: {dict(proxy.fired)} {counts}")

    def disturb(self, deployment, proxy):
        instance = deployment.instance("a").start()
        deployment.feed()
        deployment.await_ready()
        for _ in range(ROUNDS):
            for fault in FAULTS:
                proxy.arm(fault, late_s=deployment.random.uniform(0.02, 0.6))
                wait_until(lambda: not proxy.is_armed() or not instance.runs(), f"{fault} happens")
                deployment.supervise()
                time.sleep(deployment.random.uniform(0, 0.4))
        deployment.await_ready()


if __name__ == "__main__":
    unittest.main(verbosity=2)
