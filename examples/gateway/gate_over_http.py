#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway that asks fairuse over HTTP before it takes audio. Standard library only.

    export FAIRUSE_URL=http://127.0.0.1:8080 FAIRUSE_TOKEN=...    # roles gateway and, for streams, producer
    gate_over_http.py u-17 upload
    gate_over_http.py u-17 stream call-81 30000 30000             # a stream of two stretches, in ms

Whatever goes wrong, audio goes on: no answer in time is an answer that allows.
"""

import datetime
import functools
import http.client
import io
import json
import os
import socket
import sys
import time
import urllib.parse

ANSWER_WITHIN_S, TAKEN_WITHIN_S = 0.25, 2
# An instance that has been idle commits before it gives a lease; the question is asked before its audio comes.
LEASE_WITHIN_S = 1
ALLOW = {"answer": "allow", "reason": "no_answer", "degraded": True, "locked": False, "actions": {}}


class Until(io.RawIOBase):
    """What a socket says until an instant. Its own timeout begins anew with every byte."""

    def __init__(self, sock, deadline):
        super().__init__()
        self.sock, self.deadline = sock, deadline

    def readable(self):
        return True

    def readinto(self, into):
        self.sock.settimeout(left_until(self.deadline))
        return self.sock.recv_into(into)


class Response(http.client.HTTPResponse):
    def __init__(self, deadline, sock, *words, **more):
        super().__init__(sock, *words, **more)
        self.fp = io.BufferedReader(Until(sock, deadline))


def left_until(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


class Api:
    """One connection that stays open. Threads: one each."""

    def __init__(self, url, token):
        self.at = urllib.parse.urlsplit(url)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.connection = None

    def post(self, path, what, within_s, kind="application/json"):
        """What is answered; None: nothing, or an error, which is for the operator to see."""
        deadline = time.monotonic() + within_s
        # A connection that has lain idle may be closed by now: once more on a new one.
        for _ in range(2):
            try:
                return self.post_once(path, json.dumps(what), kind, deadline)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                print(f"{path}: {problem}", file=sys.stderr)
                self.close()
        return None

    def post_once(self, path, text, kind, deadline):
        if self.connection is None:
            make = http.client.HTTPSConnection if self.at.scheme == "https" else http.client.HTTPConnection
            self.connection = make(self.at.hostname, self.at.port, timeout=left_until(deadline))
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sock.settimeout(left_until(deadline))
        self.connection.response_class = functools.partial(Response, deadline)
        self.connection.request("POST", path, text, {**self.headers, "Content-Type": kind})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 202):
            print(f"{path} answered {answer.status}: {body.decode(errors='replace')}", file=sys.stderr)
            return None
        return json.loads(body)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def ask(api, uid, purpose, within_s=ANSWER_WITHIN_S, **more):
    return api.post("/v1/gate", {"uid": uid, "purpose": purpose, **more}, within_s) or ALLOW


def stream(api, uid, call, stretches_ms):
    """The answers for a stream. Each stretch is a session with a lease of its own, so that no two streams of the user
    spend the same minutes; it is shorter than a lease is valid, so it need not ask again. What a lease does not cover
    is another stretch."""
    unsent, left_ms, number = [], list(stretches_ms), 0
    while left_ms:
        session, planned_ms = f"{call}/{number}", left_ms.pop(0)
        answer = ask(api, uid, "stream", LEASE_WITHIN_S, session=session, planned_ms=planned_ms)
        yield answer
        if answer["answer"] == "refuse":
            return
        lease = answer.get("lease")
        granted_ms = min(planned_ms, lease["granted_ms"]) if lease else planned_ms
        if granted_ms < planned_ms:
            left_ms.insert(0, planned_ms - granted_ms)
        unsent.append(used(uid, session, transcribe(granted_ms), lease))
        number += 1
        # What is not taken is sent again with the next, under the same id: it counts once.
        if told := api.post("/v1/events", unsent, TAKEN_WITHIN_S, "application/cloudevents-batch+json"):
            unsent = []
            refused = [each for each in told["events"] if each["outcome"] not in ("accepted", "duplicate")]
            print(*refused, sep="\n", end="", file=sys.stderr)


def transcribe(ms):
    """Here is your STT; the ms that it used."""
    return ms


def used(uid, id, ms, lease):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    data = {"ms": ms, **({"lease": lease["id"]} if lease else {})}
    what = {"specversion": "1.0", "type": "fairuse.stt.v1", "source": "gateway-1", "id": id}
    return what | {"subject": uid, "time": now, "data": data}


def main():
    uid, purpose, *call = sys.argv[1:]
    api = Api(os.environ.get("FAIRUSE_URL", "http://127.0.0.1:8080"), os.environ.get("FAIRUSE_TOKEN", ""))
    for answer in stream(api, uid, call[0], map(int, call[1:])) if call else [ask(api, uid, purpose)]:
        print(json.dumps(answer))
    if answer["answer"] == "refuse":
        # What a gateway sends on to its own client.
        print(f"HTTP/1.1 429, Retry-After: {answer.get('retry_after_s', 60)}", file=sys.stderr)
    return 1 if answer["answer"] == "refuse" else 0


if __name__ == "__main__":
    sys.exit(main())
