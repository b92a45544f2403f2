#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what, over HTTP: each role at each operation, and tokens that others made.

usage: roles_test.py PROGRAM
"""

import json
import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, token_line, token_of  # noqa: E402
from support.jwt import Key, encoded, hmac_token  # noqa: E402
from support.listener import now  # noqa: E402
from support.local_mode import Engine  # noqa: E402
from support.openapi import operations  # noqa: E402
from support.process import ROOT  # noqa: E402

PROGRAM = None
ROLES = re.search(r"role_names\{([^}]*)\}", (ROOT / "api/identity/role.hpp").read_text(encoding="utf-8")).group(1)
ROLES = re.findall(r'"(\w+)"', ROLES)
# Of each operation and each example of its request: who may, and what they get. All others get 403, who is nobody 401.
ROWS = {
    ("sendEvents", "speech"): {"producer": 202},
    ("sendEvents", "stt"): {"producer": 202},
    ("sendEvents", "account"): {"producer": 202},
    ("sendEvents", "conversation"): {"producer": 202},
    ("sendEvents", "review"): {"reviewer": 202},
    ("sendEvents", "batch"): {"producer": 202},
    ("sendEvents", "binary"): {"producer": 202},
    ("askGate", "example"): {"gateway": 200},
    ("showStatus", ""): {"user": 200},
    ("showOpenapi", ""): {who: 200 for who in (*ROLES, "nobody", "stranger")},
}
# What is of the token's own user: the path with another one's id, which changes nothing.
OWN = {"showStatus": "/v1/fair-use/status?uid=u-2&user=u-2"}
BINARY = {"ce-specversion": "1.0", "ce-id": "s-3", "ce-source": "phone", "ce-type": "fairuse.speech.v1",
          "ce-subject": "u-17", "ce-time": now().isoformat()}  # fmt: skip
LOGIN = {"iss": "https://login.example/", "aud": "fairuse"}


def happening_now(value):
    """Events that would not be too old."""
    if isinstance(value, list):
        return [happening_now(each) for each in value]
    return value | {"time": now().isoformat()} if "time" in value else value


def requests():
    """(operation, example's name, media type, value) of all that the description has."""
    for each in operations():
        examples = list(each.examples()) or [(None, "", None)]
        for media, name, value in examples:
            yield each, name, media, happening_now(value) if value else value


class Roles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = cls.enterClassContext(Engine(PROGRAM))
        cls.key, cls.other = (Key(cls.engine.folder, name) for name in ("one", "other"))
        second = Key(cls.engine.folder, "two")
        cls.engine.write("keys.json", json.dumps({"keys": [cls.key.public(), second.public()]}))
        lines = [token_line(each, each, uid="u-1" if each == "user" else None) for each in ROLES]
        cls.engine.write("tokens", "".join(lines))
        jwt = f"{{jwks: keys.json, issuer: '{LOGIN['iss']}', audience: {LOGIN['aud']}}}"
        cls.engine.deployment(more=f"api: {{tokens: tokens, jwt: {jwt}, limits: {{user: {{per_second: 0}}, staff: {{per_second: 0}}}}}}\n")
        cls.engine.write("in.ndjson", "")
        cls.process = cls.engine.start("state", "in.ndjson", "--listen", "127.0.0.1:0", clock="wall")
        cls.addClassCleanup(cls.process.kill)
        cls.api = Api(cls.process, token="none")
        cls.api.token = "gateway"
        cls.api.wait_for("u-1", lambda answer: not answer["degraded"], "the start")
        cls.api.token = "none"

    @classmethod
    def tearDownClass(cls):
        code, said = cls.engine.finish(cls.process)
        assert code == 0, said

    def claims(self, **more):
        """Of a gateway, good for a minute; None removes one."""
        given = {**LOGIN, "sub": "svc", "roles": ["gateway"], "exp": int(time.time()) + 60, **more}
        return {name: value for name, value in given.items() if value is not None}

    def ask(self, authorization=None, path="/v1/gate", body=None, **headers):
        named = {} if authorization is None else {"Authorization": authorization}
        question = {"uid": "u-1", "purpose": "upload", **(body or {})}
        return self.api.call("POST", path, question, headers={**named, **headers})

    def refused(self, what, token, reason="token_invalid"):
        with self.subTest(what):
            answer = self.ask(f"Bearer {token}")
            self.assertEqual((answer.status, answer.json()["reason"]), (401, reason))
            self.assertIn("invalid_token", answer.headers["www-authenticate"])

    def call(self, operation, example, media, value, who):
        """Who: a role by its token of the file, `jwt:` and a role, `nobody` or `stranger`."""
        headers = {"Content-Type": media} if media else {}
        headers |= BINARY if example == "binary" else {}
        if who.startswith("jwt:"):
            headers["Authorization"] = f"Bearer {self.key.token(self.claims(roles=[who.removeprefix('jwt:')]))}"
        elif who != "nobody":
            headers["Authorization"] = f"Bearer {token_of(who)}"
        return self.api.call(operation.method, operation.path, json.dumps(value) if media else None, headers=headers)

    def test_each_operation_has_a_row_and_says_the_same_of_its_roles(self):
        self.assertEqual({(each.id, name) for each, name, *_ in requests()}, set(ROWS), "of openapi.yaml and of ROWS")
        for each in operations():
            may = set().union(*(row for (id, _), row in ROWS.items() if id == each.id))
            with self.subTest(each.id):
                self.assertEqual(each.roles, may & set(ROLES) if "nobody" not in may else set())

    def test_each_role_gets_what_its_row_says(self):
        for operation, name, media, value in requests():
            row = ROWS[operation.id, name]
            for who in (*ROLES, *(f"jwt:{each}" for each in ROLES), "nobody", "stranger"):
                nobody = {"nobody": 401, "stranger": 401}
                wanted = row.get(who.removeprefix("jwt:"), nobody.get(who, 403))
                with self.subTest(f"{who}: {operation.id} {name}"):
                    answer = self.call(operation, name, media, value, who)
                    self.assertEqual(answer.status, wanted, answer.body)

    def test_what_is_of_ones_own_is_never_another_ones(self):
        described = {each.id for each in operations() if "user" in each.roles}
        self.assertEqual(described, set(OWN), "of openapi.yaml and of OWN")
        for id, path in OWN.items():
            headers = {"X-User": "u-2", "X-Roles": "user", "Cookie": "uid=u-2"}
            plain = self.api.call("GET", path.partition("?")[0], token="user")
            answer = self.api.call("GET", path, token="user", headers=headers)
            with self.subTest(id):
                self.assertEqual((plain.status, answer.status, answer.json()), (200, 200, plain.json()))

    def test_a_good_token_is_taken_and_a_clock_may_differ_by_a_minute(self):
        now = int(time.time())
        times = {}, {"exp": now - 30}, {"nbf": now + 30}, {"iat": now + 30}
        for more in (*times, {"aud": ["x", "fairuse"]}, {"roles": "x gateway"}):
            with self.subTest(str(more)):
                self.assertEqual(self.ask(f"Bearer {self.key.token(self.claims(**more))}").status, 200)
        self.assertEqual(self.ask(f"bearer {self.key.token(self.claims())}").status, 200, "in any case")

    def test_no_algorithm_but_that_of_the_key_is_taken(self):
        good = self.key.token(self.claims())
        signature = good.rpartition(".")[2]
        for name in ("none", "None", "NONE", "nOnE", "", "RS256 ", "rs256"):
            unsigned = f"{encoded(self.key.header(alg=name))}.{encoded(self.claims())}."
            self.refused(f"alg={name}", unsigned)
            self.refused(f"alg={name}, with a signature", unsigned + signature)
        jwk = json.dumps(self.key.public()).encode()
        secrets = {"PEM": self.key.pem, "modulus": self.key.modulus, "JWK": jwk, "nothing": b"", "kid": b"one"}
        for what, secret in secrets.items():
            for algorithm in "HS256", "RS256":
                forged = hmac_token(secret, self.claims(), self.key.header(alg=algorithm))
                self.refused(f"{algorithm}, {what} as the secret", forged)
        for algorithm, digest in ("RS384", "sha384"), ("RS512", "sha512"), ("PS256", "sha256"), ("ES256", "sha256"):
            self.refused(algorithm, self.key.token(self.claims(), self.key.header(alg=algorithm), digest))
        self.refused("another digest", self.key.token(self.claims(), digest="sha512"))

    def test_no_key_but_those_of_the_set_is_taken(self):
        jwk = self.other.public()
        own = {"jwk": jwk, "jku": "https://evil.example/keys", "x5u": "https://evil.example/c",
               "x5c": [encoded(self.other.pem)]}  # fmt: skip
        for name, value in ("kid", "one"), ("kid", "two"), ("kid", "other"), *own.items():
            self.refused(f"another key, with {name}", self.other.token(self.claims(), self.other.header(**{name: value})))
        texts = ("", "ONE", "one ", "../keys.json", "/dev/null", "' OR '1'='1", "one\0", "k" * 1_500)
        for kid in (*texts, 1, ["one"], {"one": 1}, True):
            self.refused(f"kid={str(kid)[:20]!r}", self.key.token(self.claims(), self.key.header(kid=kid)))
        self.refused("no kid, and two keys", self.key.token(self.claims(), self.key.header(kid=None)))
        self.refused("kid of the other key", self.key.token(self.claims(), self.key.header(kid="two")))

    def test_what_was_signed_is_what_counts(self):
        good = self.key.token(self.claims())
        header, payload, signature = good.split(".")
        raised = encoded(self.claims(roles=["gateway", "admin"]))
        for what, token in (
            ("another payload", f"{header}.{raised}.{signature}"), ("no signature", f"{header}.{payload}."),
            ("two parts", f"{header}.{payload}"), ("four parts", f"{good}.{signature}"), ("a cut signature", good[:-4]),
            ("padding", good + "=="), ("a dot more", good + "."), ("nothing", ".."),
            ("a longer signature", good + "AAAA"),
            ("other bits behind the signature", good[:-1] + ("B" if good[-1] != "B" else "C")),
            ("no base64url", good[:-2] + "+/"),
            ("an array", encoded([]) + good[good.index("."):]), ("no JSON", "AAAA" + good[good.index("."):]),
            ("too long", self.key.token(self.claims(more="x" * 10_000))),
        ):  # fmt: skip
            self.refused(what, token)

    def test_each_claim_is_looked_at(self):
        now = int(time.time())
        self.refused("over", self.key.token(self.claims(exp=now - 120)), "token_expired")
        for more in (
            {"exp": None}, {"exp": str(now + 60)}, {"exp": now * 1_000}, {"exp": -1}, {"exp": True}, {"exp": []},
            {"nbf": now + 120}, {"nbf": "0"}, {"iat": now + 120},
            {"aud": "other"}, {"aud": None}, {"aud": []}, {"aud": ["other"]}, {"aud": ["fairuse", 1]},
            {"aud": "fairuse "},
            {"iss": "https://login.example"}, {"iss": None}, {"iss": "https://evil.example/"}, {"iss": [LOGIN["iss"]]},
            {"roles": {"gateway": True}}, {"roles": [1]}, {"roles": True}, {"sub": None}, {"sub": ""}, {"sub": "*"},
            {"sub": 7},
            {"sub": "a\nb"}, {"sub": "s" * 251},
        ):  # fmt: skip
            self.refused(str(more)[:40], self.key.token(self.claims(**more)))
        for more in ({"roles": None}, {"roles": ["Gateway"]}, {"roles": "gateways"}, {"role": "gateway", "roles": "user"}):
            with self.subTest(str(more)):
                self.assertEqual(self.ask(f"Bearer {self.key.token(self.claims(**more))}").status, 403)

    def test_no_header_is_taken_that_others_could_read_otherwise(self):
        algorithms = {"alg": None}, {"alg": ["RS256"]}
        for more in ({"crit": ["exp"]}, {"crit": []}, {"typ": "logout+jwt"}, {"typ": 1}, *algorithms):
            self.refused(str(more), self.key.token(self.claims(), self.key.header(**more)))
        header, claims = json.dumps(self.key.header()), json.dumps(self.claims())
        twice = (
            ("alg twice", self.key.token(claims, '{"alg":"none",' + header[1:])),
            ("alg twice, escaped", self.key.token(claims, '{"\\u0061lg":"none",' + header[1:])),
            ("kid twice", self.key.token(claims, '{"kid":"two",' + header[1:])),
            ("roles twice", self.key.token('{"roles":["user"],' + claims[1:])),
            ("exp twice", self.key.token('{"exp":1,' + claims[1:])),
            ("exp twice, escaped", self.key.token('{"\\u0065xp":1,' + claims[1:])),
            ("text behind it", self.key.token(claims + "{}")),
            ("bad UTF-8", self.key.token(claims[:-1].encode() + b',"x":"\xff"}')),
        )
        for what, token in twice:
            self.refused(what, token)

    def test_a_token_counts_in_its_header_alone(self):
        good, plain = self.key.token(self.claims()), token_of("gateway")
        for token in good, plain:
            for answer in (
                self.ask(path=f"/v1/gate?access_token={token}"), self.ask(path=f"/v1/gate?token={token}"),
                self.ask(body={"access_token": token}), self.ask(Cookie=f"access_token={token}"),
                self.ask(**{"X-Api-Key": token}),
                self.ask(**{"Proxy-Authorization": f"Bearer {token}"}),
                self.ask(**{"X-User": "svc", "X-Roles": "gateway"}),
            ):  # fmt: skip
                self.assertEqual((answer.status, answer.json()["reason"]), (401, "token_missing"))
            for authorization in (
                token, f"Token {token}", f"Basic {token}", f"Bearer{token}", f"Bearer {token}, Bearer {token}",
                f"Bearer {token} x", f"Bearer\t{token}", "Bearer", "Bearer ",
            ):  # fmt: skip
                answer = self.ask(authorization)
                with self.subTest(authorization[:12]):
                    self.assertEqual(answer.status, 401, answer.body)
                    self.assertNotIn(token.encode(), answer.body)
        for cut in (plain[:-1], plain + "0", plain.upper(), plain[:-1] + "%30", "0" * 64, "A" * 43, "A" * 600):
            self.refused(f"{cut[:8]}, of {len(cut)} letters", cut)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
