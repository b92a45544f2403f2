# SPDX-License-Identifier: Apache-2.0
"""The operator's commands, as a person types them, against a real broker.

    operator_test.py PROGRAM
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from broker import OUTPUTS, ROOT, Broker, consume, kcat, wait_until

PROGRAM = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else ROOT / "build" / "dev" / "fairuse"
PARTITIONS = 2
PATIENCE_S = 90

CONFIG = """\
enabled: true
policies: {{live: {policies}/fair.yaml, shadow: [{policies}/omi-newest.yaml]}}
streams:
  kind: kafka
  bootstrap: {bootstrap}
  app: {app}
  inputs: [{topics}.events]
  outputs: {{{outputs}}}
  session_timeout: 3s
  transaction_timeout: 1500ms
  abort_scan: 500ms
case_key: {{file: case.key}}
"""


class Place:
    """A folder with deployments; topics of a name belong to one engine."""

    def __init__(self, bootstrap):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fairuse-operator-"))
        self.bootstrap = bootstrap
        self.running = []
        (self.folder / "case.key").write_text("a key of this test alone", encoding="ascii")

    def close(self):
        for each in self.running:
            if each.poll() is None:
                each.kill()
                each.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def config(self, app, topics, bootstrap=None, changelog=None):
        file = self.folder / f"{app}.yaml"
        names = {each: f"{topics}.{each}" for each in OUTPUTS}
        names["changelog"] = changelog or names["changelog"]
        outputs = ", ".join(f"{role}: {name}" for role, name in names.items())
        policies = ROOT / "config" / "policies"
        bootstrap = bootstrap or self.bootstrap
        text = CONFIG.format(policies=policies, bootstrap=bootstrap, app=app, topics=topics, outputs=outputs)
        file.write_text(text, encoding="ascii")
        return file

    def type(self, *words):
        """Exit code and all that was said."""
        command = list(map(str, [PROGRAM, *words]))
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def start(self, config, name="one", state=None):
        state = state or self.folder / name
        log = self.folder / f"log-{len(self.running)}"
        with open(log, "wb") as to:
            made = subprocess.Popen(
                list(map(str, [PROGRAM, "run", "--config", config, "--state", state])),
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=to,
                env={**os.environ, "FAIRUSE_INSTANCE": name},
            )
        made.log = log
        self.running.append(made)
        return made

    def partitions(self, config, name="one"):
        """Exit code and rows, of what the running instance of that name says; no rows before it has said it."""
        code, told = self.type("partitions", "--config", config, "--state", self.folder / name, "--json")
        return code, json.loads(told)["partitions"] if code in (0, 1) and told.startswith("{") else []

    def wait_for_state(self, config, state, read=False, name="one"):
        """`read`: to the end; the marker of a transaction that ends a log counts as one record that nobody read."""
        found = []

        def there():
            found[:] = self.partitions(config, name)[1]
            states = [each.get("state") for each in found]
            behind = [each.get("lag", 2) > 1 for each in found]
            return states == [state] * PARTITIONS and not (read and any(behind))

        wait_until(there, f"not all partitions are {state}", PATIENCE_S)
        return found

    def produce(self, topic, first, count):
        spoken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3_600))
        lines = []
        for i in range(first, first + count):
            uid = f"user-{i % 8}"
            event = {"specversion": "1.0", "id": f"e-{i}", "source": "test", "type": "fairuse.speech.v1"}
            event |= {"subject": uid, "time": spoken, "data": {"lane": "realtime", "ms": 600_000}}
            lines.append(f"{uid}\t{json.dumps(event)}")
        options = ["-K", "\t", "-X", "partitioner=murmur2", "-X", "acks=all"]
        kcat(self.bootstrap, "-q", "-P", "-t", topic, *options, text="\n".join(lines) + "\n")


class OperatorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker("operator_test")
        cls.broker.__enter__()
        cls.addClassCleanup(cls.broker.__exit__, None, None, None)
        cls.place = Place(cls.broker.bootstrap)
        cls.addClassCleanup(cls.place.close)
        cls.main = cls.place.config("shop", "shop")
        code, told = cls.place.type("topics", "create", "--config", cls.main, "--inputs", "--partitions", PARTITIONS)
        if code != 0:
            raise AssertionError(told)

    def refused(self, code, words, *command):
        got, told = self.place.type(*command)
        self.assertEqual((got, True), (code, words in told), f"{command}: {got}, {told}")

    def test_a_mistake_is_answered_with_what_is_right(self):
        local = ROOT / "config" / "local.yaml"
        who = ["--actor", "ann", "--reason", "test"]
        self.refused(2, "is refused", "partitions", "--config", self.place.folder / "nothing.yaml")
        self.refused(2, "local life", "partitions", "--config", local)
        self.refused(2, "no instance has run", "partitions", "--config", self.main, "--state", self.place.folder / "no")
        self.refused(2, "did you mean 'kill-switch'", "command", "--config", self.main, "kil-switch", "on", *who)
        self.refused(2, "kill-switch on|off", "command", "--config", self.main, "kill-switch", "maybe", *who)
        self.refused(2, "only a shadow can be promoted", "command", "--config", self.main, "promote", "fare", *who)
        self.refused(2, "--reason", "command", "--config", self.main, "reset", "ann", "--actor", "ann")
        self.refused(2, "add --yes", "command", "--config", self.main, "erase", "user-1", *who)
        self.refused(2, "no partition 99", "state", "adopt", "--config", self.main, "--partition", 99)
        self.refused(2, "--partition", "state", "reseed", "--config", self.main)
        self.refused(1, "nothing to adopt", "state", "adopt", "--config", self.main, "--partition", 0, "--yes")

    def test_without_a_broker_it_says_so(self):
        config = self.place.config("nowhere", "shop", bootstrap="127.0.0.1:1")
        self.refused(1, "no broker answers at 127.0.0.1:1", "partitions", "--config", config)
        self.refused(1, "no broker answers", "state", "adopt", "--config", config, "--partition", 0)

    def test_lost_offsets_are_refused_and_adopted_and_state_is_reseeded(self):
        place = self.place
        place.produce("shop.events", 0, 200)
        one = place.start(self.main)
        before = place.wait_for_state(self.main, "ready", read=True)
        self.refused(1, "is alive: shop.one.0", "state", "adopt", "--config", self.main, "--partition", 0, "--yes")
        self.commands_reach_everybody()
        one.send_signal(signal.SIGINT)
        self.assertEqual(one.wait(PATIENCE_S), 130)

        # The same topics and a group that knows nothing: as if its offsets had expired.
        lost = place.config("forgetful", "shop")
        one = place.start(lost, "one")
        place.wait_for_state(lost, "refused")
        code, told = place.type("partitions", "--config", lost, "--state", place.folder / "one")
        self.assertEqual((code, "fairuse state adopt --partition 1" in told), (1, True), told)
        one.send_signal(signal.SIGTERM)
        self.assertEqual(one.wait(PATIENCE_S), 0)
        self.refused(2, "add --yes", "state", "adopt", "--config", lost, "--partition", 0)
        for partition in range(PARTITIONS):
            self.refused(0, "Done", "state", "adopt", "--config", lost, "--partition", partition, "--yes")
        self.refused(0, "Nothing to do", "state", "adopt", "--config", lost, "--partition", 0)

        place.produce("shop.events", 200, 200)
        one = place.start(lost, "one")
        adopted = place.wait_for_state(lost, "ready", read=True)
        one.send_signal(signal.SIGTERM)
        self.assertEqual(one.wait(PATIENCE_S), 0)
        for was, now in zip(before, adopted):
            self.assertGreater(now["epoch"], was["epoch"])

        self.refused(0, "Done", "state", "reseed", "--config", lost, "--partition", 0, "--yes")
        one = place.start(lost, "one")
        place.produce("shop.events", 400, 200)
        reseeded = place.wait_for_state(lost, "ready", read=True)
        self.assertGreater(reseeded[0]["epoch"], adopted[0]["epoch"])
        self.a_younger_process_of_the_same_name_wins(lost, one)
        self.every_id_is_there_once()

    def test_a_lost_changelog_is_refused_and_reseeded_and_no_id_comes_twice(self):
        place = self.place
        before = place.config("warehouse", "depot")
        self.refused(0, "created", "topics", "create", "--config", before, "--inputs", "--partitions", PARTITIONS)
        place.produce("depot.events", 0, 400)
        one = place.start(before, "depot")
        was = place.wait_for_state(before, "ready", read=True, name="depot")
        one.send_signal(signal.SIGTERM)
        self.assertEqual(one.wait(PATIENCE_S), 0)

        # Somebody deleted the topic and the machine: a new topic, and no state anywhere.
        lost = place.config("warehouse", "depot", changelog="depot.changelog-anew")
        self.refused(0, "created depot.changelog-anew", "topics", "create", "--config", lost)
        shutil.rmtree(place.folder / "depot")
        one = place.start(lost, "depot")
        place.wait_for_state(lost, "refused", name="depot")
        code, told = place.type("partitions", "--config", lost, "--state", place.folder / "depot")
        self.assertEqual((code, "fairuse state reseed --partition 1" in told), (1, True), told)
        one.send_signal(signal.SIGTERM)
        self.assertEqual(one.wait(PATIENCE_S), 0)

        for partition in range(PARTITIONS):
            self.refused(0, "Done", "state", "reseed", "--config", lost, "--partition", partition, "--yes")
        place.produce("depot.events", 400, 400)
        one = place.start(lost, "depot")
        now = place.wait_for_state(lost, "ready", read=True, name="depot")
        one.send_signal(signal.SIGTERM)
        self.assertEqual(one.wait(PATIENCE_S), 0)
        for earlier, later in zip(was, now):
            self.assertGreater(later["epoch"], earlier["epoch"])
        self.every_id_is_there_once("depot")

    def commands_reach_everybody(self):
        who = ["--actor", "ann", "--reason", "test", "--id"]
        for on, name in (("on", "k1"), ("on", "k1"), ("off", "k2")):
            self.refused(0, "all 2 partitions", "command", "--config", self.main, "kill-switch", on, *who, name)
        self.refused(0, "sent as", "command", "--config", self.main, "exempt", "user-3", "on", *who[:4])
        self.place.wait_for_state(self.main, "ready", read=True)
        committed = ["-X", "isolation.level=read_committed"]
        sent = consume(self.place.bootstrap, "shop.events", *committed, "-f", "%p=%k\n")
        self.assertEqual(sorted(each for each in sent if "*" in each), ["0=*"] * 3 + ["1=*"] * 3)
        self.assertEqual(consume(self.place.bootstrap, "shop.dead_letters", *committed, "-f", "%k\n"), [])

    def a_younger_process_of_the_same_name_wins(self, config, older):
        younger = self.place.start(config, "one", state=self.place.folder / "other")
        self.assertEqual(older.wait(PATIENCE_S), 1)
        self.assertRegex(older.log.read_text(encoding="utf-8"), "another process|Does another process run")
        self.assertIsNone(younger.poll())

    def every_id_is_there_once(self, topics="shop"):
        options = ["-X", "isolation.level=read_committed", "-J"]
        told = kcat(self.place.bootstrap, "-q", "-C", "-t", f"{topics}.decisions", "-o", "beginning", "-e", *options)
        headers = [json.loads(line)["headers"] for line in told.splitlines()]
        ids = [dict(zip(each[::2], each[1::2]))["ce_id"] for each in headers]
        self.assertGreater(len(ids), 0)
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main()
