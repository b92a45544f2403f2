#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse replay` as policy teams use it: the months of `simulate --write-history`, other policies, bad files.

usage: replay_test.py PROGRAM
"""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402

PROGRAM = None
EXPERIMENTS = ROOT / "config/experiments"
POLICIES = ROOT / "config/policies"
REVIEWER = EXPERIMENTS / "reviewer.yaml"
NAMES = ["fair", "omi-newest"]


def written_history(folder, users=300, days=12):
    """An experiment's report, and its traffic as a history."""
    file = folder / "mine.yaml"
    file.write_text(
        f"population: {EXPERIMENTS / 'population.yaml'}\nreviewer: {REVIEWER}\nusers: {users}\ndays: {days}\n"
        f"policies: [{', '.join(NAMES)}]\n"
    )
    done = run(PROGRAM, "simulate", file, "--write-history", "month.history", "--out", "simulated", cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "simulated/report.json").read_text())


def replay(folder, *options, history="month.history", policies=NAMES):
    chosen = [option for name in policies for option in ("--policy", POLICIES / f"{name}.yaml")]
    return run(PROGRAM, "replay", history, *chosen, *options, cwd=folder)


def without_place(line):
    """A decision of production without what depends on where and when it was committed."""
    decision = json.loads(line)
    del decision["id"], decision["source"], decision["data"]["epoch"]
    decision["data"].pop("case", None)
    return decision


class DemoDay(unittest.TestCase):
    """The store of a deployment that ran the demo's day."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)
        day = ("--input", ROOT / "config/demo/day.ndjson", "--clock", "events", "--until-end")
        done = run(PROGRAM, "run", "--config", ROOT / "config/local.yaml", "--state", "state", *day, cwd=cls.folder)
        assert done.returncode == 0, done.stderr
        done = run(PROGRAM, "history", "pack", "--state", "state", "-o", "day.history", cwd=cls.folder)
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def live_decisions(self, state):
        lines = run(PROGRAM, "decisions", "--state", state, cwd=self.folder).stdout.splitlines()
        live = [each for each in map(without_place, lines) if each["data"]["mode"] == "live"]
        return sorted((each for each in live if each["subject"] != "*"), key=lambda each: each["subject"])

    def test_decisions_replace_nothing_that_is_read_and_a_full_disk_is_named(self):
        for words in (["--policy", POLICIES / "fair.yaml"], ["--as-recorded"]):
            said = run(PROGRAM, "replay", "day.history", *words, "--decisions", "day.history", cwd=self.folder)
            self.assertEqual((said.returncode, "is one of the files to read" in said.stderr), (2, True), said.stderr)
        said = run(PROGRAM, "replay", "day.history", "--as-recorded", "--decisions", "/dev/full", cwd=self.folder)
        self.assertEqual((said.returncode, "No space left" in said.stderr), (1, True), said.stderr)

    def test_the_live_policy_with_recorded_outcomes_decides_as_production_did(self):
        live = self.live_decisions("state")
        self.assertGreater(len(live), 20)
        done = replay(self.folder, "--decisions", "again.ndjson", history="day.history", policies=["fair"])
        self.assertEqual(done.returncode, 0, done.stderr)
        again = [json.loads(line) for line in (self.folder / "again.ndjson").read_text().splitlines()]
        self.assertEqual(again, live)

    def test_recorded_controls_decide_as_a_deployment_that_was_off_for_hours(self):
        lines = (ROOT / "config/demo/day.ndjson").read_text().splitlines()
        times = sorted(json.loads(line)["time"] for line in lines)
        for number, (share, on) in enumerate([(0.3, False), (0.5, True), (0.7, False), (0.75, True)]):
            at = times[int(len(times) * share)]
            place = next(i for i, line in enumerate(lines) if json.loads(line)["time"] >= at)
            data = {"command": "enable", "on": on, "actor": "staff", "reason": "asked"}
            head = {"specversion": "1.0", "source": "t", "subject": "*", "type": "fairuse.admin.v1", "time": at}
            lines.insert(place, json.dumps({**head, "id": f"switch-{number}", "data": data}))
        (self.folder / "off.ndjson").write_text("".join(line + "\n" for line in lines))
        day = ("--input", "off.ndjson", "--clock", "events", "--until-end")
        config = ROOT / "config/local.yaml"
        run(PROGRAM, "run", "--config", config, "--state", "off-state", *day, cwd=self.folder, code=0)
        run(PROGRAM, "history", "pack", "--state", "off-state", "-o", "off.history", cwd=self.folder, code=0)
        # The day's answers to what was never asked, because the system was off, are left out.
        unknown = "unknown_request"
        live = [each for each in self.live_decisions("off-state") if each["data"]["cause"]["reason"] != unknown]
        self.assertNotEqual(live, self.live_decisions("state"))
        # The slots of other policies follow the switches as well.
        digests = set()
        for policies in (["fair"], ["omi-newest", "fair"]):
            kept = ("--controls", "recorded", "--decisions", "off.decisions")
            done = replay(self.folder, *kept, history="off.history", policies=policies)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads((self.folder / "fairuse-report/report.json").read_text())
            self.assertEqual(report["run"]["history"]["controls"], "recorded")
            digests.add(report["policies"][-1]["decisions_digest"])
            again = [json.loads(line) for line in (self.folder / "off.decisions").read_text().splitlines()]
            self.assertEqual([each for each in again if each["data"]["policy"]["name"] == "fair"], live)
        self.assertEqual(len(digests), 1)
        done = replay(self.folder, history="off.history", policies=["fair"])
        report = json.loads((self.folder / "fairuse-report/report.json").read_text())
        self.assertEqual(report["run"]["history"]["controls"], "on")
        self.assertNotIn(report["policies"][0]["decisions_digest"], digests)

    def test_labels_of_a_file_replace_those_of_the_history(self):
        (self.folder / "labels.csv").write_text("uid,label\nlistener-00,misuse\nmanager-00,legitimate\n")
        done = replay(self.folder, "--labels", "labels.csv", history="day.history")
        self.assertIn("2 of 50 users are labelled", done.stdout)
        self.assertIn("of 1 misusing", done.stdout)
        self.assertIn("whatever they are, false positives at warning / throttle / restrict are", done.stdout)
        report = json.loads((self.folder / "fairuse-report/report.json").read_text())
        labels = report["run"]["history"]["labels"]
        self.assertEqual((labels["labelled"], labels["users"], labels["coverage"]), (2, 50, 0.04))
        self.assertEqual((labels["legitimate"], labels["misuse"], labels["unlabelled"]), (1, 1, 48))
        for policy in report["policies"]:
            for stage in policy["stages"].values():
                known, other = stage["legitimate"], stage["unlabelled"]
                bracket = stage["with_unlabelled"]["false_positive_rate"]
                self.assertEqual(bracket["lower"], known["hits"] / (known["users"] + other["users"] - other["hits"]))
                self.assertEqual(bracket["upper"], (known["hits"] + other["hits"]) / (known["users"] + other["hits"]))
        (self.folder / "wrong.csv").write_text("uid,label\nlistener-00,guilty\n")
        done = replay(self.folder, "--labels", "wrong.csv", history="day.history")
        self.assertEqual(done.returncode, 2)
        self.assertIn("wrong.csv:2: 'guilty' is no label", done.stderr)

    def test_commands_of_staff_are_left_out_and_counted(self):
        head = {"specversion": "1.0", "source": "t", "subject": "ann"}
        speech = {"type": "fairuse.speech.v1", "id": "s", "time": "2026-03-02T10:00:00Z"}
        command = {"type": "fairuse.admin.v1", "id": "c", "time": "2026-03-02T11:00:00Z"}
        moved = {"command": "set_stage", "stage": "throttle", "actor": "staff", "reason": "asked"}
        exempt = {"command": "exempt", "on": True, "actor": "staff", "reason": "asked"}
        promoted = {"command": "promote_policy", "policy": "mine", "actor": "staff", "reason": "asked"}
        lines = [
            {**head, **speech, "data": {"lane": "realtime", "ms": 1000}},
            {**head, **command, "data": moved},
            {**head, **command, "id": "e", "data": exempt},
            {**head, **command, "id": "p", "subject": "*", "data": promoted},
        ]
        (self.folder / "staff.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines))
        done = run(PROGRAM, "history", "pack", "staff.ndjson", "-o", "staff.history", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = replay(self.folder, "--decisions", "staff.decisions", history="staff.history", policies=["fair"])
        self.assertIn("2 commands of staff were left out", done.stdout)
        report = json.loads((self.folder / "fairuse-report/report.json").read_text())
        self.assertEqual(report["run"]["history"]["skipped_commands"], 2)
        lines = (self.folder / "staff.decisions").read_text().splitlines()
        reasons = [json.loads(each)["data"]["cause"]["reason"] for each in lines]
        self.assertEqual(reasons, ["exempt"])

    def test_a_window_may_be_longer_than_the_deployment_s_retention(self):
        file = self.folder / "month.yaml"
        file.write_text("name: month\nwindows: {monthly: {span: 30d, cap: 1h}}\n")
        done = run(PROGRAM, "replay", "day.history", "--policy", file, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_a_csv_cannot_hold_is_null_and_never_0(self):
        lines = ["user,at,seconds"]
        lines += [f"ann,2026-03-{day:02}T0{hour}:00:00Z,3000" for day in range(1, 8) for hour in range(9)]
        (self.folder / "use.csv").write_text("\n".join(lines) + "\n")
        columns = ("--columns", "uid=user,time=at,ms=seconds", "--units", "s")
        done = run(PROGRAM, "history", "pack", "use.csv", *columns, "-o", "use.history", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = replay(self.folder, "--json", history="use.history")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertIsNone(report["run"]["history"]["skipped_commands"])
        # Nothing says when the rows arrived.
        self.assertIsNone(report["run"]["moved_to_backfill"])
        self.assertIsNone(report["run"]["too_old"])
        unknown = ["stt_ms", "stt_blocked_ms", "upload_refused_ms", "stt_ms_saved", "harm_ms", "exhausted_limited_ms"]
        for policy in report["policies"]:
            self.assertGreater(policy["crossings"]["daily"], 0)
            self.assertGreater(policy["reviews"], 0)
            self.assertEqual({key: policy[key] for key in unknown}, dict.fromkeys(unknown))
            self.assertEqual(set(policy["stt_ms_economy"].values()), {None})
            self.assertIsNone(policy["review_outcomes"]["synthetic"])
            self.assertIsNone(policy["review_sources"]["recorded"])
            for cohort in policy["cohorts"]:
                self.assertIsNone(cohort["stt_ms"])
        done = replay(self.folder, history="use.history")
        self.assertIn("STT is not known", done.stdout)
        prices = "prices: {stt_minute: 0.01, review: 0.5}"
        done = self.simulate(f"history: use.history\npolicies: [fair, omi-newest]\n{prices}\n", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        for policy in json.loads(done.stdout)["policies"]:
            money = policy["money_micro"]
            self.assertEqual([money[key] for key in ("stt", "saved", "saved_by_economy")], [None] * 3)
            self.assertEqual(money["reviews"], policy["reviews"] * 500_000)
        done = self.simulate(f"history: use.history\npolicies: [fair, omi-newest]\n{prices}\n")
        self.assertIn("saved -, by the cheaper model -, reviews cost", done.stdout)

    def test_misuse_and_harm_of_users_without_a_label_are_null(self):
        done = replay(self.folder, "--json", history="day.history")
        for policy in json.loads(done.stdout)["policies"]:
            self.assertGreater(policy["stt_ms"], 0)
            self.assertIsNone(policy["harm_ms"])
            self.assertIsNone(policy["stt_ms_saved"])

    def simulate(self, text, *options):
        (self.folder / "on.yaml").write_text(text)
        return run(PROGRAM, "simulate", "on.yaml", *options, cwd=self.folder)

    def test_a_guard_on_a_rate_ends_with_5_where_no_user_is_labelled(self):
        (self.folder / "known.csv").write_text("uid,label\nlistener-00,misuse\nmanager-00,legitimate\n")
        for more, code in [
            ("guards: [fpr_warning.upper < 100%]", 5),
            ("guards: [fpr_warning < 50%]", 5),
            ("guards: [harm < 1h]", 5),
            ("guards: [reviews < 20000]", 0),
            ("guards: [reviews < 1]", 4),
            ("guards: [fpr_warning < 50%]\nlabels: known.csv", 0),
        ]:
            with self.subTest(more=more):
                done = self.simulate(f"history: day.history\npolicies: [fair]\n{more}\n")
                self.assertEqual(done.returncode, code, done.stderr)

    def test_what_an_experiment_on_a_history_gets_wrong_is_said_with_its_place(self):
        for text, wanted in [
            ("history: day.history\npolicies: [fair]\nusers: 5\n", "on.yaml:3:8: error: users: the users and days are"),
            ("history: day.history\npolicies: [fair]\ndays: 5\n", "on.yaml:3:7: error: days: the users and days are"),
            ("histroy: day.history\npolicies: [fair]\n", "unknown key 'histroy'; did you mean 'history'?"),
            ("history: none.history\npolicies: [fair]\n", "on.yaml:1:10: error: history: there is no file"),
            ("history: day.history\npolicies: [fair]\ncontrols: off\n", "on.yaml:3:11: error: controls"),
            ("policies: [fair]\nlabels: a.csv\n", "on.yaml:2:9: error: labels: it is about a history"),
        ]:
            with self.subTest(text=text):
                done = self.simulate(text)
                self.assertEqual(done.returncode, 2)
                self.assertIn(wanted, done.stderr)
        (self.folder / "wrong.csv").write_text("uid,label\nlistener-00,guilty\n")
        done = self.simulate("history: day.history\npolicies: [fair]\nlabels: wrong.csv\n")
        self.assertEqual(done.returncode, 2)
        self.assertIn("wrong.csv:2: 'guilty' is no label", done.stderr)
        done = self.simulate("history: day.history\npolicies: [fair]\n", "--write-history", "again.history")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the experiment's is a history", done.stderr)

    def test_synthetic_users_get_a_prefix_that_no_uid_of_the_history_has(self):
        spoken = {"specversion": "1.0", "source": "t", "type": "fairuse.speech.v1", "data": {"lane": "sync", "ms": 1}}
        for prefix, uids in [("synthetic/", ["ann", "synthetic"]), ("synthetic-2/", ["ann", "synthetic/u0000001"])]:
            lines = [{**spoken, "id": uid, "subject": uid, "time": "2026-03-02T10:00:00Z"} for uid in uids]
            (self.folder / "few.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines))
            packed = ("history", "pack", "few.ndjson", "-o", "few.history", "--force")
            run(PROGRAM, *packed, cwd=self.folder, code=0)
            people = f"population: {EXPERIMENTS / 'population.yaml'}\nreviewer: {REVIEWER}\nusers: 3\n"
            done = self.simulate(f"history: few.history\n{people}policies: [fair]\n", "--users", "all", "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            made = [each for each in report["policies"][0]["users"] if each["uid"].startswith(prefix)]
            self.assertEqual([each["uid"] for each in made], [f"{prefix}u000000{number}" for number in range(3)])
            self.assertTrue(all(each["cohort"].startswith(prefix) for each in made))
            self.assertEqual(report["run"]["history"]["synthetic_prefix"], prefix)
            self.assertEqual(report["run"]["users"], 5)

    def test_traffic_without_labels_gives_no_rate(self):
        done = replay(self.folder, history="day.history")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 of 50 users are labelled", done.stdout)
        self.assertNotIn("legitimate", done.stdout.split("Effects")[0])


class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls._folder.name)
        cls.simulated = written_history(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def report(self, *options, **more):
        done = replay(self.folder, "--json", *options, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_written_month_with_the_same_reviewer_is_decided_as_it_was_simulated(self):
        replayed = self.report("--reviewer", REVIEWER)
        self.assertEqual(replayed["run"]["digest"], self.simulated["run"]["digest"])
        self.assertGreater(self.simulated["policies"][0]["reviews"], 10)
        for was, now in zip(self.simulated["policies"], replayed["policies"]):
            self.assertEqual(now["decisions_digest"], was["decisions_digest"])
            self.assertEqual(now["users"], was["users"])
            self.assertEqual(now["cohorts"][: len(was["cohorts"])], was["cohorts"])
            self.assertEqual(now["stt_ms_saved"], was["stt_ms_saved"])

    def test_the_number_of_workers_changes_no_byte(self):
        reports = {replay(self.folder, "--json", "--workers", str(count)).stdout for count in (1, 2, 3, 8)}
        self.assertEqual(len(reports), 1)

    def test_requests_without_an_outcome_are_counted_and_never_a_failure(self):
        policy = self.report()["policies"][0]
        self.assertEqual(policy["review_sources"]["recorded"], 0)
        self.assertEqual(policy["review_sources"]["model"], 0)
        self.assertEqual(policy["review_sources"]["none"], policy["reviews"])
        self.assertGreater(policy["reviews"], 10)
        self.assertEqual(policy["review_outcomes"]["failed"], 0)

    def test_the_report_lists_who_reached_a_stage(self):
        hit = self.report("--reviewer", REVIEWER)["policies"][0]
        everyone = self.report("--reviewer", REVIEWER, "--users", "all")["policies"][0]
        self.assertEqual(len(everyone["users"]), 300)
        self.assertLess(len(hit["users"]), 300)
        self.assertEqual([each for each in everyone["users"] if each["stages"]], hit["users"])
        first = hit["users"][0]
        self.assertGreater(first["strikes"], 0)
        self.assertGreater(max(first["most_ms"].values()), 2 * 3_600_000)

    def experiment(self, more, *options):
        (self.folder / "on.yaml").write_text(
            f"history: month.history\nreviewer: {REVIEWER}\npolicies: [{', '.join(NAMES)}]\n{more}"
        )
        done = run(PROGRAM, "simulate", "on.yaml", "--users", "all", "--json", *options, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_an_experiment_may_name_a_history_instead_of_a_population(self):
        replayed = self.report("--reviewer", REVIEWER, "--users", "all")
        named = self.experiment("")
        self.assertEqual(named["policies"], replayed["policies"])
        self.assertEqual(named["run"]["digest"], replayed["run"]["digest"])
        self.assertEqual(named["experiment"], "on")

    def test_synthetic_users_beside_a_history_change_nothing_for_its_users(self):
        alone = self.experiment("")
        beside = f"population: {EXPERIMENTS / 'population.yaml'}\nusers: 90\n"
        both = self.experiment(beside)
        self.assertEqual(both["run"]["users"], 390)
        self.assertEqual(both["run"]["history"]["synthetic_users"], 90)
        self.assertGreater(both["run"]["events"], alone["run"]["events"])
        for one, other in zip(alone["policies"], both["policies"]):
            recorded = [each for each in other["users"] if not each["uid"].startswith("synthetic/")]
            self.assertEqual(recorded, one["users"])
            self.assertEqual(other["cohorts"][: len(one["cohorts"])], one["cohorts"])
            made = other["cohorts"][len(one["cohorts"]) :]
            self.assertEqual(sum(each["users"] for each in made), 90)
            self.assertTrue(all(each["name"].startswith("synthetic/") for each in made))
        self.assertEqual(self.experiment(beside, "--workers", "1"), self.experiment(beside, "--workers", "3"))

    def test_base_and_candidate_are_compared_user_by_user(self):
        mild = self.folder / "mild.yaml"
        fair = (POLICIES / "fair.yaml").read_text()
        mild.write_text(fair.replace("name: fair", "name: mild").replace("cap: 2h", "cap: 9h"))
        chosen = ("--policy", mild, "--policy", POLICIES / "fair.yaml", "--reviewer", REVIEWER)
        done = run(PROGRAM, "replay", "month.history", *chosen, cwd=self.folder)
        self.assertIn("under mild (lines) and under fair (columns)", done.stdout)
        report = json.loads((self.folder / "fairuse-report/report.json").read_text())
        against = report["against_base"][0]
        self.assertEqual((against["base"], against["candidate"]), ("mild", "fair"))
        moved = against["transitions"]
        self.assertEqual(sum(sum(row.values()) for row in moved.values()), 300)
        stages = ["none", "warning", "throttle", "restrict"]
        for index, stage in enumerate(stages[1:], 1):
            for policy, users in zip(
                report["policies"],
                (sum(moved[stage].values()), sum(row[stage] for row in moved.values())),
            ):
                highest = [max(stages.index(each["to"]) for each in user["stages"]) for user in policy["users"]]
                self.assertEqual(highest.count(index), users)
        above = sum(moved[a][b] for a in stages for b in stages if stages.index(b) > stages.index(a))
        self.assertEqual(len(against["newly_hit"]), above)
        self.assertGreater(above, 0)
        for each in against["newly_hit"][:3]:
            self.assertIn(f"\n- {each['uid']}, {each['candidate']} instead of {each['base']}: ", done.stdout)
        self.assertEqual(f"- {above - 3} more: report.json" in done.stdout, above > 3)
        for each in against["newly_hit"]:
            hit = each["reason"]["hit"]
            self.assertGreater(hit["sum_ms"], hit["cap_ms"])
            self.assertIn(f"{each['reason']['spared']['by']} ", done.stdout)

    def test_a_policy_does_not_depend_on_the_others(self):
        orders = (NAMES, NAMES[::-1], NAMES[:1], NAMES[1:])
        digests = {name: set() for name in NAMES}
        for names in orders:
            for each in self.report("--reviewer", REVIEWER, policies=names)["policies"]:
                digests[each["name"]].add(each["decisions_digest"])
        self.assertEqual([len(each) for each in digests.values()], [1, 1])

    def test_what_is_wrong_is_said(self):
        (self.folder / "empty.history").write_bytes(b"")
        (self.folder / "text.history").write_text("uid,time,ms\n")
        whole = (self.folder / "month.history").read_bytes()
        (self.folder / "cut.history").write_bytes(whole[:-7])
        # In the facts of the first block, which every replay reads; of ids it reads those that decisions name.
        damaged = bytearray(whole)
        damaged[100] ^= 1
        (self.folder / "bad.history").write_bytes(damaged)
        for name, code, words in [
            ("none.history", 2, "there is no history none.history"),
            ("empty.history", 1, "it is not a history of fairuse"),
            ("text.history", 1, "it is not a history of fairuse"),
            ("cut.history", 1, "it was cut or changed"),
            ("bad.history", 1, "is damaged: the checksum of its"),
        ]:
            done = replay(self.folder, history=name)
            self.assertEqual(done.returncode, code, name)
            self.assertIn(words, done.stderr)
        twice = replay(self.folder, policies=["fair", "fair"])
        self.assertEqual(twice.returncode, 2)
        self.assertIn("a second policy 'fair'", twice.stderr)

    def test_a_history_that_is_there_is_not_replaced(self):
        done = run(PROGRAM, "simulate", "mine.yaml", "--write-history", "month.history", cwd=self.folder)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is there already", done.stderr)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
