# SPDX-License-Identifier: Apache-2.0
"""Faults on real brokers, and what is needed around them: traffic, instances of the engine, a judge.

    with Broker("my_test", "3.9") as broker, Deployment(programs, broker, "one", seed=7) as deployment:
        a = deployment.instance("a").start()
        deployment.feed()
        a.kill9()
        a.start()
        deployment.judge()

A deployment has topics of its own. After a failure its folder (states, logs, the judge's findings) and the broker's
are kept, and their paths are printed.
"""

import calendar
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1])]

import segments  # noqa: E402
from support import kafka_mode  # noqa: E402
from support.kafka_mode import CASE_KEY, make_topics, write_config  # noqa: E402
from support.process import Failure, Process, run, wait_until  # noqa: E402

PARTITIONS = 4
SESSION_S = 3.0
LAST_LINES = 40  # of each log, after a failure: the folder may be out of reach

POLICY = """
name: {name}
metering: {{bucket: 15s}}
windows:
  short: {{span: 5m, cap: {short}}}
  long: {{span: 1h, cap: 6m}}
plans:
  free: [basic]
  unlimited: {{short: 4m, long: 12m}}
ceiling: {{span: 1h, cap: 20m, refuses: [upload]}}
review:
  cooldown: 8s
  cleared: {{below: 0.35, cooldown: 16s}}
  check_interval: 1s
  timeout: 4s
  retry_after: 2s
ladder:
  steps:
    - {{stage: warning, ends_after: 20s}}
    - {{stage: throttle, strikes: 1, within: 5m, ends_after: 15s, falls_to: warning, actions: {{stt_model: economy}}}}
    - {{stage: restrict, strikes: 2, within: 5m, ends_after: 30s, falls_to: throttle, actions: {{caps: hard}}}}
budget: {{stage: restrict, per_utc_day: 5m}}
"""

STREAMS = {
    "epoch": "50ms",
    "transaction_timeout": "1500ms",
    "session_timeout": f"{SESSION_S:.0f}s",
    "abort_scan": "500ms",
    "pending": {"write_every": "300ms"},
}


class Programs:
    """The engine, the feed and the judge."""

    def __init__(self, engine, feed, judge):
        self.engine, self.feed, self.judge = map(str, (engine, feed, judge))


class Instance(kafka_mode.Instance):
    """An engine that faults happen to."""

    def last_status(self):
        """Its own words, whatever became of the process."""
        status = self.state / "partitions.json"
        return status.read_text(encoding="utf-8", errors="replace").strip() if status.exists() else None

    def pause(self):
        self.process.send(signal.SIGSTOP)

    def resume(self):
        self.process.send(signal.SIGCONT)

    def is_suspended(self):
        return self.process.is_suspended()

    def await_failpoint(self, by=signal.SIGKILL):
        """Its failpoint must have ended it."""
        wait_until(lambda: not self.runs(), f"{self.name} ends at {self.failpoint} (see {self.log})")
        if self.process.code != -by:
            raise Failure(f"{self.name} ended with {self.process.code}; see {self.log}: {self.last_line()}")

    def lines(self, since=0.0):
        """(time, text) of its log."""
        for line in self.log_text().splitlines():
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "message" in said and (at := _seconds_of(said["time"])) >= since:
                yield at, said["message"]


def _seconds_of(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{rest or 0}")


class Deployment:
    def __init__(self, programs, broker, app, seed=1, users=1_000, rate=800, bootstrap=None):
        self.programs = programs
        self.broker = broker
        self.app = app
        self.seed = seed
        self.users = users
        self.rate = rate
        self.random = random.Random(seed)
        self.bootstrap = bootstrap or broker.bootstrap
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"fairuse-torture-{app}-"))
        self.instances = {}
        # An instance that ends by itself is started again while the test waits for others.
        self.supervised = False
        self.counts = {}
        self._feed = None
        (self.folder / "live.yaml").write_text(POLICY.format(name="live-rules", short="1m"), encoding="utf-8")
        (self.folder / "other.yaml").write_text(POLICY.format(name="other", short="2m"), encoding="utf-8")
        self.config = self._write_config("config.yaml", self.bootstrap)
        # The judge and the feed never go through a proxy.
        self.direct = self._write_config("judge.yaml", broker.bootstrap)

    def _write_config(self, name, bootstrap):
        return write_config(
            self.folder / name,
            bootstrap,
            self.app,
            live="live.yaml",
            shadow=["other.yaml"],
            streams=STREAMS,
            exempt=["user-7", "user-8"],
            source="fairuse/torture",
            log={"level": "debug", "format": "json"},
        )

    def __enter__(self):
        make_topics(self.broker, self.app, PARTITIONS)
        return self

    def __exit__(self, kind, error, trace):
        self.end()
        if error is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"what is left of {self.app} is kept: {self.folder}", file=sys.stderr)
            for one in self.instances.values():
                said = "\n".join(one.log_text().splitlines()[-LAST_LINES:])
                print(f"the last that {one.name} said, of status {one.last_status()}:\n{said}", file=sys.stderr)

    def end(self):
        if self._feed:
            self._feed.kill()
        for one in self.instances.values():
            if one.runs():
                one.kill9()

    def count(self, what, more=1):
        self.counts[what] = self.counts.get(what, 0) + more

    def instance(self, name):
        return self.instances.setdefault(name, Instance(self.programs.engine, self.config, self.folder / name))

    def running(self):
        return [one for one in self.instances.values() if one.runs()]

    # --- traffic ---

    def feed(self):
        command = [self.programs.feed, "--bootstrap", self.broker.bootstrap, "--input", f"{self.app}.events"]
        command += ["--reviews", f"{self.app}.review_requests", "--seed", self.seed]
        command += ["--users", self.users, "--rate", self.rate]
        self._feed = Process(*command, stdin=subprocess.PIPE)

    def end_feed(self):
        if self._feed is None:
            return
        self._feed.stdin.close()
        if (code := self._feed.wait()) != 0:
            raise Failure(f"the feed ended with {code}: {self._feed.tail()}")
        for what, number in json.loads(self._feed.output()).items():
            self.count(what, number)
        self._feed = None

    # --- what became of it ---

    def await_ready(self):
        """Every partition is decided on by an instance that runs."""
        everything = set(range(PARTITIONS))

        def holds():
            if self.supervised:
                self.supervise()
            owners = [one.ready() for one in self.running() if not one.is_suspended()]
            return set().union(*owners) == everything if owners else False

        wait_until(holds, f"all partitions of {self.app} are ready")

    def await_owner(self, instance):
        def holds():
            return len(instance.ready()) == PARTITIONS or not instance.runs()

        wait_until(holds, f"{instance.name} owns all of {self.app}")
        if not instance.runs():
            raise Failure(f"{instance.name} ended with {instance.process.code}: {instance.last_line()}")

    def settle(self):
        """The feed is over and everything that it sent is decided on; then all instances stop in order."""
        self.end_feed()
        calm_since = None

        def holds():
            """Ready everywhere, once each, and so for a while: behind the last record there may be a marker."""
            nonlocal calm_since
            if self.supervised:
                self.supervise()
            parts = []
            for one in self.running():
                said = one.status()
                parts += said["partitions"] if said and time.time() * 1_000 - said["at"] < 3_000 else [None]
            numbers = [part["partition"] if part and part["state"] == "ready" else None for part in parts]
            calm = sorted(numbers, key=str) == list(range(PARTITIONS)) and all(0 <= part["lag"] <= 1 for part in parts)
            calm_since = (calm_since or time.monotonic()) if calm else None
            return calm and time.monotonic() - calm_since > 2.5

        if not self.running():
            raise Failure("no instance runs that could decide the rest")
        # The status of an instance may be from before an outage; the group and the logs decide.
        wait_until(lambda: holds() and max(self.lags()) <= 1, f"all of {self.app} is decided on")
        for one in self.running():
            one.stop()

    def lags(self):
        """Committed records behind the group's offsets, by the brokers; many, where they do not answer."""
        done = run(self.programs.engine, "partitions", "--config", self.direct, "--json")
        if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
            return [1_000_000]
        return [one.get("lag", 1_000_000) for one in json.loads(done.stdout)["partitions"]]

    def judge(self):
        """Settle, then read everything again. Counts; anything wrong is a Failure."""
        self.settle()
        return self.examine()

    def examine(self):
        """Read everything again; no instance runs. Counts; anything wrong is a Failure."""
        command = [self.programs.judge, "--config", self.direct]
        for one in self.instances.values():
            if one.state.exists():
                command += ["--state", one.state]
        done = run(*command, env={**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY}, timeout=None)
        (self.folder / "findings.json").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode not in (0, 1):
            raise Failure(f"the judge could not read everything: {done.stderr.strip()}")
        told = json.loads(done.stdout)
        for what, number in told["counts"].items():
            self.count(what, number)
        self.count("wrong", told["wrong"])
        if told["wrong"]:
            raise Failure("the judge found this:\n" + "\n".join(told["findings"][:10]))
        self.verify()
        return self.counts

    def verify(self):
        """Production's outputs once more, from journal and inputs, through a file."""
        capture = self.folder / "all.capture"
        for words in (["capture", "export", capture, "--config", self.direct, "--force"], ["verify", capture]):
            env = {**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY}
            done = run(self.programs.engine, *words, "--json", code=0, env=env, timeout=None)
        told = json.loads(done.stdout)
        for what in ("epochs", "outputs"):
            self.count(f"verified_{what}", told[what])

    def supervise(self, away=()):
        """Start instances again that ended by themselves, as a machine's supervisor does, and count them."""
        for one in self.instances.values():
            stopped = one.process is None or one.runs() or one.process.code == 0
            if not stopped and one not in away:
                if one.process.code != 1:
                    raise Failure(f"{one.name} ended with {one.process.code}; see {one.log}: {one.last_line()}")
                self.count("exits")
                one.start()


# --- faults ---


def random_kills(deployment, count, pause_s=(0.3, 0.9)):
    """kill -9 one instance after another. Every fourth stays away long enough to lose its partitions."""
    away = {}
    for number in range(count):
        time.sleep(deployment.random.uniform(*pause_s))
        for one, until in list(away.items()):
            if time.monotonic() > until:
                del away[one]
                one.start()
        deployment.supervise(away)
        running = deployment.running()
        if not running:
            continue
        victim = deployment.random.choice(running)
        victim.kill9()
        deployment.count("kills")
        if number % 4 == 3 and len(away) < len(deployment.instances) - 1:
            away[victim] = time.monotonic() + deployment.random.uniform(1, SESSION_S + 2)
        else:
            victim.start()
    for one in away:
        one.start()
    deployment.supervise()


def zombie(deployment, victim):
    """SIGSTOP beyond the session, the others take over, SIGCONT. What it had begun must not be committed."""
    wait_until(victim.ready, f"{victim.name} owns something")
    victim.pause()
    wait_until(victim.is_suspended, f"{victim.name} is suspended")
    time.sleep(SESSION_S + 0.5)
    deployment.await_ready()
    resumed = time.time()
    victim.resume()
    deployment.count("zombies")
    wait_until(
        lambda: not victim.runs() or any("is ready at epoch" in text for _, text in victim.lines(resumed)),
        f"{victim.name} ends or is ready again",
    )
    deployment.supervise()
    return victim, resumed


def check_zombies(deployment, woken):
    """From the broker's own log: no zombie committed between SIGCONT and S8."""
    marks = commits_by_producer(deployment.broker, deployment.app)
    if not any(name.startswith(f"{deployment.app}.") for name in marks):
        raise Failure("the broker's segments name no producer of ours: the test sees nothing")
    for victim, resumed in woken:
        ready = [at for at, text in victim.lines(resumed) if "is ready at epoch" in text]
        until = ready[0] if ready else float("inf")
        late = [at for at in marks.get(f"{deployment.app}.{victim.name}.0", []) if resumed <= at < until]
        deployment.count("zombies_checked")
        if late:
            raise Failure(f"{victim.name} committed {len(late)} times between its waking at {resumed} and {until}")


def bounce(deployment, clean, outage_s=0.0, node=None):
    """The broker goes and comes back."""
    (deployment.broker.stop if clean else deployment.broker.kill9)(node)
    time.sleep(outage_s)
    deployment.broker.start()
    deployment.count("bounces")
    if outage_s > 0:
        deployment.count("outages")


def commits_by_producer(broker, app):
    """transactional.id -> instants of its commits on the journal, in seconds, as the broker's segments have them."""
    found = {}
    for data in broker_data(broker):
        names = segments.producer_names(data)
        for partition in range(PARTITIONS):
            for pid, at in segments.commits(data / f"{app}.journal-{partition}"):
                found.setdefault(names.get(pid, f"producer {pid}"), []).append(at)
    return found


def broker_data(broker):
    folder = pathlib.Path(broker.status()["folder"])
    return sorted(folder.glob("node-*/data"))


def rebalance_storm(deployment, count):
    """Instances leave in order, for longer than a session or not, and come back."""
    for number in range(count):
        running = deployment.running()
        leaves = deployment.random.choice(running)
        leaves.stop()
        time.sleep(SESSION_S + 0.5 if number % 3 == 0 else deployment.random.uniform(0.1, 1))
        joins = deployment.instance(deployment.random.choice([leaves.name, f"new-{number}"]))
        if joins is not leaves and len(deployment.running()) > 1 and number % 2 == 1:
            leaves.start()
        joins.start()
        deployment.count("rebalances")
        time.sleep(deployment.random.uniform(0.2, 1))
    deployment.await_ready()
