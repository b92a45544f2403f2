#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse reviewer` in local mode, as a person types it, with a model of ours.
usage: reviewer_command_test.py PROGRAM [CASE...]"""

import json
import pathlib
import shutil
import signal
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import listener  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT, Process, wait_until  # noqa: E402

PROMPTS = ROOT / "config" / "prompts"


def deployment(engine, stub, keys="", live="fair.yaml", more="", timeout="5s"):
    endpoint = f"endpoint: '{stub.url}', " if stub else ""
    text = f"reviewer: {{{endpoint}prompts: {PROMPTS}, timeout: {timeout}{keys}}}\n{more}"
    engine.deployment(live=live, shadows=(), more=text)


def asked_for(engine, *users):
    """A store in which a review of each user is asked for."""
    engine.write("in.ndjson", "".join(line for user in users for line in listener.day(user)))
    engine.good_run("s", "in.ndjson", clock="wall")
    requests = [each for each in decided(engine) if each["data"]["decision"] == "review_requested"]
    equal(sorted(each["subject"] for each in requests), sorted(users), "requests")


def decided(engine):
    return [json.loads(each) for each in engine.decisions("s").splitlines()]


def kinds(engine):
    return [each["data"]["decision"] for each in decided(engine)]


def review(engine, *more, code=0, config="local.yaml"):
    """Until no request is left; the summary, or what was said."""
    done = engine.call("reviewer", "--config", config, "--state", "s", "--until-end", "--json", *more)
    equal(done.returncode, code, f"exit code of the reviewer, which said {done.stderr.decode()}")
    return json.loads(done.stdout) if code == 0 else done.stderr.decode()


def taken(engine):
    """The engine takes what the reviewer has left."""
    engine.write("none.ndjson", "")
    engine.good_run("s", "none.ndjson", clock="wall")


def order(engine, **what):
    """A command to a user, or an event."""
    event = {"specversion": "1.0", "id": json.dumps(what), "source": "test", "time": listener.now().isoformat(), **what}
    engine.write("order.ndjson", json.dumps(event) + "\n")
    engine.good_run("s", "order.ndjson", clock="wall")


def admin(engine, user, command, **more):
    order(engine, type="fairuse.admin.v1", subject=user, data={"command": command, "actor": "ann", **more})


def each_request_gets_one_verdict(engine):
    with ChatStub(says="audiobook") as stub:
        deployment(engine, stub, ", price: {input_per_million: 1.25, output_per_million: 10}")
        asked_for(engine, "u-1", "u-2")
        told = review(engine)
        equal((told["verdicts"], told["failed"], told["calls"]), (2, 0, 2), "what it did")
        equal(review(engine)["verdicts"], 0, "verdicts of a second run before the engine has taken the first ones")
        taken(engine)
        strikes = [each["data"] for each in decided(engine) if each["data"]["decision"] == "strike_added"]
        equal([(each["score"], each["cost_micro"]) for each in strikes], [(0.93, 1_750)] * 2, "verdicts")
        equal(review(engine)["verdicts"], 0, "verdicts of a third run")
        equal(len(stub.asked), 2, "calls")
        shown = engine.status("s", "u-1")
        check("gpt-5.1" in json.dumps(shown) and "listener-00-" in json.dumps(shown), "status shows model and evidence")


def what_nobody_needs_is_passed_over(engine):
    with ChatStub(says="audiobook") as stub:
        deployment(engine, stub)
        asked_for(engine, "exempt", "erased", "asked")
        admin(engine, "exempt", "exempt", on=True)
        order(engine, type="fairuse.erasure.v1", subject="erased", data={"actor": "ann"})
        told = review(engine)
        passed = {reason: count for reason, count in told["passed_over"].items() if count}
        equal((told["verdicts"], passed), (1, {"exempt": 1, "erased": 1}), "what it did")
        equal(len(stub.asked), 1, "calls")


def nobody_is_asked_under_the_kill_switch(engine):
    with ChatStub() as stub:
        deployment(engine, stub)
        asked_for(engine, "u-1")
        admin(engine, "*", "kill_switch", on=True)
        told = review(engine)
        equal((told["verdicts"], told["passed_over"]["kill_switch"]), (0, 1), "what it did")
        equal(len(stub.asked), 0, "calls")


def what_is_too_late_is_passed_over(engine):
    text = (ROOT / "config" / "policies" / "fair.yaml").read_text(encoding="utf-8").replace("timeout: 30m", "timeout: 1ms")
    policy = engine.write("quick.yaml", text)
    with ChatStub() as stub:
        deployment(engine, stub, live=policy)
        asked_for(engine, "u-1")
        told = review(engine)
        equal((told["verdicts"], told["passed_over"]["too_late"]), (0, 1), "what it did")


def a_failure_is_said_and_is_no_verdict(engine):
    with ChatStub(script=["refusal"]) as stub:
        deployment(engine, stub)
        asked_for(engine, "u-1")
        told = review(engine)
        equal((told["failed"], told["failures"]), (1, {"refused": 1}), "failed reviews")
        taken(engine)
        failed = [each["data"] for each in decided(engine) if each["data"]["decision"] == "review_failed"]
        equal([(each["failure"], each["model"]) for each in failed], [("the model refused", "gpt-5.1")], "failed reviews")
        check("strike_added" not in kinds(engine), "nobody has a strike")


def nobody_is_judged_without_conversations(engine):
    with ChatStub(says="audiobook") as stub:
        deployment(engine, stub)
        engine.write("in.ndjson", "".join(line for line in listener.day("u-1") if "fairuse.conversation" not in line))
        engine.good_run("s", "in.ndjson", clock="wall")
        check("review_requested" in kinds(engine), "a review is asked for")
        equal(review(engine)["failures"], {"no_conversation": 1}, "failed reviews")
        equal(len(stub.asked), 0, "calls")
        taken(engine)
        check("review_failed" in kinds(engine) and "strike_added" not in kinds(engine), "nobody has a strike")


def why_reviews_fail_is_said_and_counted(engine):
    with ChatStub(script=["401*9"]) as stub:
        deployment(engine, stub, ", listen: '127.0.0.1:0'")
        asked_for(engine, "u-1")
        words = ["reviewer", "--config", "local.yaml", "--state", "s"]
        with Process(engine.program, *words, env=engine.environment(), cwd=engine.folder) as running:
            port = running.wait_for_line("/metrics on port").decode().split()[-1]
            running.wait_for_line("no verdict came: the endpoint refused the key (it answered 401)")
            failed = 'fairuse_reviewer_reviews_total{reason="key_refused",result="failed"} 1'

            def counted():
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                    return failed in answer.read().decode()

            wait_until(counted, failed)
            equal(running.stop(), 0, "exit code")
            check("failed, key_refused" in running.errors().decode(), "the summary has the reason")


def what_cannot_be_counted_or_kept_is_not_asked(engine):
    with ChatStub(says="audiobook") as stub:
        deployment(engine, stub, ", per_hour: {requests: 2}")
        asked_for(engine, "u-1", "u-2", "u-3")
        spool, fresh = engine.path("s") / "spool", engine.path("s") / "reviewer" / "limits.new"
        shutil.rmtree(spool, ignore_errors=True)
        spool.write_text("in the way")
        check("verdicts could not be kept: cannot make the folder" in review(engine, code=1), "why it does not start")
        spool.unlink()
        fresh.mkdir()
        words = ["reviewer", "--config", "local.yaml", "--state", "s"]
        with Process(engine.program, *words, env=engine.environment(), cwd=engine.folder) as running:
            running.wait_for_line("no call is made that cannot be counted: cannot write")
            equal(len(stub.asked), 0, "calls")
            fresh.rmdir()
            wait_until(lambda: len(stub.asked) == 2, "the calls of this hour")
            equal(running.stop(), 0, "exit code")


def recordings_answer_without_a_model(engine):
    with ChatStub(says="podcast") as stub:
        deployment(engine, stub)
        asked_for(engine, "u-1")
        review(engine, "--record", "recorded")
        equal(len(list(engine.path("recorded").iterdir())), 1, "recordings")
    # The engine has not taken the verdict, and the model is gone.
    (engine.path("s") / "reviewer" / "cursor").unlink()
    deployment(engine, None)
    equal(review(engine, "--play", "recorded")["verdicts"], 1, "verdicts")
    taken(engine)
    strikes = [each["data"]["usage_type"] for each in decided(engine) if each["data"]["decision"] == "strike_added"]
    equal(strikes, ["podcast"], "verdicts that count")


def a_dry_run_shows_the_request_and_calls_nobody(engine):
    with ChatStub() as stub:
        deployment(engine, stub)
        asked_for(engine, "u-1")
        words = ["reviewer", "--config", "local.yaml", "--state", "s", "--dry-run", "--user"]
        shown = engine.call(*words, "u-1")
        equal(shown.returncode, 0, shown.stderr.decode())
        check(b"Talk show" in shown.stdout and b"u-1" not in shown.stdout, "conversations, and no user id")
        body = json.loads(engine.call(*words, "u-1", "--json").stdout)
        equal(body["model"], "gpt-5.1", "model of the body")
        check(b"nobody would be asked" not in engine.call(*words, "u-1").stderr, "somebody would be asked")
        engine.write("none.key", "")
        deployment(engine, stub, ", key_file: none.key")
        admin(engine, "u-1", "exempt", on=True)
        shown = engine.call(*words, "u-1")
        check(b"nobody would be asked now: " in shown.stderr and shown.returncode == 0, shown.stderr.decode())
        equal(engine.call(*words, "nobody").returncode, 2, "exit code for a user without a request")
        equal(engine.call(*words[:-1]).returncode, 2, "exit code without a user")
        equal(len(stub.asked), 0, "calls")


def a_store_of_the_past_is_refused(engine):
    with ChatStub() as stub:
        deployment(engine, stub)
        engine.write("in.ndjson", "".join(listener.day("u-1")))
        engine.good_run("s", "in.ndjson", clock="events")
        check("recorded verdicts belong into that file" in review(engine, code=2), "it says where verdicts belong")
        words = ["reviewer", "--config", "local.yaml", "--state", "s", "--dry-run", "--user"]
        check(b"Talk show" in engine.call(*words, "u-1").stdout, "a dry run shows what would be asked")
        deployment(engine, stub, ", with_engine: true")
        done = engine.run("s", "in.ndjson", clock="events")
        equal(done.returncode, 2, "exit code of an engine with a reviewer")


def what_cannot_run_says_why(engine):
    with ChatStub() as stub:
        deployment(engine, stub)
        check("no store" in review(engine, code=2), "without a store")
        asked_for(engine, "u-1")
        deployment(engine, None)
        check("OPENAI_BASE_URL" in review(engine, code=2), "without an endpoint")
        deployment(engine, stub, ", prompt_version: v99")
        check("v99" in review(engine, code=2), "without prompts")
        engine.write("ca.pem", "no certificate")
        for keys, said in ((", ca_file: ca.pem", "ca.pem: no certificate in it"), (", ca_file: none.pem", "none.pem"),
                           (", proxy: '://'", "the proxy is no address")):  # fmt: skip
            deployment(engine, stub, keys)
            check(said in review(engine, code=2), said)
            deployment(engine, stub, f"{keys}, with_engine: true")
            done = engine.call(*engine.run_arguments("s", "-"), stdin=b"")
            equal(done.returncode, 2, f"exit code of an engine with a reviewer, which said {done.stderr.decode()}")
        deployment(engine, stub)
        cursor = engine.path("s") / "reviewer" / "cursor"
        cursor.parent.mkdir(exist_ok=True)
        for wrong in ("x", "ffffffff", "6f" + "ff" * 20):
            cursor.write_text(wrong)
            check("cursor is damaged, or of another store: remove it" in review(engine, code=2), f"with {wrong!r}")
        # A power loss may leave it empty: then all is looked at again.
        cursor.write_text("")
        equal(review(engine)["verdicts"], 1, "verdicts")


def a_stop_waits_for_calls_and_makes_none(engine):
    with ChatStub(script=["slow=600*2"], says="audiobook") as stub:
        deployment(engine, stub, ", concurrency: 1", timeout="600s")
        asked_for(engine, "u-1", "u-2")
        words = ["reviewer", "--config", "local.yaml", "--state", "s"]
        with Process(engine.program, *words, env=engine.environment(), cwd=engine.folder) as running:
            wait_until(lambda: len(stub.asked) == 1, "the first call")
            running.send(signal.SIGTERM)
            running.wait_for_line("no call is added; those under way have 5 s")
            stub.leave.set()
            equal(running.wait(), 0, "exit code")
            check("1 verdicts, 0 failed" in running.errors().decode(), running.errors().decode())
        equal(len(stub.asked), 1, "calls")
        stub.leave.clear()
        with Process(engine.program, *words, env=engine.environment(), cwd=engine.folder) as running:
            wait_until(lambda: len(stub.asked) == 2, "the second call")
            equal(running.stop(), 0, "exit code")
            check("calls are broken off: 1; they are made, and paid, again" in running.errors().decode(), "it says so")


def one_store_has_one_reviewer(engine):
    with ChatStub(script=["slow=30"]) as stub:
        deployment(engine, stub)
        asked_for(engine, "u-1")
        words = ["reviewer", "--config", "local.yaml", "--state", "s"]
        with Process(engine.program, *words, env=engine.environment(), cwd=engine.folder) as first:
            first.wait_for_line("model gpt-5.1")
            check("is in use by another process" in review(engine, code=1), "the second one says why")


CASES = [
    each_request_gets_one_verdict,
    what_nobody_needs_is_passed_over,
    nobody_is_asked_under_the_kill_switch,
    what_is_too_late_is_passed_over,
    a_failure_is_said_and_is_no_verdict,
    nobody_is_judged_without_conversations,
    why_reviews_fail_is_said_and_counted,
    what_cannot_be_counted_or_kept_is_not_asked,
    recordings_answer_without_a_model,
    a_dry_run_shows_the_request_and_calls_nobody,
    a_store_of_the_past_is_refused,
    what_cannot_run_says_why,
    a_stop_waits_for_calls_and_makes_none,
    one_store_has_one_reviewer,
]

if __name__ == "__main__":
    main(CASES)
