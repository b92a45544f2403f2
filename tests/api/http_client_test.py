#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client against a server that answers with every fault, through a proxy, and over TLS.

usage: http_client_test.py HTTP_DRIVER
"""

import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import run  # noqa: E402

DRIVER = None
CLEAN = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
DATE = "Wed, 01 Jan 2025 10:00:00 GMT"
LATER = "Wed, 01 Jan 2025 10:01:30 GMT"


class Server(http.server.ThreadingHTTPServer):
    """Answers by the path; keeps what it was asked. `leave`: slow answers end at once."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler, context=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.asked = []
        self.leave = threading.Event()
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that leaves is what is tested."""

    def close(self):
        self.leave.set()
        self.shutdown()
        self.server_close()

    def url(self, path, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.server_address[1]}{path}"


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response_only(status)
        for name, value in {"Date": DATE, "Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        word, _, rest = self.path.partition("?")[0].strip("/").partition("/")
        getattr(self, f"answer_{word}")(rest, body)

    def answer_echo(self, _, body):
        self.answer(200, body, Content_Type="text/plain")

    def answer_status(self, status, _):
        self.answer(int(status), b"of a status")

    def answer_retry(self, value, _):
        self.answer(429, Retry_After=value.replace("%20", " "))

    def answer_redirect(self, _, body):
        self.answer(307, Location=self.server.url("/echo"))

    def answer_silence(self, _, body):
        self.server.leave.wait(60)
        self.close_connection = True

    def answer_cut(self, _, body):
        self.answer(200, b"half", Content_Length=1_000)
        self.close_connection = True

    def answer_nothing(self, _, body):
        self.close_connection = True

    def answer_noise(self, _, body):
        self.wfile.write(b"no HTTP at all, secret-of-the-server\r\n\r\n")
        self.close_connection = True

    def answer_large(self, size, _):
        self.answer(200, b"x" * int(size))


class Proxy(http.server.BaseHTTPRequestHandler):
    """Forwards to one server whatever the address says, by tunnel or as it is."""

    def log_message(self, *words):
        pass

    def do_CONNECT(self):
        self.server.asked.append(("CONNECT " + self.path, dict(self.headers), b""))
        if self.path.startswith("refused"):
            self.send_error(403)
            return
        with socket.create_connection(self.server.target) as other:
            self.send_response(200)
            self.end_headers()
            there = threading.Thread(target=self.carry, args=(self.connection, other), daemon=True)
            there.start()
            self.carry(other, self.connection)

    @staticmethod
    def carry(come, go):
        try:
            while data := come.recv(65_536):
                go.sendall(data)
            go.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def do_POST(self):
        self.server.asked.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b"by the proxy!")


def make_certificate(folder, name, host):
    """A certificate that signed itself, and its key."""
    files = [folder / f"{name}.pem", folder / f"{name}.key"]
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext",
        f"subjectAltName=DNS:{host}", "-out", files[0], "-keyout", files[1], code=0)  # fmt: skip
    return files


class HttpClient(unittest.TestCase):
    def setUp(self):
        self.server = self.serve(Answers)

    def serve(self, handler, context=None):
        server = Server(handler, context)
        self.addCleanup(server.close)
        return server

    def ask(self, *requests, options=(), environment=None, code=0):
        """The answers by ticket, and all lines in the order in which they came."""
        text = "".join(json.dumps(each) + "\n" for each in requests)
        done = run(DRIVER, *options, input=text, env=CLEAN | (environment or {}), code=code)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {line["ticket"]: line for line in lines if "ticket" in line}, lines, done.stderr

    def one(self, path, **more):
        url = path if "://" in path else self.server.url(path)
        return self.ask({"url": url, **more})[0][1]

    def test_a_request_arrives_whole_and_so_does_its_answer(self):
        body = "ä\0 and a line\nanother" * 100_000
        got = self.one("/echo?a=b", body=body, headers=["Content-Type: application/json", "X-One: two"],
                       answer_bytes_max=10_000_000)  # fmt: skip
        self.assertEqual((got["fault"], got["status"], got["error"]), ("none", 200, ""))
        self.assertEqual(got["body"], body)
        path, headers, asked = self.server.asked[0]
        self.assertEqual((path, asked), ("/echo?a=b", body.encode()))
        self.assertEqual((headers["X-One"], headers["Content-Type"]), ("two", "application/json"))
        self.assertNotIn("Expect", headers)
        self.assertNotIn("retry_after_ms", got)

    def test_a_status_is_an_answer(self):
        for status in (204, 400, 401, 404, 408, 409, 422, 429, 500, 503):
            with self.subTest(status):
                got = self.one(f"/status/{status}")
                self.assertEqual((got["fault"], got["status"], got["error"]), ("none", status, ""))

    def test_retry_after_is_read_in_both_forms(self):
        cases = {"0": 0, "7": 7_000, LATER: 90_000, DATE: 0, "4000000000": 366 * 86_400_000}
        for value, wanted in cases.items():
            with self.subTest(value):
                self.assertEqual(self.one("/retry/" + value.replace(" ", "%20"))["retry_after_ms"], wanted)
        for value in ("-1", "soon", "1.5", "99999999999999999999"):
            with self.subTest(value):
                self.assertNotIn("retry_after_ms", self.one("/retry/" + value))

    def test_no_redirect_is_followed(self):
        got = self.one("/redirect")
        self.assertEqual((got["fault"], got["status"]), ("none", 307))
        self.assertEqual([path for path, _, _ in self.server.asked], ["/redirect"])

    def test_each_fault_has_its_name_and_says_where(self):
        port = self.server.server_address[1]
        for path, fault in (("/cut", "broken_off"), ("/nothing", "broken_off"), ("/noise", "broken_off"),
                            ("/large/70000", "too_large")):  # fmt: skip
            with self.subTest(path):
                got = self.one(path, answer_bytes_max=65_536, headers=["Authorization: Bearer secret-of-ours"])
                self.assertEqual((got["fault"], got["body"]), (fault, ""))
                self.assertIn(f"127.0.0.1:{port}: ", got["error"])
                self.assertNotIn("secret", got["error"])
        self.assertEqual(self.one("/large/65536", answer_bytes_max=65_536)["fault"], "none")

    def test_what_cannot_be_reached_says_so(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
            got = self.one(url)
        self.assertEqual((got["fault"], got["status"]), ("unreachable", 0))
        self.assertIn("onnect", got["error"])
        for url in ("http://no-such-host.invalid/", "file:///etc/hostname", "ftp://127.0.0.1/x", "", "http://[1/", "x y"):
            with self.subTest(url):
                got = self.one(url if "://" in url else f"{url}://" if url else "://")
                self.assertEqual((got["fault"], got["status"], got["body"]), ("unreachable", 0, ""))
                self.assertTrue(got["error"])

    def test_one_slow_answer_does_not_hold_up_others(self):
        slow = {"url": self.server.url("/silence")}
        fast = [{"url": self.server.url("/echo"), "body": str(number)} for number in range(50)]
        with subprocess.Popen([DRIVER, "", ""], env=CLEAN, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as driver:  # fmt: skip
            driver.stdin.write("".join(json.dumps(each) + "\n" for each in (slow, *fast, slow)))
            driver.stdin.close()
            answers = [json.loads(driver.stdout.readline()) for _ in fast]
            self.server.leave.set()
            last = [json.loads(line) for line in driver.stdout]
        self.assertEqual({each["ticket"]: each["body"] for each in answers}, {n + 2: str(n) for n in range(50)})
        self.assertEqual({each["ticket"]: each["fault"] for each in last}, {1: "broken_off", 52: "broken_off"})

    def test_an_answer_that_does_not_come_ends_with_its_time(self):
        got = self.one("/silence", timeout_ms=200)
        self.assertEqual((got["fault"], got["status"]), ("timed_out", 0))
        self.assertIn("no answer within 200 ms", got["error"])

    def test_another_thread_ends_a_wait(self):
        _, lines, _ = self.ask({"url": self.server.url("/silence"), "timeout_ms": 300}, {"wake": True}, {"wake": True})
        self.assertEqual(lines[0], {"woken": True, "ended": 0})
        self.assertEqual([line.get("fault") for line in lines], [None, None, "timed_out"])

    def test_a_proxy_is_used_if_the_options_or_the_environment_say_so(self):
        proxy = self.serve(Proxy)
        request = {"url": "http://model.invalid/v1", "body": "asked"}
        for options, environment in (((proxy.url(""),), {}), ((), {"http_proxy": proxy.url("")})):
            with self.subTest(options):
                got = self.ask(request, options=options, environment=environment)[0][1]
                self.assertEqual((got["status"], got["body"]), (200, "by the proxy!"))
                self.assertEqual(proxy.asked.pop()[0::2], ("http://model.invalid/v1", b"asked"))
        got = self.ask(request, environment={"http_proxy": proxy.url(""), "no_proxy": "model.invalid"})[0][1]
        self.assertEqual((got["fault"], proxy.asked), ("unreachable", []))

    def test_only_a_trusted_certificate_of_the_right_name_is_spoken_to(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            mine, key = make_certificate(folder, "mine", "model.invalid")
            other, _ = make_certificate(folder, "other", "model.invalid")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(mine, key)
            server = self.serve(Answers, context)
            proxy = self.serve(Proxy)
            proxy.target = server.server_address
            request = {"url": "https://model.invalid/echo", "body": "asked"}
            got = self.ask(request, options=(proxy.url(""), mine))[0][1]
            self.assertEqual((got["fault"], got["status"], got["body"]), ("none", 200, "asked"), got)
            self.assertEqual(proxy.asked[0][0], "CONNECT model.invalid:443")
            for options in ((proxy.url(""), other), (proxy.url(""),)):
                got = self.ask(request, options=options)[0][1]
                self.assertEqual((got["fault"], got["status"], got["body"]), ("tls", 0, ""), got)
                self.assertIn("model.invalid:443: ", got["error"])
            wrong_name = server.url("/echo", host="localhost", scheme="https")
            self.assertEqual(self.ask({"url": wrong_name}, options=("", mine))[0][1]["fault"], "tls")
            refused = {"url": "https://refused.invalid/echo"}
            got = self.ask(refused, options=(proxy.url(""), mine))[0][1]
            self.assertEqual((got["fault"], got["status"]), ("unreachable", 0), got)
            self.assertEqual(len(server.asked), 1)

    def test_options_that_cannot_work_are_refused_at_the_start(self):
        with tempfile.NamedTemporaryFile(suffix=".pem") as empty:
            self.assertIn("no certificate in it", self.ask(options=("", empty.name), code=2)[2])
        self.assertIn("no-such-file", self.ask(options=("", "no-such-file.pem"), code=2)[2])
        self.assertIn("write it as http://host:port", self.ask(options=("http://:80:x",), code=2)[2])


if __name__ == "__main__":
    DRIVER = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
