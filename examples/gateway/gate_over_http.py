#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gateway that asks fairuse over HTTP before it takes audio. Standard library only.

    FAIRUSE_URL=http://127.0.0.1:8080 FAIRUSE_TOKEN=... gate_over_http.py u-17 upload

Whatever goes wrong, audio goes on: no answer in time is an answer that allows.
"""

import functools
import http.client
import io
import json
import os
import socket
import sys
import time
import urllib.parse

ANSWER_WITHIN_S = 0.25
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


class Gate:
    """One connection that stays open. Threads: one each."""

    def __init__(self, url, token):
        self.at = urllib.parse.urlsplit(url)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = None

    def ask(self, uid, purpose, **more):
        question = json.dumps({"uid": uid, "purpose": purpose, **more})
        deadline = time.monotonic() + ANSWER_WITHIN_S
        # A connection that has lain idle may be closed by now: once more on a new one.
        for _ in range(2):
            try:
                return self.ask_once(question, deadline)
            except (OSError, http.client.HTTPException, ValueError) as problem:
                print(f"the gate does not answer: {problem}", file=sys.stderr)
                self.close()
        return ALLOW

    def ask_once(self, question, deadline):
        if self.connection is None:
            kind = http.client.HTTPSConnection if self.at.scheme == "https" else http.client.HTTPConnection
            self.connection = kind(self.at.hostname, self.at.port, timeout=left_until(deadline))
            self.connection.connect()
            self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sock.settimeout(left_until(deadline))
        self.connection.response_class = functools.partial(Response, deadline)
        self.connection.request("POST", "/v1/gate", question, self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            # A wrong token or question is for the operator to see; the user's audio goes on.
            print(f"the gate answered {answer.status}: {body.decode(errors='replace')}", file=sys.stderr)
            return ALLOW
        return json.loads(body)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


def main():
    uid, purpose = sys.argv[1:3]
    gate = Gate(os.environ.get("FAIRUSE_URL", "http://127.0.0.1:8080"), os.environ.get("FAIRUSE_TOKEN", ""))
    answer = gate.ask(uid, purpose)
    print(json.dumps(answer))
    if answer["answer"] == "refuse":
        # What a gateway sends on to its own client.
        print(f"HTTP/1.1 429, Retry-After: {answer.get('retry_after_s', 60)}", file=sys.stderr)
    return 1 if answer["answer"] == "refuse" else 0


if __name__ == "__main__":
    sys.exit(main())
