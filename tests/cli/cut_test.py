#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse history cut`: one user's events, and as few of them as make one decision again.

usage: cut_test.py PROGRAM
"""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402
from support.traffic import at, ms, speech  # noqa: E402

PROGRAM = None
DAY = ROOT / "config/demo/day.ndjson"
FAIR = ROOT / "config/policies/fair.yaml"


def essence(decision):
    data = decision["data"]
    return (data["decision"], data.get("window"), data.get("from"), data.get("to"), data["cause"]["reason"])


class Cut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)
        cls.fairuse("history", "pack", DAY, "-o", "day.history")
        cls.fairuse("run", "--config", ROOT / "config/local.yaml", "--state", "state", "--input", DAY, "--clock", "events",
                    "--until-end")  # fmt: skip
        cls.fairuse("history", "pack", "--state", "state", "-o", "state.history")

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    @classmethod
    def fairuse(cls, *words, code=0):
        return run(PROGRAM, *words, cwd=cls.folder, code=code)

    def decisions(self, history, user):
        self.fairuse("replay", history, "--policy", FAIR, "--decisions", "decisions", "--out", "report")
        read = map(json.loads, (self.folder / "decisions").read_text().splitlines())
        return [each for each in read if each["subject"] == user]

    def packed(self, lines):
        (self.folder / "cut.kcat").write_text(lines)
        self.fairuse("history", "pack", "cut.kcat", "-o", "cut.history", "--force")
        return "cut.history"

    def test_all_of_a_user_decides_the_same_as_lines_and_as_a_history(self):
        for history in ("day.history", "state.history"):
            wanted = self.decisions(history, "listener-00")
            self.assertGreater(len(wanted), 4)
            lines = self.fairuse("history", "cut", history, "--user", "listener-00").stdout
            self.assertEqual(self.decisions(self.packed(lines), "listener-00"), wanted)
            self.fairuse("history", "cut", history, "--user", "listener-00", "-o", "one.history", "--force")
            self.assertEqual(self.decisions("one.history", "listener-00"), wanted)

    def test_every_decision_is_made_again_by_few_lines(self):
        user = "listener-00"
        for number, decision in enumerate(self.decisions("state.history", user), 1):
            done = self.fairuse("history", "cut", "state.history", "--user", user, "--minimise", "--decision", str(number))
            self.assertIn(decision["data"]["decision"], done.stderr)
            self.assertLessEqual(len(done.stdout.splitlines()), 4, done.stdout)
            made = self.decisions(self.packed(done.stdout), user)
            self.assertIn(essence(decision), map(essence, made))

    def test_one_crossing_is_one_recording_just_above_the_cap(self):
        words = ("history", "cut", "day.history", "--user", "listener-00", "--minimise", "--decision", "1", "--policy", "fair")
        done = self.fairuse(*words)
        self.assertEqual(self.fairuse(*words).stdout, done.stdout)
        (line,) = done.stdout.splitlines()
        event = json.loads(json.loads(line)["payload"])
        self.assertEqual(event["data"]["segments"], [[0, ms("2h") + 1000]])
        self.assertRegex(done.stderr, r"^\d+ events became 1: cap_crossed daily \(cap_exceeded\) is decided again\n$")

    def test_lines_carry_arrivals_and_serve_a_case(self):
        records = [(speech("ann", f"s{i}", at("1h") + i * ms("1m"), ms("1m"), "sync"), at("30h")) for i in range(200)]
        envelope = {"topic": "t", "partition": 3, "tstype": "logappend"}
        lines = [json.dumps({**envelope, "offset": i, "ts": ts, "payload": line}) for i, (line, ts) in enumerate(records)]
        (self.folder / "late.kcat").write_text("\n".join(lines))
        self.fairuse("history", "pack", "late.kcat", "-o", "late.history", "--force")
        policy = self.folder / "arrival.yaml"
        policy.write_text("name: arrival\nmetering: {time_basis: arrival, fresh_within: 0}\nwindows: {daily: {span: 24h, cap: 2h}}\n")
        self.fairuse("history", "cut", "late.history", "--user", "ann", "--minimise", "--decision", "1", "--policy", policy,
                     "-o", "fixture.kcat", "--force")  # fmt: skip
        record = json.loads((self.folder / "fixture.kcat").read_text())
        self.assertEqual((record["tstype"], record["ts"], record["partition"]), ("logappend", at("30h"), 3))
        (self.folder / "case.yaml").write_text("""
policy: arrival.yaml
start: 2026-01-01
cases:
  - name: late speech counts when it comes
    usage: {files: [fixture.kcat]}
    expect: [{at: day 2 06:00, user: ann, decisions: {cap_crossed: 1}}]
  - name: and under fair it does not
    policy: fair
    usage: {files: [fixture.kcat]}
    expect: [{at: day 2 06:00, user: ann, decisions: {cap_crossed: 0}}]
""")
        self.fairuse("test", "case.yaml")

    def test_what_is_wrong_is_said(self):
        rows = [
            (("--user", "no-one"), "there is no user no-one in the history"),
            (("--user", "listener-00", "--minimise"), "--minimise and --decision N go together"),
            (("--user", "listener-00", "--policy", "fair"), "--policy says whose decision --minimise keeps"),
            (("--user", "listener-00", "--minimise", "--decision", "1"), "the history names no live policies"),
            (("--user", "listener-00", "--minimise", "--decision", "99", "--policy", "fair"), "there are 7 decisions, not 99"),
            (("--user", "listener-00", "--minimise", "--decision", "0", "--policy", "fair"), "'0' is not a whole number"),
        ]
        for words, says in rows:
            self.assertIn(says, self.fairuse("history", "cut", "day.history", *words, code=2).stderr)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
