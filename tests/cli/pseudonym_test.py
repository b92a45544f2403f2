#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pseudonymised histories: what is in them, and that policies decide about them as about the histories with names.

usage: pseudonym_test.py PROGRAM
"""

import collections
import hashlib
import hmac
import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402
from support.traffic import admin, at, line, mixed, speech  # noqa: E402

PROGRAM = None
KEY = b"a key for this test only"
POLICIES = [ROOT / "config/policies" / f"{name}.yaml" for name in ("fair", "omi-newest", "omi-2026-03")]
REPLAY = "answered by the replay"
ERASED = '"type":"fairuse.erasure.v1"'


def hashed(use, text):
    return hmac.new(KEY, use.encode() + b"\0" + text.encode(), hashlib.sha256).hexdigest()[:32]


def of_the_replay(decision):
    """What a replay answers by itself has no id, but a number that depends on the uid."""
    cause = decision["data"]["cause"]
    if re.fullmatch("[0-9a-f]{16}", cause.get("event", "")):
        cause["event"] = REPLAY
    return decision


def mapped(decision):
    """A decision about a history with names, as it has to be about the pseudonymised one."""
    data = of_the_replay(decision)["data"]
    decision["subject"] = hashed("uid", decision["subject"])
    if "event" in data["cause"] and data["cause"]["event"] != REPLAY:
        data["cause"]["event"] = hashed("id", data["cause"]["event"])
    if "actor" in data:
        data["actor"] = hashed("actor", data["actor"])
    if "failure" in data:
        data["failure"] = "failed"
    # Free text of support, and what a reviewer quotes.
    data.pop("note", None)
    data.pop("evidence", None)
    return decision


def chains(file, of):
    """Decisions by user and policy: those of two policies at one instant have no order."""
    all_of = collections.defaultdict(list)
    for text in file.read_text().splitlines():
        decision = of(json.loads(text))
        all_of[decision["subject"], decision["data"]["policy"]["name"]].append(decision)
    return dict(all_of)


class Pseudonyms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "secret").write_bytes(KEY + b"\n")

    def fairuse(self, *words, code=0):
        return run(PROGRAM, *words, cwd=self.folder, code=code)

    def packed(self, *source):
        self.fairuse("history", "pack", *source, "-o", "named.history", "--force")
        told = self.fairuse("history", "pack", *source, "-o", "hashed.history", "--force", "--pseudonymise", "secret", "--json")
        return json.loads(told.stdout)

    def decided(self, name, of=of_the_replay):
        chosen = [word for policy in POLICIES for word in ("--policy", policy)]
        self.fairuse("replay", f"{name}.history", *chosen, "--decisions", f"{name}.decisions", "--out", f"report-{name}")
        return chains(self.folder / f"{name}.decisions", of)

    def compare(self, erased, *source):
        """The number of decisions that both have."""
        told = self.packed(*source)
        named = self.decided("named", mapped)
        gone = {hashed("uid", uid) for uid in erased}
        named = {of: chain for of, chain in named.items() if of[0] not in gone}
        self.assertEqual(self.decided("hashed"), named)
        self.assertEqual((told["pseudonymised"], told["erased_users"]), (True, len(erased)))
        return collections.Counter(each["data"]["decision"] for chain in named.values() for each in chain)

    def test_policies_decide_the_same_after_mapping(self):
        kinds = collections.Counter()
        erased_users = 0
        for seed in range(4):
            traffic = mixed(seed, lines=5_000, users=8, days=12)
            (self.folder / "traffic").write_bytes(traffic)
            state = f"state-{seed}"
            self.fairuse("run", "--config", ROOT / "config/local.yaml", "--state", state, "--input", "traffic",
                         "--clock", "events", "--until-end")  # fmt: skip
            erased = {json.loads(each)["subject"] for each in traffic.decode().splitlines() if ERASED in each}
            erased_users += len(erased)
            kinds += self.compare(erased, "--state", state)
            kinds += self.compare(erased, "traffic")
        self.assertGreater(erased_users, 2)
        for kind in ("cap_crossed", "review_cleared", "strike_added", "stage_changed"):
            self.assertGreater(kinds[kind], 20, kinds)

    def test_events_keep_the_order_that_their_ids_gave_them(self):
        # All at one instant: an upgrade or an exemption before or behind the speech decides differently.
        for turn in range(8):
            lines = [speech("ann", f"s{turn}-{i}", at("1h"), 50 * 60_000) for i in range(4)]
            lines.append(line("account", "ann", f"q{turn}", at("1h"), {"plan": "unlimited"}))
            lines.append(admin("ann", f"t{turn}", at("1h"), "exempt", on=True))
            (self.folder / "traffic").write_text("".join(lines))
            self.compare(set(), "traffic")

    def test_names_are_hashes_that_the_owner_of_the_key_can_make_again(self):
        (self.folder / "traffic").write_text(line("speech", "ann", "s-1", at("1h"), {"lane": "sync", "ms": 60_000}, "phone"))
        (self.folder / "labels.csv").write_text("uid,label\nann,misuse\n")
        told = self.packed("traffic", "--labels", "labels.csv")
        self.assertEqual((told["users"], told["labels_of_users_with_events"]), (1, 1))
        cells = self.fairuse("history", "export", "hashed.history", "--csv").stdout.splitlines()[1].split(",")
        self.assertEqual([cells[0], *cells[7:9]], [hashed("uid", "ann"), hashed("source", "phone"), hashed("id", "s-1")])
        self.assertIn("pseudonymised", self.fairuse("history", "inspect", "hashed.history").stdout)
        named = json.loads(self.fairuse("history", "inspect", "named.history", "--json").stdout)
        self.assertEqual((named["pseudonymised"], named["erased_users"]), (False, None))

    def test_the_key_decides_and_the_order_of_lines_does_not(self):
        (self.folder / "traffic").write_bytes(mixed(1, lines=500, users=5, days=3))
        self.packed("traffic")
        first = (self.folder / "hashed.history").read_bytes()
        lines = (self.folder / "traffic").read_bytes().splitlines(keepends=True)
        (self.folder / "traffic").write_bytes(b"".join(reversed(lines)))
        self.packed("traffic")
        self.assertEqual((self.folder / "hashed.history").read_bytes(), first)
        (self.folder / "secret").write_bytes(b"another key for it")
        self.packed("traffic")
        self.assertNotEqual((self.folder / "hashed.history").read_bytes(), first)

    def test_a_key_that_is_none_is_refused(self):
        (self.folder / "traffic").write_text(speech("ann", "s", at("1h")))
        (self.folder / "short").write_text("fifteen bytes..\n")
        for name, words in (("short", "The key of pseudonyms in short has 15 bytes"), ("nowhere", "nowhere")):
            done = self.fairuse("history", "pack", "traffic", "-o", "x.history", "--pseudonymise", name, code=2)
            self.assertIn(words, done.stderr)
            self.assertFalse((self.folder / "x.history").exists())


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
