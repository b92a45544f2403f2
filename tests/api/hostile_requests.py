# SPDX-License-Identifier: Apache-2.0
"""Requests that no good client sends, drawn from a seed.

    for each in draw_requests(seed, 10_000, token): each.bytes, each.may, each.ends
"""

import base64
import datetime
import gzip
import json
import random
import string
from typing import NamedTuple

# The path of what is hidden in other requests; no answer may name it.
HIDDEN = "/smuggled"
NOTHING = 0
REFUSED = {400}
# After the last byte: the end of what is sent, an open connection, the end of all, or an abort.
HALF, OPEN, CLOSE, ABORT = "half", "open", "close", "abort"


class Hostile(NamedTuple):
    kind: str
    bytes: bytes
    # Statuses of its answers; NOTHING: it may end without one.
    may: set
    ends: str = HALF
    answers_max: int = 1


def head(line, *headers):
    return "\r\n".join([line, "Host: api", *headers, "", ""]).encode("latin-1")


def zipped(content):
    return gzip.compress(content, mtime=0)


QUESTION = b'{"uid":"u-1","purpose":"upload"}'
EVENT = {"specversion": "1.0", "id": "h", "source": "hostile", "type": "fairuse.stt.v1", "subject": "u-2",
         "time": datetime.datetime.now(datetime.timezone.utc).isoformat(), "data": {"ms": 1}}  # fmt: skip
INNER = f"GET {HIDDEN} HTTP/1.1\r\nHost: api\r\n\r\n".encode()
BOMB = zipped(bytes(9 << 20))
PATHS = [
    "/..", "/v1/../v1/gate", "/v1/./gate", "/%2e%2e/etc/passwd", "/v1%2fgate", "/v1/gate%00", "/v1/gate%0d%0aX:1",
    "/%", "/%zz", "/%ff", "/%c0%ae%c0%ae/", "/%ed%a0%80", "//v1/gate", "/v1//gate", "/v1/gate/", "/v1/gate/..",
    "/V1/GATE", "/v1/gate;a=b", "/v1/gate.json", "/openapi.yaml/", "/openapi.yaml%20", "/./openapi.yaml",
    "/openapi.yaml/../tokens", "/tokens", "/%2e/tokens", "*", "api:80", "http://api/v1/gate", "//evil.example/",
    "\\v1\\gate", "/v1/gate#x", "v1/gate", "/v1/events/%2e%2e/gate", "/v1/{x}", "/${jndi:x}", "/%252e%252e/",
    "/v1/gate?a=%ff", "/v1/gate?%00", "/a" * 200,
]  # fmt: skip
# Lines that two readers could read in two ways, in a request whose body is INNER.
SMUGGLING = [
    ["Content-Length: 4", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 0"],
    ["Content-Length: 0", "Content-Length: {n}"], ["Content-Length: {n}", "Content-Length: {n}"],
    ["Content-Length: {n}, {n}"], ["Content-Length: +{n}"], ["Content-Length: 0x10"], ["Content-Length: {n}.0"],
    ["Content-Length: -1"], ["Content-Length: "], ["Content-Length: 0 {n}"], ["Content-Length: 99999999999999999999"],
    ["Content-Length : {n}"], ["Content_Length: 0", " Content-Length: {n}"], ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: chunked, identity"], ["Transfer-Encoding: identity, chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], ["Transfer-Encoding : chunked"],
    ["Transfer-Encoding:\x0bchunked"], ["Transfer-Encoding: \"chunked\""], ["Transfer-Encoding: chunked;q=1"],
    ["X: y", "\tTransfer-Encoding: chunked"], ["X: y\rTransfer-Encoding: chunked"], ["Transfer-Encoding:", " chunked"],
    ["X: a\x00b"], [": x"], ["no colon"], ["Host: other"], ["Authorization: Bearer other"],
    ["Content-Type: text/plain"], ["X: y\nTransfer-Encoding: chunked"], ["Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding: "],
]  # fmt: skip
CHUNKS = [
    b"-1\r\n", b"0x5\r\n", b"+5\r\n", b"5 \r\n", b" 5\r\n", b"\r\n", b"g\r\n", b"5\n", b"ffffffffffffffff\r\n",
    b"10000000000000000\r\n", b"200000\r\n", b"5;" + b"x" * 300 + b"\r\n", b"5;a=\x01\r\n", b"2\r\nabc\r\n",
    b"2\r\nab\n", b"2\r\nab0\r\n\r\n", b"5\r",
]  # fmt: skip
METHODS = ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "post", "GETT", "PRI", "A" * 300, "M-SEARCH",
           "POST\x0b", "G@T"]  # fmt: skip
FIRST_LINES = [
    "GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "GET /", "GET", " GET / HTTP/1.1", "GET  / HTTP/1.1",
    "GET / HTTP/1.1 x", "GET\t/\tHTTP/1.1", "GET / http/1.1", "GET /\x00 HTTP/1.1", "\x16\x03\x01\x02\x00\x01",
    "GET / HTTP/1.1\x00", "{}", "<xml/>",
]  # fmt: skip
JSON = [
    b"", b"nul", b"{", b"[]", b'"', b"\xef\xbb\xbf{}", b"\xff", b'{"uid":"\xc3","purpose":"upload"}',
    b'{"uid":"\xed\xa0\x80","purpose":"upload"}', b'{"uid":"u","uid":"v","purpose":"upload"}',
    b'{"uid":1e999,"purpose":"upload"}', b'{"uid":"u","purpose":"upload","planned_ms":1e400}',
    b'{"uid":"u","purpose":"upload","planned_ms":-9223372036854775809}',
    b'{"uid":"u","purpose":"upload","__proto__":{}}', b"\x00" * 64, b'{"uid":"u\\u0000","purpose":"upload"}',
    b'{"uid":"\\ud800","purpose":"upload"}', b"[" * 100_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900,
    b'{"uid":"' + b"x" * 300_000 + b'","purpose":"upload"}', b"1" * 100_000, b"{}" * 1_000,
    b'{"specversion":"1.0"' + b',"e":1' * 9_000 + b"}",
]  # fmt: skip


class Draws:
    """Each kind of request is a method."""

    def __init__(self, seed, token):
        self.random = random.Random(seed)
        self.authorization = f"Authorization: Bearer {token}"
        self.token = token

    def pick(self, choices):
        return self.random.choice(choices)

    def gate(self, *headers, body=QUESTION):
        return head("POST /v1/gate HTTP/1.1", self.authorization, "Content-Type: application/json", *headers) + body

    def sized(self, body, *headers, type="application/json", path="/v1/gate"):
        length = f"Content-Length: {len(body)}"
        return head(f"POST {path} HTTP/1.1", self.authorization, f"Content-Type: {type}", length, *headers) + body

    def path(self):
        line = f"{self.pick(['GET', 'HEAD', 'DELETE'])} {self.pick(PATHS)} HTTP/1.1"
        return head(line, self.authorization), {400, 404, 405}

    def smuggling(self):
        wanted = [each.format(n=len(INNER)) for each in self.pick(SMUGGLING)]
        is_framed = any("ontent-" in each or "ransfer-" in each for each in wanted)
        common = [] if is_framed else [f"Content-Length: {len(INNER)}"]
        return self.gate(*common, *wanted, body=INNER), REFUSED

    def chunk(self):
        return self.gate("Transfer-Encoding: chunked", body=self.pick(CHUNKS) + INNER), {400, 413, NOTHING}

    def chunked_well(self):
        """With extensions and trailers, which are nobody's; the gate answers."""
        extension = self.pick([b"", b";a=b", b';a="GET / HTTP/1.1"'])
        trailer = self.pick([b"", b"Content-Length: 9\r\n", b"X: y\r\n"])
        pieces = [QUESTION[at : at + 7] for at in range(0, len(QUESTION), 7)]
        body = b"".join(b"%x%b\r\n%b\r\n" % (len(each), extension, each) for each in pieces) + b"0\r\n" + trailer + b"\r\n"
        return self.gate("Transfer-Encoding: chunked", body=body), {200}

    def huge_head(self):
        return self.pick([
            (head("GET / HTTP/1.1", "X: " + "x" * 17_000), {431}), (head("GET /" + "a" * 20_000 + " HTTP/1.1"), {414}),
            (head("GET / HTTP/1.1", *(f"X-{number}: y" for number in range(150))), {431}), (b"A" * 40_000, {414}),
            (head("GET / HTTP/1.1", self.authorization + "x" * 12_000), {404}),
            (head("GET / HTTP/1.1", *["Cookie: a=b"] * 900), {404}),
        ])  # fmt: skip

    def huge_body(self):
        return self.pick([
            (self.gate("Content-Length: 2000000", body=b"x" * 10_000), {413}),
            (self.gate("Content-Length: 1048577"), {413}),
            (self.gate("Transfer-Encoding: chunked", body=b"100001\r\n" + b"x" * 10_000), {413}),
            (self.gate("Transfer-Encoding: chunked", body=b"40000\r\n" + b"x" * 0x40000 + b"\r\nfffff\r\n"), {413}),
            (self.sized(b"x" * (1 << 20)), REFUSED),
        ])  # fmt: skip

    def packed(self):
        body = self.pick([
            (BOMB, {413}), (zipped(QUESTION)[:-3], REFUSED), (zipped(QUESTION) + b"x", REFUSED),
            (QUESTION, REFUSED), (zipped(QUESTION) * 2, REFUSED), (b"\x1f\x8b" + b"\xff" * 60, REFUSED),
            (zipped(QUESTION), {200}), (b"", REFUSED),
        ])  # fmt: skip
        return self.sized(body[0], "Content-Encoding: gzip"), body[1]

    def coding(self):
        named = self.pick(["br", "deflate", "gzip, gzip", "zstd", "gzip;q=1", "\xff", "identity, gzip"])
        return self.sized(QUESTION, f"Content-Encoding: {named}"), {415}

    def json(self):
        type, path = self.pick([("application/json", "/v1/gate"), ("application/cloudevents+json", "/v1/events"),
                                ("application/cloudevents-batch+json", "/v1/events")])  # fmt: skip
        body = self.pick(JSON)
        # What is wrong inside a batch is an outcome.
        return self.sized(body, type=type, path=path), {400, 202} if body.endswith(b"]") else REFUSED

    def batch(self):
        event = json.dumps(EVENT).encode()
        body, may = self.pick([
            (b"[" + b",".join([b"1"] * 1_001) + b"]", {413}),
            (b"[" + b",".join([b"[" * 60 + b"]" * 60] * 300) + b"]", {202}),
            (b"[" + event[:-1] + b',"x":"' + b"y" * 200_000 + b'"}]', {202}),
            (b"[" + b",".join([event] * 50) + b"]", {202}), (b"[" + event + b",]", REFUSED),
            (b"[" + event + b"]]", REFUSED), (b'["\\"]",{"a":"}]"}]', {202}),
        ])  # fmt: skip
        return self.sized(body, type="application/cloudevents-batch+json", path="/v1/events"), may

    def binary(self):
        names = {name: value for name, value in EVENT.items() if name != "data"}
        wrong = ["%zz", "%", "%ff", "\xff\xfe", "%00", "x" * 3_000, "", '"', "%ed%a0%80", "a\tb"]
        names[self.pick(list(names))] = self.pick(wrong)
        headers = [f"ce-{name}: {value}" for name, value in names.items()]
        # A quotation mark alone is a name as others are.
        return self.sized(b'{"ms":1}', *headers, path="/v1/events"), {400, 202, 409}

    def lease(self):
        """Sessions without end, and some that are none."""
        name = self.pick([f"s-{self.random.random()}", "s", "x" * 129, "", "\u00fc" * 64, "\u0000", None, 7])
        asked = {"uid": "u-1", "purpose": "stream", "session": name, "planned_ms": self.pick([0, 1, 86_400_000, 1 << 62])}
        return self.sized(json.dumps(asked).encode()), {200, 400}

    def status(self):
        languages = ["*", "de-DE, de;q=0.9, *;q=0", "\xff\xfe", "../..", "x" * 9_000, ",,,", "de" * 500, "%s%n", ""]
        more = self.pick(["Range: bytes=0-9", "If-None-Match: *", "X-HTTP-Method-Override: DELETE", "Upgrade: h2c"])
        query = self.pick(["", "?uid=u-2", "?" + "&".join(["a=b"] * 500)])
        line = f"GET /v1/fair-use/status{query} HTTP/1.1"
        return head(line, self.authorization, f"Accept-Language: {self.pick(languages)}", more), {200}

    def guess(self):
        letters = string.ascii_letters + string.digits + "-_"
        some = "".join(self.random.choices(letters, k=self.pick([1, 43, 64, 500, 4_000])))
        other = base64.b64encode(self.random.randbytes(64)).decode()
        close = [self.token[:-1] + self.pick("xyz"), self.token + "0", self.token.upper()]
        made = self.pick([some, other, *close, f"{some}.{some}.{some}", "e30.e30." + some, "..", "\xff" * 50])
        named = ["Authorization: Bearer", "authorization: bearer", "Authorization: Basic", "Authorization:"]
        line = f"{self.pick([*named, 'Fairuse-Forwarded:'])} {made}"
        return head("POST /v1/gate HTTP/1.1", line, "Content-Length: 2") + b"{}", {401}

    def method(self):
        return head(f"{self.pick(METHODS)} /v1/gate HTTP/1.1", self.authorization), {400, 405, NOTHING}

    def first_line(self):
        return head(self.pick(FIRST_LINES)), REFUSED

    def expectation(self):
        wanted, may = self.pick([("100-continue", {200}), ("200-ok", {417}), ("100-continue, x", {417}), ("", {417})])
        return self.sized(QUESTION, f"Expect: {wanted}"), may

    def cut(self):
        whole = self.sized(QUESTION)
        return whole[: self.random.randrange(1, len(whole))], {NOTHING}

    def damaged(self):
        """Bytes of a good request changed, removed and put in; what becomes of it nobody knows."""
        packed = self.sized(zipped(QUESTION), "Content-Encoding: gzip")
        made = bytearray(self.pick([self.sized(QUESTION), self.chunked_well()[0], packed]))
        for _ in range(self.random.randint(1, 6)):
            at = self.random.randrange(len(made))
            made[at : at + self.random.randrange(3)] = self.random.randbytes(self.random.randrange(3))
        return bytes(made), set(range(200, 500)) | {NOTHING}

    def noise(self):
        return self.random.randbytes(self.random.randint(1, 3_000)), {400, 414, NOTHING}


# How often, and the kind.
KINDS = {"path": 12, "smuggling": 14, "chunk": 8, "chunked_well": 4, "huge_head": 5, "huge_body": 3, "packed": 3,
         "coding": 2, "json": 8, "batch": 2, "binary": 5, "lease": 3, "status": 3, "guess": 14, "method": 3,
         "first_line": 3, "expectation": 2, "cut": 4, "damaged": 10, "noise": 4}  # fmt: skip
# The server ends the connection by itself.
MALFORMED = {"smuggling", "coding", "first_line"}


def pipelined(draws):
    """Many at once, and something hidden in the last."""
    count = draws.random.randint(2, 30)
    return Hostile("pipelined", draws.sized(QUESTION) * count + draws.smuggling()[0], {200, 400}, HALF, count + 1)


def draw_requests(seed, count, token):
    draws = Draws(seed, token)
    kinds = draws.random.choices(list(KINDS), KINDS.values(), k=count)
    for number, kind in enumerate(kinds):
        if number % 200 == 0:
            yield pipelined(draws)
            continue
        made, may = getattr(draws, kind)()
        ends = draws.random.choices([HALF, CLOSE, ABORT], [90, 6, 4])[0]
        if ends == HALF and kind in MALFORMED:
            ends = draws.pick([HALF, OPEN])
        yield Hostile(kind, made, may, ends, 4 if kind == "damaged" else 1)
