# SPDX-License-Identifier: Apache-2.0
"""The engine in local mode, as a person types it: a scratch folder, a deployment, and the program.

A test script is a list of functions that take an Engine, and `main(CASES)`.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from support.checks import equal
from support.process import ROOT, Process, run, wait_until

POLICIES = ROOT / "config" / "policies"


class Engine:
    """One scratch folder. States are named; each is a store of its own."""

    def __init__(self, program):
        self.program = str(program)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fairuse-cli-"))
        self.deployment()

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        if problem[0] is None:
            self.close()
        else:
            print(f"the folder is kept: {self.folder}", file=sys.stderr)

    def path(self, name):
        return self.folder / name

    def write(self, name, content):
        path = self.path(name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def deployment(self, name="local.yaml", live="fair.yaml", shadows=("omi-newest.yaml",), enabled=True, more=""):
        """Write a deployment file; policies are named as in config/policies, or by their own path."""
        shadow = ", ".join(str(POLICIES / each) for each in shadows)
        return self.write(
            name,
            f"enabled: {str(enabled).lower()}\n"
            f"source: fairuse/test\n"
            f"policies: {{live: {POLICIES / live}, shadow: [{shadow}]}}\n"
            f"streams: {{kind: local}}\n{more}",
        )

    def environment(self, extra=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("FAIR_USE_", "FAIRUSE_", "MAX_DAILY"))}
        for kept in ("FAIRUSE_SOURCE_DIR", "FAIRUSE_BINARY_DIR"):
            if kept in os.environ:
                clean[kept] = os.environ[kept]
        return {**clean, "FAIRUSE_CASE_KEY": "a key for tests only", **(extra or {})}

    def call(self, *arguments, stdin=None, env=None):
        given = {} if stdin is None else {"input": stdin}
        return run(self.program, *arguments, text=False, env=self.environment(env), cwd=self.folder, **given)

    def run_arguments(self, state, input_file, *more, config="local.yaml"):
        return ["run", "--config", config, "--state", state, "--input", input_file, *more]

    def run(self, state, input_file, *more, config="local.yaml", clock="events", until_end=True, **how):
        clock = () if clock is None else ("--clock", clock)
        end = ("--until-end",) if until_end else ()
        return self.call(*self.run_arguments(state, input_file, *clock, *end, *more, config=config), **how)

    def start(self, state, input_file, *more, config="local.yaml", clock="events", env=None, stdin=subprocess.DEVNULL):
        clock = () if clock is None else ("--clock", clock)
        arguments = self.run_arguments(state, input_file, *clock, *more, config=config)
        return Process(self.program, *arguments, stdin=stdin, env=self.environment(env), cwd=self.folder)

    def finish(self, process, how=signal.SIGTERM):
        """Exit code and stderr. Its input stays open: the end of it would be another reason to stop."""
        return process.stop(how), process.errors().decode()

    def good_run(self, *arguments, **how):
        done = self.run(*arguments, **how)
        equal(done.returncode, 0, f"exit code of {arguments}, which said {done.stderr.decode()}")
        return done

    def summary(self, *arguments, **how):
        return json.loads(self.good_run(*arguments, "--json", **how).stdout)

    def decisions(self, state):
        done = self.call("decisions", "--state", state)
        equal(done.returncode, 0, f"decisions of {state}, which said {done.stderr.decode()}")
        return done.stdout

    def dead_letters(self, state):
        done = self.call("decisions", "--state", state, "--dead-letters")
        equal(done.returncode, 0, f"dead letters of {state}, which said {done.stderr.decode()}")
        return done.stdout

    def status(self, state, user, *more):
        done = self.call("status", "--state", state, "--user", user, "--json", *more)
        equal(done.returncode, 0, f"status of {user}, which said {done.stderr.decode()}")
        return json.loads(done.stdout)

    def wait_for_decisions(self, state, enough):
        """Until `enough(lines)`; for engines that go on running."""

        def seen():
            done = self.call("decisions", "--state", state)
            return done.returncode == 0 and enough(done.stdout.splitlines())

        wait_until(seen, f"decisions of {state}")


def stay_in_one_day():
    """Budgets and "today" begin anew at UTC midnight, in which no case is interested: wait past it if it is near."""
    left_s = 86_400 - time.time() % 86_400
    if left_s < 60:
        time.sleep(left_s)


def main(cases):
    """Run every case (functions that take an Engine); `argv`: program [name of a case...]."""
    program, wanted = sys.argv[1], sys.argv[2:]
    failed = 0
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        stay_in_one_day()
        begin = time.monotonic()
        try:
            with Engine(program) as engine:
                told = case(engine)
            took = f"{time.monotonic() - begin:.1f} s"
            print(f"ok      {case.__name__} ({took}){': ' + told if told else ''}", flush=True)
        except AssertionError as problem:
            failed += 1
            print(f"FAILED  {case.__name__}: {problem}", flush=True)
    sys.exit(1 if failed else 0)
