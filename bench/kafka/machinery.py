# SPDX-License-Identifier: Apache-2.0
"""What run_kafka_bench measures with: a broker, processes and what they cost."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import broker  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


started = []


def started_process(command, **named):
    """Popen of a process that `end_all` ends."""
    made = subprocess.Popen(list(map(str, command)), **named)
    started.append(made)
    return made


def end_all():
    """A refusal leaves nothing running."""
    for each in started:
        if each.returncode is None and each.poll() is None:
            each.kill()
            each.wait()


def refuse(why):
    sys.exit(f"run_kafka_bench: {why}")


def cpu_seconds(pid):
    """User and system time of all threads of a process that still runs."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def monotonic_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


class Broker:
    """A real broker: one of ours through tools/kafka, or one that runs already."""

    def __init__(self, bootstrap=None, pid=None, version="3.9", name="bench"):
        self.own = None
        if bootstrap:
            self.bootstrap, self.pid, self.version = bootstrap, pid, "as it is"
            return
        self.own = broker.Broker(name, version, profile="bench")
        self.own.reset()
        self.bootstrap = self.own.start()
        told = self.own.status()
        self.pid, self.version = told["nodes"][0]["pid"], told["version"]

    def cpu(self):
        return cpu_seconds(self.pid) if self.pid else 0.0

    def remove(self):
        if self.own:
            self.own.reset()


class Process:
    """A process under measurement. Its last line on stdout is its summary, if that is JSON."""

    def __init__(self, command, broker, environment=None, log=None):
        self.command = list(map(str, command))
        self.broker = broker
        self.began_ns = monotonic_ns()
        self.broker_before = broker.cpu()
        self.log = open(log, "ab") if log else None
        self.running = started_process(
            self.command, stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **(environment or {})}
        )
        self.summary = {}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.running.stdout:
            if line.startswith("measured pass"):
                self.broker_before = self.broker.cpu()
            elif line.startswith("{"):
                with contextlib.suppress(ValueError):
                    self.summary = json.loads(line)

    def cpu(self):
        return cpu_seconds(self.running.pid)

    def wait(self):
        """Wait for its end; what it cost, completed by what it says itself."""
        _, status, used = os.wait4(self.running.pid, 0)
        self.running.returncode = os.waitstatus_to_exitcode(status)
        told = {
            "wall_seconds": (monotonic_ns() - self.began_ns) / 1e9,
            "broker_cpu_seconds": self.broker.cpu() - self.broker_before,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "memory_peak_bytes": used.ru_maxrss * 1024,
        }
        self.reader.join(5)
        if self.log:
            self.log.close()
        return {**told, **self.summary}

    def finish(self):
        told = self.wait()
        if self.running.returncode != 0:
            refuse(f"exit {self.running.returncode} of {' '.join(self.command)}; see {self.log and self.log.name}")
        return told

    def end(self, how=signal.SIGTERM):
        if self.running.returncode is None:
            self.running.send_signal(how)
            with contextlib.suppress(ChildProcessError):
                return self.wait()
        return {}


class Watch:
    """Decisions as a reader of committed records sees them: (ns when it became visible, ns when its event was made)."""

    def __init__(self, program, broker, topic, seconds):
        self.arrivals = []
        command = [program, broker.bootstrap, topic, seconds]
        self.running = started_process(command, stdout=subprocess.PIPE, text=True)
        if self.running.stdout.readline().strip() != "ready":
            refuse(f"cannot read {topic}")
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.running.stdout:
            arrived, made = map(int, line.split())
            with self.changed:
                self.arrivals.append((arrived, made))
                self.changed.notify_all()

    def first_after(self, instant_ns, patience_s):
        """When the first decision became visible after that instant; None: it did not."""

        def found():
            return self.arrivals and self.arrivals[-1][0] > instant_ns

        with self.changed:
            if not self.changed.wait_for(found, patience_s):
                return None
            return min(arrived for arrived, _ in self.arrivals if arrived > instant_ns)

    def latencies_ms(self, from_ns, to_ns):
        with self.changed:
            return sorted((arrived - made) / 1e6 for arrived, made in self.arrivals if from_ns <= made < to_ns)

    def close(self):
        self.running.kill()
        self.running.wait()
