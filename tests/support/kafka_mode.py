# SPDX-License-Identifier: Apache-2.0
"""The engine in Kafka mode: its topics, its configuration, and instances of it.

    config = write_config(folder / "config.yaml", broker.bootstrap, "orders", streams=SHORT_TIMES)
    command(PROGRAM, "topics", "create", "--config", config, "--inputs", "--partitions", 2)
    one = Instance(PROGRAM, config, folder / "one").start()
    one.wait_for_state("ready", partitions=2, read=True)
    one.stop()
"""

import json
import os
import shlex

from support.process import ROOT, Failure, Process, run, wait_until

# The engine's output topics, by their names in a configuration; and those that are compacted.
TOPICS = "decisions notifications enforcement review_requests dead_letters policies journal changelog".split()
COMPACTED = ("enforcement", "policies", "changelog")
CASE_KEY = "a case key for tests only, 0123456789"
POLICIES = ROOT / "config" / "policies"
# So that no test waits long for the end of a session or of a transaction.
SHORT_TIMES = {"session_timeout": "3s", "transaction_timeout": "1500ms", "abort_scan": "500ms"}


def topic_names(app):
    return {topic: f"{app}.{topic}" for topic in TOPICS}


def write_config(path, bootstrap, app, live=POLICIES / "fair.yaml", shadow=(), streams=None, **more):
    """Write a deployment's configuration; the path. `streams` and `more` replace what is said here; None removes it."""
    said = {"kind": "kafka", "bootstrap": bootstrap.split(","), "app": app, "inputs": [f"{app}.events"]}
    said |= {"outputs": topic_names(app), **(streams or {})}
    config = {"enabled": True, "source": "fairuse/test"}
    config["policies"] = {"live": str(live), "shadow": list(map(str, shadow))}
    config["streams"] = {key: value for key, value in said.items() if value is not None}
    # JSON is YAML, too.
    path.write_text(json.dumps({**config, **more}, indent=2) + "\n", encoding="utf-8")
    return path


def command(program, *words, key=CASE_KEY):
    """Exit code and all that was said."""
    done = _run(program, words, key)
    return done.returncode, done.stdout + done.stderr


def _run(program, words, key=CASE_KEY):
    return run(program, *words, env={**os.environ, "FAIRUSE_CASE_KEY": key})


def make_topics(broker, app, partitions, **settings):
    """The input and the outputs of a deployment, as small as they can be; operators use `fairuse topics create`."""
    for topic in ["events", *TOPICS]:
        compacted = {"cleanup_policy": "compact"} if topic in COMPACTED else {}
        # A broker on a busy machine may be out of its own cluster for a moment.
        wait_until(lambda: _made(broker, f"{app}.{topic}", partitions, {**compacted, **settings}), f"{topic} is made")


def _made(broker, name, partitions, settings):
    try:
        broker.topic(name, partitions=partitions, **settings)
    except AssertionError as refusal:
        if "fenced" not in str(refusal):
            raise
        return False
    return True


class Instance:
    """An engine with a name and a state folder that outlive its processes; its log is beside that folder."""

    def __init__(self, program, config, state, name=None, log=None):
        # The next start uses these.
        self.program = program
        self.config = config
        self.state = state
        self.name = name or state.name
        self.log = log or state.with_name(f"{state.name}.log")
        self.process = None
        self.failpoint = None

    def start(self, *options, fail=None, disk=None):
        """`fail`: FAIRUSE_FAIL. `disk`: its state is on a disk of that size (tmpfs), which goes with the process."""
        if self.runs():
            raise Failure(f"{self.name} runs already")
        env = {**os.environ, "FAIRUSE_INSTANCE": self.name, "FAIRUSE_CASE_KEY": CASE_KEY}
        env.pop("FAIRUSE_FAIL", None)
        self.failpoint = fail
        if fail:
            env["FAIRUSE_FAIL"] = fail
        command = [self.program, "run", "--config", self.config, "--state", self.state, *options]
        if disk:
            self.state.mkdir(exist_ok=True)
            mount = f"mount -t tmpfs -o size={disk} small {shlex.quote(str(self.state))}"
            command = ["unshare", "-Urm", "sh", "-c", f'{mount} && exec "$@"', "sh", *command]
        self.process = Process(*command, log=self.log, env=env)
        return self

    def runs(self):
        return self.process is not None and self.process.runs()

    def partitions(self):
        """What this process says of its partitions; nothing before it has said it, or when it is gone."""
        said = self.status() if self.runs() else None
        return said["partitions"] if said else []

    def status(self):
        try:
            said = json.loads((self.state / "partitions.json").read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        return said if said["pid"] == self.process.pid and said["running"] else None

    def ready(self):
        """Partitions that it decides on."""
        return {each["partition"] for each in self.partitions() if each["state"] == "ready"}

    def rows(self):
        """Exit code and rows of `fairuse partitions`; no rows before the instance has said anything."""
        words = ["partitions", "--config", self.config, "--state", self.state, "--json"]
        # The reasons of exit 1 are sentences on stderr.
        done = _run(self.program, words)
        rows = json.loads(done.stdout)["partitions"] if done.stdout.startswith("{") else []
        return done.returncode, rows

    def wait_for_state(self, state, partitions, read=False):
        """Rows of all partitions. `read`: to the end, where the marker of a transaction counts as a record."""

        def reached():
            if not self.runs():
                raise Failure(f"{self.name} ended with {self.process.code}: {self.last_line()}")
            rows = self.rows()[1]
            behind = [each.get("lag", 2) > 1 for each in rows]
            there = [each.get("state") for each in rows] == [state] * partitions
            return rows if there and not (read and any(behind)) else []

        return wait_until(reached, f"all partitions of {self.name} are {state}")

    def kill9(self):
        self.process.kill()

    def stop(self):
        """As an operator does. It must end well."""
        if self.runs() and (code := self.process.stop()) != 0:
            raise Failure(f"{self.name} stopped with {code}; see {self.log}: {self.last_line()}")

    def log_text(self):
        """Of all its processes."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def last_line(self):
        return (self.log_text().splitlines() or [""])[-1]
