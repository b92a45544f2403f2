#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reviews against a model of ours that has every fault (tests/support/chat_stub.py).

usage: review_test.py REVIEW_DRIVER
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.chat_stub import FAULTS, ChatStub  # noqa: E402
from support.process import ROOT, run  # noqa: E402

DRIVER = None
CLEAN = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and "OPENAI" not in name
         and not name.startswith("FAIR_USE")}  # fmt: skip

# Calls that end a review at once, by what the stub does: why it has no verdict ("none": it has one).
AT_ONCE = {
    "good": "none", "400": "request_refused", "401": "key_refused", "403": "key_refused", "404": "not_there",
    "422": "request_refused", "filtered_prompt": "filtered", "redirect": "redirected", "huge": "too_large",
    "not_json": "not_json", "empty_choices": "no_choice", "no_choices": "no_choice", "null_content": "no_choice",
    "refusal": "refused", "length": "cut_off", "content_filter": "filtered", "tool_calls": "wrong_form", "no_end": "none",
    "no_usage": "none", "fence": "none", "prose": "wrong_form", "bad_json": "wrong_form", "list": "wrong_form",
    "missing_member": "wrong_form", "extra_member": "wrong_form", "duplicate_keys": "wrong_form",
    "escaped_keys": "wrong_form", "score_text": "wrong_score", "score_null": "wrong_score", "score_nan": "wrong_form",
    "score_above": "wrong_score", "score_below": "wrong_score", "score_long": "none", "score_exponent": "none",
    "score_giant": "wrong_form", "unknown_type": "wrong_type", "free_exhausted": "wrong_type",
    "confidence_above": "wrong_confidence", "wrong_evidence": "wrong_evidence", "twice_evidence": "wrong_evidence",
    "much_evidence": "wrong_evidence", "text_evidence": "wrong_evidence",
}  # fmt: skip
# Those after which it is asked again: why, if it never ends well.
AGAIN = {
    "408": "timed_out", "409": "rate_limited", "429": "rate_limited", "429_date": "rate_limited",
    "429_bare": "rate_limited", "500": "server_fault", "502": "server_fault", "503": "server_fault", "cut": "broken_off",
    "nothing": "broken_off", "slow": "timed_out",
}  # fmt: skip
FORMATS = {"400_schema": "json_object", "400_format": "text"}


def conversations(title, count=3):
    return [{"id": f"c-{n}", "title": f"{title} {n}", "overview": "people talk", "category": "work", "minutes": 60}
            for n in range(count)]  # fmt: skip


def review(title="Chapter", count=3, **more):
    return {"review": {"conversations": conversations(title, count), "misuse": True}, **more}


class Reviews(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def stub(self, *script, **options):
        made = ChatStub(script, **options)
        self.addCleanup(made.__exit__)
        return made

    def settings(self, stub=None, **keys):
        """A file of `reviewer`; short times where nothing is said."""
        known = {"prompts": str(ROOT / "config/prompts"), "timeout": "5s", **keys}
        if stub:
            known["endpoint"] = stub.url
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".yaml", delete=False) as file:
            file.write(json.dumps(known))
        return pathlib.Path(file.name)

    def ask(self, settings, *lines, options=(), environment=None):
        """Reviews by number, all lines in their order, and the figures."""
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = run(DRIVER, settings, *options, input=text, env=CLEAN | (environment or {}), code=0)
        self.said = done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        figures = lines.pop()["figures"]
        self.assertNotIn("problem", figures)
        return {line["handle"]: line for line in lines}, lines, figures

    def refused(self, settings, *options, environment=None):
        return run(DRIVER, settings, *options, input="", env=CLEAN | (environment or {}), code=2).stderr

    def test_every_fault_is_tried(self):
        self.assertEqual(set(AT_ONCE) | set(AGAIN) | set(FORMATS), set(FAULTS))

    def test_a_verdict_comes_back_with_all_that_was_said(self):
        stub = self.stub()
        settings = self.settings(stub, price={"input_per_million": 1.25, "output_per_million": 10})
        reviews, _, figures = self.ask(settings, review("Chapter"), review("Standup"))
        first, second = reviews[1], reviews[2]
        self.assertEqual((first["uid"], first["request"], first["failed"]), ("u1", "live-1", ""))
        self.assertEqual((first["score_nano"], first["type"]), (930_000_000, "audiobook"))
        self.assertEqual(first["evidence"], ["c-0", "c-1", "c-2"])
        self.assertEqual((second["score_nano"], second["type"], second["evidence"]), (120_000_000, "none", []))
        self.assertEqual(first["model"], "gpt-5.1")
        self.assertRegex(first["prompt_version"], r"^v1-[0-9a-f]{8}$")
        # 1,000 tokens of 1.25 and 50 of 10 for a million.
        self.assertEqual((first["cost_micro"], figures["cost_micro"]), (1_750, 3_500))
        self.assertEqual((figures["calls"], figures["input_tokens"], figures["output_tokens"]), (2, 2_000, 100))

    def test_each_answer_that_is_no_verdict_ends_with_its_reason(self):
        names = list(AT_ONCE)
        stub = self.stub(*names)
        reviews, _, figures = self.ask(self.settings(stub, concurrency=1, waiting_max=99, breaker={"failures": 99}),
                                       *[review(count=12) for _ in names])  # fmt: skip
        got = {name: reviews[number]["why"] for number, name in enumerate(names, 1)}
        self.assertEqual(got, AT_ONCE)
        for number, name in enumerate(names, 1):
            with self.subTest(name):
                done = reviews[number]
                self.assertEqual(done["attempts"], 1)
                self.assertEqual(bool(done["failed"]), AT_ONCE[name] != "none")
                self.assertNotRegex(done["failed"], "(?i)chapter|stub|login|because|cannot help")
                if AT_ONCE[name] != "none":
                    self.assertEqual((done["score_nano"], done["evidence"]), (0, []))
        self.assertEqual((len(stub.asked), figures["calls"], stub.wrong), (len(names), len(names), []))

    def test_scores_are_cut_after_nine_decimals_as_they_are_written(self):
        stub = self.stub("score_long", "score_exponent")
        reviews, _, _ = self.ask(self.settings(stub, concurrency=1), review(), review())
        self.assertEqual([reviews[n]["score_nano"] for n in (1, 2)], [123_456_789, 930_000_000])

    def again(self, fault, model, retries):
        stub = self.stub()
        settings = self.settings(stub, model=f"stub:{model}", retries=retries, timeout="1s", breaker={"failures": 99})
        done = self.ask(settings, review())
        return fault, done[0][1], done[2], len(stub.asked)

    def test_what_may_pass_is_asked_again(self):
        with concurrent.futures.ThreadPoolExecutor(len(AGAIN)) as pool:
            for fault, done, figures, calls in pool.map(lambda each: self.again(each, each, 4), AGAIN):
                with self.subTest(fault):
                    self.assertEqual((done["why"], done["attempts"], done["type"]), ("none", 2, "audiobook"))
                    self.assertEqual((figures["retries"], calls), (1, 2))

    def test_what_does_not_pass_ends_after_the_last_retry(self):
        with concurrent.futures.ThreadPoolExecutor(len(AGAIN)) as pool:
            for fault, done, figures, calls in pool.map(lambda each: self.again(each, each + "*9", 1), AGAIN):
                with self.subTest(fault):
                    self.assertEqual((done["why"], done["attempts"]), (AGAIN[fault], 2))
                    self.assertEqual((figures["retries"], calls), (1, 2))

    def test_nothing_is_asked_that_would_come_too_late(self):
        stub = self.stub()
        lines = [review(answer_by_ms=-1), review(answer_by_ms=0), review("Other", answer_by_ms=5_000)]
        reviews, _, _ = self.ask(self.settings(stub, model="stub:429=30"), *lines)
        self.assertEqual([reviews[n]["why"] for n in (1, 2, 3)], ["late", "late", "rate_limited"])
        self.assertEqual([reviews[n]["attempts"] for n in (1, 2, 3)], [0, 0, 1])
        self.assertEqual(len(stub.asked), 1)
        reviews, _, _ = self.ask(self.settings(stub, model="stub:slow"), review(answer_by_ms=300))
        self.assertEqual((reviews[1]["why"], reviews[1]["attempts"]), ("timed_out", 1))

    def test_an_endpoint_that_is_not_there_is_asked_again_until_the_end(self):
        settings = self.settings(endpoint="http://127.0.0.1:1/v1", retries=1)
        reviews, _, figures = self.ask(settings, review())
        self.assertEqual((reviews[1]["why"], reviews[1]["attempts"], figures["calls"]), ("unreachable", 2, 2))

    def test_an_endpoint_without_schemas_is_asked_in_a_form_that_it_knows(self):
        for fault, form in FORMATS.items():
            with self.subTest(fault):
                stub = self.stub()
                settings = self.settings(stub, model=f"stub:{fault}*9", concurrency=1)
                reviews, _, figures = self.ask(settings, review(), review("Other"))
                calls = 2 if form == "json_object" else 3
                self.assertEqual([reviews[n]["attempts"] for n in (1, 2)], [calls, 1])
                self.assertEqual((figures["format"], figures["retries"]), (form, 0))
                forms = [each["body"].get("response_format", {}).get("type", "text") for each in stub.asked]
                self.assertEqual(forms, ["json_schema", "json_object", "text"][:calls] + [form])

    def test_calls_at_a_time_are_bounded_and_a_slow_one_holds_up_no_other(self):
        stub = self.stub("slow=600", latency=0.02)
        lines = [review(f"Talk {number}") for number in range(41)]
        settings = self.settings(stub, concurrency=8, timeout="600s")
        with subprocess.Popen([DRIVER, settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=CLEAN) as driver:  # fmt: skip
            driver.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
            driver.stdin.close()
            first = [json.loads(driver.stdout.readline()) for _ in range(40)]
            stub.leave.set()
            last = json.loads(driver.stdout.readline())
            driver.stdout.read()
        self.assertEqual({each["why"] for each in first + [last]}, {"none"})
        self.assertEqual(len({each["handle"] for each in first + [last]}), 41)
        self.assertEqual(stub.most, 8)

    def test_an_endpoint_that_fails_is_left_alone_for_a_pause(self):
        stub = self.stub("500*2", "503")
        settings = self.settings(stub, concurrency=1, retries=0, breaker={"failures": 2, "pause": "60s"})
        reviews, _, figures = self.ask(settings, review(), review(), review(answer_by_ms=200), {"later_ms": 61_000},
                                       review(), review(answer_by_ms=200), {"later_ms": 61_000}, review(), review())  # fmt: skip
        why = ["server_fault", "server_fault", "paused", "server_fault", "paused", "none", "none"]
        self.assertEqual([reviews[n]["why"] for n in range(1, 8)], why)
        self.assertEqual([reviews[n]["attempts"] for n in range(1, 8)], [1, 1, 0, 1, 0, 1, 1])
        self.assertEqual((figures["paused"], len(stub.asked)), (False, 5))

    def test_the_log_says_why_no_verdict_comes_and_when_they_come_again(self):
        stub = self.stub("401*3", "good", "refusal", "401", "good")
        settings = self.settings(stub, concurrency=1)
        later = {"later_ms": 61_000}
        self.ask(settings, *[review() for _ in range(4)], later, review(), review(), review(), later, review())
        key, again = "no verdict came: the endpoint refused the key (it answered 401)", "verdicts come again"
        self.assertEqual(self.said.splitlines(), [key, again, "no verdict came: the model refused", key, again])

    def test_the_log_names_what_a_call_met(self):
        secret = {"OPENAI_API_KEY": "sesame"}
        for endpoint, cause in (
            ("http://127.0.0.1:1/v1", "cannot be reached (127.0.0.1:1: Failed to connect"),
            ("http://nobody.invalid/v1", "cannot be reached (nobody.invalid:80: Could not resolve host"),
            (self.stub("cut*9").url, "the connection broke off (127.0.0.1:"),
            (self.stub("503*9").url, "the endpoint failed (it answered 503)"),
            (self.stub("404").url, "the endpoint has no such model or address (it answered 404)"),
            (self.stub("redirect").url, "the endpoint is somewhere else (it answered 307)"),
        ):
            with self.subTest(cause):
                self.ask(self.settings(endpoint=endpoint, retries=1), review(), review(), environment=secret)
                self.assertEqual((self.said.count(cause), self.said.count("\n")), (1, 1), self.said)
                self.assertNotRegex(self.said, "(?i)sesame|chapter|stub")

    def test_the_log_says_when_calls_stop_and_are_made_again(self):
        stub = self.stub("500*3")
        settings = self.settings(stub, concurrency=1, retries=0, breaker={"failures": 2, "pause": "60s"})
        self.ask(settings, review(), review(), {"later_ms": 61_000}, review(), {"later_ms": 61_000}, review())
        breaker = [line for line in self.said.splitlines() if "calls" in line]
        self.assertEqual(breaker, ["2 calls failed in a row: none is made for 1m, then one at a time",
                                   "calls are made again"])  # fmt: skip

    def test_the_requests_of_an_hour_are_bounded_also_over_a_restart(self):
        stub = self.stub()
        limits = ("--limits", self.folder / "limits")
        settings = self.settings(stub, concurrency=1, per_hour={"requests": 2})
        lines = [review(), review(), review(answer_by_ms=200), {"later_ms": 3_720_000}, review()]
        reviews, _, _ = self.ask(settings, *lines, options=limits)
        self.assertEqual([reviews[n]["why"] for n in (1, 2, 3, 4)], ["none", "none", "requests_used_up", "none"])
        reviews, _, _ = self.ask(settings, review(), review(answer_by_ms=200), options=limits)
        self.assertEqual([reviews[n]["why"] for n in (1, 2)], ["none", "requests_used_up"])
        self.assertEqual(len(stub.asked), 4)

    def test_the_money_of_an_hour_is_bounded(self):
        stub = self.stub("good*4", "not_json", "503*9")
        price = {"input_per_million": 1, "output_per_million": 10}
        settings = self.settings(stub, concurrency=1, retries=0, price=price, per_hour={"money": 0.02})
        reviews, _, _ = self.ask(settings, *[review(answer_by_ms=1_000) for _ in range(9)])
        # Each costs 1,500 and is expected to cost some 12,000 of 20,000; what ends without tokens counts as expected.
        self.assertEqual([reviews[n].get("cost_micro") for n in (1, 2, 3, 4, 5)], [1_500] * 4 + [None])
        self.assertEqual([reviews[n]["why"] for n in (4, 5, 6, 9)],
                         ["none", "not_json", "money_used_up", "money_used_up"])  # fmt: skip
        self.assertEqual(len(stub.asked), 5)

    def test_a_state_file_of_others_is_refused(self):
        file = self.folder / "limits"
        for text in ("hello\n", "fairuse reviewer limits 1\n1 2\n", "fairuse reviewer limits 1\n1 -2 3\n"):
            file.write_text(text)
            said = self.refused(self.settings(endpoint="http://127.0.0.1:1/v1"), "--limits", file)
            self.assertIn("does not hold the sums of an hour's calls; remove it", said)

    def test_keys_and_queries_are_sent_where_they_belong(self):
        (self.folder / "key").write_text("sesame\n")
        for keys, environment, header, value in (
            ({"key_file": "key"}, {"OPENAI_API_KEY": "other"}, "Authorization", "Bearer sesame"),
            ({"key_file": "key", "key_header": "api-key", "query": "api-version=7"}, {}, "api-key", "sesame"),
            ({}, {"OPENAI_API_KEY": "other"}, "Authorization", "Bearer other"),
            ({}, {}, "Authorization", None),
        ):
            with self.subTest(keys), ChatStub(key=value) as stub:
                reviews, _, _ = self.ask(self.settings(stub, **keys), review(), environment=environment)
                self.assertEqual(reviews[1]["why"], "none")
                self.assertEqual(stub.asked[0]["headers"].get(header), value)
                query = "?" + keys["query"] if "query" in keys else ""
                self.assertEqual(stub.asked[0]["path"], "/v1/chat/completions" + query)

    def test_variables_name_endpoint_and_model_and_bad_ones_are_refused(self):
        stub = self.stub()
        named = {"OPENAI_BASE_URL": stub.url + "/", "FAIR_USE_CLASSIFIER_MODEL": "stub-7"}
        self.assertEqual(self.ask(self.settings(), review(), environment=named)[0][1]["model"], "stub-7")
        self.assertIn("no endpoint is named", self.refused(self.settings()))
        self.assertIn("OPENAI_BASE_URL: expected a base URL", self.refused(self.settings(), environment={"OPENAI_BASE_URL": "x"}))
        said = self.refused(self.settings(stub), environment={"OPENAI_API_KEY": "two words"})
        self.assertIn("OPENAI_API_KEY holds no key", said)
        self.assertNotIn("words", said)
        (self.folder / "key").write_text("\n")
        self.assertIn("holds no key", self.refused(self.settings(stub, key_file="key")))

    def test_recorded_answers_are_played_without_a_model(self):
        stub = self.stub("good", "score_above", "429_bare", "good")
        record, play = self.folder / "recorded", self.folder / "recorded"
        price = {"input_per_million": 1, "output_per_million": 10}
        lines = [review("Chapter"), review("Standup"), review("Season")]
        settings = self.settings(stub, concurrency=1, price=price)
        recorded, _, _ = self.ask(settings, *lines, options=("--record", record))
        self.assertEqual([recorded[n]["why"] for n in (1, 2, 3)], ["none", "wrong_score", "none"])
        self.assertEqual(len(list(record.iterdir())), 3)
        calls = len(stub.asked)
        played, _, _ = self.ask(self.settings(price=price), *lines, review("New"), options=("--play", play))
        for number in (1, 2, 3):
            self.assertEqual(played[number], recorded[number] | {"attempts": 1})
        self.assertEqual((played[4]["why"], played[4]["attempts"], len(stub.asked)), ("not_recorded", 0, calls))
        self.assertIn("is no folder", self.refused(settings, "--record", settings))
        self.assertIn("is no folder", self.refused(settings, "--play", self.folder / "nowhere"))


if __name__ == "__main__":
    DRIVER = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
