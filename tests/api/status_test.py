#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Users of a running engine in local mode see where they stand, over HTTP.
usage: status_test.py PROGRAM [CASE...]"""

import datetime
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.listener import instant, line, now  # noqa: E402
from support.local_mode import main  # noqa: E402

HOUR_MS = 3_600_000
STATUS = "/v1/fair-use/status"
TOKENS = (
    token_line("gate", "gateway")
    + token_line("ann", "user", uid="u-ann")
    + token_line("bob", "user", uid="u-bob")
    + token_line("ben", "support")
)
NOTIFIER = """notifier:
  url: http://127.0.0.1:9/hook
  product: Scribe
  appeal: help@scribe.example
"""


def start(engine, *lines, more=""):
    """An engine on a pipe, its API, and a function that writes to the pipe."""
    engine.write("tokens", TOKENS)
    engine.deployment(more="api: {tokens: tokens, limits: {user: {per_second: 0}}}\n" + more)
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE)

    def send(*texts):
        process.stdin.write("".join(texts).encode())
        process.stdin.flush()

    send(*lines)
    return process, Api(process, token="ann"), send


def speech(id, user, hours):
    return line(id, "speech", {"lane": "realtime", "ms": int(hours * HOUR_MS)}, user)


def set_stage(id, stage, user="u-ann"):
    return line(id, "admin", {"command": "set_stage", "actor": "eve", "reason": "a test", "stage": stage}, user)


def a_user_without_a_history_is_free_of_everything(engine):
    process, api, send = start(engine, speech("s-1", "u-bob", 1))
    seen = api.wait_for_status(lambda status: True, "the start")
    equal((seen["stage"], seen["message"], seen["enforced"]), ("none", "", True), "stage")
    equal((seen["speech_hours_today"], seen["speech_hours_weekly"]), (0, 0), "speech")
    equal(seen["uploads"], {"refused": False}, "uploads")
    check("budget" not in seen and "case" not in seen, f"{seen} has neither a budget nor a case")
    equal(engine.finish(process)[0], 0, "exit code")


def an_engine_that_has_had_no_event_yet_knows_nothing_against_anybody(engine):
    process, api, send = start(engine)
    seen = api.wait_for_status(lambda status: True, "the start")
    equal((seen["stage"], seen["enforced"], seen["epoch"], seen["uploads"]), ("none", True, 0, {"refused": False}), "status")
    check(instant(seen["as_of"]) > now() - datetime.timedelta(minutes=5), f"{seen['as_of']} is of now")
    send(speech("s-1", "u-ann", 1))
    api.wait_for_status(lambda status: status["speech_hours_today"] == 1, "the first event")
    equal(engine.finish(process)[0], 0, "exit code")


def a_user_sees_usage_stage_and_when_it_ends_in_their_own_words(engine):
    facts = line("a-1", "account", {"plan": "basic", "time_zone": "Europe/Berlin", "locale": "de"}, "u-ann")
    process, api, send = start(engine, facts, speech("s-1", "u-ann", 2.5), more=NOTIFIER)
    api.wait_for_status(lambda status: status["speech_hours_today"] == 2.5, "the speech")
    verdict = {"request": "live-1", "score": 0.9, "usage_type": "audiobook"}
    send(line("r-1", "review", verdict, "u-ann", source="reviewer"))
    seen = api.wait_for_status(lambda status: status["stage"] == "warning", "the warning")
    daily = next(each for each in seen["windows"] if each["name"] == "daily")
    equal((daily["used_ms"], daily["limit_ms"], daily["percent"]), (2.5 * HOUR_MS, 2 * HOUR_MS, 125), "the day")
    check(daily["exceeded"], f"{daily} is above its limit")
    equal((seen["speech_hours_3day"], seen["speech_hours_weekly"]), (2.5, 2.5), "speech")
    equal((seen["locale"], seen["time_zone"]), ("de", "Europe/Berlin"), "language and zone")
    check("Scribe" in seen["message"] and "help@scribe.example" in seen["text"], f"{seen} names the service")
    check("CET" in seen["ends_text"] or "CEST" in seen["ends_text"], f"{seen['ends_text']} is in the user's zone")
    days = instant(seen["ends_at"]) - now()
    check(datetime.timedelta(days=29) < days <= datetime.timedelta(days=30, minutes=1), f"ends after {days}")
    check(seen["case"].startswith("FU-") and seen["case"] in seen["text"], f"{seen['case']} is the user's reference")
    equal(seen["ends_earlier_by"], ["appeal"], "what ends it earlier")
    changed = [(each["what"], each.get("from"), each.get("to")) for each in seen["history"]]
    equal(changed, [("strike_added", "none", "warning"), ("stage_changed", "none", "warning")], "what changed")
    equal(seen["history"][0]["case"], seen["case"], "the case of the strike")
    other = api.call("GET", STATUS, token="bob").json()
    equal((other["stage"], other["speech_hours_today"]), ("none", 0), "of another user")
    equal(engine.finish(process)[0], 0, "exit code")


def what_changed_survives_a_restart_and_goes_with_an_erasure(engine):
    process, api, send = start(engine, set_stage("c-1", "warning"))
    first = api.wait_for_status(lambda status: status["history"], "the warning")["history"]
    process.kill()
    process, api, send = start(engine)
    equal(api.wait_for_status(lambda status: True, "the start")["history"], first, "after a restart")
    send(set_stage("c-2", "throttle"))
    later = api.wait_for_status(lambda status: status["stage"] == "throttle", "the throttle")["history"]
    equal(later[: len(first)], first, "what was there before")
    equal([each["to"] for each in later], ["warning", "throttle"], "stages")
    send(line("e-1", "erasure", {"actor": "eve", "reason": "asked for"}, "u-ann"))
    api.wait_for_status(lambda status: status["stage"] == "none" and not status["history"], "the erasure")
    equal(engine.finish(process)[0], 0, "exit code")


def messages_that_were_delivered_are_shown(engine):
    """As the notifier's log says; also what it says while the engine runs, and when that log began a new file."""
    log = engine.folder / "state" / "notifier" / "sent.ndjson"

    def said(about, end="sent", user="u-ann", **more):
        end = {"id": "msg", "decision": "0-1-0", "user": user, "about": about, "end": end, "time": "2026-03-15T08:00:00.000Z"}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(end | more) + "\n")

    process, api, send = start(engine, speech("s-1", "u-ann", 1), more=NOTIFIER)
    equal(api.wait_for_status(lambda status: True, "the start")["messages"], [], "before the first")
    log.parent.mkdir()
    said("stage", stage="warning")
    said("budget_low", end="gave_up")
    said("stage", user="u-bob", stage="restrict")
    seen = api.wait_for_status(lambda status: status["messages"], "the message")["messages"]
    equal(seen, [{"about": "stage", "stage": "warning", "sent_at": "2026-03-15T08:00:00.000Z"}], "messages")
    said("budget_low")
    log.rename(log.with_name("sent-1772359200000.ndjson"))
    said("budget_exhausted")
    seen = api.wait_for_status(lambda status: len(status["messages"]) == 3, "the others")["messages"]
    equal([each["about"] for each in seen], ["stage", "budget_low", "budget_exhausted"], "in their order")
    equal(engine.finish(process)[0], 0, "exit code")


def used_up_credits_are_told_of_as_such(engine):
    process, api, send = start(engine, line("a-1", "account", {"plan": "basic", "credits_exhausted": True}, "u-ann"))
    send(speech("s-1", "u-ann", 3))
    seen = api.wait_for_status(lambda status: status["stage"] == "warning", "the warning")
    check("free minutes" in seen["message"], f"{seen['message']} says why")
    equal(seen["ends_earlier_by"], ["appeal", "upgrade"], "what ends it earlier")
    german = api.call("GET", STATUS, headers={"Accept-Language": "xx,en;q=0.5,de-AT;q=0.9"}).json()
    equal(german["locale"], "de", "the browser's language, as the account says none")
    check(german["message"] != seen["message"], f"{german['message']} is in that language")
    equal(engine.finish(process)[0], 0, "exit code")


def a_budget_shows_what_remains_and_when_it_begins_anew(engine):
    process, api, send = start(engine, speech("s-1", "u-ann", 3), set_stage("c-1", "restrict"))
    send(line("t-1", "stt", {"ms": 10 * 60_000}, "u-ann"))
    seen = api.wait_for_status(lambda status: status.get("budget", {}).get("used_ms"), "the budget")
    budget = seen["budget"]
    equal((budget["daily_limit_ms"], budget["remaining_ms"], budget["exhausted"]), (30 * 60_000, 20 * 60_000, False), "budget")
    equal(instant(budget["resets_at"]).time(), datetime.time(), "the budget is a UTC day's")
    equal((seen["uploads"]["refused"], seen["uploads"]["limit_ms"]), (True, 2 * HOUR_MS), "uploads")
    check(instant(seen["uploads"]["retry_at"]) > now() + datetime.timedelta(hours=23), "uploads are tried again tomorrow")
    send(line("t-2", "stt", {"ms": 21 * 60_000}, "u-ann"))
    over = api.wait_for_status(lambda status: status["budget"]["exhausted"], "the end of the budget")
    equal(over["budget"]["remaining_ms"], 0, "remaining")
    check("today" in over["message"].lower() or "30" in over["text"], f"{over} tells of the budget")
    send(line("c-2", "admin", {"command": "kill_switch", "actor": "eve", "reason": "a test", "on": True}, "*"))
    free = api.wait_for_status(lambda status: not status["enforced"], "the kill switch")
    equal((free["message"], free["uploads"]["refused"]), ("", False), "nothing is enforced")
    equal(engine.finish(process)[0], 0, "exit code")


def only_users_see_a_status_and_only_their_own(engine):
    process, api, send = start(engine, speech("s-1", "u-ann", 1))
    api.wait_for_status(lambda status: status["speech_hours_today"] == 1, "the start")
    for name, status in (("none", 401), ("stranger", 401), ("gate", 403), ("ben", 403), ("ann", 200)):
        equal(api.call("GET", STATUS, token=name).status, status, f"status for {name}")
    equal(api.call("GET", STATUS + "?uid=u-ann", token="bob").json()["speech_hours_today"], 0, "a uid in the URL is ignored")
    equal(api.call("GET", STATUS, headers={"Fairuse-Forwarded": "1.YW5u.dS1hbm4.dXNlcg.AAAA"}, token="none").status, 401, "forged")
    equal(engine.finish(process)[0], 0, "exit code")


main([
    a_user_without_a_history_is_free_of_everything,
    an_engine_that_has_had_no_event_yet_knows_nothing_against_anybody,
    a_user_sees_usage_stage_and_when_it_ends_in_their_own_words,
    what_changed_survives_a_restart_and_goes_with_an_erasure,
    messages_that_were_delivered_are_shown,
    used_up_credits_are_told_of_as_such,
    a_budget_shows_what_remains_and_when_it_begins_anew,
    only_users_see_a_status_and_only_their_own,
])
