#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A chat-completions endpoint of ours: reads the conversations of a review, answers by their titles, and has every fault.

    with ChatStub(script=["429=1", "500", "cut"]) as stub:     # the first three calls; then good answers
        ...                                                    # endpoint: stub.url
    chat_stub.py [--port N] [--script FILE] [--key KEY] [--latency S] [--slow-every N=S] [--says TYPE]

A fault is a word of FAULTS, with a value where it takes one (`slow=2`) and a count (`500*3`). A script's faults are for
the calls in their order; the model `stub:500*2,cut` has them for each request of its own, call by call.
`GET /stub` tells how many calls there were, how many at once, and what was wrong with them.
"""

import argparse
import collections
import email.utils
import hashlib
import http.server
import json
import pathlib
import re
import threading
import time

MISUSE = {"audiobook": r"chapter|audiobook|narrat", "podcast": r"podcast|episode|sponsor", "tv_movie": r"season|movie|film",
          "prerecorded": r"course part|archive reel", "commercial": r"customer file|order no"}  # fmt: skip
BLOCK = re.compile(r"<conversations>\n(.*)\n</conversations>", re.DOTALL)


def judge(conversations):
    """The stub's model: words in titles."""
    for usage_type, words in MISUSE.items():
        hits = [each["id"] for each in conversations if re.search(words, each["title"] + each["overview"], re.IGNORECASE)]
        if hits and 2 * len(hits) >= len(conversations):
            return {"score": 0.93, "usage_type": usage_type, "confidence": 0.9, "evidence": hits[:3]}
    return {"score": 0.12, "usage_type": "none", "confidence": 0.8, "evidence": []}


def changed(**members):
    """A fault that changes the verdict."""
    return lambda call, value: call.answer({**call.verdict, **members})


def raw(text):
    """A fault of the model's text."""
    return lambda call, value: call.answer_text(text)


def replaced(old, new):
    """A fault in the verdict as it is written."""
    return lambda call, value: call.answer_text(re.sub(old, new, json.dumps(call.verdict)))


def status(number, **error):
    return lambda call, value: call.send(number, {"error": {"message": f"stub says {number}", **error}})


def limited(date):
    def answer(call, value):
        seconds = int(value or 1)
        at = email.utils.formatdate(time.time() + seconds, usegmt=True)
        call.send(429, {"error": {"message": "slow down"}}, Retry_After=at if date else seconds)

    return answer


def slow(call, value):
    call.server.leave.wait(float(value or 30))
    call.answer(call.verdict)


def refuse_format(*names):
    """400 as endpoints write it that do not know a response format; a good answer to others."""

    def answer(call, value):
        format_of = call.body.get("response_format", {}).get("type", "text")
        if format_of in names:
            call.send(400, {"error": {"message": f"'response_format.type' {format_of} is not supported"}})
        else:
            call.answer(call.verdict)

    return answer


def cut(call, value):
    text = call.completion(json.dumps(call.verdict))
    call.send(200, text[: len(text) // 2], Content_Length=len(text))
    call.close_connection = True


def nothing(call, value):
    call.close_connection = True


FAULTS = {
    "good": changed(),
    "slow": slow,
    "cut": cut,
    "nothing": nothing,
    **{str(number): status(number) for number in (400, 401, 403, 404, 408, 409, 422, 500, 502, 503)},
    "429": limited(date=False),
    "429_date": limited(date=True),
    "429_bare": status(429),
    "400_schema": refuse_format("json_schema"),
    "400_format": refuse_format("json_schema", "json_object"),
    "filtered_prompt": status(400, code="content_filter"),
    "redirect": lambda call, value: call.send(307, {}, Location=call.server.url + "/chat/completions"),
    "huge": lambda call, value: call.answer_text("x" * int(value or 2_000_000)),
    "not_json": lambda call, value: call.send(200, "<html>a proxy's login page</html>"),
    "empty_choices": lambda call, value: call.send(200, {"choices": []}),
    "no_choices": lambda call, value: call.send(200, {"object": "chat.completion"}),
    "null_content": lambda call, value: call.answer_text(None),
    "refusal": lambda call, value: call.answer_text(None, refusal="I cannot help with that"),
    "length": lambda call, value: call.answer_text('{"score": 0.9', finish_reason="length"),
    "content_filter": lambda call, value: call.answer_text("", finish_reason="content_filter"),
    "tool_calls": lambda call, value: call.answer_text("{}", finish_reason="tool_calls"),
    "no_end": lambda call, value: call.answer_text(json.dumps(call.verdict), finish_reason=None),
    "no_usage": lambda call, value: call.answer_text(json.dumps(call.verdict), usage=None),
    "fence": lambda call, value: call.answer_text(f"```json\n{json.dumps(call.verdict)}\n```"),
    "prose": lambda call, value: call.answer_text(f"Here it is: {json.dumps(call.verdict)}"),
    "bad_json": raw('{"score": 0.9, "usage_type": '),
    "list": raw("[]"),
    "missing_member": raw('{"score": 0.9, "usage_type": "none", "confidence": 1}'),
    "extra_member": changed(reason="because"),
    "duplicate_keys": replaced(r'"score"', '"score": 0.1, "score"'),
    "escaped_keys": replaced(r'"confidence": [^,]*', r'"\\u0073core": 1'),
    "score_text": changed(score="0.93"),
    "score_null": changed(score=None),
    "score_nan": changed(score=float("nan")),
    "score_above": replaced(r'"score": [^,]*', '"score": 1.0000001'),
    "score_below": replaced(r'"score": [^,]*', '"score": -0.1'),
    "score_long": replaced(r'"score": [^,]*', '"score": 0.12345678999999999999'),
    "score_exponent": replaced(r'"score": [^,]*', '"score": 93E-2'),
    "score_giant": replaced(r'"score": [^,]*', '"score": 123456789012345678901234567890'),
    "unknown_type": changed(usage_type="music"),
    "free_exhausted": changed(usage_type="free_exhausted"),
    "confidence_above": changed(confidence=2),
    "wrong_evidence": changed(evidence=["somebody-elses"]),
    "twice_evidence": lambda call, value: call.answer({**call.verdict, "evidence": [call.ids[0]] * 2}),
    "much_evidence": lambda call, value: call.answer({**call.verdict, "evidence": call.ids[:11]}),
    "text_evidence": changed(evidence="c-1"),
}


def faults_of(text):
    """`500*2,cut` as [(500, None), (500, None), (cut, None)]."""
    for each in filter(None, text.split(",")):
        name, _, count = each.partition("*")
        name, _, value = name.partition("=")
        if name not in FAULTS:
            raise SystemExit(f"{name!r} is no fault; there are {', '.join(FAULTS)}")
        yield from [(name, value or None)] * int(count or 1)


class Call(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def send(self, number, body, **headers):
        data = (json.dumps(body) if isinstance(body, dict) else body).encode()
        self.send_response(number)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(data), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(data)

    def completion(self, content, finish_reason="stop", refusal=None, usage=(1_000, 50)):
        message = {"role": "assistant", "content": content, "refusal": refusal}
        answer = {"id": "stub", "object": "chat.completion", "created": 1, "model": self.body["model"],
                  "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}  # fmt: skip
        if usage:
            answer["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        return json.dumps(answer)

    def answer_text(self, content, **more):
        self.send(200, self.completion(content, **more))

    def answer(self, verdict):
        self.answer_text(json.dumps(verdict))

    def do_GET(self):
        with self.server.lock:
            told = {"calls": len(self.server.asked), "at_once": self.server.most, "wrong": self.server.wrong}
        self.send(200, told)

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            self.take(data)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with self.server.lock:
                self.server.now -= 1

    def take(self, data):
        problem = self.read(data)
        if problem:
            self.server.wrong.append(problem)
            self.send(400, {"error": {"message": problem}})
            return
        if self.server.key and self.server.key not in (self.headers["api-key"], self.headers["Authorization"]):
            self.send(401, {"error": {"message": "wrong key"}})
            return
        name, value = self.server.next_fault(self)
        if name == "good":
            self.server.wait(self.number)
        FAULTS[name](self, value)

    def read(self, data):
        """What is wrong with the request, as an endpoint would find it; None: nothing."""
        self.body = json.loads(data)
        messages = self.body.get("messages", [])
        if not self.path.partition("?")[0].endswith("/chat/completions"):
            return f"no such address: {self.path}"
        if [each.get("role") for each in messages] != ["system", "user"]:
            return "the messages are not one of the system and one of the user"
        block = BLOCK.findall(messages[1]["content"])
        if len(block) != 1:
            return "the conversations are not there once"
        conversations = json.loads(block[0])
        self.ids = [each["id"] for each in conversations]
        self.verdict = self.server.says(self.ids) if self.server.says else judge(conversations)
        self.hash = hashlib.sha256(json.dumps([self.body["model"], messages]).encode()).hexdigest()
        return None


class ChatStub(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1_024

    def __init__(self, script=(), port=0, key=None, latency=0.0, slow_every=None, says=None):
        """`says`: a usage type, whatever the conversations are."""
        super().__init__(("127.0.0.1", port), Call)
        self.says = says and (lambda ids: {"score": 0.93, "usage_type": says, "confidence": 0.9, "evidence": ids[:3]})
        self.key = key
        self.latency, self.slow_every = latency, slow_every
        self.leave = threading.Event()
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.asked, self.wrong = [], []
        self.script = collections.deque(each for line in script for each in faults_of(line))
        self.by_request = collections.Counter()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *problem):
        self.leave.set()
        self.shutdown()
        super().__exit__(*problem)

    def handle_error(self, request, client_address):
        """A client that leaves is what is tested."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next_fault(self, call):
        with self.lock:
            self.asked.append({"path": call.path, "headers": dict(call.headers), "body": call.body})
            call.number = len(self.asked)
            turn = self.by_request[call.hash]
            self.by_request[call.hash] += 1
            if self.script:
                return self.script.popleft()
        own = list(faults_of(call.body["model"].partition(":")[2]))
        return own[turn] if turn < len(own) else ("good", None)

    def wait(self, number):
        every, seconds = self.slow_every or (0, 0)
        self.leave.wait(seconds if every and number % every == 0 else self.latency)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--script", type=pathlib.Path)
    words.add_argument("--key", help="as the header has it, `Bearer ` included")
    words.add_argument("--latency", type=float, default=0.0, metavar="S")
    words.add_argument("--slow-every", metavar="N=S")
    words.add_argument("--says", metavar="TYPE", help="usage type of every answer")
    given = words.parse_args()
    script = given.script.read_text(encoding="utf-8").split() if given.script else ()
    every = tuple(map(float, given.slow_every.split("="))) if given.slow_every else None
    with ChatStub(script, given.port, given.key, given.latency, every, given.says) as stub:
        print(f"listening at {stub.url}", flush=True)
        stub.leave.wait()


if __name__ == "__main__":
    main()
