#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three nodes: what was acknowledged by all is kept when any of them is killed, and when all are."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker, consume, produce  # noqa: E402
from support.process import wait_until  # noqa: E402

VERSION = sys.argv.pop(1)


class ThreeNodes(unittest.TestCase):
    def test_a_cluster_goes_on_without_one_node_and_keeps_its_records_when_all_die(self):
        with Broker(f"cluster_test_{os.getpid()}", VERSION, brokers=3) as broker:
            broker.topic("orders", partitions=3)
            addresses = broker.bootstrap
            produce(addresses, "orders", "first")

            broker.kill9(node=2)
            self.assertEqual(broker.states(), ["running", "stopped", "running"])
            produce(addresses, "orders", "second")
            self.assertEqual(broker.start(), addresses)
            self.assertEqual(broker.states(), ["running"] * 3)

            broker.kill9()
            broker.start()
            # A leader that starts knows an old high watermark until its followers have fetched; readers see no further.
            wait_until(
                lambda: sorted(consume(addresses, "orders")) == ["first", "second"], "both records can be read again"
            )

            broker.stop()
            self.assertEqual(broker.states(), ["stopped"] * 3)


if __name__ == "__main__":
    unittest.main()
