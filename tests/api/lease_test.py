#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions side by side share a day's budget by leases: a running engine in local mode, over HTTP.
usage: lease_test.py PROGRAM [CASE...]"""

import datetime
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.listener import event, line  # noqa: E402
from support.local_mode import main  # noqa: E402

MINUTE_MS = 60_000
BUDGET_MS = 30 * MINUTE_MS
TOKENS = token_line("gate", "gateway") + token_line("sender", "producer") + token_line("ann", "user", uid="u-1")


def start(engine, *lines):
    engine.write("tokens", TOKENS)
    engine.deployment(more="api: {tokens: tokens}\n")
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE)
    restricted = line("c-1", "admin", {"command": "set_stage", "actor": "eve", "reason": "a test", "stage": "restrict"})
    process.stdin.write("".join([restricted, *lines]).encode())
    process.stdin.flush()
    api = Api(process)
    # More than the whole budget: nothing is reserved.
    large = {"session": "large", "planned_ms": 31 * MINUTE_MS}
    api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the restriction", **large)
    return process, api


def spend(api, id, ms, lease):
    """STT under a lease; durable when this returns."""
    sent = event(id, "stt", {"ms": ms, "lease": lease})
    answer = api.call("POST", "/v1/events", sent, token="sender", headers={"Content-Type": "application/cloudevents+json"})
    equal(answer.status, 202, "status")


def a_session_reserves_and_its_stt_ends_the_lease(engine):
    process, api = start(engine)
    first = api.gate("u-1", "upload", session="up", planned_ms=20 * MINUTE_MS)
    equal((first["answer"], first["lease"]["granted_ms"]), ("allow", 20 * MINUTE_MS), "of the first")
    again = api.gate("u-1", "upload", session="up", planned_ms=20 * MINUTE_MS)
    equal(again["lease"]["id"], first["lease"]["id"], "the same session keeps its lease")
    second = api.gate("u-1", "upload", session="other", planned_ms=20 * MINUTE_MS)
    equal((second["answer"], second["reason"]), ("refuse", "budget_reserved"), "of the second")
    check(1 <= second["retry_after_s"] <= 60, f"{second} may be tried again when leases lapse")
    equal(api.gate("u-1", "upload")["answer"], "allow", "without a session nothing is reserved")
    equal("lease" in api.gate("u-2", "upload", session="up", planned_ms=1), False, "nobody else needs a lease")
    spend(api, "t-1", 5 * MINUTE_MS, first["lease"]["id"])
    api.wait_until_used(5 * MINUTE_MS, token="ann")
    third = api.gate("u-1", "upload", session="other", planned_ms=20 * MINUTE_MS)
    equal((third["answer"], third["lease"]["granted_ms"]), ("allow", 20 * MINUTE_MS), "what was not used is free again")
    large = api.gate("u-1", "upload", session="large", planned_ms=26 * MINUTE_MS)
    equal((large["answer"], large["reason"]), ("refuse", "budget_exhausted"), "of more than the day has left")
    equal((large["used_ms"], large["limit_ms"]), (5 * MINUTE_MS, BUDGET_MS), "used and limit")
    equal(engine.finish(process)[0], 0, "exit code")


def what_is_refused_was_not_used(engine):
    process, api = start(engine)
    lease = api.gate("u-1", "upload", session="up", planned_ms=20 * MINUTE_MS)["lease"]["id"]
    ahead = datetime.timedelta(minutes=-10)
    sent = line("t-1", "stt", {"ms": 20 * MINUTE_MS, "lease": lease}, ago=ahead) + line("t-2", "stt", {"ms": 1})
    process.stdin.write(sent.encode())
    process.stdin.flush()
    api.wait_until_used(1, token="ann")
    other = api.gate("u-1", "upload", session="other", planned_ms=20 * MINUTE_MS)
    equal((other["answer"], other["reason"]), ("refuse", "budget_reserved"), "the lease of a dead letter goes on")
    spend(api, "t-3", 20 * MINUTE_MS, lease)
    api.wait_until_used(20 * MINUTE_MS + 1, token="ann")
    last = api.gate("u-1", "upload", session="other", planned_ms=9 * MINUTE_MS)
    equal(last["answer"], "allow", "what is taken ends it")
    equal(engine.finish(process)[0], 0, "exit code")


def an_upload_with_a_session_says_how_long_it_is(engine):
    process, api = start(engine)
    answer = api.call("POST", "/v1/gate", {"uid": "u-1", "purpose": "upload", "session": "up"})
    equal((answer.status, answer.json()["reason"]), (400, "invalid_body"), "status")
    equal(engine.finish(process)[0], 0, "exit code")


def sixty_four_sessions_use_all_of_a_budget_and_no_more(engine):
    process, api = start(engine)
    spent = [0] * 64

    def stream(number):
        """Stretches of audio, each under a lease of its own, until the budget is used up."""
        own = Api(process)
        for stretch in range(1_000):
            answer = own.gate("u-1", "stream", session=f"{number}-{stretch}", planned_ms=7_000 + 100 * number)
            if answer["answer"] == "refuse" and answer["reason"] == "budget_exhausted":
                return
            if "lease" not in answer:
                threading.Event().wait(0.05)
                continue
            spent[number] += answer["lease"]["granted_ms"]
            spend(own, f"t-{number}-{stretch}", answer["lease"]["granted_ms"], answer["lease"]["id"])

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(64)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    api.wait_until_used(sum(spent), token="ann")
    check(sum(spent) <= BUDGET_MS, f"{sum(spent) - BUDGET_MS} ms were overspent")
    check(sum(spent) >= BUDGET_MS * 99 // 100, f"{BUDGET_MS - sum(spent)} ms were left")
    equal(engine.finish(process)[0], 0, "exit code")


main([
    a_session_reserves_and_its_stt_ends_the_lease,
    what_is_refused_was_not_used,
    an_upload_with_a_session_says_how_long_it_is,
    sixty_four_sessions_use_all_of_a_budget_and_no_more,
])
