#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nginx with examples/nginx/fairuse.conf: in front of a running engine, and of a server that shows what has come.
usage: nginx_test.py PROGRAM [CASE...]"""

import getpass
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Answer, Api, free_port, token_line, token_of  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.listener import line  # noqa: E402
from support.local_mode import main  # noqa: E402
from support.process import ROOT, Failure, Process, run, wait_until  # noqa: E402

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
EXAMPLE = (ROOT / "examples" / "nginx" / "fairuse.conf").read_text(encoding="utf-8")
TOKENS = token_line("gate", "gateway") + token_line("phone", "producer")
QUESTION = {"uid": "u-1", "purpose": "upload"}
# What stands around the example on Debian, in a folder of its own.
AROUND = """user {user};
pid nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path other;
  uwsgi_temp_path other;
  scgi_temp_path other;
  include fairuse.conf;
}}
"""


class Proxy:
    """nginx before a port of this machine."""

    def __init__(self, engine, upstream):
        check(NGINX, "this test needs nginx: run tools/setup, or apt-get install nginx")
        folder = engine.path("nginx")
        folder.mkdir()
        self.certificate = folder / "fairuse.crt"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", folder / "fairuse.key", "-out", self.certificate, code=0)  # fmt: skip
        self.port = free_port()
        text = EXAMPLE
        for theirs, ours in (("127.0.0.1:8080", f"127.0.0.1:{upstream}"), ("listen 443", f"listen 127.0.0.1:{self.port}"),
                             ("/etc/nginx", str(folder))):  # fmt: skip
            check(theirs in text, f"the example says {theirs}")
            text = text.replace(theirs, ours)
        (folder / "fairuse.conf").write_text(text, encoding="utf-8")
        (folder / "nginx.conf").write_text(AROUND.format(user=getpass.getuser()), encoding="utf-8")
        self.process = Process(NGINX, "-p", folder, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;")
        wait_until(self._listens, "nginx listens")

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        equal(self.process.stop(signal.SIGQUIT), 0, f"exit code of nginx, which said {self.process.tail()}")

    def _listens(self):
        if not self.process.runs():
            raise Failure(f"nginx ended: {self.process.tail()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def connect(self):
        trust = ssl.create_default_context(cafile=self.certificate)
        return http.client.HTTPSConnection("localhost", self.port, timeout=60, context=trust)

    def call(self, method, path, body=None, token="gate", headers=None, through=None):
        connection = through or self.connect()
        sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token_of(token)}"} if token else {})}
        connection.request(method, path, json.dumps(body) if isinstance(body, dict) else body, sent | (headers or {}))
        return Answer(connection.getresponse())


class Shown(http.server.ThreadingHTTPServer):
    """A server behind it that keeps what has come."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections, self.requests = 0, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def __exit__(self, *problem):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.requests.append((self.path, self.headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *words):
        pass


def start(engine, api="{tokens: tokens}"):
    engine.write("tokens", TOKENS)
    engine.deployment(more=f"api: {api}\n")
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE)
    process.stdin.write(line("first", "stt", {"ms": 1}).encode())
    process.stdin.flush()
    return process, Api(process)


def a_token_passes_and_an_identity_in_a_header_does_not(engine):
    proxies = "{addresses: [127.0.0.1], uid_header: X-User, roles_header: X-Roles}"
    process, api = start(engine, f"{{tokens: tokens, proxies: {proxies}}}")
    pretended = {"X-User": "svc", "X-Roles": "gateway"}
    equal(api.call("POST", "/v1/gate", QUESTION, "none", headers=pretended).status, 200, "status on the engine's own port")
    with Proxy(engine, api.port) as proxy:
        equal(proxy.call("POST", "/v1/gate", QUESTION).json()["answer"], "allow", "the answer to a token")
        equal(proxy.call("POST", "/v1/gate", QUESTION, token="stranger").status, 401, "status of a stranger")
        others = {"Fairuse-Forwarded": "1.c3Zj..Z2F0ZXdheQ.AAAA"}
        for headers in (pretended, {"x-user": "svc", "x-roles": "gateway"}, {"X_User": "svc", "X_Roles": "gateway"}, others):
            answer = proxy.call("POST", "/v1/gate", QUESTION, token=None, headers=headers)
            equal((answer.status, answer.json()["reason"]), (401, "token_missing"), f"answer to {headers}")
    equal(engine.finish(process)[0], 0, "exit code")


def all_operations_are_reached_and_nothing_else(engine):
    process, api = start(engine)
    document = (ROOT / "api" / "openapi.yaml").read_text(encoding="utf-8")
    operations = re.findall(r"^  (/\S+):\n    (get|post|put|delete):", document, re.M)
    # What watches the engine stands beside it.
    operations = [each for each in operations if not re.match(r"/(metrics|livez|readyz)", each[0])]
    check(len(operations) >= 3, f"operations are found: {operations}")
    trace = "0af7651916cd43dd8448eb211c80319c"
    with Proxy(engine, api.port) as proxy:
        for path, method in operations:
            path = re.sub(r"\{\w+\}", "x", path)
            answer = proxy.call(method.upper(), path, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
            equal(answer.headers.get("trace-id"), trace, f"the trace of {method} {path}, with status {answer.status}")
        tricks = ("/v1", "/v1x", "/v1/../metrics", "/v1/%2e%2e/metrics", "//metrics")
        for path in ("/", "/metrics", "/livez", "/readyz", *tricks):
            answer = proxy.call("GET", path)
            equal((answer.status, answer.headers.get("trace-id")), (404, None), f"status of {path}, and a trace of the engine")
    equal(engine.finish(process)[0], 0, "exit code")


def the_engine_may_be_gone_or_hang(engine):
    process, api = start(engine)
    gateway = (sys.executable, "-B", ROOT / "examples" / "gateway" / "gate_over_http.py", "u-1", "upload")
    with Proxy(engine, api.port) as proxy:
        environment = {"FAIRUSE_URL": f"https://localhost:{proxy.port}", "FAIRUSE_TOKEN": token_of("gate"),
                       "SSL_CERT_FILE": str(proxy.certificate)}  # fmt: skip
        equal(json.loads(run(*gateway, env=environment, code=0).stdout)["reason"], "none", "the answer through TLS")
        process.send(signal.SIGSTOP)
        hung = proxy.call("POST", "/v1/gate", QUESTION)
        equal(json.loads(run(*gateway, env=environment, code=0).stdout)["reason"], "no_answer", "the gateway's own answer")
        process.send(signal.SIGCONT)
        equal(engine.finish(process)[0], 0, "exit code")
        for answer in (hung, proxy.call("POST", "/v1/gate", QUESTION)):
            problem = answer.json()
            told = (answer.status, problem["reason"], answer.headers["retry-after"])
            equal(told, (503, "no_instance", "1"), "the answer for it")
            equal(answer.headers["content-type"], "application/problem+json", "content type")
            check(re.fullmatch(r"[0-9a-f]{32}", problem["trace_id"]), f"{problem} has a trace id")


def what_is_too_large_or_too_fast_stops_here(engine):
    with Shown() as behind, Proxy(engine, behind.server_port) as proxy:
        equal(proxy.call("POST", "/v1/events", b" " * (1 << 20)).status, 200, "a body as large as the engine takes")
        equal(proxy.call("POST", "/v1/events", b" " * ((1 << 20) + 1)).status, 413, "a larger one")
        equal(proxy.call("POST", "/v1/gate", QUESTION, headers={"X-Long": "x" * 9_000}).status, 400, "a long header")
        equal(len(behind.requests), 1, "requests that came through")
        statuses = [proxy.call("GET", "/v1/fair-use/status").status for _ in range(60)]
        check({200, 429} == set(statuses), f"one address guesses no tokens: {statuses}")
        equal(len(behind.requests), 1 + statuses.count(200), "requests that came through")
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as plain:
            plain.sendall(b"POST /v1/gate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            check(b" 400 " in plain.makefile("rb").readline(), "without TLS there is nothing")


def connections_to_the_engine_are_kept(engine):
    with Shown() as behind, Proxy(engine, behind.server_port) as proxy:
        through = proxy.connect()
        for number in range(20):
            headers = {"X-User": "svc", "X-Other": "o"}
            answer = proxy.call("POST", "/v1/gate", {"uid": f"u-{number}"}, through=through, headers=headers)
            equal(answer.status, 200, "status")
        equal((behind.connections, len(behind.requests)), (1, 20), "connections and requests")
        path, headers, body = behind.requests[-1]
        equal((path, json.loads(body)), ("/v1/gate", {"uid": "u-19"}), "what has come")
        equal((headers["Authorization"], headers["X-Other"]), (f"Bearer {token_of('gate')}", "o"), "headers that pass")
        check("X-User" not in headers and "Connection" not in headers, f"headers that do not: {headers}")


main([
    a_token_passes_and_an_identity_in_a_header_does_not,
    all_operations_are_reached_and_nothing_else,
    the_engine_may_be_gone_or_hang,
    what_is_too_large_or_too_fast_stops_here,
    connections_to_the_engine_are_kept,
])
