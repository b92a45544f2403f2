#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""With `log.format: json` every line on stderr is an object, of the engine, the reviewer and the notifier.
usage: json_log_test.py PROGRAM [CASE...]"""

import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import listener  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT, Process  # noqa: E402

JSON = "log: {format: json}\n"
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9/v1"


def objects(errors):
    """The lines, each of which is checked."""
    found = []
    for text in errors.decode().splitlines():
        line = json.loads(text)
        check(set(line) - {"trace_id"} == {"time", "level", "message"}, f"members of {line}")
        check(datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).tzinfo is not None, f"time of {line}")
        check(line["level"] in ("info", "warning", "error"), f"level of {line}")
        check(listener.USER not in line["message"], f"a user is named: {line}")
        found.append(line)
    check(found, "something was said")
    return found


def messages(errors, level):
    return [line["message"] for line in objects(errors) if line["level"] == level]


def beside(engine, name):
    words = [name, "--config", "local.yaml", "--state", "s"]
    return Process(engine.program, *words, env=engine.environment(), cwd=engine.folder)


def every_line_of_an_engine_is_an_object(engine):
    engine.deployment(more=JSON)
    engine.write("in.ndjson", "".join(listener.day()) + 'no "event"\t\n')
    done = engine.good_run("s", "in.ndjson", clock="wall")
    warned = messages(done.stderr, "warning")
    check(any("the first dead letter for `not_json`" in each for each in warned), f"{warned} tell of the dead letter")
    check(any("windows.3day.cap" in each for each in warned), f"{warned} tell of the policy")
    summary = messages(done.stderr, "info")[-1]
    check(summary.startswith("lines ") and "\n  accepted " in summary, f"the summary is one line: {summary}")


def what_the_user_has_stands_in_no_line(engine):
    command = {"command": "clear_strike", "strike": 7, "actor": "ann", "reason": "r"}
    engine.deployment(more=JSON)
    engine.write("in.ndjson", "".join(listener.day()) + listener.line("c-1", "admin", command, listener.USER))
    warned = messages(engine.good_run("s", "in.ndjson", clock="wall").stderr, "warning")
    told = [each for each in warned if "`bad_value` at data.strike" in each]
    check(len(told) == 1 and "no strike now" not in told[0], f"{told} say what the sender did, and no more")


def every_line_of_a_failed_start_is_an_object(engine):
    engine.deployment(more=JSON)
    done = engine.run("s", "absent\u00e9\udcff.ndjson", clock="wall")
    equal(done.returncode, 2, "exit code")
    check("absent\u00e9?.ndjson" in messages(done.stderr, "error")[-1], f"{done.stderr} names the file")


def every_line_of_reviewer_and_notifier_is_an_object(engine):
    prompts = ROOT / "config" / "prompts"
    secret = engine.write("secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    secret.chmod(0o600)
    engine.deployment(more=f"{JSON}reviewer: {{endpoint: '{NOWHERE}', model: m, prompts: {prompts}, timeout: 1s}}\n"
                           f"notifier: {{url: '{NOWHERE}', secret_file: secret, product: P, appeal: A}}\n")  # fmt: skip
    engine.write("in.ndjson", "".join(listener.day()))
    engine.good_run("s", "in.ndjson", clock="wall")
    reviewer = beside(engine, "reviewer")
    reviewer.wait_for_line("cannot be reached")
    equal(engine.finish(reviewer)[0], 0, "exit code of the reviewer")
    objects(reviewer.errors())
    notifier = beside(engine, "notifier")
    notifier.wait_for_line("notifying at")
    equal(engine.finish(notifier)[0], 0, "exit code of the notifier")
    check(" sent, " in messages(notifier.errors(), "info")[-1], "its summary")


main([
    every_line_of_an_engine_is_an_object,
    what_the_user_has_stands_in_no_line,
    every_line_of_a_failed_start_is_an_object,
    every_line_of_reviewer_and_notifier_is_an_object,
])
