#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Numbers on the command line are read as strictly as those of policy files, and no value is empty.

usage: options_test.py PROGRAM
"""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402

PROGRAM = None
# Every option that is a number: command line, option, and a value that is accepted.
OPTIONS = [
    (("capacity",), "--users", "1000"),
    (("capacity", "--users", "1000"), "--minutes", "30.5"),
    (("capacity", "--users", "1000"), "--seconds-per-event", "60"),
    (("capacity", "--users", "1000"), "--peak", "3"),
    (("capacity", "--users", "1000"), "--awake", "0.1"),
    (("capacity", "--users", "1000"), "--epoch-ms", "50"),
    (("run", "--config", "none.yaml"), "--max-active-users", "1000"),
    (("run", "--config", "none.yaml"), "--commit-bytes", "1000"),
    (("run", "--config", "none.yaml"), "--commit-ms", "50"),
    (("run", "--config", "none.yaml"), "--chunk-bytes", "4096"),
    (("simulate", "none.yaml"), "--seed", "999999999999999999"),
    (("simulate", "none.yaml"), "--workers", "2"),
    (("state", "reseed", "--config", "none.yaml"), "--partition", "0"),
    (("topics", "create", "--config", "none.yaml"), "--partitions", "4"),
    (("topics", "create", "--config", "none.yaml"), "--replication", "3"),
]
NO_NUMBERS = ["-1", "", "010", "+5", "0x10", " 5", "5 ", "5s", "nan", "inf", ".5", "5.", "1e2", "1e999", "18446744073709551616"]


def listed(pattern, *words):
    """The first word of each line of a command's help that matches."""
    help_text = run(PROGRAM, *words, "--help").stdout
    return [line.split()[0] for line in help_text.splitlines() if re.match(pattern, line)]


def every_command(*words):
    """As words, those below included."""
    yield words
    help_text = run(PROGRAM, *words, "--help").stdout
    below = help_text.partition("Subcommands:\n")[2].splitlines()
    for line in below:
        if re.match(r"  [a-z]", line):
            yield from every_command(*words, line.split()[0])


class Options(unittest.TestCase):
    def test_commands_for_a_shell_are_not_asked_for_as_json(self):
        words = ["topics", "check", "--config", ROOT / "config" / "kafka.yaml", "--print-acls"]
        self.assertIn("kafka-acls.sh", run(PROGRAM, *words).stdout)
        done = run(PROGRAM, *words, "--json", code=2)
        self.assertEqual(done.stdout, "")
        self.assertIn("--json excludes --print-acls", done.stderr)

    def test_no_value_of_any_option_may_be_empty(self):
        tried = set()
        for words in every_command():
            options = listed(r" +--\S+ (TEXT|U?INT|FLOAT)\b", *words)
            for name in options + listed(r"  \w+ TEXT\b.* REQUIRED", *words):
                spellings = [(name, ""), (f"{name}=",)] if name in options else [("",)]
                for empty in spellings:
                    with self.subTest(words=words, empty=empty):
                        done = run(PROGRAM, *words, *empty)
                        self.assertEqual(done.returncode, 2, done.stderr)
                        self.assertIn(f"fairuse: {name}: ", done.stderr)
                        self.assertIn(f"`fairuse {' '.join(words)} --help`", done.stderr)
                        tried.add((*words, name))
        for one in [("run", "--input"), ("state", "adopt", "--config"), ("status", "--at"), ("verify", "--state")]:
            self.assertIn(one, tried)

    def test_a_file_that_is_not_there_is_invalid_input_of_every_command(self):
        kafka = ("--config", ROOT / "config/kafka.yaml")
        for words in [
            ("run", "--config", "nowhere", "--input", "x"),
            ("run", "--config", ROOT / "config/local.yaml", "--input", "nowhere", "--state", "nowhere-either"),
            ("decisions", "--state", "nowhere"),
            ("status", "--state", "nowhere", "--user", "u"),
            ("status", "--state", "x", "--user", "u", "--case-key", "nowhere"),
            ("partitions", "--config", "nowhere"),
            ("command", "--config", "nowhere", "kill_switch", "on", "--actor", "a", "--reason", "b"),
            ("state", "adopt", "--config", "nowhere", "--partition", "0"),
            ("topics", "check", "--config", "nowhere"),
            ("capture", "export", "--config", "nowhere", "x"),
            ("capture", "export", *kafka, "--from", "nowhere", "x"),
            ("capture", "inspect", "nowhere"),
            ("history", "pack", "nowhere", "-o", "x"),
            ("history", "inspect", "nowhere"),
            ("verify", "nowhere"),
            ("simulate", "nowhere"),
            ("check", "nowhere"),
            ("conform", "nowhere"),
        ]:
            with self.subTest(words=words):
                done = run(PROGRAM, *words)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertIn("nowhere", done.stdout + done.stderr)
        self.assertFalse(pathlib.Path("nowhere-either").exists())

    def test_a_number_that_is_none_is_refused_with_the_range(self):
        for words, option, _ in OPTIONS:
            for value in NO_NUMBERS:
                with self.subTest(words=words, option=option, value=value):
                    done = run(PROGRAM, *words, option, value)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(f"{option}: '{value}' is not a", done.stderr)
                    self.assertIn("number from", done.stderr)

    def test_a_number_in_the_range_is_read(self):
        for words, option, value in OPTIONS:
            with self.subTest(words=words, option=option):
                self.assertNotIn("number from", run(PROGRAM, *words, option, value).stderr)

    def test_errors_go_to_stderr_and_name_the_help(self):
        for words, said in [
            (self.command("kil_switch", "on"), "did you mean 'kill_switch'?"),
            (("state", "adopt", "--config", "none.yaml"), "`fairuse state adopt --help` shows what it takes."),
            (("run",), "`fairuse run --help` shows what it takes."),
        ]:
            with self.subTest(words=words):
                done = run(PROGRAM, *words)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)

    @staticmethod
    def command(*words):
        return ("command", "--config", ROOT / "config/kafka.yaml", *words, "--actor", "a", "--reason", "b")

    def test_commands_have_the_names_of_the_wire(self):
        data = json.loads((ROOT / "events/schemas/admin.v1.json").read_text())["properties"]["data"]["oneOf"]
        names = {name for one in data for name in one["properties"]["command"]["enum"]}
        self.assertIn("clear_strike", names)
        help_text = run(PROGRAM, "command", "--help").stdout
        for name in names | {"erase"}:
            with self.subTest(name=name):
                self.assertRegex(help_text, rf"\n  {name} ")
                done = run(PROGRAM, *self.command(name), code=2)
                self.assertIn(f"it is called so: fairuse command --config FILE {name} ", done.stderr)

    def test_the_name_of_no_command_is_answered_with_the_nearest(self):
        for name, meant in [
            ("kill-switch", "kill_switch"),
            ("set-stage", "set_stage"),
            ("promote", "promote_policy"),
            ("clear-strike", "clear_strike"),
            ("Enable", "enable"),
        ]:
            with self.subTest(name=name):
                done = run(PROGRAM, *self.command(name, "on"), code=2)
                self.assertIn(f"there is no command '{name}'; did you mean '{meant}'?", done.stderr)
        self.assertNotIn("did you mean", run(PROGRAM, *self.command("banish", "alice"), code=2).stderr)

    def test_words_that_do_not_fit_a_command_are_answered_with_its_form(self):
        for words, form in [
            (("kill_switch", "maybe"), "kill_switch on|off"),
            (("kill_switch", "alice", "on"), "kill_switch on|off"),
            (("exempt", "alice", "yes"), "exempt UID on|off [--until TIME]"),
            (("set_stage", "alice", "banned"), "set_stage UID none|warning|throttle|restrict"),
            (("reset", "alice", "now"), "reset UID"),
            (("clear_strike", "alice", "0"), "clear_strike UID STRIKE"),
            (("clear_strike", "alice", "01"), "clear_strike UID STRIKE"),
            (("clear_strike", "alice", "FU-12"), "clear_strike UID STRIKE"),
            (("clear_strike", "alice", "4294967296"), "clear_strike UID STRIKE"),
            (("clear_strike", "alice", "1", "a lecture"), "clear_strike UID STRIKE"),
            (("resolve", "alice"), "resolve UID STRIKE [NOTES]"),
            (("restore_strike", "alice"), "restore_strike UID STRIKE"),
            (("appeal", "alice", "1"), "appeal UID STRIKE TEXT"),
            (("reopen", "alice"), "reopen UID STRIKE [NOTES]"),
            (("promote_policy", "a", "b"), "promote_policy POLICY [--digest DIGEST]"),
            (("erase", "alice", "now"), "erase UID"),
        ]:
            with self.subTest(words=words):
                done = run(PROGRAM, *self.command(*words), code=2)
                self.assertIn(f"--config FILE {form} --actor", done.stderr)
                self.assertEqual("FU- and 12 hexadecimal digits" in done.stderr, "STRIKE" in form)
        # As people type it: it comes as far as the broker that is not there.
        typed = run(PROGRAM, *self.command("clear_strike", "alice", "fu-68dcffaaade2"))
        self.assertNotIn("it is called so", typed.stderr)

    def test_an_option_of_the_other_mode_is_refused(self):
        for config, words, said in [
            ("kafka", ("--input", "x"), "--input is for local mode, and"),
            ("kafka", ("--clock", "events"), "--clock is for local mode, and"),
            ("kafka", ("--commit-ms", "1"), "--commit-ms is for local mode, and"),
            ("local", ("--input", "x", "--adopt-topic", "t"), "--adopt-topic is for Kafka mode, and"),
        ]:
            with self.subTest(config=config, words=words):
                done = run(PROGRAM, "run", "--config", ROOT / f"config/{config}.yaml", "--state", "none", *words, code=2)
                self.assertIn(said, done.stderr)
        self.assertFalse(pathlib.Path("none").exists())

    def test_a_command_says_its_errors_in_one_form_and_an_engine_with_the_time(self):
        local = ROOT / "config/local.yaml"
        for words in [
            ("status", "--state", "nowhere", "--user", "u"),
            ("run", "--config", "nowhere.yaml", "--input", "x"),
            ("partitions", "--config", local),
            ("topics", "check", "--config", local),
            ("state", "adopt", "--config", local, "--partition", "0"),
            ("capture", "export", "--config", local, "nowhere.capture"),
            ("verify", ROOT / "README.md"),
        ]:
            with self.subTest(words=words):
                done = run(PROGRAM, *words)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr.splitlines()[-1], "^fairuse: [^:]")
        engine = run(PROGRAM, "run", "--config", local, "--input", "nowhere", "--state", "nowhere-either")
        self.assertRegex(engine.stderr.splitlines()[-1], r"^\d\d:\d\d:\d\d error: cannot read nowhere")

    def test_every_option_that_takes_a_number_is_in_the_table(self):
        commands = {words[0]: None for words, _, _ in OPTIONS}
        for command in commands:
            subs = {words[1] for words, _, _ in OPTIONS if words[0] == command and words[0] in ("state", "topics")}
            for help_of in [(command, sub) for sub in subs] or [(command,)]:
                tested = {option for words, option, _ in OPTIONS if words[: len(help_of)] == help_of}
                self.assertLessEqual(set(listed(r" +--\S+ (U?INT|FLOAT)\b", *help_of)), tested)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
