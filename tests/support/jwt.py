# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens as a login makes them, by the openssl command.

    key = Key(folder, "one")
    engine.write("keys.json", json.dumps({"keys": [key.public()]}))
    token = key.token({"iss": ..., "exp": ...})
"""

import base64
import hashlib
import hmac
import json
import subprocess


def encoded(content):
    """base64url of bytes, or of JSON."""
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def openssl(*words, given=b""):
    return subprocess.run(["openssl", *map(str, words)], input=given, capture_output=True, check=True, timeout=60).stdout


class Key:
    """Of RSA, 2,048 bits."""

    def __init__(self, folder, name):
        self.name = name
        self.file = folder / f"{name}.pem"
        openssl("genrsa", "-out", self.file, "2048")
        self.pem = openssl("rsa", "-in", self.file, "-pubout")
        modulus = openssl("rsa", "-in", self.file, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
        self.modulus = bytes.fromhex(modulus)

    def public(self):
        """As a set of keys has it."""
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.name, "n": encoded(self.modulus), "e": "AQAB"}

    def header(self, **more):
        """None removes a member."""
        given = {"alg": "RS256", "typ": "JWT", "kid": self.name, **more}
        return {name: value for name, value in given.items() if value is not None}

    def token(self, claims, header=None, digest="sha256"):
        """Both may be texts."""
        signed = f"{encoded(self.header() if header is None else header)}.{encoded(claims)}"
        return f"{signed}.{encoded(openssl('dgst', f'-{digest}', '-sign', self.file, given=signed.encode()))}"


def hmac_token(secret, claims, header):
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
