#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who asks a running engine too often.
usage: limits_test.py PROGRAM [CASE...]"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.metrics import Status  # noqa: E402

TOKENS = token_line("gate", "gateway") + token_line("ann", "user", uid="u-ann") + token_line("bob", "user", uid="u-bob")
LIMITS = "limits: {user: {per_second: 1, burst: 3}, failed: {per_second: 1, burst: 3}, address_header: X-Forwarded-For}"
QUESTION = {"uid": "u-1", "purpose": "upload"}


def start(engine):
    engine.write("tokens", TOKENS)
    engine.write("in.ndjson", "")
    engine.deployment(more=f"api: {{tokens: tokens, status_listen: '127.0.0.1:0', {LIMITS}}}\n")
    process = engine.start("state", "in.ndjson", "--listen", "127.0.0.1:0", clock="wall")
    return process, Api(process), Status(process)


def ask(api, token, address="192.0.2.1"):
    return api.call("POST", "/v1/gate", QUESTION, token=token, headers={"X-Forwarded-For": address})


def until_refused(api, token, status):
    """Answers of that status, and the refusal; a machine that is slow gets some more of them."""
    for count in range(1_000):
        answer = ask(api, token)
        if answer.status == 429:
            return count, answer
        equal(answer.status, status, f"answer {count} of {token}")
    raise AssertionError(f"nobody has refused {token}")


def a_user_who_asks_too_often_waits(engine):
    process, api, status = start(engine)
    count, refused = until_refused(api, "ann", 403)
    check(count >= 3, f"{count} answers before")
    equal((refused.json()["reason"], refused.headers["retry-after"]), ("too_many_requests", "1"), "reason and Retry-After")
    equal(ask(api, "bob").status, 403, "another user")
    equal({ask(api, "gate").status for _ in range(50)}, {200}, "a gateway")
    equal(status.figures().value("fairuse_http_limited_total", limit="user"), 1, "it is counted")
    equal(engine.finish(process)[0], 0, "exit code")


def an_address_that_guesses_waits_and_locks_nobody_out(engine):
    process, api, status = start(engine)
    count, refused = until_refused(api, "stranger", 401)
    check(count >= 3, f"{count} answers before")
    equal(refused.headers["retry-after"], "1", "Retry-After")
    equal(ask(api, "gate").status, 200, "a token that is known")
    equal(ask(api, "stranger", "192.0.2.2").status, 401, "another address")
    check(status.figures().value("fairuse_http_limited_total", limit="failed") >= 1, "it is counted")
    equal(engine.finish(process)[0], 0, "exit code")


main([a_user_who_asks_too_often_waits, an_address_that_guesses_waits_and_locks_nobody_out])
