#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a running engine in local mode tells of itself.
usage: metrics_test.py PROGRAM [CASE...]"""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.listener import line  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.metrics import Status, documented  # noqa: E402
from support.process import wait_until  # noqa: E402

HOUR_MS = 3_600_000
TOKENS = token_line("gate", "gateway") + token_line("phone", "producer")
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def start(engine, *lines, api="tokens: tokens, ", listen=("--listen", "127.0.0.1:0")):
    engine.write("tokens", TOKENS)
    engine.deployment(more=f"api: {{{api}status_listen: '127.0.0.1:0'}}\n")
    process = engine.start("state", "-", *listen, clock="wall", stdin=subprocess.PIPE)
    process.stdin.write("".join(lines).encode())
    process.stdin.flush()
    return process, Status(process)


def events_of(figures):
    """By kind and outcome, without those that were not seen."""
    return {
        tuple(value for _, value in sorted(labels)): count
        for (name, labels), count in figures.series.items()
        if name == "fairuse_events_total" and count
    }


def every_metric_stands_in_the_table_and_no_other(engine):
    process, status = start(engine, line("first", "speech", {"lane": "realtime", "ms": 1}))
    api = Api(process)
    api.wait_for("u-1", lambda answer: not answer["degraded"], "the start")
    shapes = wait_until(lambda: (found := status.figures()).value("fairuse_epochs_total") and found, "an epoch").shapes()
    equal(sorted(shapes - documented("API", "wall")), [], "what the table lacks")
    equal(sorted(documented("API", "wall") - shapes), [], "what the engine lacks")
    equal(engine.finish(process)[0], 0, "exit code")


def events_are_counted_by_kind_and_outcome(engine):
    day = line("day", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS})
    command = line("c-1", "admin", {"command": "set_stage", "stage": "warning", "actor": "ann", "reason": "r"})
    wrong = line("c-2", "admin", {"command": "clear_strike", "strike": 7, "actor": "ann", "reason": "r"})
    switch = line("c-3", "admin", {"command": "enable", "on": True, "actor": "ann", "reason": "r"}, "*")
    process, status = start(engine, day, day, command, wrong, switch, switch, "no event\n", listen=())
    figures = wait_until(
        lambda: (found := status.figures()).value("fairuse_dead_letters_total", reason="not_json") and found, "the last line"
    )
    own = events_of(figures).pop(("admin", "accepted"))
    counted = events_of(figures)
    equal(counted, {("speech", "accepted"): 1, ("speech", "duplicate"): 1, ("admin", "accepted"): own,
                    ("admin", "duplicate"): 1, ("admin", "refused"): 1, ("unknown", "refused"): 1}, "events")  # fmt: skip
    equal(figures.value("fairuse_dead_letters_total", reason="bad_value"), 1, "the command that named no strike")
    equal(figures.value("fairuse_decisions_total", slot="live", mode="live", decision="cap_crossed"), 1, "live")
    equal(figures.value("fairuse_decisions_total", slot="omi-newest", mode="shadow", decision="cap_crossed"), 1, "shadow")
    equal(figures.value("fairuse_users_in_memory"), 1, "users in memory")
    check(figures.value("fairuse_epoch_seconds_count") > 0, "epochs are timed")
    # The first one may be under way.
    wait_until(lambda: status.figures().value("fairuse_commit_seconds_sum") > 0, "commits are timed")
    check("u-1" not in figures.text, "no user is named")
    equal(engine.finish(process)[0], 0, "exit code")


def what_the_api_answers_is_counted(engine):
    process, status = start(engine, line("first", "speech", {"lane": "realtime", "ms": 1}))
    api = Api(process)
    api.wait_for("u-1", lambda answer: not answer["degraded"], "the start")
    before = status.figures()
    labels = {"answer": "allow", "reason": "none", "degraded": "false"}
    for _ in range(3):
        api.gate("u-1")
    equal(api.call("POST", "/v1/gate", {"uid": 7}).status, 400, "a wrong question")
    event = json.loads(line("h-1", "stt", {"ms": 1, "provider": "p"}))
    equal(api.call("POST", "/v1/events", json.dumps([event, {}]), token="phone", headers=BATCH).status, 202, "events")
    equal(api.call("POST", "/v1/events", json.dumps([event]), token="phone", headers=BATCH).status, 202, "again")
    after = status.figures()
    gained = after.value("fairuse_gate_answers_total", **labels) - before.value("fairuse_gate_answers_total", **labels)
    equal(gained, 3, "answers of the gate")
    equal(after.value("fairuse_http_answers_total", status="4xx"), 1, "errors")
    for outcome in ("accepted", "malformed", "duplicate"):
        equal(after.value("fairuse_http_events_total", outcome=outcome), 1, outcome)
    equal(engine.finish(process)[0], 0, "exit code")


def an_engine_without_an_api_lives_and_is_ready(engine):
    process, status = start(engine, api="", listen=())
    wait_until(lambda: status.get("/readyz") == (200, "ok\n"), "it is ready")
    equal(status.get("/livez"), (200, "ok\n"), "/livez")
    equal(status.get("/other")[0], 404, "another path")
    equal(engine.finish(process)[0], 0, "exit code")


def an_address_that_is_taken_is_refused(engine):
    process, status = start(engine, api="", listen=())
    engine.deployment(more=f"api: {{status_listen: '127.0.0.1:{status.port}'}}\n")
    done = engine.run("other", "/dev/null", clock="wall")
    equal(done.returncode, 2, "exit code")
    check(f"cannot listen on 127.0.0.1:{status.port}: Address already in use" in done.stderr.decode(), done.stderr)
    check(not engine.path("other").exists(), "no store is made")
    equal(engine.finish(process)[0], 0, "exit code")


main([
    every_metric_stands_in_the_table_and_no_other,
    events_are_counted_by_kind_and_outcome,
    what_the_api_answers_is_counted,
    an_engine_without_an_api_lives_and_is_ready,
    an_address_that_is_taken_is_refused,
])
