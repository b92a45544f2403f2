# SPDX-License-Identifier: Apache-2.0
"""Processes, ports and locks, as a broker that must survive kill -9 needs them."""

import contextlib
import fcntl
import os
import pathlib
import random
import select
import signal
import socket
import sys


class Refusal(Exception):
    """What the person who typed the command should read; never a stack trace."""


def say(text):
    print(f"kafka: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(folder):
    """One process at a time per folder. Python opens files non-inheritable, so no broker carries the lock away."""
    path = folder / "lock"
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # The former holder may have removed the folder meanwhile.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                yield
                return


def write(path, text):
    """Replace a file in one step: a reader sees the old text or the new."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def is_free(port):
    """No listener on 127.0.0.1, nor on all addresses. Connections that have just ended do not count, as for Java."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Ports without a listener, below the kernel's own range: a client that keeps connecting to a dead broker's port of
    that range may get the same port as its own, connect to itself and keep the broker from starting again."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    candidates = range(15000, lowest) if lowest > 20000 else range(61000, 65000)
    found = []
    for port in random.SystemRandom().sample(candidates, 500):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise Refusal("no free ports on 127.0.0.1")


class Process:
    """A process that is not our child, known by pid and birth so that a pid used again is never mistaken for it."""

    def __init__(self, pid, born):
        self.pid = pid
        self.born = born

    @classmethod
    def of(cls, pid):
        return cls(pid, cls._birth(pid))

    @classmethod
    def read(cls, path):
        """The process that a file names, or None if it is gone."""
        try:
            pid, born = path.read_text(encoding="ascii").split()
        except (FileNotFoundError, ValueError):
            return None
        process = cls(int(pid), born)
        return process if process.alive() else None

    def write(self, path):
        write(path, f"{self.pid} {self.born}\n")

    @staticmethod
    def _stat(pid):
        try:
            text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        return text.rsplit(")", 1)[1].split()

    @classmethod
    def _birth(cls, pid):
        stat = cls._stat(pid)
        return stat[19] if stat else "gone"

    def state(self):
        """The kernel's letter (T is stopped by a signal), or None if the process is gone."""
        stat = self._stat(self.pid)
        return stat[0] if stat and stat[19] == self.born and stat[0] not in "ZX" else None

    def alive(self):
        return self.state() is not None

    def memory_mb(self):
        with contextlib.suppress(OSError, StopIteration):
            text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
            return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS"))) // 1024
        return 0

    def open(self):
        """A descriptor that becomes readable at the end of the process, or None if that has come."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.alive():
            return descriptor
        os.close(descriptor)
        return None

    def signal(self, number, wait_s=0.0):
        """Send a signal and wait for the end; whether the process is gone."""
        descriptor = self.open()
        if descriptor is None:
            return True
        try:
            signal.pidfd_send_signal(descriptor, number)
            return bool(wait_s and select.select([descriptor], [], [], wait_s)[0])
        except ProcessLookupError:
            return True
        finally:
            os.close(descriptor)
