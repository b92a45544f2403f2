# SPDX-License-Identifier: Apache-2.0
"""Capture and verify on a real broker: through kill -9, from a checkpoint, and after retention.

    capture_test.py PROGRAM
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker, kcat, produce_events  # noqa: E402
from support.kafka_mode import CASE_KEY, POLICIES, SHORT_TIMES, Instance, command, write_config  # noqa: E402
from support.process import ROOT, wait_until  # noqa: E402
from support.traffic import ms, now_ms, speech  # noqa: E402

PROGRAM = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else ROOT / "build" / "dev" / "fairuse"
PARTITIONS = 2
USERS = 40


class Deployment:
    """Topics with a prefix of their own, one engine, and what operators type about them."""

    def __init__(self, broker, app):
        self.broker = broker
        self.app = app
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"fairuse-capture-{app}-"))
        shadow = [POLICIES / "omi-newest.yaml"]
        self.config = write_config(
            self.folder / "config.yaml", broker.bootstrap, app, shadow=shadow, streams=SHORT_TIMES
        )
        self.engine = Instance(PROGRAM, self.config, self.folder / "one")
        create = ["topics", "create", "--config", self.config, "--inputs", "--partitions", PARTITIONS]
        code, told = command(PROGRAM, *create)
        if code != 0:
            raise AssertionError(told)

    def close(self):
        if self.engine.runs():
            self.engine.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    def file(self, name):
        return self.folder / name

    def export(self, name, *options):
        return command(PROGRAM, "capture", "export", self.file(name), "--config", self.config, *options)

    def verify(self, name, key=CASE_KEY):
        code, told = command(PROGRAM, "verify", self.file(name), "--json", key=key)
        return code, json.loads(told) if told.startswith("{") else told

    def wait_until_read(self):
        self.engine.wait_for_state("ready", PARTITIONS, read=True)

    def produce(self, first, count):
        spoken = now_ms() - ms("1h")
        records = []
        for i in range(first, first + count):
            user = f"user-{i % USERS}"
            records.append((user, speech(user, f"e-{i}", spoken, ms("10m")).strip() if i % 97 else "poison"))
        produce_events(self.broker.bootstrap, f"{self.app}.events", records, "-H", "trace=abc")

    def delete_input_before(self, share):
        """As retention does: that share of the records of every partition."""
        for partition in range(PARTITIONS):
            told = kcat(self.broker.bootstrap, "-q", "-Q", "-t", f"{self.app}.events:{partition}:-1")
            end = int(told.split()[-1])
            self.broker.delete_records(f"{self.app}.events", partition, int(end * share))


class CaptureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(f"capture_test_{os.getpid()}"))

    def deployment(self, app):
        made = Deployment(self.broker, app)
        self.addCleanup(made.close)
        return made

    def equal(self, deployment, name):
        code, told = deployment.verify(name)
        self.assertEqual((code, told["verdict"]), (0, "equal"), told)
        return told

    def test_what_production_decided_is_made_again(self):
        one = self.deployment("again")
        one.produce(0, 3_000)
        one.engine.start()
        wait_until(lambda: one.export("begun", "--force")[0] == 0, "there is something to export")
        one.engine.kill9()
        one.produce(3_000, 3_000)
        one.engine.start()
        one.wait_until_read()

        # While the engine runs.
        self.assertEqual(one.export("running")[0], 0)
        self.equal(one, "running")
        one.engine.stop()
        code, said = one.export("all", "--json")
        self.assertEqual(code, 0, said)
        told = self.equal(one, "all")
        self.assertEqual(told["records"], 6_000)
        self.assertEqual(told["dead_letters"], 62)
        self.assertGreater(told["outputs"], USERS)

        self.assertEqual(one.export("all")[0], 2, "a file is not replaced without being asked to")
        code, said = command(PROGRAM, "capture", "inspect", one.file("all"), "--json")
        self.assertEqual(code, 0, said)
        seen = json.loads(said)
        self.assertEqual((seen["kind"], sum(each["inputs"] for each in seen["partitions"])), ("capture", 6_000))
        self.a_policy_is_tried_on_it(one)
        self.a_wrong_key_and_damage_are_refused(one)

    def a_policy_is_tried_on_it(self, one):
        code, told = command(PROGRAM, "history", "pack", one.file("all"), "-o", one.file("history"), "--json")
        self.assertEqual(code, 0, told)
        packed = json.loads(told)
        self.assertEqual(packed["events"]["speech"], 6_000 - 62)
        self.assertEqual(packed["users"], USERS)
        fair = POLICIES / "fair.yaml"
        out = one.file("report")
        code, told = command(PROGRAM, "replay", one.file("history"), "--policy", fair, "--out", out)
        self.assertEqual(code, 0, told)
        code, told = command(PROGRAM, "replay", one.file("history"), "--as-recorded", "--json")
        self.assertEqual(code, 0, told)
        self.assertEqual(json.loads(told)["users"], USERS)
        run = json.loads((out / "report.json").read_text())["run"]
        self.assertEqual((run["events"], run["users"]), (6_000 - 62, USERS))

    def a_wrong_key_and_damage_are_refused(self, one):
        code, told = one.verify("all", key="quite another key than that one")
        self.assertEqual((code, told["verdict"]), (2, "refused"), told)
        whole = bytearray(one.file("all").read_bytes())
        whole[len(whole) // 2] ^= 1
        one.file("flipped").write_bytes(whole)
        one.file("cut").write_bytes(whole[: len(whole) // 3])
        for name in ("flipped", "cut"):
            for words in (["verify"], ["capture", "inspect"]):
                code, told = command(PROGRAM, *words, one.file(name))
                self.assertEqual((code, "damaged" in told), (1, True), told)
        code, told = command(PROGRAM, "verify", one.file("nothing"))
        self.assertEqual((code, "does not exist" in told), (2, True), told)

    def test_a_capture_begins_at_a_checkpoint_when_retention_took_the_beginning(self):
        late = self.deployment("late")
        late.produce(0, 2_000)
        late.engine.start()
        late.wait_until_read()
        code, told = command(PROGRAM, "capture", "checkpoint", late.file("checkpoint"), "--config", late.config)
        self.assertEqual(code, 0, told)
        late.produce(2_000, 2_000)
        late.wait_until_read()
        late.engine.stop()
        self.assertEqual(late.export("all")[0], 0)
        self.equal(late, "all")

        late.delete_input_before(0.25)
        code, told = late.export("gone")
        self.assertEqual(code, 5, told)
        self.assertIn("first epoch that can be replayed", told)
        self.assertFalse(late.file("gone").exists())
        code, told = late.export("rest", "--from", late.file("checkpoint"))
        self.assertEqual(code, 0, told)
        self.assertEqual(self.equal(late, "rest")["records"], 2_000)
        code, told = command(PROGRAM, "verify", late.file("checkpoint"))
        self.assertEqual((code, "is a checkpoint" in told), (2, True), told)
        # What was taken before is still whole.
        self.equal(late, "all")

        late.delete_input_before(1.0)
        code, told = late.export("nothing", "--from", late.file("checkpoint"))
        self.assertEqual((code, "No epoch up to" in told), (5, True), told)


if __name__ == "__main__":
    unittest.main()
