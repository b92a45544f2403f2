#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A webhook of ours: keeps what it gets, checks the signatures, and has every fault.

    with WebhookStub(script=["500", "429=1", "cut"]) as hook:    # the first three requests; the others are taken
        ...                                                      # url: hook.url; what came: hook.seen
    webhook_stub.py [--port N] [--script FAULT,FAULT...] [--secret TEXT]     prints every message that it takes

Faults: a status (`500`), one with Retry-After in seconds (`429=1`), `slow=S` (answers late), `cut` (ends the connection
after it has read the request), `cut_answer` (in the middle of a 200), `redirect`, `huge` (a 200 with a long answer).
`GET /stub` tells how many requests and repeats there were.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import threading
from typing import NamedTuple

SECRET = "a-secret-of-the-tests-not-of-anybody"
HUGE_BYTES = 1 << 20


class Delivery(NamedTuple):
    """One request. `fault` is empty if it was taken."""

    id: str
    timestamp: str
    signature: str
    body: str
    fault: str

    @property
    def data(self):
        return json.loads(self.body)["data"]


def signature_of(secret, identity, timestamp, body):
    """As Standard Webhooks say, written down once more."""
    code = hmac.new(secret.encode(), f"{identity}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(code).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        """Quiet."""

    def do_GET(self):
        self.answer(200, json.dumps(self.server.told()))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if self.path != "/hook":
            self.server.elsewhere.append(self.path)
            return self.answer(200)
        return self.act(self.server.take(self.headers, body))

    def act(self, fault):
        word, _, value = fault.partition("=")
        if word == "slow":
            self.server.leave.wait(float(value or 30))
            self.answer(200)
        elif word == "cut":
            self.close_connection = True
        elif word == "cut_answer":
            self.answer(200, "not all of it", length=1_000)
            self.close_connection = True
        elif word == "redirect":
            self.answer(307, headers={"Location": "/elsewhere"})
        elif word == "huge":
            self.answer(200, "x" * HUGE_BYTES)
        elif word:
            self.answer(int(word), "no", {"Retry-After": value} if value else {})
        else:
            self.answer(204)

    def answer(self, status, text="", headers=None, length=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(text) if length is None else length))
        self.end_headers()
        self.wfile.write(text.encode())


class WebhookStub(http.server.ThreadingHTTPServer):
    """`script`: faults of the first requests in their order. `fault_of(delivery number, data)`: of those after them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, script=(), fault_of=None, secret=SECRET, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.script = list(script)
        self.fault_of = fault_of or (lambda number, data: "")
        self.secret = secret
        self.seen = []
        self.wrong = []
        self.elsewhere = []
        self.leave = threading.Event()
        self.on_taken = None
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def take(self, headers, body):
        """Keep one request; its fault."""
        identity, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split(" ")
        with self._lock:
            if signature_of(self.secret, identity, timestamp, body) not in signatures:
                self.wrong.append(f"signature of {identity}")
            if headers["content-type"] != "application/json":
                self.wrong.append(f"content type of {identity}")
            fault = self.script.pop(0) if self.script else self.fault_of(len(self.seen), json.loads(body)["data"])
            got = Delivery(identity, timestamp, headers["webhook-signature"], body, fault)
            self.seen.append(got)
            if not fault and self.on_taken:
                self.on_taken(got)
            return fault

    @property
    def taken(self):
        """What was answered with 204, in order."""
        with self._lock:
            return [each for each in self.seen if not each.fault]

    def told(self):
        with self._lock:
            ids = [each.id for each in self.seen]
            return {"requests": len(ids), "repeats": len(ids) - len(set(ids)), "wrong": self.wrong}

    def handle_error(self, request, client_address):
        """A client that leaves."""

    def __exit__(self, *problem):
        self.leave.set()
        self.shutdown()
        self.server_close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--script", default="", help="faults of the first requests, with commas between them")
    options.add_argument("--secret", type=pathlib.Path, help="file with the secret, as a text")
    given = options.parse_args()
    secret = given.secret.read_text(encoding="utf-8").strip() if given.secret else SECRET
    with WebhookStub([each for each in given.script.split(",") if each], secret=secret, port=given.port) as hook:
        print(hook.url, flush=True)

        def show(got):
            print(f"\n--- to {got.data['user']}: {got.data['subject']}\n\n{got.data['text']}", flush=True)

        hook.on_taken = show
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
