#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""10,000 hostile requests at a running engine in local mode, by raw sockets, slow ones beside the fast ones: it answers
none with 500, grows no memory and no descriptors, and its gate is right all the time.

usage: hostile_test.py PROGRAM [SEED [REQUESTS]]
"""

import collections
import datetime
import os
import pathlib
import queue
import selectors
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from hostile_requests import ABORT, CLOSE, HALF, HIDDEN, NOTHING, OPEN, draw_requests  # noqa: E402
from support.api import Api, token_line, token_of  # noqa: E402
from support.checks import check, equal  # noqa: E402
from support.listener import line  # noqa: E402
from support.local_mode import Engine  # noqa: E402
from support.process import wait_until  # noqa: E402

SENDERS = 4
SLOW = 150
DEAF = 20
IDLE = 1_300
# What the second half may add to memory: allocators keep some of the largest bodies.
GROWTH_MIB_MAX = 8
HOUR_MS = 3_600_000


def memory_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(each for each in status.splitlines() if each.startswith("VmRSS")).split()[1]) / 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def statuses(answers):
    """Of all answers that came on one connection; what is cut off has none."""
    found = []
    while b"\r\n\r\n" in answers:
        top, _, answers = answers.partition(b"\r\n\r\n")
        lines = top.decode("latin-1").lower().split("\r\n")
        found.append(int(lines[0].split()[1]))
        length = next((int(each.split(":")[1]) for each in lines if each.startswith("content-length:")), 0)
        # Behind the head of an answer to HEAD comes nothing.
        answers = answers[length:]
    return [each for each in found if each != 100]


def read_all(link):
    pieces = []
    try:
        while piece := link.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


class Attack:
    """Sends, and judges what comes back."""

    def __init__(self, port):
        self.address = ("127.0.0.1", port)
        self.wrong = []
        self.seen = collections.Counter()
        self.waiting = queue.SimpleQueue()

    def connect(self):
        link = socket.create_connection(self.address, timeout=60)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def send(self, hostile):
        """One request; what came back, or None where nobody looks."""
        with self.connect() as link:
            try:
                link.sendall(hostile.bytes)
                if hostile.ends == HALF:
                    link.shutdown(socket.SHUT_WR)
            except OSError:
                # It has heard enough.
                pass
            if hostile.ends == ABORT:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return read_all(link) if hostile.ends in (HALF, OPEN) else None

    def judge(self, number, hostile, answers):
        got = statuses(answers)
        self.seen.update(got or [NOTHING])
        fits = set(got or [NOTHING]) <= hostile.may and len(got) <= hostile.answers_max
        if not fits or HIDDEN.encode() in answers:
            sent, came = hostile.bytes[:300], answers[-300:]
            self.wrong.append(f"{number}, {hostile.kind}, {hostile.ends}: {got} for {sent!r}: {came!r}")

    def work(self):
        while (each := self.waiting.get()) is not None:
            number, hostile = each
            try:
                answers = self.send(hostile)
            except OSError as problem:
                self.wrong.append(f"{number}, {hostile.kind}: {problem!r}")
                continue
            if answers is not None:
                self.judge(number, hostile, answers)

    def run(self, requests):
        threads = [threading.Thread(target=self.work) for _ in range(SENDERS)]
        for each in requests:
            self.waiting.put(each)
        for each in threads:
            self.waiting.put(None)
            each.start()
        for each in threads:
            each.join()


class SlowOnes(threading.Thread):
    """Clients that send a byte now and then, and some that never read. The server ends all of them."""

    def __init__(self, attack, token):
        super().__init__()
        self.attack = attack
        self.head = f"POST /v1/gate HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\nX-Slow: ".encode()
        self.told = collections.Counter()
        self.deaf = []

    def run(self):
        slow = [self.attack.connect() for _ in range(SLOW)]
        self.deaf = [self.attack.connect() for _ in range(DEAF)]
        for each in self.deaf:
            each.setblocking(False)
            try:
                while each.send(b"GET /openapi.yaml HTTP/1.1\r\nHost: api\r\n\r\n" * 100):
                    pass
            except OSError:
                pass
        watched = selectors.DefaultSelector()
        for number, each in enumerate(slow):
            each.sendall(self.head if number % 2 else self.head[:5])
            watched.register(each, selectors.EVENT_READ)
        while watched.get_map():
            for key, _ in watched.select(timeout=0.5):
                self.told.update(statuses(read_all(key.fileobj)))
                watched.unregister(key.fileobj)
                key.fileobj.close()
            for key in list(watched.get_map().values()):
                try:
                    key.fileobj.send(b"x")
                except OSError:
                    pass


class Gateway(threading.Thread):
    """Asks in peace while others do not, and keeps what is wrong."""

    def __init__(self, api):
        super().__init__()
        self.api = api
        self.wrong = []
        self.asked = 0
        self.leave = threading.Event()

    def run(self):
        while not self.leave.wait(0.005):
            got = [self.api.gate(uid)["answer"] for uid in ("u-1", "u-2")]
            if got != ["refuse", "allow"]:
                self.wrong.append(got)
            self.asked += 2


def start(engine):
    """A running engine with one restricted user."""
    engine.write("tokens", token_line("all", "gateway", "producer", "user", uid="u-1"))
    engine.deployment(more="api: {tokens: tokens}\n")
    # A sanitizer keeps what was freed, which looks like a leak.
    env = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"}
    process = engine.start("state", "-", "--listen", "127.0.0.1:0", clock="wall", stdin=subprocess.PIPE, env=env)
    api = Api(process, token="all")
    restrict = {"command": "set_stage", "stage": "restrict", "actor": "ann", "reason": "a test"}
    lines = [
        line("day", "speech", {"lane": "realtime", "ms": 3 * HOUR_MS}, ago=datetime.timedelta(seconds=2)),
        line("c-1", "admin", restrict),
    ]
    process.stdin.write("".join(lines).encode())
    process.stdin.flush()
    api.wait_for("u-1", lambda answer: answer["answer"] == "refuse", "the restriction")
    return process, api


def flood(attack, process, api, before):
    """More connections than there may be: those that wait make room, and the gate goes on."""
    links = [attack.connect() for _ in range(IDLE)]
    equal(api.gate("u-1")["answer"], "refuse", "the gate in a flood")
    for each in links:
        each.close()
    wait_until(lambda: descriptors(process.pid) <= before, f"descriptors are {before} again")


def attack_in_halves(process, attack, requests):
    """Memory after each half."""
    middle = len(requests) // 2
    told = []
    for half in requests[:middle], requests[middle:]:
        attack.run(half)
        told.append(memory_mib(process.pid))
    return told


def main(program, seed=1, count=10_000):
    begin = time.monotonic()
    token = token_of("all")
    with Engine(program) as engine:
        process, api = start(engine)
        before = descriptors(process.pid)
        attack, gateway = Attack(api.port), Gateway(api)
        requests = list(enumerate(draw_requests(seed, count, token)))
        flood(attack, process, api, before)
        slow = SlowOnes(attack, token)
        for each in slow, gateway:
            each.start()
        first, second = attack_in_halves(process, attack, requests)
        slow.join()
        gateway.leave.set()
        gateway.join()
        wait_until(lambda: descriptors(process.pid) <= before, "the deaf are cut off")
        equal(attack.wrong[:5], [], f"{len(attack.wrong)} answers of seed {seed}")
        equal(slow.told, collections.Counter({408: SLOW}), "what slow ones were told")
        equal(gateway.wrong[:5], [], f"answers of the gate, of {gateway.asked}")
        check(gateway.asked > 0, "the gate was asked")
        memory = f"memory {first:.1f} MiB after the first half, {second:.1f} after the second"
        check(second <= first + GROWTH_MIB_MAX, memory)
        flood(attack, process, api, before)
        equal([api.gate(uid)["answer"] for uid in ("u-1", "u-2")], ["refuse", "allow"], "the gate in the end")
        code, said = engine.finish(process)
        equal(code, 0, f"exit code; it said {said[-3_000:]}")
    told = dict(sorted(attack.seen.items()))
    print(f"{len(requests)} requests, answers {told}, {gateway.asked} in peace, {memory}, {time.monotonic() - begin:.1f} s")


main(sys.argv[1], *map(int, sys.argv[2:]))
