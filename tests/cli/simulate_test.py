#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse simulate` as people and scripts use it: bytes, exit codes, interruption, refusals.

usage: simulate_test.py PROGRAM
"""

import json
import os
import pathlib
import pty
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, Process, run, wait_until  # noqa: E402

PROGRAM = None
EXPERIMENTS = ROOT / "config/experiments"


def experiment(folder, name="mine.yaml", users=400, days=6, policies="[fair, omi-newest]", **more):
    lines = [
        f"population: {EXPERIMENTS / 'population.yaml'}",
        f"reviewer: {EXPERIMENTS / 'reviewer.yaml'}",
        f"users: {users}",
        f"days: {days}",
        f"policies: {policies}",
        *(f"{key}: {value}" for key, value in more.items()),
    ]
    file = pathlib.Path(folder) / name
    file.write_text("\n".join(lines) + "\n")
    return file


def simulate(file, *options, folder):
    return run(PROGRAM, "simulate", file, *options, cwd=folder)


def end_of(terminal, child):
    """The wait status of a shell on a terminal, when all its programs have closed that."""
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass  # Linux says so at the end of a terminal.
    return os.waitpid(child, 0)[1]


class Simulate(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)

    def tearDown(self):
        self._folder.cleanup()

    def test_same_bytes_for_any_number_of_workers(self):
        file = experiment(self.folder)
        reports = []
        for workers in ("1", "2", "3", "7"):
            done = simulate(file, "--workers", workers, "--out", workers, folder=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Users hit", done.stdout)
            reports.append((done.stdout, (self.folder / workers / "report.json").read_bytes()))
        self.assertEqual(len(set(reports)), 1)

    def test_seed_and_json(self):
        file = experiment(self.folder, users=50, days=2)
        first = simulate(file, "--json", folder=self.folder)
        report = json.loads(first.stdout)
        self.assertEqual(first.stdout, (self.folder / "fairuse-report/report.json").read_text())
        self.assertEqual(report["run"]["seed"], 1)
        self.assertEqual(report["run"]["users"], 50)
        self.assertFalse(report["partial"])
        self.assertRegex(report["run"]["binary"], r"^fairuse \d+\.\d+\.\d+ sha256:[0-9a-f]{64}$")
        self.assertEqual([each["name"] for each in report["policies"]], ["fair", "omi-newest"])
        other = json.loads(simulate(file, "--json", "--seed", "2", folder=self.folder).stdout)
        self.assertEqual(other["run"]["seed"], 2)
        self.assertNotEqual(other["run"]["digest"], report["run"]["digest"])

    def test_guards_set_the_exit_code(self):
        for guards, code, word in [
            ('["fpr_restrict.upper < 50%"]', 0, "holds"),
            ('["reviews < 0"]', 4, "fails"),
            ('["fpr_restrict.upper < 0.01%"]', 5, "not enough data"),
            ('["fpr_restrict.upper < 0.01%", "reviews < 0 for omi-newest"]', 4, "fails"),
        ]:
            with self.subTest(guards=guards):
                done = simulate(experiment(self.folder, users=60, days=2, guards=guards), folder=self.folder)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(word, done.stdout)

    def test_ctrl_c_leaves_a_partial_report(self):
        file = experiment(self.folder, users=5_000_000, days=30)
        with Process(PROGRAM, "simulate", file, "--workers", "2", cwd=self.folder) as simulation:
            # The folder is made before the first user is drawn, and signals are held back before that.
            wait_until((self.folder / "fairuse-report").is_dir, "the folder of the report is made")
            time.sleep(1.0)
            self.assertEqual(simulation.stop(signal.SIGINT), 130, simulation.tail())
            out = simulation.output()
        self.assertTrue(out.startswith(b"PARTIAL"), out[:200])
        report = json.loads((self.folder / "fairuse-report/report.json").read_text())
        self.assertTrue(report["partial"])
        self.assertGreater(report["run"]["users"], 0)
        self.assertLess(report["run"]["users"], 5_000_000)
        self.assertEqual(report["run"]["users_wanted"], 5_000_000)

    def test_ctrl_c_of_a_pipeline_leaves_a_partial_report(self):
        file = experiment(self.folder, users=5_000_000, days=30)
        for reader in ("tee copy", "head -1"):
            with self.subTest(reader=reader):
                child, terminal = pty.fork()
                if child == 0:
                    os.chdir(self.folder)
                    os.execvp("sh", ["sh", "-c", f'"$0" simulate "$1" | {reader}', PROGRAM, str(file)])
                shown = b""
                # The bar is drawn while users are simulated. Ctrl-C reaches both programs, and the reader is gone first.
                while b"%" not in shown:
                    shown += os.read(terminal, 4096)
                os.write(terminal, b"\x03")
                self.assertEqual(end_of(terminal, child), signal.SIGINT, shown)
                report = self.folder / "fairuse-report/report.json"
                self.assertTrue(json.loads(report.read_text())["partial"])
                report.unlink()

    def test_a_reader_that_has_gone_leaves_the_report(self):
        file = experiment(self.folder, users=50, days=2)
        done = run("sh", "-c", '"$0" simulate "$1" | true', PROGRAM, file, cwd=self.folder, code=0)
        self.assertNotIn("could not be written", done.stderr)
        self.assertFalse(json.loads((self.folder / "fairuse-report/report.json").read_text())["partial"])

    def test_refusals_name_the_place_and_the_remedy(self):
        for more, wanted in [
            ({"sede": 4}, "mine.yaml:6:1: error: unknown key 'sede'; did you mean 'seed'?"),
            ({"guards": '["fpr_restrict < 1h"]'}, "mine.yaml:6:10: error: guards[0]"),
            ({"policies": "[fiar]"}, "did you mean 'fair'?"),
        ]:
            with self.subTest(more=more):
                done = simulate(experiment(self.folder, **more), folder=self.folder)
                self.assertEqual(done.returncode, 2)
                self.assertIn(wanted, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertFalse((self.folder / "fairuse-report").exists())
        missing = simulate(self.folder / "none.yaml", folder=self.folder)
        self.assertEqual(missing.returncode, 2)
        self.assertIn("none.yaml", missing.stderr)

    def test_a_folder_that_cannot_be_made_is_said_before_the_work(self):
        (self.folder / "file").write_text("")
        done = simulate(experiment(self.folder, users=5_000_000), "--out", "file/below", folder=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot make the folder", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(argv=sys.argv)
