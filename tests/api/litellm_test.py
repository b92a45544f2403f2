#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reviews by a server of others that speaks the same API: LiteLLM's proxy with answers that are made up.

usage: litellm_test.py REVIEW_DRIVER
"""

import json
import os
import pathlib
import secrets
import socket
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.process import ROOT, Process, run, wait_until  # noqa: E402
from support.python_environment import python_environment  # noqa: E402

DRIVER = None
KEY = "sk-" + secrets.token_hex(24)
VERDICT = '{"score": 0.93, "usage_type": "audiobook", "confidence": 0.9, "evidence": ["c-0"]}'
# Its own words for faults are those that LiteLLM makes up answers by.
MODELS = {
    "good": VERDICT,
    "words": "Certainly! Here is your verdict.",
    "fenced": f"```json\n{VERDICT}\n```",
    "limited": "litellm.RateLimitError",
    "broken": "litellm.InternalServerError",
    "long": "litellm.ContextWindowExceededError",
}
REVIEW = {"conversations": [{"id": "c-0", "title": "Chapter 1", "minutes": 90}], "misuse": True}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class LiteLlm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.clean = {name: value for name, value in os.environ.items()
                     if not name.lower().endswith("_proxy") and not name.startswith(("OPENAI", "FAIR_USE"))}  # fmt: skip
        programs = python_environment("litellm", HERE / "litellm-requirements.txt") / "bin"
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        models = [{"model_name": name, "litellm_params": {"model": "openai/none", "api_key": "none", "mock_response": text}}
                  for name, text in MODELS.items()]  # fmt: skip
        (cls.folder / "proxy.yaml").write_text(json.dumps({"model_list": models, "litellm_settings": {"num_retries": 0}}))
        (cls.folder / "key").write_text(KEY)
        port = free_port()
        cls.url = f"http://127.0.0.1:{port}"
        environment = cls.clean | {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        cls.proxy = Process(programs / "litellm", "--config", cls.folder / "proxy.yaml", "--host", "127.0.0.1", "--port",
                            port, "--telemetry", "False", log=cls.folder / "log", env=environment, cwd=cls.folder)  # fmt: skip
        cls.addClassCleanup(cls.proxy.kill)
        wait_until(cls.is_up, "LiteLLM's proxy is up")

    @classmethod
    def is_up(cls):
        if not cls.proxy.runs():
            raise AssertionError(cls.proxy.tail())
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(cls.url + "/health/liveliness") as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def ask(self, model, **keys):
        settings = {"endpoint": self.url + "/v1", "key_file": str(self.folder / "key"), "model": model, "retries": 1,
                    "prompts": str(ROOT / "config/prompts"), "price": {"input_per_million": 1, "output_per_million": 10}}  # fmt: skip
        file = self.folder / f"{model}.yaml"
        file.write_text(json.dumps(settings | keys))
        done = run(DRIVER, file, input=json.dumps(REVIEW) + "\n", env=self.clean, code=0)
        review, figures = map(json.loads, done.stdout.splitlines())
        return review, figures["figures"]

    def test_its_answers_are_read_as_a_verdict_in_every_form_of_request(self):
        for form in ("json_schema", "json_object", "text"):
            with self.subTest(form):
                review, figures = self.ask("good", response_format=form, temperature=0)
                self.assertEqual((review["why"], review["score_nano"], review["type"]), ("none", 930_000_000, "audiobook"))
                self.assertEqual((review["evidence"], review["attempts"], figures["format"]), (["c-0"], 1, form))
                # It says 10 tokens in and 20 out.
                self.assertEqual(review["cost_micro"], 210)
        self.assertEqual(self.ask("fenced")[0]["why"], "none")

    def test_its_faults_are_told_by_their_names(self):
        for model, why, calls in (("words", "wrong_form", 1), ("limited", "rate_limited", 2), ("broken", "server_fault", 2),
                                  ("long", "request_refused", 1), ("nobody", "request_refused", 1)):  # fmt: skip
            with self.subTest(model):
                review, _ = self.ask(model)
                self.assertEqual((review["why"], review["attempts"]), (why, calls))

    def test_without_its_key_it_answers_nothing(self):
        (self.folder / "other").write_text("sk-wrong")
        review, _ = self.ask("good", key_file=str(self.folder / "other"))
        self.assertIn(review["why"], ("key_refused", "request_refused"))


if __name__ == "__main__":
    DRIVER = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
