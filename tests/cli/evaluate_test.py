#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse reviewer evaluate`: what a model's reviews are worth, against the stub, which errs by words in titles.

usage: evaluate_test.py PROGRAM
"""

import json
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.chat_stub import ChatStub  # noqa: E402
from support.process import ROOT, Process, run, wait_until  # noqa: E402

PROGRAM = None
EXPERIMENTS = ROOT / "config/experiments"
LABELLED = EXPERIMENTS / "labelled-by-stub.ndjson"
SAMPLE = EXPERIMENTS / "reviewer-by-stub.yaml"
CLEAN = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
         and not name.startswith(("OPENAI", "FAIR_USE"))}  # fmt: skip


def label(title, **more):
    return {"conversations": [{"id": "c-1", "title": title}], **more}


class Evaluate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def stub(self, *script):
        made = ChatStub(script)
        self.addCleanup(made.__exit__)
        return made

    def config(self, stub=None, **keys):
        reviewer = {"model": "stub", "prompts": str(ROOT / "config/prompts"), **keys}
        if stub:
            reviewer["endpoint"] = stub.url
        file = self.folder / "deployment.yaml"
        file.write_text(json.dumps({"policies": {"live": str(ROOT / "config/policies/fair.yaml")}, "reviewer": reviewer}))
        return file

    def labelled(self, *lines):
        file = self.folder / "labelled.ndjson"
        file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return file

    def evaluate(self, labelled, config, *options, code=0):
        return run(PROGRAM, "reviewer", "evaluate", labelled, "--config", config, *options, env=CLEAN, code=code)

    def test_the_sample_is_counted_as_the_stub_errs(self):
        config = self.config(self.stub(), price={"input_per_million": 1.25, "output_per_million": 10})
        done = self.evaluate(LABELLED, config)
        self.assertIn("60 reviews by stub, prompts v1-", done.stdout)
        self.assertRegex(done.stdout, r"misuse +27 +1 +0\nlegitimate +2 +30 +0\n")
        self.assertIn("false positives  2 of 32, 6.2 % (0.8 % to 20.8 %)\n", done.stdout)
        self.assertIn("found            27 of 28, 96.4 % (81.7 % to 99.9 %)\n", done.stdout)
        self.assertRegex(done.stdout, r"meetings +14 +1 of 14")
        told = json.loads(self.evaluate(LABELLED, config, "--json").stdout)
        self.assertEqual(told["confusion"], {"misuse": {"said_misuse": 27, "said_not": 1, "failed": 0},
                                             "legitimate": {"said_misuse": 2, "said_not": 30, "failed": 0}})  # fmt: skip
        self.assertEqual((told["reviews"], told["score"], told["cost_micro"]), (60, 0.7, 60 * 1_750))
        self.assertEqual([each["score"] for each in told["thresholds"]], [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
        self.assertEqual([each["found"]["hits"] for each in told["thresholds"]], [27] * 9 + [0])
        self.assertEqual(sum(each["misuse"] for each in told["histogram"]), 28)
        self.assertEqual(told["histogram"][2], {"misuse": 1, "legitimate": 30})

    def test_the_laboratory_takes_the_reviewer_that_was_measured(self):
        made = self.folder / "mine.yaml"
        self.evaluate(LABELLED, self.config(self.stub()), "-o", made)
        without_latency = lambda text: re.sub("latency: .*", "", text)  # noqa: E731
        self.assertEqual(without_latency(made.read_text()), without_latency(SAMPLE.read_text()))
        experiment = self.folder / "experiment.yaml"
        experiment.write_text(f"population: {EXPERIMENTS / 'population.yaml'}\nreviewer: {made}\nusers: 400\ndays: 4\n"
                              "policies: [fair]\n")  # fmt: skip
        run(PROGRAM, "simulate", experiment, "--out", self.folder / "report", code=0)
        report = (self.folder / "report/report.json").read_text()
        self.assertIn('"reviews"', report)

    def test_reviews_that_fail_are_counted_apart(self):
        lines = [label("Chapter 1", misuse=True), label("Standup", misuse=False), label("Standup", misuse=False)]
        config = self.config(self.stub("score_above", "401"), concurrency=1)
        told = json.loads(self.evaluate(self.labelled(*lines), config, "--json").stdout)
        self.assertEqual(told["failed"], {"key_refused": 1, "wrong_score": 1})
        self.assertEqual(told["confusion"]["misuse"]["failed"], 1)
        self.assertEqual(told["false_positives"] | {"upper": 0}, {"hits": 0, "of": 1, "lower": 0, "upper": 0})
        done = self.evaluate(self.labelled(lines[0]), self.config(self.stub("length")), code=5)
        self.assertIn("no review ended with a verdict", done.stderr)

    def test_recorded_answers_give_the_same_figures_without_a_model(self):
        stub = self.stub()
        record = self.folder / "recorded"
        record.mkdir()
        first = self.evaluate(LABELLED, self.config(stub), "--record", record, "--json").stdout
        calls = len(stub.asked)
        self.assertEqual(self.evaluate(LABELLED, self.config(), "--play", record, "--json").stdout, first)
        self.assertEqual(len(stub.asked), calls)

    def test_recorded_answers_keep_how_long_their_calls_took(self):
        record, lines = self.folder / "recorded", self.labelled(*(label(f"Standup {i}", misuse=False) for i in range(4)))
        models = [self.folder / name for name in ("asked", "played", "resumed")]
        self.evaluate(lines, self.config(self.stub("slow=0.3*4")), "--record", record, "-o", models[0])
        self.evaluate(lines, self.config(), "--play", record, "-o", models[1])
        self.evaluate(lines, self.config(self.stub("500")), "--record", record, "-o", models[2])
        texts = {each.read_text() for each in models}
        self.assertEqual(len(texts), 1, texts)
        self.assertRegex(texts.pop(), r"latency: \{0: [3-9]\d\dms")

    def test_a_limit_that_is_used_up_is_said_at_once(self):
        lines = self.labelled(*(label(f"Standup {i}", misuse=False) for i in range(3)))
        config = self.config(self.stub(), per_hour={"requests": 1})
        with Process(PROGRAM, "reviewer", "evaluate", lines, "--config", config, env=CLEAN) as going:
            going.wait_for_line("calls wait: the requests of this hour are used up")
            self.assertEqual(going.stop(), 130)

    def test_a_mark_of_the_byte_order_is_skipped(self):
        line = "\ufeff" + json.dumps(label("Standup", misuse=False))
        told = json.loads(self.evaluate(self.labelled(line), self.config(self.stub()), "--json").stdout)
        self.assertEqual(told["reviews"], 1)

    def test_recordings_are_their_owners_alone_and_are_not_asked_again(self):
        stub = self.stub()
        record = self.folder / "made" / "recorded"
        first = self.evaluate(LABELLED, self.config(stub), "--record", record, "--json").stdout
        self.assertEqual({each.stat().st_mode & 0o777 for each in (record, *record.iterdir())}, {0o700, 0o600})
        names = sorted(record.iterdir())
        names[0].unlink()
        names[1].write_text("no recording")
        calls = len(stub.asked)
        self.assertEqual(self.evaluate(LABELLED, self.config(stub), "--record", record, "--json").stdout, first)
        self.assertEqual(len(stub.asked), calls + 2)

    def test_what_was_paid_is_shown_when_it_is_stopped_and_goes_on_from_recordings(self):
        stub = self.stub("good*2", "slow=600")
        lines = self.labelled(*[label(f"Standup {number}", misuse=False) for number in range(4)])
        record, config = self.folder / "recorded", self.config(stub, concurrency=1, timeout="600s")
        words = ["reviewer", "evaluate", lines, "--config", config, "--record", record, "--json"]
        with Process(PROGRAM, *words, env=CLEAN) as stopped:
            wait_until(lambda: len(stub.asked) == 3, "the third call")
            self.assertEqual(stopped.stop(signal.SIGINT), 130)
            self.assertIn(b"stopped after 2 of 4 reviews; their answers are in", stopped.errors())
            self.assertEqual(json.loads(stopped.output())["reviews"], 2)
        self.assertEqual(json.loads(run(PROGRAM, *words, env=CLEAN, code=0).stdout)["reviews"], 4)
        self.assertEqual(len(stub.asked), 5)

    def test_what_was_paid_is_shown_when_it_cannot_be_recorded(self):
        stub = self.stub("slow=600")
        record, config = self.folder / "recorded", self.config(stub, timeout="600s")
        lines = self.labelled(label("Standup", misuse=False))
        with Process(PROGRAM, "reviewer", "evaluate", lines, "--config", config, "--record", record, env=CLEAN) as going:
            wait_until(lambda: stub.asked, "the call")
            shutil.rmtree(record)
            stub.leave.set()
            self.assertEqual(going.wait(), 1)
            self.assertIn(b"1 reviews by stub", going.output())
            self.assertIn(b"cannot write", going.errors())

    def test_what_cannot_be_used_is_refused_before_anything_is_asked(self):
        stub = self.stub()
        config = self.config(stub)
        good = label("Chapter 1", misuse=True)
        there = self.folder / "there.yaml"
        there.write_text("kept")
        for lines, options, said in (
            (["", good, "{"], (), "labelled.ndjson:3: is no JSON object"),
            ([label("x")], (), "labelled.ndjson:1: misuse must be true or false"),
            ([""], (), "holds no labelled review"),
            ([good], ("-o", self.folder / "new.yaml"), "a misuse has no cohort"),
            ([good], ("-o", there), "is there already; --force replaces it"),
            ([good], ("-o", config, "--force"), "deployment.yaml"),
            ([good], ("-o", self.folder), "is a folder"),
            ([label("x", misuse=False)], ("-o", self.folder / "nodir" / "x.yaml"), "No such file or directory"),
            ([good], ("--record", there), "is no folder"),
            ([good], ("--record", there / "below"), "cannot make the folder"),
            ([good], ("--play", self.folder / "nowhere"), "is no folder"),
            ([label("x", misuse=True, cohort="a"), label("x", misuse=False, cohort="a")], ("-o", self.folder / "new.yaml"),
             "the cohort 'a' is labelled as misuse and as legitimate"),
        ):  # fmt: skip
            with self.subTest(said):
                done = self.evaluate(self.labelled(*lines), config, *options, code=2)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertEqual((stub.asked, there.read_text(), (self.folder / "new.yaml").exists()), ([], "kept", False))
        self.assertIn("--config is required", run(PROGRAM, "reviewer", "evaluate", self.labelled(good), code=2).stderr)
        self.assertIn("--config is required", run(PROGRAM, "reviewer", code=2).stderr)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
