# SPDX-License-Identifier: Apache-2.0
"""Capture and verify on a real broker: through kill -9, from a checkpoint, and after retention.

    capture_test.py PROGRAM
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from broker import OUTPUTS, ROOT, Broker, kcat, wait_until

PROGRAM = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else ROOT / "build" / "dev" / "fairuse"
PARTITIONS = 2
PATIENCE_S = 120
USERS = 40
KEY = "a key of this test alone"

CONFIG = """\
enabled: true
policies: {{live: {policies}/fair.yaml, shadow: [{policies}/omi-newest.yaml]}}
streams:
  kind: kafka
  bootstrap: {bootstrap}
  app: {app}
  inputs: [{app}.events]
  outputs: {{{outputs}}}
  session_timeout: 3s
  transaction_timeout: 1500ms
  abort_scan: 500ms
"""


class Shop:
    """A deployment with a topic prefix of its own, its engine, and what people type about it."""

    def __init__(self, broker, app):
        self.broker = broker
        self.app = app
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"fairuse-capture-{app}-"))
        self.config = self.folder / "config.yaml"
        outputs = ", ".join(f"{each}: {app}.{each}" for each in OUTPUTS)
        policies = ROOT / "config" / "policies"
        text = CONFIG.format(policies=policies, bootstrap=broker.bootstrap, app=app, outputs=outputs)
        self.config.write_text(text, encoding="ascii")
        self.engine = None
        code, told = self.type("topics", "create", "--config", self.config, "--inputs", "--partitions", PARTITIONS)
        if code != 0:
            raise AssertionError(told)

    def close(self):
        if self.engine and self.engine.poll() is None:
            self.engine.kill()
            self.engine.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def file(self, name):
        return self.folder / name

    def type(self, *words, key=KEY):
        """Exit code and all that was said."""
        command = list(map(str, [PROGRAM, *words]))
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "FAIRUSE_CASE_KEY": key},
        )
        return done.returncode, done.stdout + done.stderr

    def export(self, name, *options):
        return self.type("capture", "export", self.file(name), "--config", self.config, *options)

    def verify(self, name, **options):
        code, told = self.type("verify", self.file(name), "--json", **options)
        return code, json.loads(told) if told.startswith("{") else told

    def start(self):
        with open(self.folder / "log", "ab") as to:
            self.engine = subprocess.Popen(
                list(map(str, [PROGRAM, "run", "--config", self.config, "--state", self.folder / "state"])),
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=to,
                env={**os.environ, "FAIRUSE_INSTANCE": "one", "FAIRUSE_CASE_KEY": KEY},
            )

    def kill9(self):
        self.engine.kill()
        self.engine.wait()

    def stop(self):
        self.engine.send_signal(signal.SIGTERM)
        if self.engine.wait(PATIENCE_S) != 0:
            raise AssertionError(f"the engine ended with {self.engine.returncode}")

    def wait_until_read(self):
        def read():
            state = ["--state", self.folder / "state", "--json"]
            code, told = self.type("partitions", "--config", self.config, *state)
            rows = json.loads(told)["partitions"] if code == 0 and told.startswith("{") else []
            return len(rows) == PARTITIONS and all(
                each.get("state") == "ready" and each.get("lag", 2) <= 1 for each in rows
            )

        wait_until(read, f"{self.app} is read to its end", PATIENCE_S)

    def produce(self, first, count):
        spoken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3_600))
        lines = []
        for i in range(first, first + count):
            uid = f"user-{i % USERS}"
            event = {"specversion": "1.0", "id": f"e-{i}", "source": "test", "type": "fairuse.speech.v1"}
            event |= {"subject": uid, "time": spoken, "data": {"lane": "realtime", "ms": 600_000}}
            lines.append(f"{uid}\t{json.dumps(event) if i % 97 else 'poison'}")
        options = ["-K", "\t", "-X", "partitioner=murmur2", "-X", "acks=all", "-H", "trace=abc"]
        kcat(self.broker.bootstrap, "-q", "-P", "-t", f"{self.app}.events", *options, text="\n".join(lines) + "\n")

    def delete_input_before(self, share):
        """As retention does: that share of the records of every partition."""
        for partition in range(PARTITIONS):
            told = kcat(self.broker.bootstrap, "-q", "-Q", "-t", f"{self.app}.events:{partition}:-1")
            end = int(told.split()[-1])
            self.broker.delete_records(f"{self.app}.events", partition, int(end * share))


class CaptureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(f"capture_test_{os.getpid()}")
        cls.broker.__enter__()
        cls.addClassCleanup(cls.broker.__exit__, None, None, None)

    def shop(self, app):
        made = Shop(self.broker, app)
        self.addCleanup(made.close)
        return made

    def equal(self, shop, name):
        code, told = shop.verify(name)
        self.assertEqual((code, told["verdict"]), (0, "equal"), told)
        return told

    def test_what_production_decided_is_made_again(self):
        shop = self.shop("again")
        shop.produce(0, 3_000)
        shop.start()
        wait_until(lambda: shop.export("begun", "--force")[0] == 0, "there is something to export", PATIENCE_S)
        shop.kill9()
        shop.produce(3_000, 3_000)
        shop.start()
        shop.wait_until_read()

        # While the engine runs.
        self.assertEqual(shop.export("running")[0], 0)
        self.equal(shop, "running")
        shop.stop()
        code, said = shop.type("capture", "export", shop.file("all"), "--config", shop.config, "--json")
        self.assertEqual(code, 0, said)
        told = self.equal(shop, "all")
        self.assertEqual(told["records"], 6_000)
        self.assertEqual(told["dead_letters"], 62)
        self.assertGreater(told["outputs"], USERS)

        self.assertEqual(shop.export("all")[0], 2, "a file is not replaced without being asked to")
        code, said = shop.type("capture", "inspect", shop.file("all"), "--json")
        self.assertEqual(code, 0, said)
        seen = json.loads(said)
        self.assertEqual((seen["kind"], sum(each["inputs"] for each in seen["partitions"])), ("capture", 6_000))
        self.a_wrong_key_and_damage_are_refused(shop)

    def a_wrong_key_and_damage_are_refused(self, shop):
        code, told = shop.verify("all", key="quite another key than that one")
        self.assertEqual((code, told["verdict"]), (2, "refused"), told)
        whole = bytearray(shop.file("all").read_bytes())
        whole[len(whole) // 2] ^= 1
        shop.file("flipped").write_bytes(whole)
        shop.file("cut").write_bytes(whole[: len(whole) // 3])
        for name in ("flipped", "cut"):
            for command in (["verify"], ["capture", "inspect"]):
                code, told = shop.type(*command, shop.file(name))
                self.assertEqual((code, "damaged" in told), (1, True), told)
        code, told = shop.type("verify", shop.file("nothing"))
        self.assertEqual((code, "cannot read" in told), (1, True), told)

    def test_a_capture_begins_at_a_checkpoint_when_retention_took_the_beginning(self):
        shop = self.shop("late")
        shop.produce(0, 2_000)
        shop.start()
        shop.wait_until_read()
        code, told = shop.type("capture", "checkpoint", shop.file("checkpoint"), "--config", shop.config)
        self.assertEqual(code, 0, told)
        shop.produce(2_000, 2_000)
        shop.wait_until_read()
        shop.stop()
        self.assertEqual(shop.export("all")[0], 0)
        self.equal(shop, "all")

        shop.delete_input_before(0.25)
        code, told = shop.export("gone")
        self.assertEqual(code, 5, told)
        self.assertIn("first epoch that can be replayed", told)
        self.assertFalse(shop.file("gone").exists())
        code, told = shop.export("rest", "--from", shop.file("checkpoint"))
        self.assertEqual(code, 0, told)
        self.assertEqual(self.equal(shop, "rest")["records"], 2_000)
        code, told = shop.type("verify", shop.file("checkpoint"))
        self.assertEqual((code, "is a checkpoint" in told), (2, True), told)
        # What was taken before is still whole.
        self.equal(shop, "all")

        shop.delete_input_before(1.0)
        code, told = shop.export("nothing", "--from", shop.file("checkpoint"))
        self.assertEqual((code, "No epoch up to" in told), (5, True), told)


if __name__ == "__main__":
    unittest.main()
