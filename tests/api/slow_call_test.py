#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One call to the model that takes very long keeps nobody else from being reviewed, however many come behind it.
usage: slow_call_test.py PROGRAM local|VERSION-OF-KAFKA"""

import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import listener  # noqa: E402
from support.broker import Broker  # noqa: E402
from support.chat_stub import ChatStub  # noqa: E402
from support.checks import equal  # noqa: E402
from support.people import Kafka, Local, live  # noqa: E402
from support.process import ROOT, wait_until  # noqa: E402
from support.webhook_stub import WebhookStub  # noqa: E402

PROGRAM, MODE = sys.argv[1:]
POLICY = ROOT / "config" / "demo" / "ladder.yaml"
# One at a time, so that the reviewer finds each alone: once, local mode took 64 such finds beyond an open request.
USERS = [f"user-{number:02}" for number in range(80)]


def strikes(deployment):
    return len(live(deployment.decisions(), "strike_added"))


def story(deployment, stub):
    deployment.start(listener.long_day("slow"))
    wait_until(lambda: len(stub.asked) == 1, "the first call is made")
    for number, user in enumerate(USERS, 2):
        deployment.send(listener.long_day(user))
        wait_until(lambda: len(stub.asked) == number, f"the call about {user} is made while the first one waits", 60)
    if MODE == "local":
        wait_until(lambda: strikes(deployment) == len(USERS), "their verdicts are taken")
    # On Kafka the verdicts of a partition are committed in the order of their requests.
    stub.leave.set()
    wait_until(lambda: strikes(deployment) == len(USERS) + 1, "every verdict is taken")
    deployment.stop()
    equal(len(stub.asked), len(USERS) + 1, "calls")
    deployment.verify()


with tempfile.TemporaryDirectory(prefix="fairuse-slow-") as name, \
        ChatStub(script=["slow=3600"], says="audiobook") as stub, WebhookStub() as hook:  # fmt: skip
    if MODE == "local":
        story(Local(PROGRAM, pathlib.Path(name), stub, hook, POLICY), stub)
    else:
        with Broker(f"slow_{MODE}_{os.getpid()}", version=MODE) as broker:
            story(Kafka(PROGRAM, pathlib.Path(name), stub, hook, POLICY, broker), stub)
