#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make install` puts the program on the PATH, with examples that run where they are.

usage: install_test.py
"""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402


class Install(unittest.TestCase):
    def test_the_program_runs_from_the_path_on_the_examples(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fairuse-install-")))
        environment = {**os.environ, "DESTDIR": str(root)}
        run("cmake", "--install", os.environ["FAIRUSE_BINARY_DIR"], "--prefix", "/opt/it", env=environment, code=0)
        self.assertEqual(sorted(each.name for each in (root / "opt/it").iterdir()), ["bin", "share"])
        environment = {**os.environ, "PATH": f"{root / 'opt/it/bin'}:{os.environ['PATH']}"}
        examples = root / "opt/it/share/fairuse"
        for command in (
            "fairuse --version",
            "fairuse check config/local.yaml config/kafka.yaml config/policies/*.yaml",
            f"fairuse run --config config/local.yaml --state {root}/state --input config/demo/day.ndjson"
            " --clock events --until-end",
        ):
            run("sh", "-c", command, cwd=examples, env=environment, code=0)
        self.assertEqual([each.name for each in examples.rglob("*.cpp")], [])
        prompts = [sorted(each.name for each in (top / "config/prompts/v1").iterdir()) for top in (examples, ROOT)]
        self.assertEqual(*prompts)

    def test_make_hands_prefix_and_destdir_on(self):
        told = run("make", "-n", "install", "PREFIX=/opt/it", "DESTDIR=/stage", cwd=ROOT, code=0).stdout
        self.assertIn("DESTDIR='/stage' cmake --install build/release --prefix '/opt/it'", told)
        told = run("make", "-n", "install", cwd=ROOT, code=0).stdout
        self.assertIn("--prefix '/usr/local'", told)


if __name__ == "__main__":
    unittest.main()
