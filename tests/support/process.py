# SPDX-License-Identifier: Apache-2.0
"""A program that a test starts, watches and ends; and the only place where tests wait.

    done = run(program, "check", file, code=2)
    with Process(program, "run", log=folder / "log") as engine:
        engine.wait_for_line("is ready")
        engine.stop()
"""

import atexit
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import weakref

ROOT = pathlib.Path(os.environ.get("FAIRUSE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
# Machines may be busy; nothing that waits measures time.
PATIENCE_S = 240


class Failure(AssertionError):
    """The program under test, or its test, did not do what it must."""


def wait_until(condition, what, patience_s=PATIENCE_S, each_turn=None):
    """Until `condition()` is something true; that. `what` is the condition in words."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {patience_s:.0f} s for this: {what}")
        if each_turn:
            each_turn()
        time.sleep(0.02)
    return found


def run(*command, code=None, **how):
    """Run a program to its end: a CompletedProcess with text. `code`: any other exit code is a failure."""
    how = {"stdin": None if "input" in how else subprocess.DEVNULL, "timeout": 600, "text": True, **how}
    if how["text"]:
        how |= {"encoding": "utf-8", "errors": "replace"}
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, **how)
    if code is not None and done.returncode != code:
        words = " ".join(map(str, command))
        raise Failure(f"{words} ended with {done.returncode} instead of {code}: {done.stdout}{done.stderr}")
    return done


def need_module(name, package):
    """A module of Debian's, which tools/setup installs."""
    try:
        return importlib.import_module(name)
    except ImportError:
        sys.exit(f"This test needs the Python module {name}: run tools/setup, or apt-get install {package}.")


def enter_mount_namespace():
    """Run this script again where it may mount disks of its own."""
    if os.environ.get("FAIRUSE_TEST_MOUNTS") == "1":
        return
    for options in ("-Urm", "-m"):
        if run("unshare", options, "mount", "-t", "tmpfs", "none", "/mnt").returncode == 0:
            os.environ["FAIRUSE_TEST_MOUNTS"] = "1"
            os.execvp("unshare", ["unshare", options, sys.executable, "-B", *sys.argv])
    sys.exit("This test mounts a small disk: allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), "
             "or run it as root where mounting is allowed.")  # fmt: skip


def usage_of(pid):
    """CPU seconds and peak MiB of a running process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) >> 10


_started = weakref.WeakSet()


@atexit.register
def end_all():
    """Kill what still runs of all that was started."""
    for each in list(_started):
        each.kill()


class Process:
    """Ends at the latest with the script that started it. Its output goes to files, so it never waits for a reader:
    to the end of `log`, or to files that only this object sees."""

    def __init__(self, *command, log=None, env=None, cwd=None, stdin=subprocess.DEVNULL):
        self.command = list(map(str, command))
        self.log = log
        self._begin = log.stat().st_size if log and log.exists() else 0
        out = open(log, "ab") if log else tempfile.TemporaryFile()
        err = out if log else tempfile.TemporaryFile()
        self._popen = subprocess.Popen(self.command, stdin=stdin, stdout=out, stderr=err, env=env, cwd=cwd)
        self._files = (out, err)
        if log:
            out.close()
        for file in self._files:
            weakref.finalize(self, file.close)
        _started.add(self)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.kill()

    @property
    def pid(self):
        return self._popen.pid

    @property
    def stdin(self):
        return self._popen.stdin

    @property
    def code(self):
        """The exit code, as Popen has it; None while it runs."""
        return self._popen.poll()

    def runs(self):
        return self.code is None

    def output(self):
        """What it has written so far, to stdout or the log."""
        return self._written(self._files[0])

    def errors(self):
        return self._written(self._files[1])

    def _written(self, file):
        if not self.log:
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
        with open(self.log, "rb") as log:
            log.seek(self._begin)
            return log.read()

    def wait_for_line(self, text, patience_s=PATIENCE_S):
        """The first whole line with `text` in it, of stdout, stderr or the log."""

        def found():
            ended = not self.runs()
            for line in self._everything().splitlines(keepends=True):
                if text.encode() in line and line.endswith(b"\n"):
                    return line
            if ended:
                raise Failure(f"{self} ended with {self.code} before it said {text!r}: {self.tail()}")
            return None

        return wait_until(found, f"{self} says {text!r}", patience_s)

    def _everything(self):
        return self.output() if self.log else self.output() + self.errors()

    def tail(self):
        return self._everything()[-3_000:].decode(errors="replace")

    def send(self, number):
        self._popen.send_signal(number)

    def kill(self):
        """As a power failure does; nothing happens if it has ended."""
        if self.runs():
            self._popen.kill()
            self._popen.wait()

    def wait(self, patience_s=PATIENCE_S):
        """Its exit code."""
        try:
            return self._popen.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self} did not end in {patience_s} s: {self.tail()}{self.stacks()}") from None

    def stacks(self):
        """Where its threads are: what never ends is rarely seen twice."""
        try:
            done = run("gdb", "-p", self.pid, "-batch", "-ex", "thread apply all backtrace", timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"\nno stacks: {error}"
        return f"\n{done.stdout[-20_000:]}"

    def stop(self, how=signal.SIGTERM, patience_s=PATIENCE_S):
        """As an operator does, also if it is suspended: its exit code."""
        if self.runs():
            self.send(signal.SIGCONT)
            self.send(how)
        return self.wait(patience_s)

    def is_suspended(self):
        """By SIGSTOP."""
        try:
            text = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] == "T"

    def __str__(self):
        return " ".join(self.command[:2])
