# SPDX-License-Identifier: Apache-2.0
"""What the whole-program tests share: a scratch folder, a deployment, and the program as a person types it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ.get("FAIRUSE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
POLICIES = SOURCE / "config" / "policies"
PATIENCE_S = 240


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def short(value):
    text = repr(value)
    return text if len(text) < 2_000 else f"{text[:1_000]} ... {text[-900:]}"


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {short(got)}, wanted {short(wanted)}")


def same_lines(got, wanted, what):
    """Two outputs, byte for byte; names the first line that differs."""
    if got == wanted:
        return
    got, wanted = got.split(b"\n"), wanted.split(b"\n")
    for number, (a, b) in enumerate(zip(got, wanted), 1):
        if a != b:
            raise AssertionError(f"{what}: line {number} is\n  {short(a)}\nand should be\n  {short(b)}")
    raise AssertionError(f"{what}: {len(got)} lines instead of {len(wanted)}")


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
            print(f"kept for a look: {self.folder}", file=sys.stderr)

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

    def call(self, *arguments, stdin=None, env=None, timeout=PATIENCE_S):
        return subprocess.run(
            [self.program, *map(str, arguments)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout,
            env=self.environment(env),
            cwd=self.folder,
        )

    def run_arguments(self, state, input_file, *more, config="local.yaml"):
        return ["run", "--config", config, "--state", state, "--input", input_file, *more]

    def run(self, state, input_file, *more, config="local.yaml", clock="events", until_end=True, **how):
        clock = () if clock is None else ("--clock", clock)
        end = ("--until-end",) if until_end else ()
        return self.call(*self.run_arguments(state, input_file, *clock, *end, *more, config=config), **how)

    def start(self, state, input_file, *more, config="local.yaml", clock="events", env=None, stdin=None):
        clock = () if clock is None else ("--clock", clock)
        return subprocess.Popen(
            [self.program, *map(str, self.run_arguments(state, input_file, *clock, *more, config=config))],
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(env),
            cwd=self.folder,
        )

    def finish(self, process, how=signal.SIGTERM):
        # Its input stays open: the end of it would be another reason to stop, and on a busy machine the first one seen.
        kept, process.stdin = process.stdin, None
        process.send_signal(how)
        _, errors = process.communicate(timeout=PATIENCE_S)
        if kept:
            kept.close()
        return process.returncode, errors.decode()

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
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            done = self.call("decisions", "--state", state)
            if done.returncode == 0 and enough(done.stdout.splitlines()):
                return done.stdout
            time.sleep(0.05)
        raise AssertionError(f"{state} did not get there in {PATIENCE_S} s")


def main(cases):
    """Run every case (functions that take an Engine); `argv`: program [name of a case...]."""
    program, wanted = sys.argv[1], sys.argv[2:]
    failed = 0
    for case in cases:
        if wanted and case.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            with Engine(program) as engine:
                told = case(engine)
            print(f"ok      {case.__name__} ({time.monotonic() - begin:.1f} s){': ' + told if told else ''}", flush=True)
        except AssertionError as problem:
            failed += 1
            print(f"FAILED  {case.__name__}: {problem}", flush=True)
    sys.exit(1 if failed else 0)
