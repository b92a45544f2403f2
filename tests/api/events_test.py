#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Events over HTTP into a running engine in local mode.
usage: events_test.py PROGRAM [CASE...]"""

import datetime
import gzip
import json
import pathlib
import random
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line, token_of  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import wait_until  # noqa: E402

HOUR_MS = 3_600_000
TOKENS = token_line("gate", "gateway") + token_line("phone", "producer") + token_line("model", "reviewer")
ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def event(id, type="stt", data=None, user="u-1", ago=datetime.timedelta(seconds=1), source="phone"):
    at = datetime.datetime.now(datetime.timezone.utc) - ago
    data = {"ms": 1_000, "provider": "p"} if data is None else data
    return {"specversion": "1.0", "id": id, "source": source, "type": f"fairuse.{type}.v1", "subject": user,
            "time": at.isoformat(), "data": data}  # fmt: skip


def start(engine, file="in.ndjson", content="", clock="wall"):
    engine.write("tokens", TOKENS)
    engine.deployment(more="api: {tokens: tokens}\n")
    if not engine.path(file).exists():
        engine.write(file, content)
    process = engine.start("state", file, "--listen", "127.0.0.1:0", clock=clock)
    api = Api(process, token="phone")
    wait_until(lambda: not api.call("POST", "/v1/gate", {"uid": "u", "purpose": "stream"}, "gate").json()["degraded"],
               "the start")  # fmt: skip
    return process, api


def send(api, events, type=None, **how):
    body = events if isinstance(events, (bytes, str)) else json.dumps(events)
    type = type or (BATCH if isinstance(events, list) else ONE)
    return api.call("POST", "/v1/events", body, headers={"Content-Type": type, **how.pop("headers", {})}, **how)


def outcomes(answer):
    equal(answer.status, 202, f"status of {answer.body}")
    return [each["outcome"] for each in answer.json()["events"]]


def counted(engine, process):
    """Events of the run, from its summary on stderr."""
    equal(engine.finish(process)[0], 0, "exit code")
    done = engine.call("run", "--config", "local.yaml", "--state", "state", "--input", "in.ndjson", "--clock", "wall", "--until-end", "--json")  # fmt: skip
    return json.loads(done.stdout)


def an_event_is_decided_beside_the_file(engine):
    process, api = start(engine, content=json.dumps(event("f-1", "speech", {"lane": "realtime", "ms": HOUR_MS})) + "\n")
    equal(outcomes(send(api, event("h-1", "speech", {"lane": "realtime", "ms": HOUR_MS + 1}))), ["accepted"], "outcome")
    engine.wait_for_decisions("state", lambda lines: b"cap_crossed" in b"".join(lines))
    sums = {each["window"]: each["sum_ms"] for each in engine.status("state", "u-1")["slots"][0]["windows"]}
    equal(sums["daily"], 2 * HOUR_MS + 1, f"the sum of both, in {sums}")
    equal(engine.finish(process)[0], 0, "exit code")


def each_event_of_a_batch_has_its_outcome(engine):
    process, api = start(engine)
    wrong = event("b-2", "speech", {"ms": 1})
    answer = send(api, [event("b-1"), wrong, {"specversion": "1.0"}, 7, event("b-5")])
    equal(outcomes(answer), ["accepted", "malformed", "malformed", "malformed", "accepted"], "outcomes")
    second = answer.json()["events"][1]
    equal((second["reason"], second["place"]), ("missing_field", "data.lane"), "why and where")
    equal(outcomes(send(api, [])), [], "of none")
    for body in ("{", "[", '{"a":1}', "[1,]", b"[\"\xff\"]"):
        equal(send(api, body, BATCH).status, 400, f"status of {body}")
    many = send(api, [event(f"m-{number}") for number in range(1_001)])
    equal((many.status, many.json()["reason"]), (413, "too_many_events"), "more than a thousand")
    equal(engine.finish(process)[0], 0, "exit code")


def one_malformed_event_is_the_requests_error(engine):
    process, api = start(engine)
    for body, reason, place in (
        (event("o-1", "speech", {"ms": 1}), "missing_field", "data.lane"),
        (event("o-2", "sleep"), "unknown_type", "type"),
        (event("o-3") | {"subject": ""}, "empty_subject", "subject"),
        ("{", "truncated", None),
    ):
        answer = send(api, body, ONE)
        equal((answer.status, answer.json()["reason"]), (400, reason), f"status and reason of {body}")
        check(place is None or answer.json()["place"] == place, f"{answer.body} names {place}")
    equal(send(api, event("o-4"), "text/plain").status, 415, "another type")
    equal(engine.finish(process)[0], 0, "exit code")


def binary_mode_and_gzip_say_the_same(engine):
    process, api = start(engine)
    whole = event("x-1", "speech", {"lane": "realtime", "ms": HOUR_MS}, user="ü-1")
    headers = {f"ce-{name}": whole[name] for name in ("specversion", "id", "source", "type", "time")}
    headers["ce-subject"] = "%C3%BC-1"
    equal(outcomes(send(api, json.dumps(whole["data"]), "application/json", headers=headers)), ["accepted"], "binary")
    packed = gzip.compress(json.dumps([event("x-2", "speech", {"lane": "realtime", "ms": 5}, user="ü-1")]).encode())
    equal(outcomes(send(api, packed, BATCH, headers={"Content-Encoding": "gzip"})), ["accepted"], "gzip")
    folded = json.dumps(event("x-3", "speech", {"lane": "realtime", "ms": 7}, user="ü-1"), indent=2)
    equal(outcomes(send(api, folded, ONE)), ["accepted"], "an event over several lines")

    def sum_of_all():
        done = engine.call("status", "--state", "state", "--user", "ü-1", "--json")
        return done.returncode == 0 and json.loads(done.stdout)["slots"][0]["windows"][0]["sum_ms"] == HOUR_MS + 12

    wait_until(sum_of_all, "all three count")
    equal(send(api, "{}", "application/json", headers=headers | {"ce-subject": "%zz"}).status, 400, "a bad escape")
    quoted = headers | {"ce-id": '"x-\\"%34\\""', "ce-source": '"'}
    answer = send(api, '{"lane":"realtime","ms":1}', "application/json", headers=quoted)
    equal(outcomes(answer), ["accepted"], "a value in quotes")
    equal([answer.json()["events"][0][name] for name in ("id", "source")], ['x-"4"', '"'], "what they say")
    equal(engine.finish(process)[0], 0, "exit code")


def an_attribute_stands_in_one_header(engine):
    process, api = start(engine)
    lines = ["POST /v1/events HTTP/1.1", "Host: api", "Content-Type: application/json", "Content-Length: 8",
             f"Authorization: Bearer {token_of('phone')}", "Connection: close", "ce-specversion: 1.0", "ce-source: s",
             "ce-type: fairuse.stt.v1", "ce-subject: u-1", f"ce-time: {event('i')['time']}", "ce-id: i"]  # fmt: skip
    for more, status in (([], 202), (["ce-id: j"], 400), (["CE-Subject: u-2"], 400)):
        with socket.create_connection(("127.0.0.1", api.port), timeout=60) as link:
            link.sendall("\r\n".join([*lines, *more, "", '{"ms":1}']).encode())
            equal(int(link.makefile("rb").readline().split()[1]), status, f"status with {more}")
    equal(engine.finish(process)[0], 0, "exit code")


def a_repeated_event_is_known(engine):
    process, api = start(engine)
    first = event("d-1")
    equal(outcomes(send(api, first)), ["accepted"], "first")
    equal(outcomes(send(api, first)), ["duplicate"], "again")
    other = send(api, first | {"data": {"ms": 2_000, "provider": "p"}})
    equal((other.status, other.json()["reason"]), (409, "event_conflict"), "another content")
    equal(outcomes(send(api, [first, first | {"data": {"ms": 3}}, event("d-2")])), ["duplicate", "conflict", "accepted"], "in a batch")
    equal(outcomes(send(api, first | {"subject": "u-2"})), ["accepted"], "the same id of another user")
    process.kill()
    process, api = start(engine)
    equal(outcomes(send(api, first)), ["accepted"], "another process does not know it, and the engine does")
    equal(engine.finish(process)[0], 0, "exit code")


def a_sender_who_tries_again_may_take_the_time_anew(engine):
    process, api = start(engine)
    first = event("n-1", "speech", {"lane": "realtime", "ms": 5})
    equal(outcomes(send(api, first)), ["accepted"], "first")
    later = first | {"time": datetime.datetime.now(datetime.timezone.utc).isoformat()}
    equal(outcomes(send(api, later)), ["duplicate"], "with the time of now")
    turned = dict(reversed(later.items())) | {"trace": "t", "data": {"ms": 5, "lane": "realtime"}}
    equal(outcomes(send(api, turned)), ["duplicate"], "members in another order, and an extension")
    headers = {f"ce-{name}": later[name] for name in ("specversion", "id", "source", "type", "subject", "time")}
    binary = send(api, '{"lane": "realtime", "ms": 5}', "application/json", headers=headers)
    equal(outcomes(binary), ["duplicate"], "in binary mode")
    equal(engine.finish(process)[0], 0, "exit code")


def two_contents_under_one_id_are_not_both_taken(engine):
    process, api = start(engine)
    first, other = (event("t-1", "speech", {"lane": "realtime", "ms": ms}) for ms in (5, 6))
    equal(outcomes(send(api, [first, other])), ["accepted", "conflict"], "in one batch")

    def send_one(ms, into):
        into.append(send(Api(process, token="phone"), event("t-2", "speech", {"lane": "realtime", "ms": ms})).status)

    statuses = []
    threads = [threading.Thread(target=send_one, args=(ms, statuses)) for ms in range(1, 17)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    equal(sorted(statuses), [202] + 15 * [409], "of sixteen at once")
    equal(engine.finish(process)[0], 0, "exit code")


def an_event_at_the_wrong_time_can_be_mended_under_its_id(engine):
    process, api = start(engine)
    for id, ago, reason in (
        ("w-1", datetime.timedelta(minutes=-10), "future"),
        ("w-2", datetime.timedelta(days=9), "too_old"),
    ):
        wrong = event(id, "speech", {"lane": "realtime", "ms": 1}, ago=ago)
        answer = send(api, wrong)
        equal((answer.status, answer.json()["reason"], answer.json()["place"]), (400, reason, "time"), f"of {id}")
        equal(outcomes(send(api, [wrong, event(id, "speech", {"lane": "realtime", "ms": 1})])), ["malformed", "accepted"], "mended")
    late = event("w-3", "account", {"plan": "basic"}, ago=datetime.timedelta(days=400))
    equal(outcomes(send(api, late)), ["accepted"], "facts are of any age")
    equal(engine.finish(process)[0], 0, "exit code")
    equal(engine.dead_letters("state"), b"", "dead letters")


def roles_open_what_they_open(engine):
    process, api = start(engine)
    verdict = event("v-1", "review", {"request": "live-1", "score": 0.9, "usage_type": "audiobook"})
    command = event("c-1", "admin", {"command": "reset", "actor": "me", "reason": "r"})
    erasure = event("e-1", "erasure", {"actor": "me", "reason": "r"})
    for token, body, status in (
        ("phone", event("r-1"), 202), ("phone", verdict, 403), ("phone", command, 403), ("phone", erasure, 403),
        ("model", verdict, 202), ("model", event("r-2"), 403), ("model", command, 403),
        ("gate", event("r-3"), 403), ("none", event("r-4"), 401),
        ("phone", [event("r-5"), command], 403),
    ):  # fmt: skip
        equal(send(api, body, token=token).status, status, f"status of {token} and {body}")
    equal(engine.finish(process)[0], 0, "exit code")


def what_was_answered_by_202_outlives_any_kill(engine):
    draw = random.Random(5)
    accepted = []
    for turn in range(12):
        process, api = start(engine)
        lock = threading.Lock()

        def sender(lane, api=api, turn=turn, lock=lock):
            for number in range(1_000):
                id = f"k-{turn}-{lane}-{number}"
                try:
                    if send(api, event(id, "speech", {"lane": "realtime", "ms": 1})).status == 202:
                        with lock:
                            accepted.append(id)
                except OSError:
                    return

        threads = [threading.Thread(target=sender, args=(lane,)) for lane in range(4)]
        for each in threads:
            each.start()
        threads[0].join(draw.uniform(0.05, 0.4))
        process.kill()
        for each in threads:
            each.join()
    told = counted(engine, start(engine)[0])
    del told
    sums = engine.status("state", "u-1")["slots"][0]["windows"][0]["sum_ms"]
    # What was under way at a kill may be there or not.
    check(len(accepted) <= sums <= len(accepted) + 12 * 4, f"{len(accepted)} were accepted, {sums} count")
    check(len(accepted) > 100, f"{len(accepted)} were accepted")
    return f"{len(accepted)} events over 12 kills"


def events_that_cannot_be_written_are_not_taken_and_the_log_says_why(engine):
    process, api = start(engine)
    engine.write("state/spool", "no folder")
    answer = send(api, event("w-1"))
    equal((answer.status, answer.json()["reason"], answer.headers["retry-after"]), (503, "not_durable", "1"), "told")
    check(b"spool" in process.wait_for_line("answered by 503"), "the log names the folder")
    engine.path("state/spool").unlink()
    equal(outcomes(send(api, event("w-1"))), ["accepted"], "sent again")
    equal(engine.finish(process)[0], 0, "exit code")


def an_engine_on_a_file_of_the_past_takes_none(engine):
    process, api = start(engine, content=json.dumps(event("p-1", ago=datetime.timedelta(days=400))) + "\n", clock="events")
    answer = send(api, event("p-2"))
    equal((answer.status, answer.json()["reason"]), (409, "events_clock"), "status and reason")
    check(not list(engine.path("state").glob("spool/*")), "nothing was delivered")
    equal(engine.finish(process)[0], 0, "exit code")


main([
    an_event_is_decided_beside_the_file,
    each_event_of_a_batch_has_its_outcome,
    one_malformed_event_is_the_requests_error,
    binary_mode_and_gzip_say_the_same,
    an_attribute_stands_in_one_header,
    a_repeated_event_is_known,
    a_sender_who_tries_again_may_take_the_time_anew,
    two_contents_under_one_id_are_not_both_taken,
    an_event_at_the_wrong_time_can_be_mended_under_its_id,
    roles_open_what_they_open,
    what_was_answered_by_202_outlives_any_kill,
    events_that_cannot_be_written_are_not_taken_and_the_log_says_why,
    an_engine_on_a_file_of_the_past_takes_none,
])
