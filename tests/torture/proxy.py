# SPDX-License-Identifier: Apache-2.0
"""Faults of a broker's network: a TCP proxy that tells requests apart.

    with Proxy() as proxy:
        broker = Broker("my_test", settings={"advertised.listeners": f"PLAINTEXT://{proxy.address}"})
        proxy.leads_to(broker.bootstrap)
        proxy.arm("lose_reply")        # of the next EndTxn; proxy.fired counts

Clients come through it because the broker names it as its own address. Faults happen to EndTxn and to nothing else:

    lose_request   it never arrives, and the connection is gone
    lose_reply     it arrives, its reply does not, and the connection is gone
    late_request   the connection is gone; it arrives later, from elsewhere, when the next transaction has begun
    repeat         as lose_reply, and later it arrives once more
    slow           it arrives late, and so does its reply; nothing is lost
"""

import collections
import socket
import struct
import threading

END_TXN = 26
FAULTS = ("lose_request", "lose_reply", "late_request", "repeat", "slow")
SLOW_S = 1.2


class Proxy:
    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._server.getsockname()[1]
        self._target = None
        self._lock = threading.Lock()
        self._armed = None
        self._late_s = 0.0
        self.fired = collections.Counter()
        self._closed = False
        self._timers = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind, error, trace):
        self._closed = True
        self._server.close()
        for timer in self._timers:
            timer.cancel()

    def leads_to(self, address):
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))

    def arm(self, fault, late_s=0.1):
        """For the next EndTxn that comes."""
        with self._lock:
            self._armed, self._late_s = fault, late_s

    def is_armed(self):
        with self._lock:
            return self._armed is not None

    def _take(self):
        with self._lock:
            fault, self._armed = self._armed, None
            if fault:
                self.fired[fault] += 1
            return fault, self._late_s

    def _accept(self):
        while not self._closed:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        try:
            broker = socket.create_connection(self._target, timeout=10)
        except (OSError, TypeError):
            client.close()
            return
        broker.settimeout(None)
        for one in (client, broker):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _Connection(self, client, broker).run()

    def later(self, frame, after_s):
        """The request once more, on a connection of its own; its reply is dropped."""

        def deliver():
            try:
                with socket.create_connection(self._target, timeout=5) as broker:
                    broker.sendall(frame)
                    _read_frame(broker)
                    self.fired["delivered_late"] += 1
            except OSError:
                pass

        timer = threading.Timer(after_s, deliver)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()


def _read_exactly(of, count):
    parts = []
    while count > 0:
        part = of.recv(min(count, 1 << 16))
        if not part:
            raise ConnectionError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _read_frame(of):
    head = _read_exactly(of, 4)
    return head + _read_exactly(of, struct.unpack(">i", head)[0])


class _Connection:
    def __init__(self, proxy, client, broker):
        self.proxy, self.client, self.broker = proxy, client, broker
        self.swallow = set()

    def run(self):
        replies = threading.Thread(target=self._pump, args=(self._reply,), daemon=True)
        replies.start()
        self._pump(self._request)

    def _pump(self, step):
        try:
            while True:
                step()
        except (OSError, struct.error):
            self._close()

    def _close(self):
        for one in (self.client, self.broker):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _request(self):
        frame = _read_frame(self.client)
        key, _, correlation = struct.unpack_from(">hhi", frame, 4)
        fault, late_s = self.proxy._take() if key == END_TXN else (None, 0)
        if fault in ("lose_request", "late_request"):
            if fault == "late_request":
                self.proxy.later(frame, late_s)
            raise ConnectionError
        if fault in ("lose_reply", "repeat"):
            self.swallow.add(correlation)
            if fault == "repeat":
                self.proxy.later(frame, late_s)
        if fault == "slow":
            timer = threading.Event()
            timer.wait(SLOW_S)
        self.broker.sendall(frame)

    def _reply(self):
        frame = _read_frame(self.broker)
        (correlation,) = struct.unpack_from(">i", frame, 4)
        if correlation in self.swallow:
            raise ConnectionError
        self.client.sendall(frame)
