#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`tools/kafka start --secure`: who can log in by which listener, and what they may do there."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker, consume, kcat, produce  # noqa: E402
from support.records import scram_works  # noqa: E402

VERSION = sys.argv.pop(1)


class Logins:
    """kcat's arguments for each way to log in."""

    def __init__(self, broker):
        self.facts = broker.status()["secure"]

    def sasl(self, listener, user, mechanism, password=None):
        password = password or self.facts["users"][user]["password"]
        return [
            *self._properties(security_protocol=listener, ssl_ca_location=self.facts["ca"]),
            *self._properties(sasl_mechanism=mechanism, sasl_username=user, sasl_password=password),
        ]

    def token(self, user):
        return self._properties(
            security_protocol="sasl_plaintext",
            sasl_mechanism="OAUTHBEARER",
            enable_sasl_oauthbearer_unsecure_jwt="true",
            sasl_oauthbearer_config=f"principal={user}",
        )

    def certificate(self, files):
        return self._properties(
            security_protocol="ssl",
            ssl_ca_location=self.facts["ca"],
            ssl_certificate_location=files["certificate"],
            ssl_key_location=files["key"],
        )

    @staticmethod
    def _properties(**properties):
        return [part for key, value in properties.items() for part in ("-X", f"{key.replace('_', '.')}={value}")]


class Secure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(f"secure_test_{os.getpid()}", VERSION, secure=True))
        cls.broker.topic("orders")
        cls.broker.acl("alice", "read,write,describe", "topic:ord*")
        produce(cls.broker.bootstrap, "orders", "hello")
        cls.logins = Logins(cls.broker)

    def assert_reads(self, listener, login):
        self.assertEqual(consume(self.logins.facts[listener], "orders", *login), ["hello"])

    def assert_refused(self, listener, login, why):
        with self.assertRaisesRegex(AssertionError, why):
            kcat(self.logins.facts[listener], "-L", "-t", "orders", "-m", "2", *login)

    def test_a_password_is_enough_with_tls_and_without(self):
        self.assert_reads("sasl_plaintext", self.logins.sasl("sasl_plaintext", "alice", "PLAIN"))
        self.assert_reads("sasl_ssl", self.logins.sasl("sasl_ssl", "alice", "PLAIN"))

    def test_a_password_is_enough_with_scram_unless_kafka_4_meets_an_old_librdkafka(self):
        for listener in ("sasl_plaintext", "sasl_ssl"):
            login = self.logins.sasl(listener, "alice", "SCRAM-SHA-512")
            if scram_works(VERSION):
                self.assert_reads(listener, login)
            else:
                self.assert_refused(listener, login, "Authentication failed")

    def test_a_wrong_password_is_refused(self):
        for mechanism in ("PLAIN", "SCRAM-SHA-512"):
            login = self.logins.sasl("sasl_plaintext", "alice", mechanism, "guessed")
            self.assert_refused("sasl_plaintext", login, "Authentication failed")

    def test_a_token_is_enough(self):
        self.assert_reads("sasl_plaintext", self.logins.token("alice"))

    def test_a_certificate_of_our_authority_is_enough_and_another_s_is_refused(self):
        self.assert_reads("ssl", self.logins.certificate(self.logins.facts["users"]["alice"]))
        # librdkafka 2.8 does not send a certificate of an authority that the broker does not name.
        stranger = self.logins.certificate(self.logins.facts["stranger"])
        self.assert_refused("ssl", stranger, "certificate (unknown|required)")

    def test_a_user_may_only_do_what_an_acl_allows(self):
        with self.assertRaisesRegex(AssertionError, "authorization failed"):
            consume(self.logins.facts["ssl"], "orders", *self.logins.certificate(self.logins.facts["users"]["bob"]))
        self.assert_reads("ssl", self.logins.certificate(self.logins.facts["users"]["admin"]))


if __name__ == "__main__":
    unittest.main()
