#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse topics`, `run`, `reviewer` and `notifier` against a broker with logins and ACLs, each with exactly the rights
that are printed for it.

usage: security_test.py FAIRUSE VERSION
"""

import base64
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker, consume, produce_events  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.kafka_mode import write_config  # noqa: E402
from support.listener import day, heartbeat  # noqa: E402
from support.people import ENVIRONMENT, sections  # noqa: E402
from support.process import ROOT, Process, run, wait_until  # noqa: E402
from support.records import scram_works  # noqa: E402
from support.traffic import ms, now_ms, speech  # noqa: E402
from support.webhook_stub import WebhookStub  # noqa: E402

VERSION = sys.argv.pop(2)
FAIRUSE = sys.argv.pop(1)
PARTITIONS = 2
POLICY = ROOT / "config" / "demo" / "ladder.yaml"


def unsigned_token(user):
    """A JWT without a signature, as test brokers take it."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': now, 'exp': now + 3600})}."


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        users = ("alice", "bob", "reviewer", "notifier")
        cls.broker = cls.enterClassContext(Broker(f"security_test_{os.getpid()}", VERSION, secure=True, users=users))
        cls.model = cls.enterClassContext(ChatStub(says="audiobook"))
        cls.hook = cls.enterClassContext(WebhookStub())
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.facts = cls.broker.status()["secure"]
        for user, facts in cls.facts["users"].items():
            cls.secret(f"{user}.password", facts["password"] + "\n")
            cls.secret(f"{user}.token", unsigned_token(user) + "\n")
        cls.secret("case.key", "0123456789abcdef0123456789abcdef\n")
        created = cls.topics("create", cls.config("admin", "tls"), "--inputs", "--partitions", str(PARTITIONS))
        assert created.returncode == 0, created.stdout + created.stderr
        for user, process in (("alice", "engine"), ("reviewer", "reviewer"), ("notifier", "notifier")):
            for operations, resource in cls.printed_rights(cls.config(user, "plain"), user, process):
                cls.broker.acl(user, operations, resource)

    @classmethod
    def secret(cls, name, text):
        (cls.folder / name).write_text(text, encoding="ascii")

    @classmethod
    def config(cls, user, login, **changed):
        """The path of a configuration that logs in by `login`."""
        facts = cls.facts
        files = facts["users"].get(user) or facts["stranger"]
        listener, properties = {
            "plain": ("sasl_ssl", {"sasl.mechanism": "PLAIN"}),
            "scram": ("sasl_ssl", {"sasl.mechanism": "SCRAM-SHA-512"}),
            "tls": ("ssl", {"ssl.certificate.location": files["certificate"], "ssl.key.location": files["key"]}),
            "token": ("sasl_ssl", {"sasl.mechanism": "OAUTHBEARER"}),
        }[login]
        if login in ("plain", "scram"):
            properties |= {"sasl.username": user, "sasl.password_file": f"{user}.password"}
        properties |= {"security.protocol": listener, "ssl.ca.location": facts["ca"], **changed}
        # Topics have their default names.
        streams = {"inputs": None, "outputs": None, "instance": "one", "properties": properties}
        streams |= {"transaction_timeout": "2s", "session_timeout": "4s", "abort_scan": "1s"}
        streams["token_file"] = f"{user}.token" if login == "token" else None
        path = cls.folder / f"{user}-{login}-{len(list(cls.folder.iterdir()))}.yaml"
        return write_config(path, facts[listener], "fairuse", live=POLICY, streams=streams,
                            case_key={"file": "case.key"}, **sections(cls.model, cls.hook))

    @staticmethod
    def fairuse(*arguments):
        return run(FAIRUSE, *arguments, env=ENVIRONMENT)

    @classmethod
    def topics(cls, verb, config, *options):
        return cls.fairuse("topics", verb, "--config", config, *options)

    @classmethod
    def printed_rights(cls, config, user, process):
        """`--print-acls` as (operations, resource) of tools/kafka."""
        done = cls.topics("check", config, "--print-acls", "--for", process)
        assert done.returncode == 0, done.stderr
        rights = []
        for line in done.stdout.splitlines():
            assert f"--allow-principal 'User:{user}'" in line, line
            assert "--cluster" not in line, line
            names = re.findall(r"--operation (\w+)", line)
            operations = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in names]
            kind, name = re.search(r"--(topic|group|transactional-id) (\S+)", line).groups()
            kind = "txn" if kind == "transactional-id" else kind
            prefix = "*" if "--resource-pattern-type prefixed" in line else ""
            rights.append((",".join(operations), f"{kind}:{name}{prefix}"))
        return rights

    def assert_sees_all(self, config):
        done = self.topics("check", config, "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        seen = json.loads(done.stdout)
        self.assertTrue(seen["ok"])
        self.assertEqual({topic["state"] for topic in seen["topics"]}, {"ok"}, seen["differences"])
        self.assertEqual({topic["partitions"] for topic in seen["topics"]}, {PARTITIONS})

    def assert_refused(self, config, why):
        done = self.topics("check", config)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout + done.stderr, why)

    def test_a_second_create_has_nothing_to_do(self):
        done = self.topics("create", self.config("admin", "plain"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Nothing to do", done.stdout)

    def test_a_password_over_tls_is_enough(self):
        self.assert_sees_all(self.config("alice", "plain"))

    def test_scram_is_enough_unless_kafka_4_meets_an_old_librdkafka(self):
        if scram_works(VERSION):
            self.assert_sees_all(self.config("alice", "scram"))
        else:
            self.assert_refused(self.config("alice", "scram"), "Authentication failed")

    def test_a_certificate_is_enough(self):
        self.assert_sees_all(self.config("alice", "tls"))

    def test_a_token_from_a_file_is_enough(self):
        self.assert_sees_all(self.config("alice", "token"))

    def test_a_user_without_rights_sees_nothing(self):
        for login in ("plain", "tls", "token"):
            self.assert_refused(self.config("bob", login), "is not visible to this user")

    def test_a_user_without_rights_creates_nothing(self):
        done = self.topics("create", self.config("bob", "tls"), "--inputs", "--partitions", "2")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("as an administrator", done.stderr)

    def test_the_engine_does_not_run_without_rights(self):
        done = self.fairuse("run", "--config", self.config("bob", "tls"), "--state", self.folder / "bob", "--until-end")
        self.assertIn(done.returncode, (1, 2), done.stdout + done.stderr)
        self.assertRegex(done.stderr, "(?i)authori[sz]|there is no topic")

    def test_a_wrong_password_and_a_foreign_certificate_are_refused_with_a_reason(self):
        self.secret("wrong", "guessed")
        self.assert_refused(self.config("alice", "plain", **{"sasl.password_file": "wrong"}), "Authentication failed")
        self.assert_refused(self.config("nobody", "tls"), "does not answer.*(certificate|SSL|handshake|closed)")

    def test_no_secret_is_ever_printed(self):
        for config in (self.config("alice", "plain"), self.config("alice", "token")):
            done = self.topics("check", config)
            for secret in (self.facts["users"]["alice"]["password"], unsigned_token("alice")[:60]):
                self.assertNotIn(secret, done.stdout + done.stderr)

    def test_the_engine_runs_with_the_printed_rights_by_every_login(self):
        logins = ["plain", "tls", "token"] + (["scram"] if scram_works(VERSION) else [])
        for number, login in enumerate(logins):
            # The open listener's user is a super user.
            event = speech(f"user-{number}", f"e{number}", now_ms() - ms("1m"), ms("1s"))
            produce_events(self.broker.bootstrap, "fairuse.events.v1", [event])
            done = self.fairuse("run", "--config", self.config("alice", login), "--state", self.folder / "state",
                                "--until-end", "--json")  # fmt: skip
            self.assertEqual(done.returncode, 0, f"{login}: {done.stderr}")
            told = json.loads(done.stdout)
            self.assertEqual((told["records"], told["dead_letters"]), (1, 0), f"{login}: {done.stderr}")
        self.assertGreaterEqual(len(consume(self.broker.bootstrap, "fairuse.journal.v1", "-f", "%o\n")), len(logins))

    def test_a_reviewer_and_a_notifier_run_with_the_rights_that_are_printed_for_each(self):
        def decide():
            done = self.fairuse("run", "--config", self.config("alice", "plain"), "--state", self.folder / "climb", "--until-end")
            self.assertEqual(done.returncode, 0, done.stderr)

        def beside(process, reached, what):
            words = [process, "--config", self.config(process, "plain"), "--state", self.folder / process]
            with Process(FAIRUSE, *words, env=ENVIRONMENT) as running:
                wait_until(reached, what)
                self.assertEqual(running.stop(), 0, running.tail())

        def has_verdict():
            words = consume(self.broker.bootstrap, "fairuse.events.v1", "-X", "isolation.level=read_committed", "-f", "%s\n")
            return any("fairuse.review.v1" in each for each in words)

        produce_events(self.broker.bootstrap, "fairuse.events.v1", [*day(), heartbeat(1)])
        decide()
        beside("reviewer", has_verdict, "the reviewer writes a verdict")
        decide()
        beside("notifier", lambda: self.hook.taken, "the notifier tells the webhook")
        self.assertEqual([each.data["stage"] for each in self.hook.taken], ["warning"])
        self.assert_sees_all(self.config("alice", "plain"))


if __name__ == "__main__":
    unittest.main()
