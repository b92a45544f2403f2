#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse token` as a person types it: a token on the first line, and its line of the file of tokens.

usage: token_test.py PROGRAM
"""

import hashlib
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import run  # noqa: E402

PROGRAM = None


class Token(unittest.TestCase):
    def test_the_second_line_has_the_hash_of_the_first(self):
        for words, before, behind in [
            (["gateway-1", "--roles", "gateway"], "gateway-1 gateway ", ""),
            (["ann", "--roles", "policy,support"], "ann support,policy ", ""),
            (["alice", "--roles", "user", "--uid", "u-17"], "alice user ", " uid:u-17"),
        ]:
            with self.subTest(words=words):
                done = run(PROGRAM, "token", *words, code=0)
                token, line = done.stdout.splitlines()
                self.assertRegex(token, r"^[A-Za-z0-9_-]{43}$")
                self.assertEqual(line, f"{before}sha256:{hashlib.sha256(token.encode()).hexdigest()}{behind}")
                self.assertNotIn(token, done.stderr)
                self.assertIn("`api.tokens`", done.stderr)

    def test_no_two_tokens_are_equal(self):
        self.assertEqual(len({run(PROGRAM, "token", "a", "--roles", "viewer").stdout for _ in range(20)}), 20)

    def test_json_says_the_same(self):
        done = run(PROGRAM, "token", "a", "--roles", "viewer", "--json", code=0)
        told = json.loads(done.stdout)
        self.assertEqual(set(told), {"token", "line"})
        self.assertTrue(told["line"].endswith(hashlib.sha256(told["token"].encode()).hexdigest()))
        self.assertEqual(done.stderr, "")

    def test_what_cannot_be_meant_is_refused(self):
        for words, said in [
            (["a", "--roles", "gatway"], "--roles: there is no role 'gatway'; did you mean 'gateway'?"),
            (["a", "--roles", "gateway,gateway"], "--roles: the role 'gateway' is there twice"),
            (["a", "--roles", "gateway,"], "--roles: there is no role ''"),
            (["a", "--roles", "user"], "the role user needs the user's id"),
            (["a", "--roles", "viewer", "--uid", "u"], "a uid belongs to the role user"),
            (["a", "--roles", "user", "--uid", "*"], "the uid is not the id of a user"),
            (["a b", "--roles", "viewer"], "the name is not 1 to 64 letters"),
            (["proxy:a", "--roles", "viewer"], "the name is not 1 to 64 letters"),
            (["a"], "--roles is required"),
        ]:
            with self.subTest(words=words):
                done = run(PROGRAM, "token", *words, code=2)
                self.assertEqual(done.stdout, "")
                self.assertIn(said, done.stderr)

    def test_the_help_begins_with_examples(self):
        told = run(PROGRAM, "token", "--help", code=0).stdout
        self.assertRegex(told, re.compile(r"Examples:\n  fairuse token gateway-1 --roles gateway$", re.M))
        self.assertIn("  token ", run(PROGRAM, "--help", code=0).stdout)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
