#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Webhooks of `fairuse notifier` are verified by Standard Webhooks' own library, also while a secret is changed.

usage: signature_test.py PROGRAM [CASE...]
"""

import base64
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0]))
sys.path.insert(0, str(HERE))

import notifier_test as told  # noqa: E402

from support.checks import check, equal  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import run  # noqa: E402
from support.python_environment import python_environment  # noqa: E402
from support.webhook_stub import SECRET, WebhookStub  # noqa: E402

# Reads {"secret", "deliveries"} and prints for each whether it is verified.
VERIFIER = """
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
secret = given["secret"]
hook = Webhook(secret if secret.startswith("whsec_") else secret.encode())
for each in given["deliveries"]:
    headers = {"webhook-id": each["id"], "webhook-timestamp": each["timestamp"], "webhook-signature": each["signature"]}
    try:
        print(hook.verify(each["body"], headers) == json.loads(each["body"]))
    except WebhookVerificationError:
        print(False)
"""


def verified(secret, deliveries):
    folder = python_environment("standardwebhooks", HERE / "standardwebhooks-requirements.txt")
    given = json.dumps({"secret": secret, "deliveries": [each._asdict() for each in deliveries]})
    done = run(folder / "bin/python", "-c", VERIFIER, input=given, code=0)
    return [each == "True" for each in done.stdout.split()]


def deliveries_with(engine, secret_text, state):
    """Two notices, one of them tried twice, signed by what the file of the secret holds."""
    with WebhookStub(["500"]) as hook:
        told.deployment(engine, hook)
        engine.write("hook.secret", secret_text)
        told.feed(engine, f"{state}.ndjson", told.staged("ä-1", 1, "warning") + told.staged("b", 1, "throttle"), state)
        notifier = told.start(engine, state)
        told.wait_for_ends(engine, 2, notifier, state)
        told.stop(notifier)
        equal(len(hook.seen), 3, "requests")
        return list(hook.seen)


def every_form_of_a_secret_is_verified(engine):
    encoded = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    for number, secret in enumerate([SECRET, encoded]):
        seen = deliveries_with(engine, secret + "\n", f"s{number}")
        equal(verified(secret, seen), [True] * 3, f"verified with secret {number}")
        forged = [seen[0]._replace(body=seen[0].body.replace("ntf_", "ntf-")), seen[1]._replace(id="ntf_x"),
                  seen[2]._replace(timestamp=str(int(seen[2].timestamp) + 1))]  # fmt: skip
        equal(verified(secret, forged), [False] * 3, "verified though they were changed")


def while_a_secret_is_changed_both_verify(engine):
    old, new = "whsec_" + base64.b64encode(bytes(24)).decode(), "another-secret-that-is-new-today"
    seen = deliveries_with(engine, f"{new}\n{old}\n", "s")
    for secret in (old, new):
        equal(verified(secret, seen), [True] * 3, "verified")
    check(not any(verified(SECRET, seen)), "a third secret does not verify")


if __name__ == "__main__":
    main([every_form_of_a_secret_is_verified, while_a_secret_is_changed_both_verify])
