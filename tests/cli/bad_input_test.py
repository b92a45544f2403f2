#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every bad line becomes a dead letter with its own reason, its line number and its bytes, and stops nothing.
usage: bad_input_test.py PROGRAM [CASE...]"""

import base64
import gzip
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal, same_lines  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import run  # noqa: E402
from support.traffic import START_MS, admin, at, line, ms, speech  # noqa: E402

GOOD = {
    "specversion": "1.0",
    "id": "x",
    "source": "s",
    "type": "fairuse.speech.v1",
    "subject": "u",
    "time": "2026-01-01T00:00:00Z",
    "data": {"lane": "realtime", "ms": 1},
}


def changed(**fields):
    event = {**GOOD, **fields}
    return json.dumps({k: v for k, v in event.items() if v is not None}).encode()


def data(**fields):
    return changed(data={"lane": "realtime", "ms": 1, **fields})


def data_alone(value, kind="speech"):
    return changed(type=f"fairuse.{kind}.v1", data=value)


DEEP = b'{"x":' * 100 + b"1" + b"}" * 100

# (line without its end, reason)
CORPUS = [
    (b"hello", "not_json"),
    (b"\x00\x01\x02", "not_json"),
    (b'{"id": nul}', "not_json"),
    (changed()[:-1], "truncated"),
    (changed()[:40], "truncated"),
    (changed().replace(b'"u"', b'"\xff\xfe"'), "bad_utf8"),
    (changed().replace(b'"u"', b'"\\ud800"'), "bad_utf8"),
    (DEEP, "too_deep"),
    (changed(subject="u" * (1 << 20)), "too_large"),
    (b"[1,2,3]", "wrong_type"),
    (b"17", "wrong_type"),
    (changed(subject=5), "wrong_type"),
    (data(ms="1"), "wrong_type"),
    (changed(id=None), "missing_field"),
    (changed(subject=None), "missing_field"),
    (changed(data=None), "missing_field"),
    (data_alone({"lane": "realtime"}), "missing_field"),
    (data(colour="red"), "unknown_field"),
    (changed()[:-1] + b',"id":"y"}', "duplicate_key"),
    (data(segments=[[0, 1]]), "conflicting_fields"),
    (changed(specversion="0.3"), "bad_specversion"),
    (changed(type="fairuse.nothing.v1"), "unknown_type"),
    (changed(subject=""), "empty_subject"),
    (changed(subject="u" * 300), "subject_too_long"),
    (changed(subject="*"), "star_subject"),
    (changed(id=""), "empty_id"),
    (changed(id="i" * 300), "id_too_long"),
    (changed(source=""), "empty_source"),
    (changed(source="s" * 300), "source_too_long"),
    (changed(time="1999-12-31T23:59:59Z"), "time_out_of_range"),
    (data(ms=-1), "negative_duration"),
    (data(ms=10**12), "absurd_duration"),
    (data_alone({"lane": "realtime", "segments": [[5, 1]]}), "segment_end_before_start"),
    (changed().replace(b'"ms": 1', b'"ms": 99999999999999999999'), "integer_overflow"),
    (changed(time="yesterday"), "time_out_of_range"),
    (data(lane="bus"), "bad_value"),
    (changed(time="2025-12-20T00:00:00Z"), "too_old"),
    (changed(time="2026-03-01T00:00:00Z"), "future"),
    (changed(subject="gone", id="after"), "erased"),
]


def dead_letters(engine, state):
    return [json.loads(each) for each in engine.dead_letters(state).splitlines()]


def bytes_of(dead):
    return dead["text"].encode() if "text" in dead else base64.b64decode(dead["base64"])


def every_bad_line_is_kept_with_its_reason(engine):
    head = [speech("u", "first", START_MS), line("erasure", "gone", "e", START_MS + 1, {"actor": "a", "reason": "r"})]
    head.append(speech("u", "second", START_MS + 2))
    content, wanted = "".join(head).encode(), []
    for number, (bad, reason) in enumerate(CORPUS, len(head) + 1):
        # What came is kept, a carriage return too.
        bad += b"\r" if number % 5 == 0 else b""
        content += bad + b"\n"
        wanted.append((reason, number, bad))
    content += b"\r\n   \n\n" + speech("u", "last", at("+1h")).encode()
    engine.write("in.ndjson", content)
    told = engine.summary("s", "in.ndjson")
    got = [(each["reason"], each["line"], bytes_of(each)) for each in dead_letters(engine, "s")]
    for a, b in zip(got, wanted):
        equal(a, b, "dead letter")
    equal(len(got), len(wanted), "dead letters")
    raw = engine.call("decisions", "--state", "s", "--dead-letters", "--raw").stdout
    same_lines(raw, b"".join(bad + b"\n" for _, _, bad in wanted), "raw dead letters")
    counted = {}
    for reason, _, _ in wanted:
        counted[reason] = counted.get(reason, 0) + 1
    equal(told["dead_letters"], counted, "counters")
    equal((told["events"], told["empty_lines"]), (4, 3), "events and empty lines")
    for each in dead_letters(engine, "s"):
        check(each["remedy"] and each["input"].endswith("in.ndjson"), f"a dead letter says what to do: {each}")


def bad_lines_change_no_decision(engine):
    good = "".join(speech("u", f"e{i}", at(f"+{i}h"), ms("1h")) for i in range(12)).encode()
    mixed = b""
    for number, each in enumerate(good.splitlines(keepends=True)):
        mixed += each + b"".join(bad + b"\n" for bad, _ in CORPUS[number * 3 : number * 3 + 3])
    engine.write("good.ndjson", good)
    engine.write("mixed.ndjson", mixed)
    engine.good_run("good", "good.ndjson")
    engine.good_run("mixed", "mixed.ndjson")
    same_lines(engine.decisions("mixed"), engine.decisions("good"), "decisions among bad lines")


def a_file_without_any_event_is_kept(engine):
    junk = [bad for bad, reason in CORPUS[:5]]
    engine.write("in.ndjson", b"\n".join(junk))
    done = engine.run("s", "in.ndjson", "--json")
    equal((done.returncode, json.loads(done.stdout)["events"]), (2, 0), "exit code and events")
    equal([bytes_of(each) for each in dead_letters(engine, "s")], junk, "dead letters")
    engine.write("good.ndjson", "".join(speech("u", f"e{i}", at(f"+{i}h"), ms("1h")) for i in range(4)))
    engine.good_run("s", "good.ndjson")
    check(b"cap_crossed" in engine.decisions("s"), "and the store goes on")


def an_unusable_input_is_named(engine):
    content = "".join(speech("u", f"e{i}", at(f"+{i}h"), ms("1h")) for i in range(4))
    array = "[" + ",".join(content.splitlines()) + "]"
    rows = [
        ("gzip", gzip.compress(content.encode()), "gzip: unpack it first, `zcat"),
        ("zstd", b"\x28\xb5\x2f\xfd" + bytes(range(128, 256)), "zstd: unpack it first, `zstdcat"),
        ("zip", b"PK\x03\x04" + bytes(range(128, 256)), "zip archive"),
        ("utf16", content.encode("utf-16"), "UTF-16: write it as UTF-8"),
        ("utf16le", content.encode("utf-16-le"), "UTF-16: write it as UTF-8"),
        ("binary", b"\x7fELF\x02\x01\x01\0\0\0\0\0", "It is no text"),
        ("array", array.encode(), "a JSON array: write one event a line"),
        ("indented", json.dumps(json.loads(array)[0], indent=2).encode(), "JSON over several lines"),
        ("csv", b"time,user,ms\n2026-01-01T00:00:00Z,u,1000\n", "CSV"),
        ("words", b"\n\nhello\nworld\n", "An event is one JSON object a line"),
    ]
    for name, bytes_in, said in rows:
        engine.write(f"{name}.ndjson", bytes_in)
        for state, source, stdin in [(name, f"{name}.ndjson", None), (f"{name}-pipe", "-", bytes_in)]:
            done = engine.run(state, source, "--json", stdin=stdin)
            equal(done.returncode, 2, f"exit code of {state}")
            check(said in done.stderr.decode(), f"{state} says {said!r}, not {done.stderr.decode()!r}")
            refused = len(dead_letters(engine, state))
            told = json.loads(done.stdout)
            equal((told["events"], told["lines"] - told["empty_lines"]), (0, refused), f"dead letters of {state}")
            check(f"{refused} refused" in done.stderr.decode(), done.stderr.decode())
    # One event is enough, and so is an input that was read before.
    engine.write("some.ndjson", b"junk\n" + content.encode() + b"junk\n")
    told = engine.good_run("some", "some.ndjson").stderr.decode()
    # Twice in the input, once in the log.
    equal(told.count("dead letter for"), 1, told)
    for part in ("`not_json`", "some.ndjson line 1", "Send one JSON object a line.", "--state some --dead-letters`"):
        check(part in told, f"{part!r} in {told}")
    with open(engine.path("some.ndjson"), "ab") as grown:
        grown.write(b"junk\n")
    equal(engine.summary("some", "some.ndjson")["dead_letters"], {"not_json": 1}, "dead letters of what was added")
    engine.write("empty.ndjson", b"\n\n")
    engine.good_run("empty", "empty.ndjson")
    engine.write("nothing.ndjson", b"")
    check(b"the input has no line" in engine.good_run("nothing", "nothing.ndjson").stderr, "an empty file is named")
    # Events that come at the wrong time are events.
    engine.write("early.ndjson", "".join(speech("u", f"f{i}", at("-30d")) for i in range(3)))
    engine.good_run("some", "early.ndjson")


def a_standard_input_that_is_closed_is_refused(engine):
    for named in (("--input", "-"), ()):
        command = [engine.program, "run", "--config", "local.yaml", "--state", "s", "--clock", "events", *named]
        shell = ["sh", "-c", 'exec "$0" "$@" <&-', *command]
        done = run(*shell, env=engine.environment(), cwd=engine.folder)
        equal(done.returncode, 2, f"exit code, having said {done.stderr}")
        check("cannot read standard input" in done.stderr, done.stderr)
        check(not engine.path("s").exists(), "the refused run left a state")


def an_enormous_line_is_measured_and_passed_by(engine):
    enormous = b"x" * (17 << 20)
    content = speech("u", "a", START_MS).encode() + enormous + b"\n" + speech("u", "b", START_MS + 1).encode()
    engine.write("in.ndjson", content)
    told = engine.summary("s", "in.ndjson")
    equal((told["events"], told["dead_letters"]), (2, {"too_large": 1}), "events and dead letters")
    (dead,) = dead_letters(engine, "s")
    check(f"of {len(enormous)} bytes" in dead["place"], dead["place"])
    equal(len(dead["text"]), 16 << 20, "bytes that are kept")


def commands_to_every_user_can_be_bad_too(engine):
    content = speech("u", "a", START_MS) + admin("*", "c", at("+60d"), "kill_switch", on=True)
    content += admin("*", "d", START_MS, "reset")
    engine.write("in.ndjson", content)
    engine.good_run("s", "in.ndjson")
    got = [(each["reason"], each["line"]) for each in dead_letters(engine, "s")]
    equal(got, [("future", 2), ("star_subject", 3)], "dead letters")
    check(not engine.status("s", "u")["kill_switch"], "nothing was killed")


CASES = [
    every_bad_line_is_kept_with_its_reason,
    bad_lines_change_no_decision,
    a_file_without_any_event_is_kept,
    an_unusable_input_is_named,
    a_standard_input_that_is_closed_is_refused,
    an_enormous_line_is_measured_and_passed_by,
    commands_to_every_user_can_be_bad_too,
]

if __name__ == "__main__":
    main(CASES)
