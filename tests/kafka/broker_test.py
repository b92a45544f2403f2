#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/kafka does what it says: real brokers, seen through kcat."""

import os
import pathlib
import select
import shutil
import socket
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker, consume, produce  # noqa: E402
from support.process import ROOT, Process, run  # noqa: E402

NAME = f"broker_test_{os.getpid()}"


class OneBroker(unittest.TestCase):
    def check_start_to_stop(self, version):
        with Broker(f"{NAME}_{version}", version) as broker:
            broker.topic("orders", partitions=1, cleanup_policy="compact")
            produce(broker.bootstrap, "orders", "key:first", "-K:")
            self.assertEqual(consume(broker.bootstrap, "orders"), ["first"])

            address = broker.bootstrap
            broker.kill9()
            self.assertEqual(broker.states(), ["stopped"])
            self.assertEqual(broker.start(), address)
            produce(broker.bootstrap, "orders", "other:second", "-K:")
            self.assertEqual(consume(broker.bootstrap, "orders"), ["first", "second"])

            broker.stop()
            self.assertEqual(broker.states(), ["stopped"])

    def test_a_broker_of_3_9_keeps_records_through_kill_9_and_stops(self):
        self.check_start_to_stop("3.9")

    def test_a_broker_of_4_1_keeps_records_through_kill_9_and_stops(self):
        self.check_start_to_stop("4.1")

    def test_two_names_stand_side_by_side_and_a_start_again_gives_the_same_address(self):
        with Broker(f"{NAME}_left") as left, Broker(f"{NAME}_right") as right:
            left.topic("orders")
            right.topic("orders")
            produce(left.bootstrap, "orders", "left")
            produce(right.bootstrap, "orders", "right")
            self.assertEqual(consume(left.bootstrap, "orders"), ["left"])
            self.assertEqual(consume(right.bootstrap, "orders"), ["right"])

            pid = left.status()["nodes"][0]["pid"]
            address = left.bootstrap
            self.assertEqual(left.start(), address)
            self.assertEqual(left.status()["nodes"][0]["pid"], pid)

            left.pause()
            self.assertEqual(left.states(), ["paused"])
            left.resume()
            self.assertEqual(left.states(), ["running"])

    def test_a_broker_does_not_survive_the_process_it_was_started_for(self):
        broker = Broker(f"{NAME}_orphan")
        broker.reset()
        self.addCleanup(broker.reset)
        with Process("sleep", "infinity") as parent:
            broker.run("start", "--with-parent", parent.pid)
            end = os.pidfd_open(broker.status()["nodes"][0]["pid"])
            parent.kill()
            self.assertTrue(select.select([end], [], [], 30)[0], "the broker still runs")
            os.close(end)

    def test_a_port_that_is_taken_is_said_with_the_lines_to_change(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairuse-port-")))
        shutil.copytree(ROOT / "tools", folder / "tools")

        def start(code, *options):
            # Of the copy: the cluster without a name in this checkout is not the test's.
            tool = [sys.executable, "-B", folder / "tools" / "kafka", "start", "--with-parent", os.getpid()]
            home = {**os.environ, "FAIRUSE_KAFKA_HOME": str(ROOT / "build" / "kafka")}
            return run(*tool, *options, env=home, code=code)

        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", 9092))
            except OSError:
                pass  # Another process has it: as good.
            else:
                listener.listen()
            refused = start(1, "--port", "9092")
            self.assertIn("port 9092 is taken", refused.stderr)
            other = start(0)
        self.assertRegex(other.stdout, r"^127\.0\.0\.1:\d+\n$")
        self.assertIn("port 9092 is taken", other.stderr)
        self.assertIn(f"  bootstrap: {other.stdout}", other.stderr)
        again = start(0)
        self.assertEqual(again.stdout, other.stdout)
        self.assertIn("not 9092", start(1, "--port", "9092").stderr)
        port = int(other.stdout.partition(":")[2])
        run(sys.executable, "-B", folder / "tools" / "kafka", "reset", code=0)
        self.assertEqual(start(0, "--port", port).stdout, other.stdout)
        run(sys.executable, "-B", folder / "tools" / "kafka", "reset", code=0)

    def test_refusals_say_what_is_wrong_and_what_to_do(self):
        for arguments, words in [
            (["kill9"], "tools/kafka status"),
            (["start", "--name", "9lives"], "after a letter"),
            (["topic", "orders"], "tools/kafka status"),
        ]:
            name = [] if "--name" in arguments else ["--name", f"{NAME}_none"]
            done = run(sys.executable, "-B", ROOT / "tools" / "kafka", *arguments, *name, code=1)
            self.assertEqual(done.stdout, "")
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
