# SPDX-License-Identifier: Apache-2.0
"""Faults on real brokers, and what is needed around them: traffic, instances of the engine, a judge.

    with Broker("my_test", "3.9") as broker, Life(tools, broker, "one", seed=7) as life:
        a = life.instance("a").start()
        life.feed()
        a.kill9()
        a.start()
        life.judge()

A life is one deployment on topics of its own. After a failure its folder (states, logs, the judge's findings) and the
broker's stay, and their paths are printed.
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

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "kafka"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import segments  # noqa: E402
from broker import Broker  # noqa: E402, F401  (for those who use this)

# Machines may be busy; nothing here measures time.
PATIENCE_S = 180
PARTITIONS = 4
SESSION_S = 3.0
CASE_KEY = "torture-case-key-0123456789abcdef"
COMPACTED = ("enforcement", "policies", "changelog")
TOPICS = (
    "decisions",
    "notifications",
    "enforcement",
    "review_requests",
    "dead_letters",
    "policies",
    "journal",
    "changelog",
)

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

CONFIG = """
enabled: true
exempt: [user-7, user-8]
source: fairuse/torture
policies: {{live: live.yaml, shadow: [other.yaml]}}
streams:
  kind: kafka
  bootstrap: [{bootstrap}]
  app: {app}
  inputs: [{app}.events]
  outputs: {{{outputs}}}
  epoch: 50ms
  transaction_timeout: 1500ms
  session_timeout: 3s
  abort_scan: 500ms
  pending: {{write_every: 300ms}}
log: {{level: debug, format: json}}
"""


class Failure(AssertionError):
    """Something of the life under test, or of its test, did not do what it must."""


def wait_for(what, holds, patience_s=PATIENCE_S):
    """Until `holds()` answers something true; that."""
    deadline = time.monotonic() + patience_s
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failure(f"waited {patience_s} s for this: {what}")
        time.sleep(0.02)


class Tools:
    """The programs: the engine, the feed and the judge."""

    def __init__(self, engine, feed, judge):
        self.engine, self.feed, self.judge = map(str, (engine, feed, judge))


class Instance:
    """One process of the engine, with a name and a state folder that outlive it."""

    def __init__(self, life, name):
        self.life = life
        self.name = name
        self.state = life.folder / name
        self.log = life.folder / f"{name}.log"
        # The next start runs this.
        self.engine = life.tools.engine
        self.process = None

    def start(self, fail=None, disk=None):
        """`fail`: FAIRUSE_FAIL. `disk`: its state is on a disk of that size (tmpfs), which goes with the process."""
        if self.process and self.process.poll() is None:
            raise Failure(f"{self.name} runs already")
        environment = {**os.environ, "FAIRUSE_INSTANCE": self.name, "FAIRUSE_CASE_KEY": CASE_KEY}
        environment.pop("FAIRUSE_FAIL", None)
        if fail:
            environment["FAIRUSE_FAIL"] = fail
        command = [self.engine, "run", "--config", self.life.config, "--state", self.state]
        if disk:
            self.state.mkdir(exist_ok=True)
            mount = f'mount -t tmpfs -o size={disk} small "$1" && shift && exec "$@"'
            command = ["unshare", "-Urm", "sh", "-c", mount, "sh", self.state, *command]
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(json.dumps({"time": time.time(), "start": self.name, "fail": fail}) + "\n")
            log.flush()
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )
        self.started = time.time()
        return self

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def is_stopped(self):
        """By SIGSTOP."""
        try:
            text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] == "T"

    def status(self):
        """What it says of its partitions, if it said so since it was started."""
        try:
            said = json.loads((self.state / "partitions.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        return said if said["pid"] == self.process.pid and said["running"] else None

    def ready(self):
        """Partitions that it decides on."""
        said = self.status() if self.runs() else None
        return {one["partition"] for one in said["partitions"] if one["state"] == "ready"} if said else set()

    def kill9(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """As an operator does. It must end well."""
        if not self.runs():
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            code = self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not stop; see {self.log}") from None
        if code != 0:
            raise Failure(f"{self.name} stopped with {code}; see {self.log}: {self.last_line()}")

    def await_death(self, by=signal.SIGKILL, patience_s=PATIENCE_S):
        """Its failpoint must have killed it."""
        wait_for(f"{self.name} dies at its failpoint (see {self.log})", lambda: not self.runs(), patience_s)
        if self.process.returncode != -by:
            raise Failure(f"{self.name} ended with {self.process.returncode}; see {self.log}: {self.last_line()}")

    def lines(self, since=0.0):
        """(time, text) of its log."""
        if not self.log.exists():
            return
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "message" not in said:
                continue
            at = _seconds_of(said["time"])
            if at >= since:
                yield at, said["message"]

    def last_line(self):
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return lines[-1] if lines else ""


def _seconds_of(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{rest or 0}")


class Life:
    def __init__(self, tools, broker, app, seed=1, users=1_000, rate=800, bootstrap=None):
        self.tools = tools
        self.broker = broker
        self.app = app
        self.seed = seed
        self.users = users
        self.rate = rate
        self.random = random.Random(seed)
        self.bootstrap = bootstrap or broker.bootstrap
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"fairuse-torture-{app}-"))
        self.config = self.folder / "config.yaml"
        self.instances = {}
        # Who ends by himself is started again while others wait for him.
        self.supervised = False
        self.counts = {}
        self._feed = None
        self._write_config()

    def _write_config(self):
        outputs = ", ".join(f"{one}: {self.app}.{one}" for one in TOPICS)
        (self.folder / "live.yaml").write_text(POLICY.format(name="live-rules", short="1m"), encoding="utf-8")
        (self.folder / "other.yaml").write_text(POLICY.format(name="other", short="2m"), encoding="utf-8")
        text = CONFIG.format(bootstrap=self.bootstrap, app=self.app, outputs=outputs)
        self.config.write_text(text, encoding="utf-8")
        # The judge and the feed never go through a proxy.
        direct = CONFIG.format(bootstrap=self.broker.bootstrap, app=self.app, outputs=outputs)
        self.direct = self.folder / "judge.yaml"
        self.direct.write_text(direct, encoding="utf-8")

    def __enter__(self):
        self._make_topic("events", {})
        for one in TOPICS:
            self._make_topic(one, {"cleanup_policy": "compact"} if one in COMPACTED else {})
        return self

    def __exit__(self, kind, error, trace):
        self.end()
        if error is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"what is left of {self.app} is kept: {self.folder}", file=sys.stderr)

    def _make_topic(self, name, settings):
        """A broker on a busy machine may be out of its own cluster for a moment."""

        def made():
            try:
                self.broker.topic(f"{self.app}.{name}", partitions=PARTITIONS, **settings)
            except AssertionError as refusal:
                if "fenced" not in str(refusal):
                    raise
                return False
            return True

        wait_for(f"topic {name} is made", made)

    def end(self):
        if self._feed:
            self._feed.kill()
            self._feed.communicate()
        for one in self.instances.values():
            if one.runs():
                one.kill9()

    def count(self, what, more=1):
        self.counts[what] = self.counts.get(what, 0) + more

    def instance(self, name):
        return self.instances.setdefault(name, Instance(self, name))

    def running(self):
        return [one for one in self.instances.values() if one.runs()]

    # --- traffic ---

    def feed(self):
        command = [self.tools.feed, "--bootstrap", self.broker.bootstrap, "--input", f"{self.app}.events"]
        command += ["--reviews", f"{self.app}.review_requests", "--seed", self.seed]
        command += ["--users", self.users, "--rate", self.rate]
        with open(self.folder / "feed.log", "w", encoding="utf-8") as log:
            self._feed = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def end_feed(self):
        if self._feed is None:
            return
        told, _ = self._feed.communicate()
        if self._feed.returncode != 0:
            raise Failure(f"the feed ended with {self._feed.returncode}; see {self.folder / 'feed.log'}")
        for what, number in json.loads(told).items():
            self.count(what, number)
        self._feed = None

    # --- looking ---

    def await_ready(self, patience_s=PATIENCE_S):
        """Every partition is decided on by somebody who runs."""
        everything = set(range(PARTITIONS))

        def holds():
            if self.supervised:
                self.supervise()
            owners = [one.ready() for one in self.running() if not one.is_stopped()]
            return set().union(*owners) == everything if owners else False

        wait_for(f"all partitions of {self.app} are ready", holds, patience_s)

    def await_owner(self, instance, patience_s=PATIENCE_S):
        wait_for(
            f"{instance.name} owns all of {self.app}",
            lambda: len(instance.ready()) == PARTITIONS or not instance.runs(),
            patience_s,
        )
        if not instance.runs():
            raise Failure(f"{instance.name} ended with {instance.process.returncode}: {instance.last_line()}")

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
            raise Failure("nobody runs who could decide the rest")
        # What instances say of themselves may be from before an outage; the group and the logs have the last word.
        wait_for(f"all of {self.app} is decided on", lambda: holds() and max(self.lags()) <= 1)
        for one in self.running():
            one.stop()

    def lags(self):
        """Committed records behind the group's offsets, by the brokers; many, where they do not answer."""
        command = [self.tools.engine, "partitions", "--config", self.direct, "--json"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
            return [1_000_000]
        return [one.get("lag", 1_000_000) for one in json.loads(done.stdout)["partitions"]]

    def judge(self):
        """Settle, then read everything again. Counts; anything wrong is a Failure."""
        self.settle()
        return self.examine()

    def examine(self):
        """Read everything again; nobody runs. Counts; anything wrong is a Failure."""
        command = [self.tools.judge, "--config", self.direct]
        for one in self.instances.values():
            if one.state.exists():
                command += ["--state", one.state]
        done = subprocess.run(
            list(map(str, command)),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY},
        )
        (self.folder / "judgement.json").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode not in (0, 1):
            raise Failure(f"the judge could not look: {done.stderr.strip()}")
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
        for command in (["capture", "export", capture, "--config", self.direct, "--force"], ["verify", capture]):
            done = subprocess.run(
                list(map(str, [self.tools.engine, *command, "--json"])),
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "FAIRUSE_CASE_KEY": CASE_KEY},
            )
            if done.returncode != 0:
                raise Failure(f"{command[0]} answered {done.returncode}: {done.stdout}{done.stderr}")
        told = json.loads(done.stdout)
        for what in ("epochs", "outputs"):
            self.count(f"verified_{what}", told[what])

    def supervise(self, away=()):
        """Start again who went by himself, as a machine's supervisor does, and say so in the counts."""
        for one in self.instances.values():
            stopped = one.process is None or one.runs() or one.process.returncode == 0
            if not stopped and one not in away:
                if one.process.returncode != 1:
                    raise Failure(f"{one.name} ended with {one.process.returncode}; see {one.log}: {one.last_line()}")
                self.count("exits")
                one.start()


# --- faults ---


def random_kills(life, count, pause_s=(0.3, 0.9)):
    """kill -9 somebody, and again, and again. Every fourth stays away long enough to lose its partitions."""
    away = {}
    for number in range(count):
        time.sleep(life.random.uniform(*pause_s))
        for one, until in list(away.items()):
            if time.monotonic() > until:
                del away[one]
                one.start()
        life.supervise(away)
        running = life.running()
        if not running:
            continue
        victim = life.random.choice(running)
        victim.kill9()
        life.count("kills")
        if number % 4 == 3 and len(away) < len(life.instances) - 1:
            away[victim] = time.monotonic() + life.random.uniform(1, SESSION_S + 2)
        else:
            victim.start()
    for one in away:
        one.start()
    life.supervise()


def zombie(life, victim):
    """SIGSTOP beyond the session, the others take over, SIGCONT. Whatever it had in hand must come to nothing."""
    wait_for(f"{victim.name} owns something", victim.ready)
    victim.pause()
    wait_for(f"{victim.name} stops", victim.is_stopped)
    time.sleep(SESSION_S + 0.5)
    life.await_ready()
    resumed = time.time()
    victim.resume()
    life.count("zombies")
    wait_for(
        f"{victim.name} finds its way back",
        lambda: not victim.runs() or any("is ready at epoch" in text for _, text in victim.lines(resumed)),
    )
    life.supervise()
    return victim, resumed


def check_zombies(life, woken):
    """From the broker's own log: nobody committed between waking up and S8."""
    marks = commits_by_producer(life.broker, life.app)
    if not any(name.startswith(f"{life.app}.") for name in marks):
        raise Failure("the broker's segments name nobody who committed: the test sees nothing")
    for victim, resumed in woken:
        ready = [at for at, text in victim.lines(resumed) if "is ready at epoch" in text]
        until = ready[0] if ready else float("inf")
        late = [at for at in marks.get(f"{life.app}.{victim.name}.0", []) if resumed <= at < until]
        life.count("zombies_checked")
        if late:
            raise Failure(f"{victim.name} committed {len(late)} times between its waking at {resumed} and {until}")


def bounce(life, clean, outage_s=0.0, node=None):
    """The broker goes and comes back."""
    (life.broker.stop if clean else life.broker.kill9)(node)
    time.sleep(outage_s)
    life.broker.start()
    life.count("bounces")
    if outage_s > 0:
        life.count("outages")


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


def rebalance_storm(life, count):
    """Instances leave in order, for longer than a session or not, and come back."""
    for number in range(count):
        running = life.running()
        leaves = life.random.choice(running)
        leaves.stop()
        time.sleep(SESSION_S + 0.5 if number % 3 == 0 else life.random.uniform(0.1, 1))
        joins = life.instance(life.random.choice([leaves.name, f"new-{number}"]))
        if joins is not leaves and len(life.running()) > 1 and number % 2 == 1:
            leaves.start()
        joins.start()
        life.count("rebalances")
        time.sleep(life.random.uniform(0.2, 1))
    life.await_ready()
