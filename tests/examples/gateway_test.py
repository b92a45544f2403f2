#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateways of examples/gateway that ask over HTTP, beside a running engine in local mode, and beside none.
usage: gateway_test.py PROGRAM [CASE...]"""

import json
import pathlib
import re
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line, token_of  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.go_programs import go_program  # noqa: E402
from support.listener import line  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT, run  # noqa: E402

HOUR_MS = 3_600_000
EXAMPLES = ROOT / "examples" / "gateway"
TOKENS = token_line("gate", "gateway", "producer") + token_line("ann", "user", uid="u-1")
GATEWAYS = {
    "Python": (sys.executable, "-B", EXAMPLES / "gate_over_http.py"),
    "Go": (go_program(EXAMPLES / "go", "gate_over_http"),),
}


def start(engine, *lines):
    """An engine on a pipe, and its API."""
    engine.write("tokens", TOKENS)
    engine.deployment(more="api: {tokens: tokens}\n")
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE)
    process.stdin.write("".join(lines).encode())
    process.stdin.flush()
    return process, Api(process)


def ask(gateway, port, *words, token="gate"):
    environment = {"FAIRUSE_URL": f"http://127.0.0.1:{port}", "FAIRUSE_TOKEN": token_of(token)}
    return run(*GATEWAYS[gateway], *words, env=environment)


def check_no_answer(done):
    told = json.loads(done.stdout)
    equal((told["answer"], told["reason"], told["degraded"]), ("allow", "no_answer", True), "what is said instead")
    equal(done.returncode, 0, "exit code")
    check(done.stderr, "the operator sees why")


def they_say_what_the_gate_says(engine):
    stage = {"command": "set_stage", "actor": "ann", "reason": "a test"}
    process, api = start(
        engine,
        *(line(f"day-{uid}", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, uid) for uid in ("u-1", "u-2")),
        line("c-1", "admin", {**stage, "stage": "restrict"}, "u-1"),
        line("c-2", "admin", {**stage, "stage": "throttle"}, "u-2"),
        line("c-3", "admin", {"command": "exempt", "actor": "ann", "reason": "a test", "on": True}, "u-3"),
        line("stt", "stt", {"ms": HOUR_MS}, "u-1"),
    )
    for uid, purpose, wanted in (
        ("u-1", "upload", "hard_restricted"),
        ("u-1", "stream", "budget_exhausted"),
        ("u-2", "upload", "none"),
        ("u-3", "stream", "exempt"),
        ("u-4", "stream", "none"),
    ):

        def is_there(answer, wanted=wanted):
            return not answer["degraded"] and answer["reason"] == wanted

        told = api.wait_for(uid, is_there, f"{uid} is {wanted}", purpose)
        for each in GATEWAYS:
            done = ask(each, api.port, uid, purpose)
            equal(done.returncode, int(told["answer"] == "refuse"), f"exit code of {each}: {done.stdout}{done.stderr}")
            answer = json.loads(done.stdout)
            for name in ("answer", "reason", "degraded", "locked", "actions", "limit_ms", "used_ms", "resets_at"):
                equal(answer.get(name), told.get(name), f"{name} of {uid} by {each}")
            if told["answer"] == "refuse":
                check(f"429, Retry-After: {answer['retry_after_s']}" in done.stderr, done.stderr)
    equal(engine.finish(process)[0], 0, "exit code")


def a_stream_uses_what_it_was_granted_and_no_more(engine):
    restrict = {"command": "set_stage", "actor": "ann", "reason": "a test", "stage": "restrict"}
    process, api = start(engine, line("c-1", "admin", restrict))
    # Another session holds all of the day's half hour but 22 seconds.
    other = {"session": "other", "planned_ms": 30 * 60_000 - 22_000}
    api.wait_for("u-1", lambda answer: "lease" in answer, "a lease", **other)

    def stream(gateway, *stretches_ms):
        done = ask(gateway, api.port, "u-1", "stream", f"by-{gateway}", *stretches_ms)
        check(not re.search("outcome|answered", done.stderr), f"what {gateway} said: {done.stderr}")
        return done.returncode, [json.loads(each) for each in done.stdout.splitlines()]

    def granted(answers):
        return [each.get("lease", {}).get("granted_ms") for each in answers]

    # A new owner grants five seconds at most: the rest of a stretch is asked for behind them.
    code, answers = stream("Python", 11_000, 1_000)
    equal((code, granted(answers)), (0, [5_000, 5_000, 1_000, 1_000]), "what Python was granted")
    api.wait_until_used(12_000, token="ann")
    code, answers = stream("Go", 4_000, 7_000, 1_000)
    equal((code, granted(answers)), (1, [4_000, 5_000, 1_000, None]), "what Go was granted, until nothing is left")
    equal(answers[-1]["reason"], "budget_reserved", "why it ends")
    api.wait_until_used(22_000, token="ann")
    code, answers = stream("Python", 1_000)
    equal((code, answers[0]["reason"]), (1, "budget_reserved"), "of the next")
    equal(engine.finish(process)[0], 0, "exit code")


def they_allow_where_the_gate_does_not_answer(engine):
    process, api = start(engine, line("first", "stt", {"ms": 1}))
    for each in GATEWAYS:
        done = ask(each, api.port, "u-1", "upload", token="stranger")
        check_no_answer(done)
        check("401" in done.stderr, f"{each} says what is wrong: {done.stderr}")
        check_no_answer(ask(each, api.port, "u-1", "download"))
    equal(engine.finish(process)[0], 0, "exit code")
    for each in GATEWAYS:
        check_no_answer(ask(each, api.port, "u-1", "upload"))


def they_allow_where_the_answer_does_not_end(_):
    """A listener that takes connections and says nothing, or a byte now and then, until the other side has left."""

    def serve(listener, said):
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=dribble, args=(link, said), daemon=True).start()

    def dribble(link, said):
        over = threading.Event()
        try:
            while not over.wait(0.02):
                link.sendall(said)
        except OSError:
            link.close()

    for said in (b"", b"HTTP/1.1 200 OK\r\nX: ", b"x"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener, said), daemon=True).start()
            for each in GATEWAYS:
                check_no_answer(ask(each, listener.getsockname()[1], "u-1", "stream"))


main([
    they_say_what_the_gate_says,
    a_stream_uses_what_it_was_granted_and_no_more,
    they_allow_where_the_gate_does_not_answer,
    they_allow_where_the_answer_does_not_end,
])
