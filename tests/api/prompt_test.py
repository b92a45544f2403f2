#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a model is sent: words that people said change it between the two tags and nowhere else.

The corpus is tests/data/prompts/injections.txt, a JSON string a line: 500 titles in 27 languages that instruct the
model, break JSON, close the block, forge roles, or hide.

usage: prompt_test.py REVIEW_DRIVER
"""

import json
import pathlib
import shutil
import sys
import tempfile
import unicodedata
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402

DRIVER = None
PROMPTS = ROOT / "config/prompts"
CORPUS = [json.loads(line) for line in (ROOT / "tests/data/prompts/injections.txt").open(encoding="utf-8")]
BEGIN, END = "<conversations>\n", "\n</conversations>"


def conversation(text="Standup", id_="c-1"):
    return {"id": id_, "title": text, "overview": text, "category": text, "minutes": 61, "source": "sync",
            "ended_at": "2026-03-01T10:00:00.000Z"}  # fmt: skip


def request(*conversations, **more):
    return {"conversations": list(conversations), "misuse": False, **more}


class Prompts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def bodies(self, *lines, prompts=PROMPTS, version="v1", code=0, **keys):
        settings = self.folder / "settings.yaml"
        settings.write_text(json.dumps({"prompts": str(prompts), "prompt_version": version, **keys}))
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = run(DRIVER, settings, "--print", input=text, code=code)
        return [json.loads(line) for line in done.stdout.splitlines()] if code == 0 else done.stderr

    def parts(self, body):
        """The request without the block of conversations, and the block."""
        system, user = body["messages"]
        self.assertEqual([system["role"], user["role"]], ["system", "user"])
        before, mark, rest = user["content"].partition(BEGIN)
        block, end, after = rest.partition(END)
        self.assertEqual((mark, end), (BEGIN, END))
        self.assertEqual((rest.count("<"), block.count(">")), (1, 0))
        outside = {**body, "messages": [system, {"role": "user", "content": before + BEGIN + END + after}]}
        return json.dumps(outside), block

    def test_the_corpus_is_large_and_speaks_many_languages(self):
        self.assertEqual(len(set(CORPUS)), 500)
        scripts = {unicodedata.name(letter).split()[0] for text in CORPUS for letter in text if letter.isalpha()}
        self.assertLessEqual({"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "CJK", "HIRAGANA",
                              "HANGUL", "THAI"}, scripts)  # fmt: skip

    def test_no_word_of_a_conversation_changes_the_request_outside_its_block(self):
        plain, _ = self.parts(self.bodies(request(conversation()))[0])
        ids = [(text or "c")[:60] for text in CORPUS]
        lines = [request(conversation(text, id_)) for text, id_ in zip(CORPUS, ids)]
        for text, id_, body in zip(CORPUS, ids, self.bodies(*lines)):
            with self.subTest(text):
                outside, block = self.parts(body)
                self.assertEqual(outside, plain)
                # Cut, and else exact once the JSON is read; nothing in it is hidden or ends a line.
                got = json.loads(block)
                self.assertEqual(got, [conversation(text[:200], id_)])
                self.assertEqual(block.count("\n"), 2)
                for letter in block.replace("\n", ""):
                    self.assertNotIn(unicodedata.category(letter), ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
                self.assertNotRegex(block, "[<>|`#]")
                self.assertEqual([block.count(each) for each in "[]{}"], [1, 1, 1, 1])

    def test_many_conversations_are_as_safe_as_one(self):
        plain, _ = self.parts(self.bodies(request(conversation()))[0])
        for first in range(0, 500, 25):
            some = [conversation(text, f"c-{n}") for n, text in enumerate(CORPUS[first : first + 25])]
            outside, block = self.parts(self.bodies(request(*some))[0])
            self.assertEqual(outside, plain)
            self.assertEqual([each["id"] for each in json.loads(block)], [each["id"] for each in some])

    def test_patterns_add_their_recipes_and_windows_their_sums(self):
        plain, both = self.bodies(
            request(conversation()),
            request(conversation(), recipes=["podcast", "audiobook"],
                    windows=[{"window": "daily", "sum_ms": 9_000_500, "cap_ms": 7_200_000}]),
        )  # fmt: skip
        texts = {name: (PROMPTS / "v1" / f"{name}.txt").read_text().strip() for name in ("audiobook", "podcast", "commercial")}
        system, user = (each["content"] for each in both["messages"])
        self.assertEqual([texts[name] in system for name in texts], [True, True, False])
        self.assertFalse(any(text in plain["messages"][0]["content"] for text in texts.values()))
        self.assertIn("- daily: 2h30m, the limit is 2h\n", user)
        self.assertIn("- not stated\n", plain["messages"][1]["content"])
        self.assertNotIn("{{", system + user)

    def test_equal_requests_make_equal_bytes_and_no_user_is_named(self):
        one, other = self.bodies(request(conversation()), request(conversation()))
        self.assertEqual(one, other)
        self.assertEqual(list(one), ["model", "messages", "response_format"])
        self.assertNotIn("u1", json.dumps(one))
        warm = self.bodies(request(conversation()), temperature=0.3, response_format="text")[0]
        self.assertEqual((list(warm), warm["temperature"]), (["model", "messages", "temperature"], 0.3))

    def test_prompts_that_cannot_be_used_are_refused_with_their_file(self):
        for file, change, said in (
            ("system.txt", lambda text: text.replace("{{recipes}}", ""), "{{recipes}} is missing"),
            ("user.txt", lambda text: text + "{{windows}}", "{{windows}} is there twice"),
            ("user.txt", lambda text: text + "{{uid}}", "'{{uid}}' is no place of this text"),
            ("podcast.txt", lambda text: text + "{{windows}}", "'{{windows}}' is no place of this text"),
            ("podcast.txt", lambda text: "\n", "is empty"),
            ("podcast.txt", lambda text: "x" * 70_000, "has more than 64 KiB"),
            ("podcast.txt", lambda text: "Sch\udcf6n", "is no UTF-8 from byte 4 on"),
            ("commercial.txt", None, "No such file"),
        ):  # fmt: skip
            with self.subTest(said):
                mine = self.folder / "prompts"
                shutil.rmtree(mine, ignore_errors=True)
                shutil.copytree(PROMPTS, mine)
                changed = mine / "v1" / file
                if change:
                    changed.write_text(change(changed.read_text()), errors="surrogateescape")
                else:
                    changed.unlink()
                self.assertIn(said, self.bodies(prompts=mine, code=2))
                self.assertIn(str(changed), self.bodies(prompts=mine, code=2))
        self.assertIn("there are no prompts in", self.bodies(version="v9", code=2))


if __name__ == "__main__":
    DRIVER = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
