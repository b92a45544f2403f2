#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse test` as a policy team uses it: cases that hold, cases that do not, files with mistakes.

usage: cases_test.py PROGRAM
"""

import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402

PROGRAM = None
DAY = ROOT / "config/demo/day.ndjson"

HOLDS = """
  - name: exactly the cap triggers nothing
    usage:
      - alice speaks 2 h 1 min at 09:00
    reviews: 0.9
    expect:
      - {at: day 1 11:00, stage: none, sums: {daily: 2h}, decisions: {cap_crossed: 0}}
      - {at: day 1 11:01, sums: {daily: 2h1m}, decisions: {cap_crossed: 1, review_requested: 1}}
      - {at: day 1 11:02, stage: warning, release: day 31 11:02, strikes: 1}
      - {at: day 31 11:02, stage: warning}
      - {at: day 31 11:03, stage: none, release: never}
"""
FAILS = """
  - name: "a <lecture> & a talk"
    usage:
      - carol speaks 3 h at 09:00
    reviews: 0.9
    expect:
      - {at: day 1 23:00, stage: none, strikes: 1}
"""


class Cases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, *cases, name="cases.yaml", policy="fair"):
        (self.folder / name).write_text(f"policy: {policy}\ncases:" + "".join(cases))

    def ran(self, *words, code=0, file="cases.yaml"):
        return run(PROGRAM, "test", file, *words, cwd=self.folder, code=code)

    def seen(self, cases, code=0):
        self.write(cases)
        return json.loads(self.ran("--json", code=code).stdout)["cases"]

    def test_the_shipped_policies_do_what_their_cases_say(self):
        files = sorted((ROOT / "config/policies/tests").glob("*.yaml"))
        done = run(PROGRAM, "test", *files, "--coverage")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" 0 failed", done.stdout)
        self.assertEqual(done.stdout.count("coverage of "), 3)
        self.assertNotIn("no case reaches", done.stdout)

    def test_what_holds_passes(self):
        self.write(HOLDS)
        self.assertIn("1 cases: 1 passed, 0 failed", self.ran().stdout)

    def test_what_differs_is_shown_beside_what_was_expected(self):
        self.write(HOLDS, FAILS)
        done = self.ran(code=3)
        self.assertRegex(done.stdout, r"day 1 23:00 +carol +stage +none +warning +line 19")
        self.assertRegex(done.stdout, r"day 1 23:00 +carol +strikes +1 +1 *\n")
        self.assertIn("day 1 11:01    carol cap_crossed daily", done.stdout)
        self.assertIn("2 cases: 1 passed, 1 failed", done.stdout)
        told = json.loads(self.ran("--json", code=3).stdout)["cases"]
        self.assertEqual([each["passed"] for each in told], [True, False])
        self.assertEqual([value["holds"] for value in told[1]["values"]], [False, True])

    def test_junit_names_every_case_and_what_differed(self):
        self.write(HOLDS, FAILS)
        self.ran("--junit", "out.xml", code=3)
        suite = xml.etree.ElementTree.parse(self.folder / "out.xml").getroot().find("testsuite")
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        good, bad = suite.findall("testcase")
        self.assertIsNone(good.find("failure"))
        self.assertEqual((bad.get("name"), bad.get("line")), ("a <lecture> & a talk", "14"))
        self.assertIn("warning", bad.find("failure").text)

    def test_upgrades_resets_exemptions_and_credits_hold(self):
        self.write("""
  - name: many facts
    usage:
      - ann is on plan unlimited
      - ann speaks 3 h at 09:00
      - bob speaks 3 h at 09:00
      - bob is reset at day 1 20:00
      - cid is exempt
      - cid speaks 3 h at 09:00
      - dan is on plan basic
      - dan has no credits left from day 1 08:00
      - dan speaks 3 h at 09:00
      - dan is on plan unlimited from day 2 09:00
    reviews: {bob: 0.9}
    expect:
      - {at: day 1 19:00, user: ann, stage: none, decisions: {cap_crossed: 0}}
      - {at: day 1 19:00, user: bob, stage: warning}
      - {at: day 1 21:00, user: bob, stage: none, strikes: 0}
      - {at: day 1 19:00, user: cid, stage: none, decisions: {cap_crossed: 0}}
      - {at: day 1 19:00, user: dan, stage: warning}
      - {at: day 2 10:00, user: dan, stage: none}
""")
        self.assertIn("1 passed", self.ran().stdout)

    def test_verdicts_may_be_missing_or_fail(self):
        case = """
  - name: reviews
    usage: [ann speaks 3 h at 09:00]
    reviews: {}
    expect:
      - {{at: day 1 12:00, stage: none, decisions: {{review_failed: {}, review_unanswered: {}}}}}
"""
        for reviews, failed, unanswered in (("failed", 3, 0), ("none", 0, 1), ("recorded", 0, 1)):
            told = self.seen(case.format(reviews, failed, unanswered))
            self.assertTrue(told[0]["passed"], told)

    def test_usage_may_be_files_or_a_history(self):
        run(PROGRAM, "history", "pack", DAY, "-o", "day.history", cwd=self.folder, code=0)
        case = """
  - name: the demo's day
    usage: {{{}}}
    reviews: recorded
    expect:
      - {{at: 2027-01-01T00:00:00Z, user: listener-00, stage: {}}}
"""
        for usage in (f"files: [{DAY}]", "history: day.history"):
            self.write(case.format(usage, "none"))
            self.assertIn("1 passed", self.ran().stdout)
        self.write(case.format("history: day.history", "none").replace("listener-00", "someone-00"))
        self.assertIn("no such user", self.ran(code=3).stdout)

    def test_what_no_case_reaches_is_named(self):
        self.write(HOLDS)
        done = self.ran("--coverage")
        self.assertIn("coverage of fair: 4 of 23", done.stdout)
        told = " ".join(done.stdout.split("no case reaches:")[1].split())
        for name in ("window weekly", "window daily of plan unlimited", "ceiling", "review that fails", "step to throttle",
                     "end of restrict", "budget reset", "upgrade", "reset by staff"):  # fmt: skip
            self.assertIn(name, told)
        for name in ("window daily,", "strike,", "step to warning", "end of warning"):
            self.assertNotIn(name, told)
        coverage = json.loads(self.ran("--coverage", "--json").stdout)["coverage"][0]
        self.assertEqual((coverage["policy"], coverage["reached"]["strike"], coverage["reached"]["upgrade"]), ("fair", True, False))

    def test_an_update_writes_what_was_seen_and_nothing_else(self):
        self.write("""
  - name: "to be known"   # a comment
    usage: [ann speaks 3 h at 09:00]
    reviews: 0.9
    expect:
      - {at: day 1 23:00, stage: "none", release: never, sums: {daily: 3h, weekly: 1m}, decisions: {strike_added: 0}}
      - at: day 1 11:00
        user: ann
        stage: warning   # is it?
        uploads: refused
""")
        before = (self.folder / "cases.yaml").read_text()
        done = self.ran("--update")
        self.assertIn("cases.yaml: 6 values updated", done.stderr)
        self.assertIn("+         uploads: accepted", done.stderr)
        after = before.replace('"none"', '"warning"').replace("never", "day 31 11:02").replace("1m", "3h")
        after = after.replace("strike_added: 0", "strike_added: 1").replace("warning   #", "none   #")
        after = after.replace("refused", "accepted")
        self.assertEqual((self.folder / "cases.yaml").read_text(), after)
        done = self.ran("--update")
        self.assertEqual(((self.folder / "cases.yaml").read_text(), done.stderr), (after, ""))
        self.write(HOLDS.replace("stage: none, sums", "user: zoe, stage: none, sums"))
        self.assertIn("'zoe' does nothing in this case", self.ran("--update", code=2).stderr)

    def test_mistakes_have_a_place_and_a_suggestion(self):
        rows = [
            ("alice speeks 4 h at 09:00", "none", "cases.yaml:5:15: error: 'speeks' is not known here; did you mean 'speaks'?"),
            ("alice speaks 4 h at 09:00", "nothing", "cases.yaml:8:34: error: cases[0].expect[0].stage: 'nothing' is not known"),
        ]
        for sentence, stage, says in rows:
            self.write(f"""
  - name: one
    usage:
      - {sentence}
    reviews: 0.9
    expect:
      - {{at: day 1 12:00, stage: {stage}}}
""")
            self.assertIn(says, self.ran(code=2).stderr)
        self.write(HOLDS, policy="fiar")
        self.assertIn("cases.yaml:1:9: error: policy: 'fiar' is neither a policy file nor a preset; did you mean 'fair'?",
                      self.ran(code=2).stderr)  # fmt: skip
        self.assertIn("nowhere.yaml", self.ran(file="nowhere.yaml", code=2).stderr)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
