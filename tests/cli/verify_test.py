#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse verify --state` and `fairuse replay --as-recorded` as operators use them: what production wrote, once more.

usage: verify_test.py PROGRAM STORAGE_DRIVER
"""

import json
import pathlib
import random
import re
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.local_mode import POLICIES, Engine  # noqa: E402
from support.process import ROOT, run  # noqa: E402
from support.traffic import mixed  # noqa: E402

PROGRAM = None
DRIVER = None
DAY = ROOT / "config/demo/day.ndjson"


def without_place(line):
    """A decision of production without what depends on where and when it was committed."""
    decision = json.loads(line)
    del decision["id"], decision["source"], decision["data"]["epoch"]
    decision["data"].pop("case", None)
    return decision


class Verify(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def fairuse(self, *words, code=0):
        done = run(PROGRAM, *words, cwd=self.folder)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def run_day(self, *options):
        words = ("--state", "state", "--input", DAY, "--clock", "events", "--until-end")
        self.fairuse("run", "--config", ROOT / "config/local.yaml", *words, *options)

    def test_a_store_makes_its_decisions_again(self):
        self.run_day()
        written = self.fairuse("decisions", "--state", "state").stdout.splitlines()
        done = self.fairuse("verify", "--state", "state")
        self.assertRegex(done.stdout, f"^equal: 50 users, [0-9]+ events, {len(written)} decisions in ")
        told = json.loads(self.fairuse("verify", "--state", "state", "--json").stdout)
        self.assertEqual((told["verdict"], told["decisions"]), ("equal", len(written)))
        self.assertNotIn("difference", told)

    def test_a_decision_that_was_changed_is_shown(self):
        self.run_day()
        done = run(DRIVER, "tamper", self.folder / "state", '"decision":"strike_added"', '"decision":"strike_dodged"')
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.fairuse("verify", "--state", "state", code=3)
        self.assertRegex(done.stdout, "^differs: user [a-z0-9-]+, slot [a-z-]+: decision [0-9]+ is another one")
        self.assertIn("strike_dodged", re.search("production (.*)", done.stdout)[1])
        self.assertIn("strike_added", re.search("replay (.*)", done.stdout)[1])
        told = json.loads(self.fairuse("verify", "--state", "state", "--json", code=3).stdout)
        self.assertEqual((told["verdict"], told["difference"]["what"]), ("differs", "other"))

    def test_it_leaves_nothing_behind(self):
        self.run_day()
        (self.folder / "scratch").mkdir()
        self.fairuse("verify", "--state", "state", "--scratch", "scratch")
        self.assertEqual(list((self.folder / "scratch").iterdir()), [])

    def test_what_is_no_store_is_named(self):
        self.assertIn("name a capture", self.fairuse("verify", code=2).stderr)
        done = self.fairuse("verify", "--state", self.folder, code=2)
        self.assertIn(f"there is no store of local mode in {self.folder}", done.stderr)

    def test_a_history_is_decided_as_it_was_recorded(self):
        self.run_day()
        self.fairuse("history", "pack", "--state", "state", "-o", "day.history")
        done = self.fairuse("replay", "day.history", "--as-recorded", "--decisions", "again.ndjson")
        self.assertRegex(done.stdout, "^decided as recorded: 50 users, ")
        written = map(without_place, self.fairuse("decisions", "--state", "state").stdout.splitlines())
        expected = sorted(written, key=lambda each: (each["subject"], each["data"]["slot"]))
        again = [json.loads(line) for line in (self.folder / "again.ndjson").read_text().splitlines()]
        self.assertEqual(again, expected)
        told = json.loads(self.fairuse("replay", "day.history", "--as-recorded", "--json").stdout)
        self.assertEqual(told["decisions"], len(expected))
        policy = ("--policy", ROOT / "config/policies/fair.yaml")
        tried = json.loads(self.fairuse("replay", "day.history", *policy, "--json").stdout)
        slots = {each["slot"]: each["digest"] for each in told["slots"]}
        self.assertEqual(slots["live"], tried["policies"][0]["decisions_digest"])

    def test_a_store_without_its_first_input_begins_with_a_checkpoint(self):
        with Engine(PROGRAM) as engine:
            engine.write("in.ndjson", mixed(3, lines=6_000))
            engine.deployment(shadows=("omi-newest.yaml",), more="retention: {usage: 8d, input: 9d, decisions: 400d}\n")
            engine.good_run("state", "in.ndjson", "--commit-bytes", 50_000)
            done = engine.call("verify", "--state", "state", "--json")
            told = json.loads(done.stdout)
            self.assertEqual((done.returncode, told["verdict"]), (0, "equal"), done.stderr.decode())
            self.assertGreater(told["from_epoch"], 1)
            self.assertGreater(told["decisions"], 100)
            said = engine.call("verify", "--state", "state").stdout.decode()
            self.assertIn(f"from epoch {told['from_epoch']} on", said)
            engine.call("history", "pack", "--state", "state", "-o", "a.history")
            seen = json.loads(engine.call("history", "inspect", "a.history", "--json").stdout)
            self.assertEqual((seen["start"], seen["checkpoints"][0]["epoch"]), ("checkpoint", told["from_epoch"] - 1))
            again = json.loads(engine.call("replay", "a.history", "--as-recorded", "--json").stdout)
            self.assertEqual(again["decisions"], told["decisions"])
            done = engine.call("verify", "--state", "state", env={"FAIRUSE_CASE_KEY": "another key than theirs"})
            self.assertEqual(done.returncode, 2, done.stdout.decode())
            self.assertIn("--case-key", done.stderr.decode())
            newest = max((engine.folder / "state/checkpoints").iterdir())
            newest.write_bytes(newest.read_bytes()[:-1])
            done = engine.call("verify", "--state", "state")
            self.assertEqual(done.returncode, 1, done.stdout.decode())
            self.assertIn(newest.name, done.stderr.decode())
            newest.unlink()
            done = engine.call("verify", "--state", "state")
            self.assertEqual(done.returncode, 2, done.stdout.decode())
            self.assertIn("begins cold", done.stderr.decode())

    def test_the_number_of_workers_changes_no_byte(self):
        self.run_day()
        self.fairuse("history", "pack", "--state", "state", "-o", "day.history")
        words = ("replay", "day.history", "--as-recorded", "--json", "--workers")
        self.assertEqual(len({self.fairuse(*words, count).stdout for count in (1, 2, 5)}), 1)

    def test_a_history_of_files_says_why_it_cannot_be_replayed_as_recorded(self):
        self.fairuse("history", "pack", DAY, "-o", "day.history")
        done = self.fairuse("replay", "day.history", "--as-recorded", code=2)
        self.assertIn("begins cold", done.stderr)
        self.assertIn("--policy", done.stderr)
        done = self.fairuse("replay", "day.history", "--as-recorded", "--policy", "x.yaml", code=2)
        self.assertIn("excludes", done.stderr)
        self.assertIn("--as-recorded", self.fairuse("replay", "day.history", code=2).stderr)


class Killed(unittest.TestCase):
    """Engines that are killed at failpoints, each begun with another configuration."""

    PLACES = ["epoch_sealed", "slices_done", "batch_built", "before_write", "after_write", "after_publish"]
    # Passed once a week.
    WEEKLY = ["before_checkpoint", "after_checkpoint"]
    SHADOWS = [(), ("omi-newest.yaml",), ("omi-2026-03.yaml", "omi-newest.yaml")]

    def configure(self, engine, draw):
        tighter = engine.write(
            "tighter.yaml", (POLICIES / "fair.yaml").read_text().replace("cap: 2h}", "cap: 1h}").replace("12h", "3h")
        )
        engine.deployment(
            live=draw.choice(["fair.yaml", "fair.yaml", str(tighter)]),
            shadows=draw.choice(self.SHADOWS),
            enabled=draw.random() < 0.8,
            more="kill_switch: true\n" if draw.random() < 0.2 else "",
        )

    def killed_until_the_end(self, engine, draw):
        kills = 0
        for _ in range(60):
            self.configure(engine, draw)
            fail = f"{draw.choice(self.PLACES)}:kill:{draw.choice([1, 3, 7])}"
            if kills < len(self.WEEKLY):
                fail = f"{self.WEEKLY[kills]}:kill"
            options = ("--commit-bytes", draw.choice([2_000, 20_000]), "--max-active-users", draw.choice([4, 12]))
            code = engine.run("state", "in.ndjson", *options, env={"FAIRUSE_FAIL": fail}).returncode
            self.assertIn(code, (0, -signal.SIGKILL))
            kills += code != 0
            if code == 0:
                return kills
        engine.good_run("state", "in.ndjson")
        return kills

    def test_what_was_decided_through_kills_and_changes_is_decided_again(self):
        for seed in (1,):
            with self.subTest(seed=seed), Engine(PROGRAM) as engine:
                engine.write("in.ndjson", mixed(seed, lines=1_500))
                self.assertGreater(self.killed_until_the_end(engine, random.Random(seed)), 10)
                done = engine.call("verify", "--state", "state")
                self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())
                self.assertGreater(int(re.search(r"([0-9]+) decisions", done.stdout.decode())[1]), 100)


if __name__ == "__main__":
    PROGRAM, DRIVER = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))
    unittest.main()
