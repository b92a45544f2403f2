#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Histories as a person packs them from files, looks into them, and gets their events back.

usage: history_test.py PROGRAM [CASE...]
"""

import csv
import hashlib
import io
import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT, Process, wait_until  # noqa: E402
from support.traffic import at, ms, speech  # noqa: E402

DAY = ROOT / "config" / "demo" / "day.ndjson"


def good(engine, *words, **how):
    done = engine.call("history", *words, **how)
    equal(done.returncode, 0, f"exit code of {words}, which said {done.stderr.decode()}")
    return done


def packed(engine, *words, **how):
    return json.loads(good(engine, "pack", *words, "--json", **how).stdout)


def refused(engine, *words, says, code=2, **how):
    done = engine.call("history", *words, **how)
    told = done.stderr.decode()
    equal((done.returncode, done.stdout), (code, b""), f"exit code and stdout of {words}, which said {told}")
    check(says in told, f"{words} says {says!r}, not {told!r}")


def left(engine, *names):
    """Files of the scratch folder, but for the deployment and those named."""
    return sorted(each.name for each in engine.folder.iterdir() if each.name not in ("local.yaml", *names))


def kept_history(engine, version, events, decisions):
    """A committed file: its events and what the policy fair decides of them have these digests."""
    kept = ROOT / f"tests/data/histories/format-{version}.history"
    rows = good(engine, "export", kept, "--csv").stdout
    equal(hashlib.sha256(rows).hexdigest(), events, "its events")
    done = engine.call("replay", kept, "--policy", ROOT / "config/policies/fair.yaml", "--json")
    equal(done.returncode, 0, f"exit code, with {done.stderr.decode()}")
    equal(json.loads(done.stdout)["run"]["digest"], decisions, "digest of its decisions")
    return kept


def a_history_of_an_earlier_build_is_decided_as_it_was(engine):
    events = "6ec16d48dfa0205117c0960514ca570ff2b1e072bde3d67518bb7065b5a84467"
    decisions = "e5226e214bbc9db2e4b4a5d2e6ddeacce5b9010a296c753176bb49a977161f98"
    for version in (1, 2):
        # By rules 2.
        done = engine.call("replay", kept_history(engine, version, events, decisions), "--as-recorded", "--json")
        equal(done.returncode, 2, f"exit code, with {done.stderr.decode()}")


def a_history_with_states_of_an_earlier_build_is_decided_as_it_was(engine):
    events = "63480333c02155c53eda846ea5d33c2c0e5a81a4c43674933b6c5eefad93d530"
    decisions = "646677a7c5c3e785694c8b0e2cf57c3fc4a381f8a6f03ed2a25dca09aa531477"
    # By rules 3.
    done = engine.call("replay", kept_history(engine, 3, events, decisions), "--as-recorded", "--json")
    equal(done.returncode, 2, f"exit code, with {done.stderr.decode()}")
    events = "e5765b9404407211698b788f3ca6446412c85693f8531e93777af808a425246d"
    decisions = "eb188d47ee703421506d403c67d177e4456ce2f0fd755f6a03adcb206bcd6bca"
    # By rules 4.
    done = engine.call("replay", kept_history(engine, "3-rules-4", events, decisions), "--as-recorded", "--json")
    equal(done.returncode, 0, f"exit code, with {done.stderr.decode()}")
    equal(json.loads(done.stdout)["digest"], "49e02e51ce61c174759275237f9638db23b9c6c22e117e6aa8711223e540c5bb", "digest of what was recorded")


def a_day_is_packed_and_inspected(engine):
    done = good(engine, "pack", DAY, "-o", "day.history")
    for part in ("users", "events", "speech", "not known: now is the event's instant", "left out: refused", "bytes a speech event"):
        check(part in done.stdout.decode(), f"{part!r} in {done.stdout.decode()}")
    equal(left(engine), ["day.history"], "files")
    lines = [json.loads(each) for each in DAY.read_text().splitlines()]
    told = json.loads(good(engine, "inspect", "day.history", "--json").stdout)
    equal(told["users"], len({each["subject"] for each in lines}), "users")
    known = {(each["subject"], each["source"], each["id"], each["type"]) for each in lines}
    equal(told["events"]["speech"], sum(each[3] == "fairuse.speech.v1" for each in known), "speech")
    left_out = (told["refused"], told["duplicates"], told["stale"], told["arrivals_known"])
    equal(left_out, ({}, len(lines) - len(known), 0, False), "what was left out")
    equal(told["lateness"], None, "lateness without arrivals")
    replayed = engine.call("replay", "day.history", "--policy", ROOT / "config/policies/fair.yaml", "--json")
    equal(told["digest"], json.loads(replayed.stdout)["run"]["history"]["digest"], "digest")
    daily = told["daily_speech_ms"]
    check(0 < daily["p50"] <= daily["p90"] <= daily["p99"] <= daily["p100"] <= ms("24h"), f"quantiles: {daily}")
    check("10 h" in good(engine, "inspect", "day.history").stdout.decode(), "the longest day")


def twice_gives_the_same_bytes(engine):
    good(engine, "pack", DAY, "-o", "one.history")
    good(engine, "pack", DAY, DAY, "-o", "other.history")
    told = json.loads(good(engine, "inspect", "other.history", "--json").stdout)
    once = json.loads(good(engine, "inspect", "one.history", "--json").stdout)
    twice = len(DAY.read_text().splitlines()) + once["duplicates"]
    equal((told["duplicates"] + told["stale"], told["events"]), (twice, once["events"]), "what counts once")
    good(engine, "pack", "-", "-o", "pipe.history", stdin=DAY.read_bytes())
    equal(engine.path("pipe.history").read_bytes(), engine.path("one.history").read_bytes(), "a pipe and a file")
    refused(engine, "pack", DAY, "-o", "one.history", says="--force replaces it")
    good(engine, "pack", DAY, "-o", "one.history", "--force")
    equal(engine.path("pipe.history").read_bytes(), engine.path("one.history").read_bytes(), "packed again")


def a_csv_is_packed_and_exported(engine):
    engine.write("use.csv", 'user,started,minutes,how\n"a,""b""",1780000000,1.5,sync\nc,1780000060.5,2,\nc,x,2,\n')
    words = ("use.csv", "--columns", "uid=user,time=started,ms=minutes,lane=how", "--time-format", "unix", "--units", "min")
    done = good(engine, "pack", *words, "-o", "use.history")
    check("first use.csv:4: column started" in done.stderr.decode(), done.stderr.decode())
    check("not known" in done.stdout.decode(), "STT of a CSV")
    told = json.loads(good(engine, "inspect", "use.history", "--json").stdout)
    equal((told["events"]["speech"], told["events"]["stt"]), (2, None), "a kind that no CSV can hold is null")
    rows = list(csv.DictReader(io.StringIO(good(engine, "export", "use.history", "--csv").stdout.decode())))
    equal([(row["uid"], row["lane"], row["time"], row["now"], row["ms"]) for row in rows],
          [('a,"b"', "sync", "1780000000000", "1780000000000", "90000"),
           ("c", "realtime", "1780000060500", "1780000060500", "120000")], "exported rows")  # fmt: skip
    good(engine, "export", "use.history", "--csv", "-o", "out.csv")
    equal(engine.path("out.csv").read_bytes(), good(engine, "export", "use.history", "--csv").stdout, "file and stdout")
    refused(engine, "export", "use.history", "--csv", "-o", "out.csv", says="--force replaces it")
    # What was exported is a history again.
    done = good(engine, "pack", DAY, *words[1:3], "-o", "day.history")
    check("no FILE is a CSV" in done.stderr.decode(), done.stderr.decode())
    again = packed(engine, "out.csv", "--columns", "uid=uid,time=time,ms=ms,lane=lane,id=id,source=source",
                   "--time-format", "unix_ms", "-o", "again.history")  # fmt: skip
    equal(again["events"]["speech"], 2, "packed again")
    refused(engine, "pack", *words[:1], "-o", "x.history", says="Its header has user, started, minutes, how")
    refused(engine, "pack", "use.csv", "--columns", "uid=user", "-o", "x.history", says="--columns: the field 'time' is missing")
    refused(engine, "pack", *words[:2], "uid=user,time=when,ms=minutes", "-o", "x.history", says="no column when")


def what_cannot_be_packed_is_named_and_nothing_is_left(engine):
    engine.write("empty.ndjson", b"")
    engine.write("words.ndjson", b"hello\n")
    engine.write("labels.csv", b"uid,label\n")
    engine.write("bad.ndjson", b'{"specversion":"1.0"}\n')
    rows = [
        (("pack", "nowhere", "-o", "x.history"), "nowhere"),
        (("pack", ".", "-o", "x.history"), "directory"),
        (("pack", DAY), "--output"),
        (("pack", DAY, "-o", "no/folder/x.history"), "no/folder"),
        (("pack", "-", "-", "-o", "x.history"), "named twice"),
        (("pack", DAY, "-o", "-"), "a history is a file"),
        (("pack", "bad.ndjson", "-o", "./bad.ndjson", "--force"), "is one of the files to read"),
        (("pack", "empty.ndjson", "-o", "x.history"), "no event in empty.ndjson"),
        (("pack", "words.ndjson", "-o", "x.history"), "line 1 of words.ndjson is no event"),
        (("pack", "bad.ndjson", "-o", "x.history"), "bad.ndjson:1: missing_field"),
        (("pack", DAY, "--units", "h", "--columns", "uid=a,time=b,ms=c", "-o", "x.history"), "--units"),
        (("pack", DAY, "--units", "s", "-o", "x.history"), "--units requires --columns"),
        (("pack", DAY, "--time-format", "iso", "-o", "x.history"), "--time-format"),
        (("pack", DAY, "--labels", "labels.csv", "-o", "labels.csv", "--force"), "is one of the files to read"),
        (("pack", DAY, "--pseudonymise", "words.ndjson", "-o", "words.ndjson", "--force"), "is one of the files to read"),
        (("export", "bad.ndjson", "--csv", "-o", "bad.ndjson", "--force"), "is one of the files to read"),
        (("cut", "bad.ndjson", "--user", "a", "-o", "bad.ndjson", "--force"), "is one of the files to read"),
        (("inspect", "nowhere"), "nowhere"),
        (("export", "nowhere", "--csv"), "nowhere"),
        (("export", DAY), "--csv"),
    ]
    for words, said in rows:
        refused(engine, *words, says=said, code=1 if "no/folder" in said else 2)
    equal(left(engine), ["bad.ndjson", "empty.ndjson", "labels.csv", "words.ndjson"], "files")


def a_damaged_file_is_exit_1_and_names_the_block(engine):
    good(engine, "pack", DAY, "-o", "day.history")
    whole = engine.path("day.history").read_bytes()
    for place in (200, len(whole) // 2):
        engine.write("bad.history", whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for words in (("inspect", "bad.history"), ("export", "bad.history", "--csv", "-o", "bad.csv")):
            refused(engine, *words, says="bad.history: block 1 of 1 is damaged", code=1)
    engine.write("cut.history", whole[:-1])
    refused(engine, "inspect", "cut.history", says="cut.history: it is damaged", code=1)
    refused(engine, "inspect", DAY, says="is not a history", code=1)
    check(not engine.path("bad.csv").exists(), "no half of an export")


def ctrl_c_while_a_pipe_is_read_leaves_nothing(engine):
    for how in (signal.SIGINT, signal.SIGTERM):
        command = [engine.program, "history", "pack", "-", "-o", "x.history"]
        with Process(*command, stdin=subprocess.PIPE, cwd=engine.folder, env=engine.environment()) as process:
            process.stdin.write(speech("u", "e", at("+0s"), ms("1m")).encode())
            process.stdin.flush()
            wait_until(lambda: any(".scratch" in each for each in left(engine)), "it has its scratch folder")
            equal(process.stop(how), 130, "exit code")
            equal((process.output(), process.errors()), (b"", b""), "what it says")
        equal(left(engine), [], "files")


def envelope(offset, arrived, payload, partition=0):
    """A record as kcat prints it."""
    head = {"topic": "t", "partition": partition, "offset": offset, "tstype": "logappend", "ts": arrived}
    return json.dumps({**head, "broker": 1, "key": "u", "payload": payload}) + "\n"


def a_dump_of_topics_knows_arrivals(engine):
    def spoken(number, arrived, partition=0):
        return envelope(number, at(arrived), speech(f"u{partition}", f"e{number}", at("+0s")).strip(), partition)

    dump = spoken(0, "+1s") + spoken(1, "+2h") + spoken(2, "+9d") + spoken(3, "+3m", partition=5) + envelope(4, at("+4m"), None)
    done = good(engine, "pack", "-", "-o", "x.history", stdin=dump.encode())
    check("1 refused as not_json, first standard input:5" in done.stderr.decode(), done.stderr.decode())
    told = json.loads(good(engine, "inspect", "x.history", "--json").stdout)
    equal((told["arrivals_known"], told["refused"]), (True, {"not_json": 1, "too_old": 1}), "arrivals")
    equal(told["lateness"], {"1s": 1, "1m": 0, "1h": 1, "24h": 1, "7d": 0, "more": 0}, "lateness")
    equal([each["partition"] for each in told["partitions"]], [0, 5], "partitions")
    text = good(engine, "inspect", "x.history").stdout.decode()
    check("arrivals    known" in text and "late by at most" in text, text)
    # The same events without arrivals: the last one is not too old.
    engine.write("with.kcat", dump)
    engine.write("without.ndjson", speech("u0", "e9", at("+1m")))
    told = packed(engine, "with.kcat", "without.ndjson", "-o", "y.history")
    equal((told["arrivals_known"], told["lateness"], told["events"]["speech"]), (False, None, 5), "without arrivals")
    refused(engine, "pack", "-", "without.ndjson", "-o", "z.history", says="give files", stdin=dump.encode())


def labels_are_counted_where_they_meet_users(engine):
    user = json.loads(DAY.read_text().splitlines()[0])["subject"]
    engine.write("labels.csv", f"uid,label\n{user},misuse\nnowhere,legitimate\n")
    told = packed(engine, DAY, "--labels", "labels.csv", "-o", "day.history")
    equal((told["labels"], told["labels_of_users_with_events"]), (2, 1), "labels")
    told = json.loads(good(engine, "inspect", "day.history", "--json").stdout)
    equal(told["labelled_users"], {"legitimate": 0, "misuse": 1, "exhausted": 0}, "labelled users")
    engine.write("labels.csv", "uid,label\nu,cheater\n")
    refused(engine, "pack", DAY, "--labels", "labels.csv", "-o", "x.history", says="there are legitimate, misuse, exhausted")
    refused(engine, "pack", DAY, "--labels", "none.csv", "-o", "x.history", says="none.csv")


CASES = [
    a_history_of_an_earlier_build_is_decided_as_it_was,
    a_history_with_states_of_an_earlier_build_is_decided_as_it_was,
    a_day_is_packed_and_inspected,
    twice_gives_the_same_bytes,
    a_csv_is_packed_and_exported,
    what_cannot_be_packed_is_named_and_nothing_is_left,
    a_damaged_file_is_exit_1_and_names_the_block,
    a_dump_of_topics_knows_arrivals,
    ctrl_c_while_a_pipe_is_read_leaves_nothing,
    labels_are_counted_where_they_meet_users,
]

if __name__ == "__main__":
    main(CASES)
