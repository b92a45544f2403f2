#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engine in local mode as a person types it: start, go on, follow, stop, ask.

usage: local_mode_test.py PROGRAM [CASE...]
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal, same_lines  # noqa: E402
from support.local_mode import POLICIES, main  # noqa: E402
from support.process import ROOT, Process  # noqa: E402
from support.traffic import START_MS, admin, at, line, mixed, ms, now_ms, review, speech, time_text  # noqa: E402


def hours(user, first, count, begin=START_MS, prefix="h"):
    """An hour of speech each, back to back."""
    return "".join(speech(user, f"{prefix}{first + i}", begin + ms(f"{first + i}h"), ms("1h")) for i in range(count))


def names(lines, slot="live"):
    read = [json.loads(line)["data"] for line in lines.splitlines()]
    return [each["decision"] for each in read if each.get("slot") == slot]


def words(said):
    return said.decode()


def typing_mistakes_are_answered(engine):
    for arguments, code, said in [
        ((), 2, "Examples:"),
        (("--help",), 0, "Examples:"),
        (("run", "--help"), 0, "--until-end"),
        (("rnu",), 2, "did you mean 'run'"),
        (("run", "--confg", "x"), 2, "--help"),
        (("run", "--config", "nowhere.yaml", "--input", "x"), 2, "nowhere.yaml"),
        (("run", "--config", "local.yaml", "--input", "nowhere.ndjson"), 2, "nowhere.ndjson"),
        (("run", "--config", "local.yaml", "--input", "x", "--clock", "sun"), 2, "--clock"),
        (("decisions", "--state", "nowhere"), 2, "no store in nowhere"),
        (("status", "--state", "nowhere", "--user", "a"), 2, "no store in nowhere"),
    ]:
        done = engine.call(*arguments)
        equal(done.returncode, code, f"exit code of {arguments}: {words(done.stderr)}")
        check(said in words(done.stdout + done.stderr), f"{arguments} says {said!r}, not {words(done.stderr)!r}")
    check(not engine.path("nowhere").exists(), "asking makes no store")


def a_file_of_the_past_asks_for_its_clock(engine):
    engine.write("in.ndjson", hours("a", 0, 5))
    done = engine.run("s", "in.ndjson", clock=None)
    equal(done.returncode, 2, "exit code without --clock")
    check("--clock events" in words(done.stderr) and "line 1" in words(done.stderr), words(done.stderr))
    engine.good_run("s", "in.ndjson")
    # The store remembers its clock; another one is refused.
    equal(engine.run("s", "in.ndjson", clock=None).returncode, 0, "exit code with the remembered clock")
    done = engine.run("s", "in.ndjson", clock="wall")
    equal(done.returncode, 2, "exit code with another clock")
    check("--clock events" in words(done.stderr), words(done.stderr))


def a_refused_run_leaves_nothing_behind(engine):
    engine.write("in.ndjson", hours("a", 0, 5))
    engine.write("bad.yaml", "policies: {live: nowhere.yaml}\nstreams: {kind: local}\n")
    engine.path("empty").mkdir()
    before = sorted(engine.folder.rglob("*"))
    for state in ["new", "new/below/it/", "empty"]:
        for config, source, clock in [
            ("local.yaml", "nowhere.ndjson", "events"),
            ("local.yaml", ".", "events"),
            ("local.yaml", "in.ndjson", None),
            ("bad.yaml", "in.ndjson", "events"),
        ]:
            done = engine.run(state, source, config=config, clock=clock)
            equal(done.returncode, 2, f"exit code with {config} and {source}: {words(done.stderr)}")
            equal(sorted(engine.folder.rglob("*")), before, f"files after {config} and {source} in {state}")
    # What was committed stays.
    engine.good_run("empty", "in.ndjson")
    kept = engine.decisions("empty")
    equal(engine.run("empty", "nowhere.ndjson").returncode, 2, "exit code")
    same_lines(engine.decisions("empty"), kept, "decisions after a refused run")


def a_folder_of_something_else_is_no_state(engine):
    engine.write("in.ndjson", hours("a", 0, 1))
    engine.good_run("local", "in.ndjson")
    for folder, file in [("mine", "thesis.txt"), ("kafka", "partitions.json"), ("kafka2", "worker-0")]:
        engine.path(folder).mkdir()
        engine.write(f"{folder}/{file}", "{}")
    kafka = ("--config", ROOT / "config/kafka.yaml")
    local = ("--config", "local.yaml", "--input", "in.ndjson")
    for config, state, said in [
        (local, "mine", "holds other files"),
        (local, "kafka", "holds the state of an instance on Kafka"),
        (local, "kafka2", "holds the state of an instance on Kafka"),
        (local, "in.ndjson", "is no folder"),
        (kafka, "local", "holds the store of local mode"),
        (kafka, "mine", "holds other files"),
    ]:
        done = engine.call("run", *config, "--until-end", "--state", state)
        equal(done.returncode, 2, f"exit code of {config} in {state}: {words(done.stderr)}")
        check(said in words(done.stderr) and "--state" in words(done.stderr), words(done.stderr))
    equal([each.name for each in engine.path("mine").iterdir()], ["thesis.txt"], "what was there")
    # The root of a file system.
    engine.path("disk/lost+found").mkdir(parents=True)
    engine.good_run("disk", "in.ndjson")


def a_restart_goes_on_where_it_stopped(engine):
    content = mixed(11, lines=4_000)
    engine.write("whole.ndjson", content)
    engine.good_run("whole", "whole.ndjson")
    lines = content.splitlines(keepends=True)
    # Cut where `now` moves, as an undisturbed run would: what --until-end seals early is an epoch of its own.
    for part in range(1, 5):
        engine.write("in.ndjson", b"".join(lines[: len(lines) * part // 4]))
        told = engine.summary("parts", "in.ndjson")
        check(told["lines"] <= len(lines) // 4 + 1, f"only new lines are read: {told['lines']}")
    strip = lambda text: sorted(
        (each["subject"], each["time"], each["data"]["decision"], each["data"].get("slot"), each["data"].get("to"))
        for each in map(json.loads, text.splitlines())
    )
    equal(strip(engine.decisions("parts")), strip(engine.decisions("whole")), "decisions but for their numbers")
    # A file that was changed before the position is another file: duplicates change nothing.
    engine.write("in.ndjson", hours("late", 0, 1) + content.decode())
    told = engine.run("parts", "in.ndjson", "--json")
    check("another file" in words(told.stderr), words(told.stderr))
    check(json.loads(told.stdout)["lines"] > len(lines), "it is read from its beginning")


def a_growing_file_is_followed(engine):
    path = engine.write("in.ndjson", hours("a", 0, 3))
    running = engine.start("s", "in.ndjson")
    # Line 3 crosses the daily cap of 2 h, and waits for a line that moves `now`.
    with open(path, "a", encoding="utf-8") as grown:
        grown.write(hours("a", 3, 1)[:-10])
        grown.flush()
        time.sleep(0.1)
        grown.write(hours("a", 3, 1)[-10:])
    engine.wait_for_decisions("s", lambda lines: any(b"cap_crossed" in each for each in lines))
    with open(path, "a", encoding="utf-8") as grown:
        grown.write(hours("a", 4, 6))
    engine.wait_for_decisions("s", lambda lines: any(b'"window":"3day"' in each for each in lines))
    code, told = engine.finish(running)
    equal(code, 0, f"exit code after SIGTERM, which said {told}")
    check("SIGTERM" in told, told)
    # What was not sealed is read again, and a file read in one go decides the same.
    engine.good_run("s", "in.ndjson")
    engine.good_run("whole", "in.ndjson")
    same_lines(engine.decisions("s"), engine.decisions("whole"), "decisions of a grown file")


def a_followed_file_that_is_rewritten_in_place_loses_nothing(engine):
    path = engine.write("in.ndjson", hours("a", 0, 4))
    running = engine.start("s", "in.ndjson")
    engine.wait_for_decisions("s", lambda lines: any(b'"subject":"a"' in each for each in lines))
    with open(path, "r+b") as same_file:
        same_file.write(hours("b", 4, 8).encode())
    engine.wait_for_decisions("s", lambda lines: any(b'"subject":"b"' in each for each in lines))
    code, told = engine.finish(running)
    check(code == 0 and "the input was rewritten: reading it from its beginning" in told, told)
    weekly = lambda user: engine.status("s", user)["slots"][0]["windows"][2]["sum_ms"]
    engine.good_run("s", "in.ndjson")
    equal((weekly("a"), weekly("b")), (ms("4h"), ms("8h")), "what both contents say")
    # While no engine runs.
    with open(path, "r+b") as same_file:
        same_file.write(hours("c", 12, 8).encode())
    told = engine.good_run("s", "in.ndjson").stderr.decode()
    check("another file" in told, told)
    equal((weekly("b"), weekly("c")), (ms("8h"), ms("8h")), "what the last content says")


def an_editors_mark_is_no_part_of_a_text(engine):
    mark = b"\xef\xbb\xbf"
    content = hours("a", 0, 1).encode() + b"junk\n"
    engine.write("in.ndjson", mark + content)
    for state, source, stdin in [("file", "in.ndjson", None), ("pipe", "-", mark + content)]:
        told = engine.summary(state, source, stdin=stdin)
        equal((told["lines"], told["dead_letters"]), (2, {"not_json": 1}), state)
        equal(json.loads(engine.dead_letters(state))["line"], 2, "line of the dead letter")
    engine.write("in.ndjson", mark + content + hours("a", 1, 1).encode())
    equal(engine.summary("file", "in.ndjson")["lines"], 1, "lines after a restart")
    # The key of the tests, which stands in the environment, in a file.
    engine.write("case.key", mark + b"a key for tests only\r\n")
    engine.deployment(more="case_key: {file: case.key}\n")
    told = words(engine.good_run("file", "in.ndjson").stderr)
    check("case key is another one" not in told, told)


def a_pipe_ends_when_it_is_closed(engine):
    content = mixed(12, lines=2_000)
    done = engine.run("pipe", "-", until_end=False, stdin=content)
    equal(done.returncode, 0, words(done.stderr))
    engine.write("in.ndjson", content)
    engine.good_run("file", "in.ndjson")
    same_lines(engine.decisions("pipe"), engine.decisions("file"), "decisions of a pipe")


def an_idle_pipe_does_not_keep_a_stop_waiting(engine):
    beginning_of_a_line = b"{" + b"x" * (3 << 20)
    for written in (b"", b"{", beginning_of_a_line):
        running = engine.start("idle", "-", clock="wall", stdin=subprocess.PIPE)
        running.wait_for_line("reading standard input")
        running.stdin.write(written)
        running.stdin.flush()
        code, told = engine.finish(running)
        equal(code, 0, f"exit code after SIGTERM and {len(written)} bytes, which said {told}")


def under_the_wall_clock_events_decide_at_once(engine):
    now = now_ms()
    running = engine.start("s", "-", clock=None, stdin=subprocess.PIPE)
    running.stdin.write(hours("a", 0, 3, now - ms("3h")).encode())
    running.stdin.flush()
    engine.wait_for_decisions("s", lambda lines: any(b"cap_crossed" in each for each in lines))
    beside = engine.call("run", "--config", "local.yaml", "--state", "s", "--input", "-", stdin=b"")
    equal(beside.returncode, 1, "exit code of a second engine on one store")
    check("s" in words(beside.stderr) and "another process" in words(beside.stderr), words(beside.stderr))
    code, told = engine.finish(running, signal.SIGINT)
    equal(code, 130, f"exit code after Ctrl-C, which said {told}")
    status = engine.status("s", "a")
    equal(status["slots"][0]["windows"][0]["sum_ms"], ms("3h"), "the daily sum")
    check(status["slots"][0]["windows"][0]["exceeded"], "it is over the cap")


def too_far_ahead_stops_with_the_line(engine):
    far = at("+60d")
    content = hours("a", 0, 2) + "".join(speech("a", f"f{i}", far + i) for i in range(1_200))
    engine.write("in.ndjson", content)
    done = engine.run("s", "in.ndjson")
    equal(done.returncode, 2, "exit code")
    check("line 1002" in words(done.stderr) and "--max-gap" in words(done.stderr), words(done.stderr))
    # What was sealed is kept, and with a larger gap it goes on.
    engine.good_run("s", "in.ndjson", "--max-gap", "90d")
    equal(engine.dead_letters("s"), b"", "dead letters")


def configuration_speaks_once(engine):
    """enabled, kill_switch and exempt act when their value changed; a command sent later stays in force."""
    modes = lambda: [json.loads(line)["data"]["slot"] for line in engine.decisions("s").splitlines()]
    engine.deployment(enabled=False, shadows=())
    engine.write("1.ndjson", hours("a", 0, 3))
    engine.good_run("s", "1.ndjson")
    equal(set(modes()), {"off"}, "slots while off")
    engine.deployment(enabled=True, shadows=(), more="exempt: [b]\n")
    engine.write("2.ndjson", hours("a", 3, 6) + hours("b", 3, 9))
    engine.good_run("s", "2.ndjson")
    check("live" in modes(), "switched on by the configuration")
    check(engine.status("s", "b")["exempt"] and not engine.status("s", "a")["exempt"], "b is exempt, a is not")
    commands = admin("*", "k1", at("+12h"), "kill_switch", on=True)
    commands += admin("b", "x1", at("+12h"), "exempt", on=False)
    engine.write("3.ndjson", commands)
    engine.good_run("s", "3.ndjson")
    before = engine.decisions("s")
    engine.write("4.ndjson", hours("a", 30, 4))
    engine.good_run("s", "4.ndjson")
    status = engine.status("s", "b")
    check(status["kill_switch"] and not status["exempt"], "commands stay in force over restarts")
    same_lines(engine.decisions("s"), before, "decisions while killed")
    engine.deployment(enabled=True, shadows=())
    engine.write("5.ndjson", hours("a", 40, 1))
    engine.good_run("s", "5.ndjson")
    check(engine.status("s", "a")["kill_switch"], "a configuration that never set the kill switch does not lift it")


def a_strike_is_cleared_by_the_reference_that_the_user_was_sent(engine):
    """And by its number; one that is not there is answered with those that are."""
    engine.write("1.ndjson", hours("a", 0, 3) + review("a", "r1", at("+2h1m"), "live-1", 0.9, cost_micro=1250))
    engine.good_run("s", "1.ndjson")
    read = [json.loads(each)["data"] for each in engine.decisions("s").splitlines()]
    sent = [each["case"] for each in read if each["decision"] == "notification"]
    equal(len(sent), 1, "notifications")
    equal(engine.status("s", "a")["slots"][0]["stage"], "warning", "stage after the verdict")

    def command(name, identity, strike, user="a", again="", **more):
        file = f"{identity}{again}.ndjson"
        engine.write(file, admin(user, identity, at("+6h"), name, strike=strike, **more))
        return engine.summary("s", file)

    def strikes():
        marks = engine.status("s", "a")["slots"][0]["marks"]
        return [(each["number"], each["case"], each.get("cleared")) for each in marks]

    unknown = [("x1", "clear_strike", 7), ("x2", "clear_strike", "FU-0123456789AB"), ("x3", "resolve", 2)]
    for identity, name, strike in unknown:
        equal(command(name, identity, strike)["dead_letters"], {"bad_value": 1}, f"{name} {strike}")
    # Of another user it is unknown, too; and sent again it is a duplicate.
    equal(command("clear_strike", "x4", sent[0], user="b")["dead_letters"], {"bad_value": 1}, "of another user")
    repeated = command("clear_strike", "x4", sent[0], user="b", again="-again")
    equal((repeated["duplicates"], repeated["dead_letters"]), (1, {}), "the same id again")
    told = [json.loads(each) for each in engine.dead_letters("s").splitlines()]
    equal({each["place"] for each in told}, {"data.strike"}, "places")
    for each in told[:3]:
        check(each["remedy"].endswith(f"The user's strikes are 1 ({sent[0]})."), each["remedy"])
    check(told[3]["remedy"].endswith("The user has no strike now."), told[3]["remedy"])
    equal(strikes(), [(1, sent[0], None)], "strikes before it is cleared")
    shown = engine.call("status", "--state", "s", "--user", "a")
    said = "reviewer m, prompt 1, confidence 0.900, cost 0.001250 evidence one"
    joined = " ".join(words(shown.stdout).split())
    check(re.search(rf"strike 1 \S+ {sent[0]}, audiobook with score 0.900, none -> warning {said}", joined), joined)
    mark = engine.status("s", "a")["slots"][0]["marks"][0]
    kept = {name: mark.get(name) for name in ("confidence_nano", "evidence", "model", "prompt_version", "cost_micro")}
    expected = {"confidence_nano": 900_000_000, "evidence": ["one"], "model": "m", "prompt_version": "1", "cost_micro": 1250}
    equal(kept, expected, "what the reviewer said")
    equal(shown.stderr, b"", "what status warns of")
    shown = engine.call("status", "--state", "s", "--user", "a", env={"FAIRUSE_CASE_KEY": "another key for tests"})
    check(re.search(r"  strike 1 +\S+, audiobook with score", words(shown.stdout)), words(shown.stdout))
    check("case references are not shown" in words(shown.stderr), words(shown.stderr))

    equal(command("resolve", "x5", sent[0], notes="a lecture")["accepted"], 1, "resolved")
    cleared = command("clear_strike", "x6", sent[0])
    equal(cleared["decisions"], {"strike_cleared": 1, "stage_changed": 1}, "decisions of the command")
    equal(strikes(), [(1, sent[0], "admin")], "strikes after it")
    equal(engine.status("s", "a")["slots"][0]["stage"], "none", "stage after it")
    equal(command("clear_strike", "x7", 1)["accepted"], 1, "a strike that was cleared is still there")


def a_dated_exemption_ends_by_itself(engine):
    until = time_text(at("+5h"))
    engine.write("1.ndjson", admin("a", "x1", at("+1h"), "exempt", on=True, until=until) + hours("a", 1, 1))
    engine.good_run("s", "1.ndjson")
    told = engine.status("s", "a")
    equal((told["exempt"], told["exempt_until"]), (True, until), "while it lasts")
    shown = words(engine.call("status", "--state", "s", "--user", "a").stdout)
    check(f"not evaluated until {until}" in shown, shown)
    engine.write("2.ndjson", admin("a", "x2", at("+3h"), "exempt", on=True, until=until) + hours("a", 5, 3))
    engine.good_run("s", "2.ndjson")
    told = engine.status("s", "a")
    equal((told["exempt"], told["exempt_until"]), (False, None), "when it is over")
    read = [json.loads(each) for each in engine.decisions("s").splitlines()]
    live = [(each["data"]["decision"], each["time"]) for each in read if each["data"]["slot"] == "live"]
    equal(live[1], ("exemption_ended", time_text(at("+5h") + 1)), "the same end a second time is no change")
    check("cap_crossed" in [name for name, _ in live[2:]], f"then the user is judged: {live}")
    engine.write("3.ndjson", admin("a", "x3", at("+9h"), "exempt", on=True, until=time_text(at("+9h"))))
    equal(engine.summary("s", "3.ndjson")["dead_letters"], {"bad_value": 1}, "an end that is over")
    letter = json.loads(engine.dead_letters("s").splitlines()[-1])
    equal(letter["place"], "data.until", "its place")
    check("last instant of the exemption" in letter["remedy"], letter["remedy"])
    equal(engine.call("verify", "--state", "s").returncode, 0, "it is decided again the same")


def named_policy(engine, name, more="", change=("", "")):
    """The policy `fair` under another name, so with another digest."""
    text = (POLICIES / "fair.yaml").read_text()
    check("name: fair\n" in text and change[0] in text, "fair.yaml says its name and what is changed")
    return engine.write(f"{name}.yaml", text.replace("name: fair\n", f"name: {name}\n").replace(*change) + more)


def slots(engine, user="a", state="s"):
    return [(each["slot"], each["policy"]["name"]) for each in engine.status(state, user)["slots"]]


def promotions(engine, state="s"):
    """(policy, actor) of each policy_promoted."""
    read = [json.loads(line)["data"] for line in engine.decisions(state).splitlines()]
    return [(each["policy"]["name"], each["actor"]) for each in read if each["decision"] == "policy_promoted"]


def a_promotion_stays_until_the_live_policy_of_the_configuration_changes(engine):
    other = named_policy(engine, "other")
    engine.write("1.ndjson", hours("a", 0, 1) + admin("*", "p1", at("+1h"), "promote_policy", policy="omi-newest"))
    engine.good_run("s", "1.ndjson")
    promoted = slots(engine)
    equal(promoted[0], ("live", "omi-newest"), "the live policy")
    engine.write("2.ndjson", hours("a", 5, 1))
    done = engine.good_run("s", "2.ndjson")
    check("was promoted and stays live" in words(done.stderr), words(done.stderr))
    equal(slots(engine), promoted, "slots after a restart")
    engine.deployment(shadows=("omi-newest.yaml", other))
    for hour in (9, 10):
        engine.write("3.ndjson", hours("a", hour, 1))
        done = engine.good_run("s", "3.ndjson")
        check("was promoted and stays live" in words(done.stderr), words(done.stderr))
        equal(slots(engine), [*promoted, ("other", "other")], "slots after an unrelated shadow was added")
    equal(promotions(engine), [("omi-newest", "support@example.org")], "one promotion")
    engine.deployment(live="omi-newest.yaml", shadows=())
    engine.write("4.ndjson", hours("a", 11, 1))
    engine.good_run("s", "4.ndjson")
    equal(slots(engine), promoted, "slots after the configuration followed the promotion")
    equal(promotions(engine), [("omi-newest", "support@example.org")], "it was live already")


def a_configuration_that_followed_a_promotion_is_remembered_without_new_lines(engine):
    other = named_policy(engine, "fair-2")
    engine.deployment(shadows=(other,))
    engine.write("1.ndjson", hours("a", 0, 1) + admin("*", "p1", at("+1h"), "promote_policy", policy="fair-2"))
    engine.good_run("s", "1.ndjson")
    engine.deployment(live=other, shadows=())
    for epochs in (1, 0):
        equal(engine.summary("s", "1.ndjson")["epochs"], epochs, "epochs of a run without new lines")
    engine.deployment()
    engine.write("2.ndjson", hours("a", 5, 1))
    engine.good_run("s", "2.ndjson")
    wanted = [("fair-2", "support@example.org"), ("fair", "fairuse/config")]
    equal(promotions(engine), wanted, "the configuration went back")
    equal(slots(engine)[0], ("live", "fair"), "the live policy")


def another_live_policy_of_the_configuration_is_a_promotion(engine):
    engine.write("1.ndjson", hours("a", 0, 3))
    engine.good_run("s", "1.ndjson")
    equal(slots(engine), [("live", "fair"), ("off", "fair"), ("omi-newest", "omi-newest")], "slots")
    engine.deployment(live=named_policy(engine, "fair-2"), shadows=("fair.yaml",))
    engine.write("2.ndjson", hours("a", 5, 1))
    done = engine.good_run("s", "2.ndjson")
    check("live policy is fair-2 now: it is promoted in place of fair" in words(done.stderr), words(done.stderr))
    equal(promotions(engine), [("fair-2", "fairuse/config")], "the promotion is a decision")
    for hour in (7, 8):
        equal(slots(engine), [("live", "fair-2"), ("off", "fair-2"), ("fair", "fair")], "slots after it")
        engine.write("3.ndjson", hours("a", hour, 1))
        done = engine.good_run("s", "3.ndjson")
        check("promoted" not in words(done.stderr), words(done.stderr))
    engine.deployment(live=named_policy(engine, "fair-2", "# edited\n"))
    engine.write("4.ndjson", hours("a", 10, 1))
    engine.good_run("s", "4.ndjson")
    equal(len(promotions(engine)), 1, "the same rules in another file are no promotion")


def refused_promotion(engine, **how):
    done = engine.run("s", "2.ndjson", **how)
    equal(done.returncode, 2, f"exit code, which said {words(done.stderr)}")
    for part in ["FAIR_USE_*", "another name in `policies.shadow`", "`promote_policy`", "then name it in `policies.live`"]:
        check(part in words(done.stderr), f"{part!r} in\n{words(done.stderr)}")


def restricted(engine, user="a"):
    live = engine.status("s", user)["slots"][0]
    return live["stage"] == "restrict", live["windows"][-1]["sum_ms"]


def an_impossible_promotion_is_a_dead_letter(engine):
    engine.write("1.ndjson", hours("a", 0, 1) + admin("*", "p", at("+1h"), "promote_policy", policy="omi-newst"))
    told = engine.summary("s", "1.ndjson")
    equal(told["dead_letters"]["bad_value"], 1, "counted")
    letter = json.loads(engine.dead_letters("s"))
    equal((letter["reason"], letter["place"], letter["line"]), ("bad_value", "data.policy", 2), "the dead letter")
    why = "No shadow is called 'omi-newst'; loaded are omi-newest."
    check(letter["remedy"].endswith(why), f"the remedy says why: {letter}")
    engine.write("2.ndjson", admin("*", "p", at("+2h"), "promote_policy", policy="omi-newest") + hours("a", 3, 1))
    engine.good_run("s", "2.ndjson")
    equal(promotions(engine), [], "its id was used")


def another_metering_of_the_live_policy_needs_the_longest_window(engine):
    finer = ("bucket: 1m", "bucket: 30s")
    engine.write("1.ndjson", hours("a", 0, 3) + admin("a", "r", at("+3h"), "set_stage", stage="restrict"))
    engine.good_run("s", "1.ndjson")
    engine.write("2.ndjson", hours("a", 3, 1))
    refused_promotion(engine, env={"FAIR_USE_BUCKET_SECONDS": "30"})
    for change in (finer, ("time_basis: event", "time_basis: arrival"), ("fresh_within: 24h", "fresh_within: 12h")):
        engine.deployment(live=named_policy(engine, "fair", change=change))
        refused_promotion(engine)
    engine.deployment(shadows=(named_policy(engine, "finer", change=finer),))
    engine.good_run("s", "2.ndjson")
    equal(restricted(engine), (True, ms("4h")), "still restricted, by all hours")
    engine.deployment(live=engine.path("finer.yaml"), shadows=())
    engine.write("2.ndjson", hours("b", 10, 1))
    refused_promotion(engine)
    engine.deployment(shadows=(engine.path("finer.yaml"),))
    engine.write("3.ndjson", "".join(hours("a", 20 * i, 1) for i in range(1, 10)))
    engine.write("4.ndjson", admin("*", "p", at("+185h"), "promote_policy", policy="finer") + hours("a", 186, 1))
    for name in ("3.ndjson", "4.ndjson"):
        engine.good_run("s", name)
    engine.deployment(live=engine.path("finer.yaml"), shadows=())
    engine.write("5.ndjson", hours("a", 190, 1))
    engine.good_run("s", "5.ndjson")
    equal(restricted(engine), (True, ms("10h")), "the sum of the last week")
    equal(promotions(engine), [("finer", "support@example.org")], "one promotion")


def a_longer_retention_brings_nothing_back(engine):
    longer = named_policy(engine, "longer", change=("weekly: {span: 168h", "weekly: {span: 360h"))
    engine.write("1.ndjson", hours("a", 0, 3))
    engine.write("2.ndjson", hours("a", 3, 1))
    for state, before, refused in (("s", "", True), ("t", "retention: {usage: 16d}\n", False)):
        engine.deployment(more=before)
        engine.good_run(state, "1.ndjson")
        engine.deployment(live=longer, more="retention: {usage: 16d}\n")
        if refused:
            refused_promotion(engine)
        else:
            engine.good_run(state, "2.ndjson")
            equal(promotions(engine, state), [("longer", "fairuse/config")], "the promotion")


def without_usage_any_policy_is_complete(engine):
    engine.write("1.ndjson", admin("a", "x", at("+0h"), "exempt", on=False))
    engine.good_run("s", "1.ndjson", clock="wall")
    engine.deployment(live=named_policy(engine, "fair", change=("bucket: 1m", "bucket: 30s")))
    engine.write("2.ndjson", admin("a", "y", at("+1h"), "exempt", on=False))
    engine.good_run("s", "2.ndjson", clock="wall")
    equal(promotions(engine), [("fair", "fairuse/config")], "the promotion")


def overrides_act_and_are_told(engine):
    engine.write("in.ndjson", hours("a", 0, 2))
    done = engine.good_run("s", "in.ndjson", env={"FAIR_USE_DAILY_SPEECH_MS": str(ms("1h"))})
    check("FAIR_USE_DAILY_SPEECH_MS" in words(done.stderr), words(done.stderr))
    check("cap_crossed" in names(engine.decisions("s")), "the lower cap was crossed")
    equal(engine.run("t", "in.ndjson", env={"FAIR_USE_NONSENSE": "1"}).returncode, 2, "exit code of an unknown override")


def decisions_are_followed(engine):
    path = engine.write("in.ndjson", hours("a", 0, 4))
    running = engine.start("s", "in.ndjson")
    engine.wait_for_decisions("s", lambda lines: len(lines) > 0)
    follower = Process(engine.program, "decisions", "--state", "s", "--follow", cwd=engine.folder)
    check(b"cap_crossed" in follower.wait_for_line("{"), "the first decision is a crossed cap")
    with open(path, "a", encoding="utf-8") as grown:
        grown.write(hours("a", 4, 8))
    follower.wait_for_line('"window":"weekly"')
    follower.kill()
    engine.finish(running)
    got = follower.output().splitlines(keepends=True)
    same_lines(b"".join(got), b"".join(engine.decisions("s").splitlines(keepends=True)[: len(got)]), "followed")


def readers_follow_over_restarts_of_the_engine(engine):
    follow = lambda: Process(engine.program, "decisions", "--state", "s", "--follow", cwd=engine.folder)
    engine.write("0.ndjson", admin("u", "0", at("0h"), "set_stage", stage="warning"))
    engine.good_run("s", "0.ndjson")
    followers = [follow() for _ in range(4)]
    for number in range(1, 60):
        name = f"{number}.ndjson"
        content = admin(f"u{number}", str(number), at(f"{number}m"), "set_stage", stage="warning")
        # After an erasure an engine that ends merges its tables.
        gone = {"actor": "support@example.org", "reason": "asked"}
        if number % 10 == 0:
            content += line("erasure", f"u{number - 1}", f"gone-{number}", at(f"{number}m"), gone)
        engine.write(name, content)
        engine.good_run("s", name)
        for each in followers:
            check(each.runs(), f"a reader ended after {number} restarts: {each.tail()}")
    for each in followers:
        each.wait_for_line('"event":"59"')
        each.kill()
        same_lines(each.output(), engine.decisions("s"), "followed")


def status_explains_one_user(engine):
    engine.write("in.ndjson", hours("a", 0, 3))
    engine.good_run("s", "in.ndjson")
    text = words(engine.call("status", "--state", "s", "--user", "a").stdout)
    for part in ["3 h 00 min of", "over the cap", "live · policy fair", "omi-newest", "next due", "weekly"]:
        check(part in text, f"{part!r} in\n{text}")
    live = engine.status("s", "a")["slots"][0]
    check(live["pending_request"] == "live-1" and not live["due"], f"{live}")
    later = engine.status("s", "a", "--at", "2026-01-02T12:00:00Z")["slots"][0]
    check(later["due"], "the review's time-out is due")
    equal(later["windows"][0]["sum_ms"], 0, "the daily sum a day later")
    equal(later["windows"][1]["sum_ms"], ms("3h"), "the sum over three days")
    same = engine.status("s", "a")["slots"][0]
    equal(same, live, "asking fires nothing")
    check(max(map(len, text.splitlines())) <= 80, f"lines of more than 80 columns in\n{text}")
    equal(engine.call("status", "--state", "s", "--user", "nobody").returncode, 2, "exit code of an unknown user")
    equal(engine.call("status", "--state", "s", "--user", "a", "--at", "2025-01-01T00:00:00Z").returncode, 2, "the past")


def status_of_a_system_that_is_off_names_no_excess(engine):
    engine.deployment(enabled=False)
    content = hours("a", 0, 3) + admin("a", "stage", at("3h"), "set_stage", stage="warning")
    engine.write("in.ndjson", content)
    engine.good_run("s", "in.ndjson")
    text = words(engine.call("status", "--state", "s", "--user", "a").stdout)
    live, off = [part for part in text.split("\n\n") if part.startswith(("live", "off"))]
    check("· off" in live and "%  off" in live and "over the cap" not in live, live)
    check("over the cap" in off and "· off" not in off, off)
    later = engine.status("s", "a", "--at", "2026-02-15T00:00:00Z")["slots"][0]
    equal((later["stage"], later["until"], later["due"]), ("none", None, True), "a warning that is over by then")


def what_the_summary_says_is_true(engine):
    content = hours("a", 0, 3) + hours("a", 0, 1) + "\n" + "junk\n" + speech("a", "old", at("-20d"))
    content += speech("b", "late", at("-2d"), ms("1m"))
    engine.write("in.ndjson", content)
    told = engine.summary("s", "in.ndjson")
    equal(told["lines"], 8, "lines")
    equal(told["empty_lines"], 1, "empty lines")
    equal(told["events"], 5, "events")
    equal(told["duplicates"], 1, "duplicates")
    equal(told["moved_to_backfill"], 1, "late uploads")
    equal(told["dead_letters"], {"not_json": 1, "too_old": 1}, "dead letters")
    equal(told["users"], 2, "users")
    equal(told["bytes"], os.path.getsize(engine.path("in.ndjson")), "bytes")


def every_line_stands_in_one_counter(engine):
    content = hours("a", 0, 3) + line("stt", "a", "t", at("+2h"), {"ms": 1000, "provider": "p"})
    content += line("account", "a", "p1", at("+2h"), {"plan": "basic"})
    content += line("account", "a", "p2", at("+3h"), {"plan": "unlimited"})
    content += line("conversation", "a", "c", at("+3h"), {"conversation": "k", "duration_ms": 1, "lane": "realtime"})
    content += line("review", "a", "r", at("+3h"), {"request": "live-1", "score": 0.9, "usage_type": "audiobook"})
    content += admin("a", "reset", at("+3h"), "reset") + admin("*", "kill", at("+3h"), "kill_switch", on=False)
    content += line("erasure", "b", "e", at("+3h"), {"actor": "a", "reason": "r"}) + speech("b", "early", at("+1h"))
    content += speech("c", "late", at("-2d")) + hours("a", 5, 1) + "junk\n\n"
    for name, wanted in [
        ("first", {"accepted": 14, "duplicates": 0, "stale": 0, "moved_to_backfill": 1}),
        ("second", {"accepted": 0, "duplicates": 10, "stale": 3, "moved_to_backfill": 0}),
    ]:
        engine.write(name, content)
        told = engine.summary("s", name)
        equal({each: told[each] for each in wanted}, wanted, f"counters, {name} time")
        counted = told["empty_lines"] + told["accepted"] + told["duplicates"] + told["stale"]
        equal(counted + sum(told["dead_letters"].values()), told["lines"], f"lines, {name} time")


def a_command_id_used_again_is_told(engine):
    first = admin("a", "c-1", at("0h"), "set_stage", stage="warning") + admin("*", "k-1", at("0h"), "kill_switch", on=True)
    engine.write("in.ndjson", first + first)
    done = engine.run("s", "in.ndjson", "--json")
    check("says something else" not in words(done.stderr), words(done.stderr))
    equal(json.loads(done.stdout)["reused_command_ids"], 0, "commands sent twice")
    other = admin("a", "c-1", at("1h"), "set_stage", stage="throttle") + admin("*", "k-1", at("1h"), "kill_switch", on=False)
    engine.write("in.ndjson", first + first + other)
    done = engine.run("s", "in.ndjson", "--json")
    equal(words(done.stderr).count("says something else"), 1, words(done.stderr))
    told = json.loads(done.stdout)
    equal((told["duplicates"], told["reused_command_ids"]), (2, 2), "ids used again, over a restart")
    equal(told["dead_letters"], {}, "no dead letter")
    equal(engine.status("s", "a")["slots"][0]["stage"], "warning", "the first command holds")


def values_that_are_probably_mistakes_are_told_once(engine):
    content = "".join(
        line("account", user, f"{user}-{i}", at(f"{i}h"), {"plan": plan, "time_zone": zone})
        for user in ("a", "b")
        for i, (plan, zone) in enumerate([("Basic", "Europe/Berlin"), ("Basic", "Berlin"), ("basic", "UTC")])
    )
    engine.write("in.ndjson", content)
    told = words(engine.good_run("s", "in.ndjson").stderr)
    equal(told.count('the plan "Basic"; the policies name `basic`'), 1, told)
    equal(told.count('the time zone "Berlin", which is none'), 1, told)
    equal(told.count("time zone"), 1, told)


CASES = [
    typing_mistakes_are_answered,
    a_file_of_the_past_asks_for_its_clock,
    a_refused_run_leaves_nothing_behind,
    a_folder_of_something_else_is_no_state,
    a_restart_goes_on_where_it_stopped,
    a_growing_file_is_followed,
    a_followed_file_that_is_rewritten_in_place_loses_nothing,
    an_editors_mark_is_no_part_of_a_text,
    a_pipe_ends_when_it_is_closed,
    an_idle_pipe_does_not_keep_a_stop_waiting,
    under_the_wall_clock_events_decide_at_once,
    too_far_ahead_stops_with_the_line,
    configuration_speaks_once,
    a_strike_is_cleared_by_the_reference_that_the_user_was_sent,
    a_dated_exemption_ends_by_itself,
    a_promotion_stays_until_the_live_policy_of_the_configuration_changes,
    a_configuration_that_followed_a_promotion_is_remembered_without_new_lines,
    another_live_policy_of_the_configuration_is_a_promotion,
    an_impossible_promotion_is_a_dead_letter,
    another_metering_of_the_live_policy_needs_the_longest_window,
    a_longer_retention_brings_nothing_back,
    without_usage_any_policy_is_complete,
    overrides_act_and_are_told,
    decisions_are_followed,
    readers_follow_over_restarts_of_the_engine,
    status_explains_one_user,
    status_of_a_system_that_is_off_names_no_excess,
    what_the_summary_says_is_true,
    every_line_stands_in_one_counter,
    a_command_id_used_again_is_told,
    values_that_are_probably_mistakes_are_told_once,
]

if __name__ == "__main__":
    main(CASES)
