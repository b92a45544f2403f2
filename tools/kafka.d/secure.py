# SPDX-License-Identifier: Apache-2.0
"""What makes a cluster secure for tests: certificates by openssl, listeners with SASL and TLS, ACLs with super users.

The listener PLAINTEXT stays open to tools/kafka itself and to tests that read everything: a client of it is
User:ANONYMOUS, a super user. All others have names, and may do only what an ACL allows.

SCRAM of librdkafka before 2.6.1 (Debian 12 has 2.0.2) repeats its nonce in the last message; Kafka 3.9 lets that pass,
Kafka 4 refuses it as "invalid credentials", whatever the password. OAUTHBEARER takes unsigned tokens: for tests only.
"""

import subprocess

from install import command

LISTENERS = ["SASL_PLAINTEXT", "SASL_SSL", "SSL"]
MECHANISMS = ["SCRAM-SHA-512", "PLAIN", "OAUTHBEARER"]
ADMIN = "admin"
DAYS = "3650"


def openssl(folder, *arguments):
    subprocess.run(
        [command("openssl", "openssl"), *arguments],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True,
    )  # fmt: skip


def make_authority(folder, name):
    openssl(
        folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", DAYS,
        "-subj", f"/CN=fairuse test {name}", "-keyout", f"{name}.key", "-out", f"{name}.pem",
    )  # fmt: skip


def make_certificate(folder, authority, name, extension):
    """<name>.pem and <name>.key, for the principal User:<name>."""
    (folder / f"{name}.extension").write_text(extension + "\n", encoding="ascii")
    openssl(
        folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.request",
    )  # fmt: skip
    openssl(
        folder, "x509", "-req", "-in", f"{name}.request", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
        "-CAcreateserial", "-days", DAYS, "-extfile", f"{name}.extension", "-out", f"{name}.pem",
    )  # fmt: skip
    (folder / f"{name}.request").unlink()
    (folder / f"{name}.extension").unlink()


def make_certificates(folder, users):
    """One authority for the server and the users, and a `stranger` of an authority that no broker trusts."""
    make_authority(folder, "ca")
    make_certificate(folder, "ca", "server", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth")
    for user in users:
        make_certificate(folder, "ca", user, "extendedKeyUsage=clientAuth")
    make_authority(folder, "other-ca")
    make_certificate(folder, "other-ca", "stranger", "extendedKeyUsage=clientAuth")
    # Kafka wants the server's key and certificate in one file.
    key, certificate = (folder / "server.key").read_text("ascii"), (folder / "server.pem").read_text("ascii")
    (folder / "server-store.pem").write_text(key + certificate, encoding="ascii")


def properties(folder, users):
    """Server properties for the listeners of LISTENERS."""
    passwords = " ".join(f'user_{name}="{password}"' for name, password in users.items())
    modules = "org.apache.kafka.common.security"
    result = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{ADMIN}",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "server-store.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder / "ca.pem",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        "listener.name.ssl.ssl.client.auth": "required",
    }
    for listener in ("sasl_plaintext", "sasl_ssl"):
        prefix = f"listener.name.{listener}"
        result[f"{prefix}.plain.sasl.jaas.config"] = f"{modules}.plain.PlainLoginModule required {passwords};"
        result[f"{prefix}.scram-sha-512.sasl.jaas.config"] = f"{modules}.scram.ScramLoginModule required;"
        bearer = f'{modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="{ADMIN}";'
        result[f"{prefix}.oauthbearer.sasl.jaas.config"] = bearer
    return result


def describe(folder, users, nodes):
    addresses = {name.lower(): ",".join(f"127.0.0.1:{node.ports[name]}" for node in nodes) for name in LISTENERS}

    def files(name):
        return {"certificate": str(folder / f"{name}.pem"), "key": str(folder / f"{name}.key")}

    return {
        **addresses,
        "ca": str(folder / "ca.pem"),
        "mechanisms": MECHANISMS,
        "users": {name: {"password": password, **files(name)} for name, password in users.items()},
        "stranger": files("stranger"),
    }
