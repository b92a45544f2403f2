#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`fairuse topics` and `fairuse run` against a broker with logins and ACLs, with exactly the rights that are printed.

usage: security_test.py FAIRUSE VERSION
"""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

from broker import ROOT, Broker, consume, produce

VERSION = sys.argv.pop(2)
FAIRUSE = sys.argv.pop(1)
# tools/kafka.d/secure.py says why.
SCRAM = not VERSION.startswith("4")
PARTITIONS = 2


def unsigned_token(user):
    """A JWT that nobody signed, as test brokers take it."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': user, 'iat': now, 'exp': now + 3600})}."


def speech(number):
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "test", "type": "fairuse.speech.v1",
        "subject": f"user-{number}", "time": started, "data": {"lane": "realtime", "ms": 1000},
    }  # fmt: skip


class Security(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(f"security_test_{os.getpid()}", VERSION, secure=True))
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.facts = cls.broker.status()["secure"]
        for user, facts in cls.facts["users"].items():
            cls.secret(f"{user}.password", facts["password"] + "\n")
            cls.secret(f"{user}.token", unsigned_token(user) + "\n")
        cls.secret("case.key", "0123456789abcdef0123456789abcdef\n")
        created = cls.topics("create", cls.config("admin", "tls"), "--inputs", "--partitions", str(PARTITIONS))
        assert created.returncode == 0, created.stdout + created.stderr
        cls.rights = cls.printed_rights(cls.config("alice", "plain"))
        for operations, resource in cls.rights:
            cls.broker.acl("alice", operations, resource)

    @classmethod
    def secret(cls, name, text):
        (cls.folder / name).write_text(text, encoding="ascii")

    @classmethod
    def config(cls, user, door, **changed):
        """The path of a deployment that comes in by `door`."""
        facts = cls.facts
        files = facts["users"].get(user) or facts["stranger"]
        listener, token, properties = {
            "plain": ("sasl_ssl", None, {"sasl.mechanism": "PLAIN"}),
            "scram": ("sasl_ssl", None, {"sasl.mechanism": "SCRAM-SHA-512"}),
            "tls": ("ssl", None, {
                "ssl.certificate.location": files["certificate"],
                "ssl.key.location": files["key"],
            }),
            "token": ("sasl_ssl", f"{user}.token", {"sasl.mechanism": "OAUTHBEARER"}),
        }[door]  # fmt: skip
        if door in ("plain", "scram"):
            properties |= {"sasl.username": user, "sasl.password_file": f"{user}.password"}
        properties |= {"security.protocol": listener, "ssl.ca.location": facts["ca"]}
        properties |= changed
        streams = {
            "kind": "kafka", "bootstrap": facts[listener], "instance": "one", "properties": properties,
            "transaction_timeout": "2s", "session_timeout": "4s", "abort_scan": "1s",
        }  # fmt: skip
        if token:
            streams["token_file"] = token
        path = cls.folder / f"{user}-{door}-{len(list(cls.folder.iterdir()))}.yaml"
        policies = {"live": str(ROOT / "config" / "policies" / "fair.yaml")}
        path.write_text(
            json.dumps({"enabled": True, "policies": policies, "case_key": {"file": "case.key"}, "streams": streams}),
            encoding="utf-8",
        )
        return path

    @staticmethod
    def fairuse(*arguments, timeout=120):
        program = [FAIRUSE, *map(str, arguments)]
        return subprocess.run(program, capture_output=True, text=True, timeout=timeout, check=False)

    @classmethod
    def topics(cls, verb, config, *options):
        return cls.fairuse("topics", verb, "--config", config, *options)

    @classmethod
    def printed_rights(cls, config):
        """`--print-acls` as (operations, resource) of tools/kafka."""
        done = cls.topics("check", config, "--print-acls")
        assert done.returncode == 0, done.stderr
        rights = []
        for line in done.stdout.splitlines():
            assert "--allow-principal 'User:alice'" in line, line
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

    @unittest.skipUnless(SCRAM, "Kafka 4 refuses SCRAM by Debian 12's librdkafka: tools/kafka.d/secure.py")
    def test_scram_is_enough(self):
        self.assert_sees_all(self.config("alice", "scram"))

    def test_a_certificate_is_enough(self):
        self.assert_sees_all(self.config("alice", "tls"))

    def test_a_token_from_a_file_is_enough(self):
        self.assert_sees_all(self.config("alice", "token"))

    def test_who_has_no_rights_sees_nothing(self):
        for door in ("plain", "tls", "token"):
            self.assert_refused(self.config("bob", door), "is not visible to this user")

    def test_who_has_no_rights_creates_nothing(self):
        done = self.topics("create", self.config("bob", "tls"), "--inputs", "--partitions", "2")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("as an administrator", done.stderr)

    def test_the_engine_does_not_run_without_rights(self):
        done = self.fairuse("run", "--config", self.config("bob", "tls"), "--state", self.folder / "bob", "--until-end")
        self.assertIn(done.returncode, (1, 2), done.stdout + done.stderr)
        self.assertRegex(done.stderr, "(?i)authori[sz]|there is no topic")

    def test_a_wrong_password_and_a_stranger_are_told_why(self):
        self.secret("wrong", "guessed")
        self.assert_refused(self.config("alice", "plain", **{"sasl.password_file": "wrong"}), "Authentication failed")
        self.assert_refused(self.config("nobody", "tls"), "does not answer.*(certificate|SSL|handshake|closed)")

    def test_no_secret_is_ever_printed(self):
        for config in (self.config("alice", "plain"), self.config("alice", "token")):
            done = self.topics("check", config)
            for secret in (self.facts["users"]["alice"]["password"], unsigned_token("alice")[:60]):
                self.assertNotIn(secret, done.stdout + done.stderr)

    def test_the_engine_runs_with_the_printed_rights_by_every_door(self):
        doors = ["plain", "tls", "token"] + (["scram"] if SCRAM else [])
        for number, door in enumerate(doors):
            event = speech(number)
            # Who comes in by the open listener is a super user.
            produce(self.broker.bootstrap, "fairuse.events.v1", f"{event['subject']}\t{json.dumps(event)}",
                    "-K", "\t", "-X", "partitioner=murmur2")  # fmt: skip
            done = self.fairuse("run", "--config", self.config("alice", door), "--state", self.folder / "state",
                                "--until-end", "--json")  # fmt: skip
            self.assertEqual(done.returncode, 0, f"{door}: {done.stderr}")
            told = json.loads(done.stdout)
            self.assertEqual((told["records"], told["dead_letters"]), (1, 0), f"{door}: {done.stderr}")
        self.assertGreaterEqual(len(consume(self.broker.bootstrap, "fairuse.journal.v1", "-f", "%o\n")), len(doors))


if __name__ == "__main__":
    unittest.main()
