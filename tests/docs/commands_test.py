#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command in the documents does what a reader expects of it: it runs, and prints what the document shows.

A fence of commands is `sh`, with the output below each command `console`. The words behind that say how it is tested:

    ```sh                             run as it stands: in a copy of config and tests/data, with fairuse on the PATH
    ```console slow                   the same, but not in the fast tests
    ```sh broker                      with a broker at 127.0.0.1:9092, and an instance if the block starts none itself
    ```sh slow stays                  what goes on in it is stopped at the document's end, not at the block's
    ```sh unrun: needs an upgrade     not run; the reason stands behind the colon
    ```python producer.py             a file that the blocks below it use

Options, subcommands and files are checked in all of them, and in `code` within the text. Shown lines must come in this
order, and may be cut at their ends. A command that goes on for ever is stopped with Ctrl-C when the block is over. What
is exported stays so to the document's end.

usage: commands_test.py PROGRAM fast|slow|broker [DOCUMENT...]
"""

import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile

from documents import ROOT, check, check_document, documents, fences, simple_commands
from support.api import free_port
from support.go_programs import go_environment
from support.process import Failure, Process, run, wait_until

BROKER = "127.0.0.1:9092"
API = "127.0.0.1:8080"
STAYS = "stays"
ATTEMPTS_S = 90
SHORT_TIMES = "  session_timeout: 3s\n  transaction_timeout: 1500ms\n  abort_scan: 500ms\n"
ENGINE = (
    "export FAIRUSE_CASE_KEY=$(cat case.key) FAIRUSE_INSTANCE=one",
    "fairuse run --config config/kafka.yaml --state state",
)


class Reader:
    """Someone who follows a document in a copy of the repository, with fairuse on the PATH."""

    def __init__(self, program, need, folder):
        self.folder = folder
        self.need = need
        shutil.copytree(ROOT / "config", folder / "config")
        shutil.copytree(ROOT / "tests" / "data", folder / "tests" / "data")
        shutil.copytree(ROOT / "examples", folder / "examples")
        (folder / "bin").mkdir()
        (folder / "bin" / "fairuse").symlink_to(program)
        (folder / "bin" / "python3").symlink_to(sys.executable)
        clean = {key: value for key, value in go_environment().items() if not key.startswith(("FAIR", "MAX_DAILY"))}
        self.environment = {**clean, "PATH": f"{folder / 'bin'}:{clean['PATH']}", "TMPDIR": str(folder)}
        self.api = f"127.0.0.1:{free_port()}"
        self.exports, self.staying = [], []
        if need == "fast":
            self._shrink(folder / "config" / "experiments" / "first.yaml")

    @staticmethod
    def _shrink(experiment):
        """A hundredth of the users, and none of the guards that need more."""
        text = experiment.read_text(encoding="utf-8").replace("users: 20000", "users: 200")
        experiment.write_text(re.sub(r"guards:.*\n(  - .*\n)*", "", text), encoding="utf-8")

    def in_place(self, text):
        """What a document says, as it is here: another process may have its ports."""
        return text.replace(API, self.api)

    def start(self, command):
        command = self.in_place(command)
        return Process("bash", "-o", "pipefail", "-c", command, cwd=self.folder, env=self.environment)

    def run_block(self, fence, beside=()):
        """`beside`: commands that go on, and are started first."""
        going_on = self.staying if fence.rest == STAYS else []
        for command, shown in [*((each, []) for each in beside), *fence.commands()]:
            if command.startswith("export "):
                self.exports.append(command)
            command = "\n".join([*self.exports, command])
            if goes_on(command):
                going_on.append(self.start(command))
                wait_until(lambda: not going_on[-1].runs() or said(going_on[-1]), f"{fence}: {command} says something")
            else:
                self.finish(fence, command, shown)
        if going_on is not self.staying:
            self.stop(going_on, fence)

    @staticmethod
    def stop(going_on, where):
        for process in reversed(going_on):
            code = process.stop(signal.SIGINT)
            # A shell says 130 in either case.
            check(code in (0, 130, -signal.SIGINT), f"{where}: {process.command[-1]} ended with {code}: {process.tail()}")

    def finish(self, fence, command, shown):
        """An engine needs a moment to join its group and to decide, so readers of a broker or an API try again."""
        problem = None

        def succeeds():
            nonlocal problem
            process = self.start(command)
            code = process.wait()
            problem = f"ended with {code}: {said(process)}" if code != 0 else missing(shown, said(process))
            return problem is None

        try:
            wait_until(succeeds, "", ATTEMPTS_S if self.need == "broker" or self.staying else 0)
        except Failure as late:
            raise Failure(f"{fence}: {command}\n{problem or late}") from None

    def follow(self, document):
        done, self.exports, self.staying = 0, [], []
        for fence in fences(document):
            if fence.need != "unrun" and fence.rest not in ("", STAYS):
                (self.folder / fence.rest).write_text(self.in_place(fence.text), encoding="utf-8")
            if fence.holds_commands() and fence.need == self.need:
                engine = self.need == "broker" and "fairuse run" not in fence.text
                self.run_block(fence, beside=ENGINE if engine else ())
                done += 1
        self.stop(self.staying, document)
        return done


def said(process):
    return (process.output() + process.errors()).decode(errors="replace")


def goes_on(command):
    """Until Ctrl-C: a person gives it a terminal of its own."""
    words = list(simple_commands(command.splitlines()[-1]))[-1]
    return words[:2] == ["fairuse", "run"] and "--until-end" not in words or "--follow" in words


def missing(shown, told):
    """What a document shows and a program does not say, in words."""
    lines = iter(told.splitlines())
    for line in filter(None, shown):
        if not any(each.startswith(line) for each in lines):
            return f"this line is not printed any more, or not in this place:\n{line}\nbut\n{told}"
    return None


class ReaderWithBroker(Reader):
    """Has `tools/kafka`, too, and a broker that ends with the test. One reads all documents, in their order."""

    def __init__(self, program, need, folder):
        super().__init__(program, need, folder)
        shutil.copytree(ROOT / "tools", folder / "tools")
        self.environment["FAIRUSE_KAFKA_HOME"] = str(ROOT / "build" / "kafka")
        started = self.tool("start", "--with-parent", os.getpid())
        self.bootstrap = started.stdout.strip()
        config = folder / "config" / "kafka.yaml"
        text = config.read_text(encoding="utf-8")
        check(BROKER in text, f"config/kafka.yaml does not look at {BROKER}")
        # An instance that comes back under another name would wait for the old one's session.
        text = text.replace("  kind: kafka\n", f"  kind: kafka\n{SHORT_TIMES}").replace(BROKER, self.bootstrap)
        config.write_text(text, encoding="utf-8")

    def tool(self, *words):
        return run(self.folder / "tools" / "kafka", *words, env=self.environment, code=0)

    def in_place(self, text):
        return super().in_place(text).replace(BROKER, self.bootstrap)


def main():
    program, need, *names = sys.argv[1:]
    failed = False
    with tempfile.TemporaryDirectory(prefix="fairuse-docs-") as folder:
        kind = ReaderWithBroker if need == "broker" else Reader
        reader = None
        for number, document in enumerate(names or documents()):
            if reader is None or need != "broker":
                reader = kind(pathlib.Path(program).resolve(), need, pathlib.Path(folder) / str(number))
            try:
                if need == "fast":
                    check_document(document, program)
                print(f"ok      {document}: {reader.follow(document)} blocks run", flush=True)
            except AssertionError as problem:
                failed = True
                print(f"FAILED  {problem}", flush=True)
        if need == "broker":
            reader.tool("reset")
    sys.exit(failed)


if __name__ == "__main__":
    main()
