#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gate of a running engine in local mode, over HTTP.
usage: gate_test.py PROGRAM [CASE...]"""

import datetime
import json
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.listener import line  # noqa: E402
from support.local_mode import main  # noqa: E402

HOUR_MS = 3_600_000
TOKENS = token_line("gate", "gateway") + token_line("sender", "producer") + token_line("ann", "user", uid="u-ann")


def command(id, name, user="u-1", **data):
    return line(id, "admin", {"command": name, "actor": "ann", "reason": "a test", **data}, user)


def start(engine, *lines, **how):
    """An engine on a pipe, its API, and a function that writes to the pipe."""
    engine.write("tokens", TOKENS)
    engine.deployment(more="api: {tokens: tokens}\n")
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE, **how)

    def send(*texts):
        process.stdin.write("".join(texts).encode())
        process.stdin.flush()

    send(*lines)
    return process, Api(process), send


def a_second_engine_on_the_same_state_never_listens(engine):
    process, api, send = start(engine)
    done = engine.run("state", "-", "--listen", "127.0.0.1:0", clock="wall")
    equal(done.returncode, 1, "exit code")
    check(b"in use by another process" in done.stderr, f"{done.stderr} says why")
    check(b"listens" not in done.stderr, f"{done.stderr} announces nothing")
    equal(engine.finish(process)[0], 0, "exit code")


def is_known(answer):
    return not answer["degraded"]


def a_user_is_refused_from_the_commit_on_and_allowed_again(engine):
    process, api, send = start(engine, line("first", "stt", {"ms": 1}))
    equal(api.wait_for("u-1", is_known, "the start")["answer"], "allow", "of an unknown user")
    send(line("day", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}), command("c-1", "set_stage", stage="restrict"))
    refused = api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the restriction")
    equal(refused["reason"], "hard_restricted", "reason")
    equal((refused["limit_ms"], refused["used_ms"]), (2 * HOUR_MS, 3 * HOUR_MS), "limit and used")
    check(23 * 3_600 < refused["retry_after_s"] <= 24 * 3_600 + 60, f"{refused} may be tried again after the window")
    equal(refused["partition"], 0, "partition")
    equal(api.gate("u-1", "stream")["answer"], "allow", "of a stream with a budget")
    equal(api.gate("u-2")["answer"], "allow", "of somebody else")
    send(line("stt", "stt", {"ms": HOUR_MS // 2}))
    spent = api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the budget", purpose="stream")
    equal((spent["reason"], spent["limit_ms"]), ("budget_exhausted", HOUR_MS // 2), "reason and limit")
    send(command("c-2", "set_stage", stage="throttle"))
    throttled = api.wait_for("u-1", lambda answer: answer["answer"] != "refuse", "the throttle")
    equal(throttled["answer"], "allow_degraded", "answer")
    equal(throttled["actions"], {"stt_model": "economy", "vad_threshold": 0.1}, "actions")
    equal(engine.finish(process)[0], 0, "exit code")


def the_kill_switch_opens_the_gate_for_everybody(engine):
    process, api, send = start(engine, line("day", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}))
    send(command("c-1", "set_stage", stage="restrict"))
    api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the restriction")
    send(command("c-2", "kill_switch", user="*", on=True))
    equal(api.wait_for("u-1", lambda answer: answer["answer"] == "allow", "the switch")["reason"], "kill_switch", "why")
    send(command("c-3", "kill_switch", user="*", on=False))
    api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the switch back")
    equal(engine.finish(process)[0], 0, "exit code")


def a_restart_knows_all_who_were_restricted(engine):
    users = [f"u-{number}" for number in range(40)]
    days = [line(f"day-{each}", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, each) for each in users]
    process, api, send = start(engine, *days)
    send(*(command(f"c-{each}", "set_stage", each, stage="restrict") for each in users[::2]))
    send(command("x-1", "exempt", "u-2", on=True), command("x-2", "exempt", "u-3", on=True))
    for each in users[::2]:
        wanted = "allow" if each == "u-2" else "refuse"
        api.wait_for(each, lambda answer, wanted=wanted: is_known(answer) and answer["answer"] == wanted, f"{each} is known")
    before = {each: api.gate(each) for each in users}
    process.kill()
    process, api, send = start(engine)
    api.wait_for("u-0", is_known, "the start")
    for each in users:
        answer = api.gate(each)
        for name in ("answer", "reason", "limit_ms", "used_ms", "resets_at"):
            equal(answer.get(name), before[each].get(name), f"{name} of {each}")
    equal(engine.finish(process)[0], 0, "exit code")


def an_erased_user_is_forgotten(engine):
    process, api, send = start(engine, line("day", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}))
    send(command("c-1", "set_stage", stage="restrict"))
    api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the restriction")
    send(line("e-1", "erasure", {"actor": "ann", "reason": "asked for"}))
    answer = api.wait_for("u-1", lambda answer: answer["answer"] == "allow", "the erasure")
    check("epoch" not in answer, f"{answer} rests on no row")
    equal(engine.finish(process)[0], 0, "exit code")


def only_gateways_may_ask(engine):
    process, api, send = start(engine, line("first", "stt", {"ms": 1}))
    question = {"uid": "u-1", "purpose": "upload"}
    nobody = api.call("POST", "/v1/gate", question, token="none")
    equal((nobody.status, nobody.json()["reason"]), (401, "token_missing"), "nobody")
    check("Bearer" in nobody.headers["www-authenticate"], "it says how to ask")
    for name, status in (("stranger", 401), ("sender", 403), ("ann", 403), ("gate", 200)):
        equal(api.call("POST", "/v1/gate", question, token=name).status, status, f"status for {name}")
    document = api.call("GET", "/openapi.yaml", token="none")
    check(document.status == 200 and b"openapi: 3.1.0" in document.body, "the document is open to all")
    equal(api.call("GET", "/v1/gate").status, 405, "another method")
    equal(api.call("GET", "/v1/gates").status, 404, "another path")
    said = process.wait_for_line("answered by 401").decode()
    check("there is neither Authorization nor a header of a listed proxy" in said, f"{said} has the reason")
    equal(engine.finish(process)[0], 0, "exit code")


def a_proxy_names_who_asks_and_only_once(engine):
    engine.deployment(more="api: {proxies: {addresses: [127.0.0.1], uid_header: X-User, roles_header: X-Roles}}\n")
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE)
    api = Api(process, token="none")
    question = json.dumps({"uid": "u-1", "purpose": "upload"}).encode()

    def asked(*headers):
        lines = ["POST /v1/gate HTTP/1.1", "Host: gate", "Content-Type: application/json",
                 f"Content-Length: {len(question)}", "Connection: close", *headers]  # fmt: skip
        with socket.create_connection(("127.0.0.1", api.port), timeout=60) as link:
            link.sendall("\r\n".join([*lines, "", ""]).encode() + question)
            return int(link.makefile("rb").readline().split()[1])

    for headers, status in (
        (("X-User: svc", "X-Roles: gateway"), 200),
        (("X-User: u-1", "X-Roles: user"), 403),
        (("X-User: u-1", "X-Roles: user", "X-Roles: gateway"), 400),
        (("X-User: u-1", "X-User: svc", "X-Roles: gateway"), 400),
        ((), 401),
    ):
        equal(asked(*headers), status, f"status with {headers}")
    equal(engine.finish(process)[0], 0, "exit code")


def what_is_no_question_is_refused_with_its_place(engine):
    process, api, send = start(engine, line("first", "stt", {"ms": 1}))
    for body, detail in (
        ({"purpose": "upload"}, "`uid` is missing"),
        ({"uid": "u-1"}, "`purpose` is missing"),
        ({"uid": 7, "purpose": "upload"}, "`uid` must be a text"),
        ({"uid": "", "purpose": "upload"}, "`uid` must be the id of one user"),
        ({"uid": "*", "purpose": "upload"}, "`uid` must be the id of one user"),
        ({"uid": "u" * 257, "purpose": "upload"}, "`uid` must be the id of one user"),
        ({"uid": "u\n1", "purpose": "upload"}, "`uid` must be the id of one user"),
        ({"uid": "u-1", "purpose": "download"}, "`purpose` must be stream or upload"),
        ({"uid": "u-1", "purpose": "stream", "planned_ms": -1}, "`planned_ms` must be a whole number"),
        ({"uid": "u-1", "purpose": "stream", "planned_ms": 1.5}, "`planned_ms` must be a whole number"),
        ({"uid": "u-1", "purpose": "stream", "session": ""}, "`session` must be a text"),
        ({"uid": "u-1", "purpose": "stream", "when": 1}, "`when` is no member"),
        ([], "must be a JSON object"),
    ):
        answer = api.call("POST", "/v1/gate", body)
        problem = answer.json()
        equal((answer.status, problem["reason"]), (400, "invalid_body"), f"status of {body}")
        check(detail in problem["detail"], f"{problem} says {detail}")
        equal(answer.headers["content-type"], "application/problem+json", "content type")
    for body in ("{", '{"uid":"u-1","uid":"u-2","purpose":"upload"}', b'{"uid":"\xff","purpose":"upload"}',
                 '{"uid":"\\udc00","purpose":"upload"}', '{"uid":"u","purpose":"upload","session":"\\udc00"}'):  # fmt: skip
        answer = api.call("POST", "/v1/gate", body, headers={"Content-Type": "application/json"})
        equal(answer.status, 400, f"status of {body}")
    equal(api.call("POST", "/v1/gate", "uid=u-1", headers={"Content-Type": "text/plain"}).status, 415, "another type")
    equal(engine.finish(process)[0], 0, "exit code")


def an_api_that_cannot_be_is_refused_before_anything_is_made(engine):
    engine.write("tokens", TOKENS)
    engine.write("in.ndjson", "")
    for more, arguments, said in (
        ("api: {tokens: missing}\n", ["--listen", "127.0.0.1:0"], "missing"),
        ("api: {tokens: tokens}\n", ["--listen", "nowhere"], "--listen"),
        ("", ["--listen", "127.0.0.1:0"], "api"),
    ):
        engine.deployment(more=more)
        done = engine.run("state", "in.ndjson", *arguments, clock="wall")
        equal(done.returncode, 2, f"exit code of {more}{arguments}, which said {done.stderr.decode()}")
        check(said in done.stderr.decode(), f"{done.stderr.decode()} names {said}")
        check(not engine.path("state").exists(), "nothing was made")


def under_the_events_clock_refusals_end_by_the_events(engine):
    at = datetime.timedelta(days=400)
    engine.write("tokens", TOKENS)
    engine.deployment(more="api: {tokens: tokens}\n")
    engine.write("in.ndjson", line("day", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, ago=at))
    process = engine.start("state", "in.ndjson", "--listen", "127.0.0.1:0", clock="events")
    api = Api(process)
    with engine.path("in.ndjson").open("a") as growing:
        growing.write(json.dumps(json.loads(command("c-1", "set_stage", stage="restrict"))
                                 | {"time": (datetime.datetime.now(datetime.timezone.utc) - at).isoformat()}) + "\n")
        growing.write(line("next", "stt", {"ms": 1}, user="u-2", ago=at - datetime.timedelta(minutes=1)))
        growing.write(line("last", "stt", {"ms": 1}, user="u-2", ago=at - datetime.timedelta(minutes=2)))
        growing.flush()
        refused = api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the restriction of a year ago")
        check(refused["retry_after_s"] > 23 * 3_600, f"{refused} counts from the events' clock")
    equal(engine.finish(process)[0], 0, "exit code")


main([
    a_second_engine_on_the_same_state_never_listens,
    a_user_is_refused_from_the_commit_on_and_allowed_again,
    the_kill_switch_opens_the_gate_for_everybody,
    a_restart_knows_all_who_were_restricted,
    an_erased_user_is_forgotten,
    only_gateways_may_ask,
    a_proxy_names_who_asks_and_only_once,
    what_is_no_question_is_refused_with_its_place,
    an_api_that_cannot_be_is_refused_before_anything_is_made,
    under_the_events_clock_refusals_end_by_the_events,
])
