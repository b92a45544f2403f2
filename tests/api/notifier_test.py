#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse notifier` beside an engine of local mode: a webhook of ours gets what people are to be told.

usage: notifier_test.py PROGRAM [CASE...]
"""

import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT, Process, need_module, wait_until  # noqa: E402
from support.traffic import HOUR_MS, admin, line, ms, now_ms, speech, time_text  # noqa: E402
from support.webhook_stub import SECRET, WebhookStub  # noqa: E402

jsonschema = need_module("jsonschema", "python3-jsonschema")
SCHEMA = json.loads((ROOT / "api" / "notifier" / "webhook.schema.json").read_text(encoding="utf-8"))
FAST = "retry: {first: 10ms, most: 40ms}"


def deployment(engine, hook, more=FAST, **how):
    engine.write("hook.secret", SECRET + "\n")
    section = f"url: '{hook.url}', secret_file: hook.secret, product: Listener, appeal: 'https://l.example/appeal'"
    engine.deployment(shadows=(), more=f"notifier: {{{section}, {more}}}\n", **how)


def start(engine, state="s", config="local.yaml", env=None):
    arguments = ["notifier", "--config", config, "--state", state, "--json"]
    return Process(engine.program, *arguments, env=engine.environment(env), cwd=engine.folder)


def stop(notifier, how=signal.SIGTERM):
    """The summary."""
    equal(notifier.stop(how), 0, f"exit code of the notifier, which said {notifier.errors().decode()}")
    return json.loads(notifier.output())


def staged(user, number, stage):
    return admin(user, f"stage-{user}-{number}", now_ms(), "set_stage", stage=stage)


def feed(engine, name, content, state="s"):
    engine.write(name, content)
    engine.good_run(state, name, clock="wall")


def decided(engine, kind="notification", state="s"):
    lines = [json.loads(each) for each in engine.decisions(state).splitlines()]
    return [each for each in lines if each["data"]["decision"] == kind and each["data"]["slot"] == "live"]


def log_of(engine, name="sent.ndjson", state="s"):
    """The whole lines of one of the notifier's files."""
    file = engine.path(state) / "notifier" / name
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(each) for each in lines if each.endswith("\n")]


def ends_of(engine, state="s"):
    return [each for each in log_of(engine, state=state) if each["end"] != "failing"]


def wait_for_ends(engine, count, notifier, state="s"):
    def there():
        check(notifier.runs(), f"the notifier ended: {notifier.errors().decode()}")
        return len(ends_of(engine, state)) >= count

    wait_until(there, f"{count} ends in the log")


def check_deliveries(engine, hook, state="s"):
    """All that was decided was taken: in order for each user, every notice under one id of its own."""
    equal(hook.wrong, [], "what the webhook found wrong")
    for each in hook.taken:
        jsonschema.validate(json.loads(each.body), SCHEMA)
    of_user = collections.defaultdict(list)
    for each in hook.taken:
        if each.data["decision"] not in of_user[each.data["user"]]:
            of_user[each.data["user"]].append(each.data["decision"])
    wanted = collections.defaultdict(list)
    for each in decided(engine, state=state):
        wanted[each["subject"]].append(each["id"])
    equal(dict(of_user), dict(wanted), "decisions that were told, by user")
    ids = {(each.id, each.data["decision"]) for each in hook.seen}
    equal(len({i for i, _ in ids}), len(ids), "one decision for each id")
    equal(len({d for _, d in ids}), len(ids), "one id for each decision")
    bodies = {(each.id, each.body) for each in hook.seen}
    equal(len(bodies), len(ids), "a repeat has the same body")


def a_decision_reaches_the_webhook_in_the_user_s_language(engine):
    with WebhookStub() as hook:
        deployment(engine, hook)
        running = engine.start("s", "-", clock="wall", stdin=subprocess.PIPE)
        plan = {"plan": "basic", "locale": "de-AT", "time_zone": "Europe/Vienna"}
        feed_now = line("account", "anna", "a-1", now_ms() - 1_000, plan) + staged("anna", 1, "warning")
        running.stdin.write(feed_now.encode())
        running.stdin.flush()
        engine.wait_for_decisions("s", lambda lines: any(b'"notification"' in each for each in lines))
        notifier = start(engine)
        wait_for_ends(engine, 1, notifier)
        # And what is decided from now on.
        running.stdin.write(staged("anna", 2, "throttle").encode())
        running.stdin.flush()
        wait_for_ends(engine, 2, notifier)
        equal(stop(notifier), {"sent": 2, "gave_up": 0, "dropped": 0, "attempts": 2}, "summary")
        engine.finish(running)
        check_deliveries(engine, hook)
        first = json.loads(hook.taken[0].body)
        decision = decided(engine)[0]
        equal(first["type"], "fairuse.notification", "type")
        equal(first["timestamp"], decision["time"], "timestamp")
        data = first["data"]
        equal(data["id"], hook.taken[0].id, "id")
        equal((data["user"], data["about"], data["stage"], data["wording"]), ("anna", "stage", "warning", "misuse"), "data")
        equal((data["locale"], data["time_zone"]), ("de", "Europe/Vienna"), "language and zone")
        equal(data["subject"], "Ein Hinweis zu Ihrer Nutzung von Listener", "subject")
        check(data["text"].startswith("Guten Tag,\n\n") and "https://l.example/appeal" in data["text"], data["text"])
        equal([each["end"] for each in ends_of(engine)], ["sent", "sent"], "ends")


def every_fault_is_tried_again_under_one_id(engine):
    # A request on a connection that was used before is sent again by the HTTP client itself, so `cut` is the first.
    faults = ["cut", "500", "429=1", "cut_answer", "redirect", "slow=5", "503", "404", "401"]
    with WebhookStub(faults) as hook:
        deployment(engine, hook, more=FAST + ", timeout: 1s")
        feed(engine, "in.ndjson", staged("a", 1, "warning"))
        notifier = start(engine)
        wait_for_ends(engine, 1, notifier)
        equal(stop(notifier)["attempts"], len(faults) + 1, "attempts")
        check_deliveries(engine, hook)
        equal([each.fault for each in hook.seen], [*faults, ""], "what the webhook did")
        equal(hook.elsewhere, [], "a redirect is not followed")
        equal(ends_of(engine)[0]["attempts"], len(faults) + 1, "attempts in the log")
        return f"{len(faults)} faults"


def a_long_answer_counts_as_taken(engine):
    with WebhookStub(["huge"]) as hook:
        deployment(engine, hook)
        feed(engine, "in.ndjson", staged("a", 1, "warning"))
        notifier = start(engine)
        wait_for_ends(engine, 1, notifier)
        equal(stop(notifier), {"sent": 1, "gave_up": 0, "dropped": 0, "attempts": 1}, "summary")


def a_webhook_that_is_not_there_gets_it_when_it_comes(engine):
    with WebhookStub() as hook:
        port = hook.server_address[1]
        deployment(engine, hook)
    feed(engine, "in.ndjson", staged("a", 1, "warning"))
    notifier = start(engine)
    notifier.wait_for_line("a notice was not taken")
    with WebhookStub(port=port) as hook:
        wait_for_ends(engine, 1, notifier)
        stop(notifier)
        check_deliveries(engine, hook)


def what_is_given_up_is_kept_whole(engine):
    with WebhookStub(["410"], fault_of=lambda number, data: "" if data["user"] == "b" else "500") as hook:
        deployment(engine, hook, more=FAST + ", give_up_after: 1s")
        feed(engine, "1.ndjson", staged("a", 1, "warning"))
        notifier = start(engine)
        wait_for_ends(engine, 1, notifier)
        feed(engine, "2.ndjson", staged("a", 2, "throttle") + staged("b", 1, "warning"))
        wait_for_ends(engine, 3, notifier)
        summary = stop(notifier)
        equal((summary["sent"], summary["gave_up"]), (1, 2), "summary")
        dead = log_of(engine, "dead.ndjson")
        equal([each["status"] for each in dead], [410, 500], "the last answers")
        equal([each["attempts"] == 1 for each in dead], [True, False], "only 410 is not tried again")
        for each in dead:
            posted = next(one for one in hook.seen if one.id == each["id"])
            equal(each["webhook"], json.loads(posted.body), "the webhook that was not taken")
        equal(sorted(each["end"] for each in ends_of(engine)), ["gave_up", "gave_up", "sent"], "ends")


def one_user_s_trouble_holds_up_nobody_else(engine):
    release = []
    # Nothing for a, until all others have theirs.
    with WebhookStub(fault_of=lambda number, data: "500" if data["user"] == "a" and not release else "") as hook:
        deployment(engine, hook, more=FAST + ", concurrency: 2")
        others = [f"u{i}" for i in range(20)]
        content = staged("a", 1, "warning") + staged("a", 2, "throttle") + staged("a", 3, "restrict")
        feed(engine, "in.ndjson", content + "".join(staged(user, 1, "warning") for user in others))
        notifier = start(engine)
        wait_for_ends(engine, len(others), notifier)
        equal({each.data["user"] for each in hook.taken}, set(others), "users that were told")
        equal({each.data["stage"] for each in hook.seen if each.data["user"] == "a"}, {"warning"}, "what a is told first")
        release.append(True)
        wait_for_ends(engine, len(others) + 3, notifier)
        stop(notifier)
        check_deliveries(engine, hook)


def nothing_is_said_under_the_kill_switch_nor_of_what_is_over(engine):
    with WebhookStub() as hook:
        deployment(engine, hook)
        off = admin("*", "kill", now_ms(), "kill_switch", on=True)
        feed(engine, "1.ndjson", off + "".join(staged(user, 1, "throttle") for user in ("a", "b", "c", "d")))
        notifier = start(engine)
        notifier.wait_for_line("nothing is sent")
        feed(engine, "2.ndjson", staged("b", 2, "warning") + staged("c", 2, "none")
             + line("erasure", "d", "gone", now_ms() + 1, {"actor": "support@example.org", "reason": "asked"}))  # fmt: skip
        equal(hook.seen, [], "webhooks under the kill switch")
        feed(engine, "3.ndjson", admin("*", "on", now_ms(), "kill_switch", on=False))
        wait_for_ends(engine, 4, notifier)
        equal(stop(notifier), {"sent": 1, "gave_up": 0, "dropped": 3, "attempts": 1}, "summary")
        equal([each.data["user"] for each in hook.seen], ["a"], "who was told")
        told = {each["user"]: each.get("why") for each in ends_of(engine)}
        lower = "the user's stage is lower now"
        equal(told, {"a": None, "b": lower, "c": lower, "d": "the user was erased"}, "why")


def a_day_s_budget_is_told_where_it_is_asked_for(engine):
    with WebhookStub() as hook:
        deployment(engine, hook, more=FAST + ", send: [budget_exhausted]")
        feed(engine, "1.ndjson", staged("a", 1, "restrict"))
        feed(engine, "2.ndjson", line("stt", "a", "stt-1", now_ms(), {"ms": 31 * 60_000, "provider": "p"}))
        equal(len(decided(engine, "budget_exhausted")), 1, "decisions about the budget")
        notifier = start(engine)
        wait_for_ends(engine, 1, notifier)
        stop(notifier)
        equal([each.data["about"] for each in hook.taken], ["budget_exhausted"], "what was told")
        jsonschema.validate(json.loads(hook.taken[0].body), SCHEMA)
        data = hook.taken[0].data
        equal((data["stage"], data["used_ms"], data["budget_ms"]), ("restrict", 31 * 60_000, 30 * 60_000), "data")
        check("the 30 minutes of transcription" in data["text"], data["text"])


def what_is_true_of_a_user_no_more_is_not_told(engine):
    """Behind a kill switch: budgets without their stage, exempt users, a stage that was left and came back."""
    sent = "send: [stage, budget_low, budget_exhausted, exemption_ended]"
    with WebhookStub() as hook:
        deployment(engine, hook, more=f"{FAST}, {sent}")
        users = ("cleared", "exempt", "kept")
        feed(engine, "1.ndjson", "".join(staged(user, 1, "restrict") for user in users) + staged("again", 1, "warning"))
        spent = {"ms": 31 * 60_000, "provider": "p"}
        feed(engine, "2.ndjson", "".join(line("stt", user, f"stt-{user}", now_ms(), spent) for user in users)
             + staged("again", 2, "none"))  # fmt: skip
        feed(engine, "3.ndjson", staged("cleared", 2, "none") + staged("again", 3, "warning")
             + admin("exempt", "ex", now_ms(), "exempt", on=True))  # fmt: skip
        equal(len(decided(engine, "budget_exhausted")), 3, "decisions about budgets")
        notifier = start(engine)
        wait_for_ends(engine, 8, notifier)
        stop(notifier)
        told = sorted((each["user"], each["about"], each.get("why", each["end"])) for each in ends_of(engine))
        exempt = "the user is exempt"
        equal(told, [
            ("again", "stage", "sent"),
            ("again", "stage", "the user came to the stage anew since"),
            ("cleared", "budget_exhausted", "the user is not at the budget's stage now"),
            ("cleared", "stage", "the user's stage is lower now"),
            ("exempt", "budget_exhausted", exempt),
            ("exempt", "stage", exempt),
            ("kept", "budget_exhausted", "sent"),
            ("kept", "stage", "sent"),
        ], "how notices ended")  # fmt: skip


def an_exemption_that_ends_is_told_where_it_is_asked_for(engine):
    with WebhookStub() as hook:
        deployment(engine, hook, more=FAST + ", send: [exemption_ended]")
        until = time_text(now_ms() + 1_500)
        running = engine.start("s", "-", clock="wall", stdin=subprocess.PIPE)
        running.stdin.write(admin("a", "exempt", now_ms(), "exempt", on=True, until=until).encode())
        running.stdin.flush()
        engine.wait_for_decisions("s", lambda lines: any(b'"exemption_ended"' in each for each in lines))
        notifier = start(engine)
        wait_for_ends(engine, 1, notifier)
        stop(notifier)
        engine.finish(running)
        equal(hook.wrong, [], "what the webhook found wrong")
        equal([each.data["about"] for each in hook.taken], ["exemption_ended"], "what was told")
        jsonschema.validate(json.loads(hook.taken[0].body), SCHEMA)
        check("the usual rules" in hook.taken[0].data["text"], hook.taken[0].data["text"])


def a_restart_says_nothing_twice(engine):
    with WebhookStub() as hook:
        deployment(engine, hook)
        feed(engine, "1.ndjson", "".join(staged(f"u{i}", 1, "warning") for i in range(30)))
        notifier = start(engine)
        wait_for_ends(engine, 30, notifier)
        stop(notifier)
        position = engine.path("s") / "notifier" / "position.json"
        check(position.exists(), "the position is saved")
        for forget in (False, True):
            if forget:
                position.unlink()
            # What a crash left of a line.
            with open(engine.path("s") / "notifier" / "sent.ndjson", "ab") as log:
                log.write(b'{"id":"ntf_')
            name = f"again-{forget}.ndjson"
            feed(engine, name, staged("u0", name, "throttle" if not forget else "restrict"))
            notifier = start(engine)
            wait_for_ends(engine, 31 + forget, notifier)
            equal(stop(notifier)["attempts"], 1, "requests after a restart")
        check_deliveries(engine, hook)
        equal(len(hook.seen), 32, "requests")
        good = json.loads(position.read_text())["cursor"]
        # Beyond the last decision nothing would ever be read.
        for wrong in ("", "ffffffff", "00", good[:-2], good + "00", "f" * len(good), good[:-8] + "ffffffff"):
            position.write_text(json.dumps({"cursor": wrong}))
            done = engine.call("notifier", "--config", "local.yaml", "--state", "s")
            equal(done.returncode, 1, f"exit code with a position of {wrong!r}")
            check(b"position.json is damaged, or of another store. Remove it" in done.stderr, done.stderr.decode())


def lines_that_are_not_its_own_are_passed_over(engine):
    with WebhookStub() as hook:
        deployment(engine, hook)
        feed(engine, "1.ndjson", staged("a", 1, "warning"))
        strange = '{"decision":5}\n{"decision":"0-1-1","id":null}\n{"decision":"9-9-9","id":"x","end":7}\n[]\nnull\n'
        engine.path("s/notifier").mkdir()
        engine.path("s/notifier/sent.ndjson").write_bytes(strange.encode() + b"\xff\xfe\n")
        notifier = start(engine)
        wait_until(lambda: hook.taken, "the notice")
        equal(stop(notifier)["sent"], 1, "notices that were sent")


def killed_anywhere_it_loses_nothing(engine):
    kills = int(os.environ.get("FAIRUSE_KILLS", "20"))
    draw = random.Random(17)
    stages = ["warning", "throttle", "restrict"]

    def fault_of(number, data):
        return draw.choice(["", "", "", "", "500", "cut", "cut_answer", "503"])

    with WebhookStub(fault_of=fault_of) as hook:
        deployment(engine, hook, more=FAST + ", concurrency: 3")
        users = [f"u{i}" for i in range(40)]
        feed(engine, "in.ndjson", "".join(staged(user, i, stages[i]) for i in range(3) for user in users))
        count = len(decided(engine))
        equal(count, 3 * len(users), "notifications")
        killed = 0
        while True:
            # Of what was not seen yet, some more.
            goal = len(hook.seen) + draw.randint(1, max(1, 2 * count // kills))
            notifier = start(engine)
            wait_until(lambda: len(hook.seen) >= goal or not notifier.runs() or len(ends_of(engine)) == count,
                       "more webhooks")  # fmt: skip
            check(notifier.runs(), f"the notifier ended: {notifier.errors().decode()}")
            if killed >= kills:
                # Before that a signal ends it as it ends any process.
                notifier.wait_for_line("notifying at")
                break
            notifier.kill()
            killed += 1
        wait_for_ends(engine, count, notifier)
        stop(notifier)
        # Whatever the webhook did with a repeat, the first that it took stand in order.
        check_deliveries(engine, hook)
        equal(len(ends_of(engine)), count, "one end for each notice")
        equal({each["end"] for each in ends_of(engine)}, {"sent"}, "ends")
        repeats = len(hook.taken) - count
        return f"{kills} kills, {count} notices, {len(hook.seen)} requests, {repeats} taken twice"


def a_thread_of_the_engine_does_the_same(engine):
    with WebhookStub(["500"]) as hook:
        deployment(engine, hook, more=FAST + ", with_engine: true")
        for turn, stage in enumerate(["warning", "throttle"]):
            running = engine.start("s", "-", clock="wall", stdin=subprocess.PIPE)
            running.stdin.write(staged("a", turn, stage).encode())
            running.stdin.flush()
            wait_for_ends(engine, turn + 1, running)
            code, said = engine.finish(running)
            equal(code, 0, f"exit code of the engine, which said {said}")
        check_deliveries(engine, hook)
        equal([each.data["stage"] for each in hook.seen], ["warning", "warning", "throttle"], "what was told")
        # Without a secret nobody can be told, and that was asked for.
        engine.write("hook.secret", "short")
        done = engine.call("run", "--config", "local.yaml", "--state", "s", "--input", "-", stdin=b"")
        equal(done.returncode, 2, f"exit code without a secret: {done.stderr.decode()}")
        check(b"hook.secret holds no webhook secret" in done.stderr, done.stderr.decode())


def it_tells_of_itself(engine):
    with WebhookStub(["500"]) as hook:
        deployment(engine, hook, more=FAST + ", listen: '127.0.0.1:0'")
        feed(engine, "in.ndjson", staged("a", 1, "warning"))
        notifier = start(engine)
        port = notifier.wait_for_line("/metrics on port").decode().split()[-1]
        wait_for_ends(engine, 1, notifier)

        def get(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                return answer.read().decode()

        equal(get("/livez"), "ok\n", "/livez")
        equal(get("/readyz"), "ok\n", "/readyz")
        figures = get("/metrics")
        for wanted in ('fairuse_notifier_notices_total{end="sent"} 1', 'fairuse_notifier_attempts_total{answer="2xx"} 1',
                       'fairuse_notifier_attempts_total{answer="other"} 1', "fairuse_notifier_waiting 0"):  # fmt: skip
            check(wanted in figures, f"{wanted} in {figures}")
        told = notifier.errors().decode()
        stop(notifier)
        check('"a"' not in figures and "stage-a" not in told, "no user in figures and log")


def what_cannot_run_says_why(engine):
    with WebhookStub() as hook:
        deployment(engine, hook)
        engine.write("past.ndjson", "".join(speech("a", f"h{i}", 1_767_225_600_000 + i * HOUR_MS, ms("1h")) for i in range(3)))
        engine.good_run("past", "past.ndjson")
        feed(engine, "in.ndjson", staged("a", 1, "warning"))
        engine.write("none.yaml", engine.path("local.yaml").read_text().split("notifier:")[0])
        engine.write("no-secret.yaml", engine.path("local.yaml").read_text().replace("secret_file: hook.secret, ", ""))
        engine.write("short.yaml", engine.path("local.yaml").read_text().replace("hook.secret", "short.secret"))
        engine.write("short.secret", "whsec_c2hvcnQ=")
        for config, state, code, said in [
            ("local.yaml", "nowhere", 2, "There is no store in nowhere"),
            ("local.yaml", "past", 2, "runs by `--clock events`"),
            ("none.yaml", "s", 2, "none.yaml has no section `notifier`"),
            ("no-secret.yaml", "s", 2, "name a file in notifier.secret_file, or set FAIRUSE_WEBHOOK_SECRET"),
            ("short.yaml", "s", 2, "short.secret holds no webhook secret: write whsec_"),
        ]:
            done = engine.call("notifier", "--config", config, "--state", state)
            equal(done.returncode, code, f"exit code with {config} and {state}: {done.stderr.decode()}")
            check(said in done.stderr.decode(), f"{said!r} in {done.stderr.decode()!r}")
            check("c2hvcnQ" not in done.stderr.decode(), "no secret is shown")
        check(not engine.path("nowhere").exists(), "nothing is made")
        equal(engine.call("notifier").returncode, 2, "exit code without a deployment")
        running = start(engine, config="no-secret.yaml", env={"FAIRUSE_WEBHOOK_SECRET": SECRET})
        wait_for_ends(engine, 1, running)
        done = engine.call("notifier", "--config", "local.yaml", "--state", "s")
        equal(done.returncode, 1, "exit code of a second notifier")
        check(b"is in use by another process" in done.stderr, done.stderr.decode())
        stop(running)
        equal(hook.wrong, [], "signatures by the variable's secret")


def preview_shows_every_message(engine):
    def shown(*arguments):
        done = engine.call("notifier", "preview", "--json", *arguments)
        equal(done.returncode, 0, f"exit code, which said {done.stderr.decode()}")
        return [json.loads(each) for each in done.stdout.splitlines()]

    equal(len(shown()), 18, "messages in two languages")
    german = shown("--locale", "de-CH")
    equal({each["locale"] for each in german}, {"de"}, "language")
    with WebhookStub() as hook:
        deployment(engine, hook)
        told = shown("--config", "local.yaml", "--locale", "en")
        check(all("Listener" in each["text"] + each["subject"] for each in told), "the deployment's name of the service")
        equal(hook.seen, [], "requests")
    text = engine.call("notifier", "preview", "--locale", "en").stdout.decode()
    check("--- en: warning, misuse\nSubject: A note about your use of Example\n\nHello,\n" in text, text)
    equal(text.count("Subject: "), 9, "messages")


CASES = [
    a_decision_reaches_the_webhook_in_the_user_s_language,
    every_fault_is_tried_again_under_one_id,
    a_long_answer_counts_as_taken,
    a_webhook_that_is_not_there_gets_it_when_it_comes,
    what_is_given_up_is_kept_whole,
    one_user_s_trouble_holds_up_nobody_else,
    nothing_is_said_under_the_kill_switch_nor_of_what_is_over,
    a_day_s_budget_is_told_where_it_is_asked_for,
    what_is_true_of_a_user_no_more_is_not_told,
    an_exemption_that_ends_is_told_where_it_is_asked_for,
    a_restart_says_nothing_twice,
    lines_that_are_not_its_own_are_passed_over,
    killed_anywhere_it_loses_nothing,
    a_thread_of_the_engine_does_the_same,
    it_tells_of_itself,
    what_cannot_run_says_why,
    preview_shows_every_message,
]

if __name__ == "__main__":
    main(CASES)
