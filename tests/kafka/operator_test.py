# SPDX-License-Identifier: Apache-2.0
"""The operator's commands, as a person types them, against a real broker.

    operator_test.py PROGRAM
"""

import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.broker import Broker, consume, kcat, produce, produce_events  # noqa: E402
from support.kafka_mode import POLICIES, SHORT_TIMES, Instance, command, topic_names, write_config  # noqa: E402
from support.process import ROOT, run, wait_until  # noqa: E402
from support.traffic import ms, now_ms, speech  # noqa: E402

PROGRAM = pathlib.Path(sys.argv.pop(1)) if len(sys.argv) > 1 else ROOT / "build" / "dev" / "fairuse"
PARTITIONS = 2


class OperatorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bootstrap = cls.enterClassContext(Broker(f"operator_test_{os.getpid()}")).bootstrap
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="fairuse-operator-")))
        cls.main = cls.config("orders", "orders")
        code, told = command(PROGRAM, "topics", "create", "--config", cls.main, "--inputs", "--partitions", PARTITIONS)
        if code != 0:
            raise AssertionError(told)

    @classmethod
    def config(cls, app, topics, bootstrap=None, shadows=("omi-newest",), **outputs):
        """Topics of a prefix belong to one engine, whatever its group is called."""
        streams = {**SHORT_TIMES, "inputs": [f"{topics}.events"], "outputs": {**topic_names(topics), **outputs}}
        shadow = [POLICIES / f"{each}.yaml" for each in shadows]
        return write_config(cls.folder / f"{app}.yaml", bootstrap or cls.bootstrap, app, shadow=shadow, streams=streams)

    def instance(self, config, state="one", name="one", fail=None):
        made = Instance(PROGRAM, config, self.folder / state, name=name)
        self.addCleanup(lambda: made.runs() and made.kill9())
        return made.start(fail=fail)

    def produce(self, topic, first, count):
        spoken = now_ms() - ms("1h")
        lines = [speech(f"user-{i % 8}", f"e-{i}", spoken, ms("10m")) for i in range(first, first + count)]
        produce_events(self.bootstrap, topic, lines)

    def says(self, code, text, *words):
        got, told = command(PROGRAM, *words)
        self.assertEqual((got, True), (code, text in told), f"{words}: {got}, {told}")

    def test_a_mistake_is_answered_with_what_is_right(self):
        local = ROOT / "config" / "local.yaml"
        who = ["--actor", "ann", "--reason", "test"]
        self.says(2, "is refused", "partitions", "--config", self.folder / "nothing.yaml")
        self.says(2, "local mode", "partitions", "--config", local)
        self.says(2, "no instance has run", "partitions", "--config", self.main, "--state", self.folder / "no")
        self.says(2, "did you mean 'kill_switch'", "command", "--config", self.main, "kil-switch", "on", *who)
        self.says(2, "kill_switch on|off", "command", "--config", self.main, "kill_switch", "maybe", *who)
        self.says(2, "only a shadow can be promoted", "command", "--config", self.main, "promote_policy", "fare", *who)
        self.says(2, "--reason", "command", "--config", self.main, "reset", "ann", "--actor", "ann")
        self.says(2, "add --yes", "command", "--config", self.main, "erase", "user-1", *who)
        self.says(2, "no partition 99", "state", "adopt", "--config", self.main, "--partition", 99)
        self.says(2, "--partition", "state", "reseed", "--config", self.main)
        self.says(1, "nothing to adopt", "state", "adopt", "--config", self.main, "--partition", 0, "--yes")

    def test_without_a_broker_it_says_so(self):
        config = self.config("nowhere", "shop", bootstrap="127.0.0.1:1")
        self.says(1, "no broker answers at 127.0.0.1:1", "partitions", "--config", config)
        self.says(1, "no broker answers", "state", "adopt", "--config", config, "--partition", 0)

    def test_partitions_exits_with_1_when_nobody_reads_or_an_instance_was_killed(self):
        own = self.config("monitor", "monitor")
        self.says(0, "created", "topics", "create", "--config", own, "--inputs", "--partitions", PARTITIONS)
        self.says(1, "nobody is in group monitor", "partitions", "--config", own)
        one = self.instance(own, "monitor", "monitor")
        self.produce("monitor.events", 0, 200)
        one.wait_for_state("ready", PARTITIONS, read=True)
        self.says(0, "Stable", "partitions", "--config", own, "--state", one.state, "--max-lag", 1)
        one.kill9()
        # At once: the lock of its folder ended with it.
        killed = "instance monitor was killed or ended with an error"
        code, printed, *_ = command(PROGRAM, "partitions", "--config", own, "--state", one.state)
        self.assertEqual((code, printed.count(killed)), (1, 2), printed)
        self.produce("monitor.events", 200, 200)
        self.says(1, "more than --max-lag 10", "partitions", "--config", own, "--max-lag", 10)
        self.says(1, killed, "partitions", "--config", own, "--state", one.state)

    def test_an_instance_whose_client_never_closes_ends_all_the_same(self):
        own = self.config("hung", "hung")
        self.says(0, "created", "topics", "create", "--config", own, "--inputs", "--partitions", PARTITIONS)
        one = self.instance(own, "hung", "hung", fail="leaving:hang")
        self.produce("hung.events", 0, 200)
        one.wait_for_state("ready", PARTITIONS, read=True)
        one.stop()
        self.assertIn("is left behind; what was sealed is committed", one.log_text())
        # Its stores are whole.
        again = self.instance(own, "hung", "hung")
        again.wait_for_state("ready", PARTITIONS, read=True)
        self.assertNotIn("restored", again.log_text())
        again.stop()

    def test_operators_see_rules_and_dead_letters_and_what_cannot_be_promoted(self):
        own = self.config("rules", "rules")
        self.says(0, "created", "topics", "create", "--config", own, "--inputs", "--partitions", PARTITIONS)
        one = self.instance(own, "rules", "rules")
        one.wait_for_state("ready", PARTITIONS)
        produce(self.bootstrap, "rules.events", "no event\nno event either\n")
        here = ["--config", own, "--state", one.state]
        counted = lambda: "2  not_json" in command(PROGRAM, "partitions", *here)[1]
        wait_until(counted, "dead letters are counted by reason")
        self.says(0, "0-1         fair         off          yes      omi-newest", "partitions", *here)
        self.assertEqual(one.log_text().count("first dead letter for `not_json`"), 1)
        self.assertRegex(one.log_text(), r"partition 1 is ready .* live fair \(.{12}\), shadow omi-newest \(.{12}\)")
        for words in (["partitions", *here], ["decisions", "--dead-letters", "--state", one.state]):
            self.assertIn("fairuse.error.reason=not_json", self.printed_by_command_in(command(PROGRAM, *words)[1]))
        self.says(2, "state of an instance on Kafka", "status", "--user", "user-1", "--state", one.state)

        who = ["--actor", "ann", "--reason", "test"]
        self.says(2, "only a shadow can be promoted", "command", *here, "promote_policy", "fare", *who)
        self.config("rules", "rules", shadows=["omi-newest", "omi-2026-03"])
        self.says(1, "has not loaded omi-2026-03", "command", *here, "promote_policy", "omi-2026-03", *who)
        self.says(0, "is not known here", "command", "--config", own, "promote_policy", "omi-newest", *who)
        live = lambda: "0-1         omi-newest" in command(PROGRAM, "partitions", *here)[1]
        wait_until(live, "omi-newest is promoted")
        self.says(2, "is live already", "command", *here, "promote_policy", "omi-newest", *who)
        self.assertIn("policy_promoted", self.printed_by_command_in(command(PROGRAM, "decisions", *here[2:])[1]))
        one.stop()

    def test_a_shadow_whose_sums_miss_speech_is_not_promoted(self):
        fair = (POLICIES / "fair.yaml").read_text(encoding="utf-8")
        finer = fair.replace("name: fair", "name: finer").replace("bucket: 1m", "bucket: 30s")
        (self.folder / "finer.yaml").write_text(finer, encoding="utf-8")
        own = self.config("young", "young", shadows=[])
        self.says(0, "created", "topics", "create", "--config", own, "--inputs", "--partitions", PARTITIONS)
        one = self.instance(own, "young", "young")
        self.produce("young.events", 0, 200)
        one.wait_for_state("ready", PARTITIONS, read=True)
        one.stop()
        self.config("young", "young", shadows=[self.folder / "finer"])
        one.start()
        one.wait_for_state("ready", PARTITIONS)
        promote = ["command", "--config", own, "--state", one.state, "promote_policy", "finer", "--actor", "ann"]
        self.says(1, "finer is incomplete until", *promote, "--reason", "test")
        told = command(PROGRAM, "partitions", "--config", own, "--state", one.state)[1]
        self.assertRegex(told, r"\n0-1 .* finer\nfiner is incomplete until \S+: it cannot be promoted before\n")
        one.stop()

    def printed_by_command_in(self, text):
        """By the last command of kcat that a message names."""
        return run("sh", "-c", text[text.rindex("kcat -q") :].splitlines()[0], code=0).stdout

    def test_lost_offsets_are_refused_and_adopted_and_state_is_reseeded(self):
        self.produce("orders.events", 0, 200)
        one = self.instance(self.main)
        before = one.wait_for_state("ready", PARTITIONS, read=True)
        self.says(1, "is alive: orders.one.0", "state", "adopt", "--config", self.main, "--partition", 0, "--yes")
        self.commands_reach_every_partition(one)
        self.assertEqual(one.process.stop(signal.SIGINT), 130)

        # The same topics and a group without offsets: as if they had expired.
        lost = self.config("forgetful", "orders")
        one = self.instance(lost)
        one.wait_for_state("refused", PARTITIONS)
        self.says(1, "fairuse state adopt --partition 1", "partitions", "--config", lost, "--state", one.state)
        one.stop()
        self.says(2, "add --yes", "state", "adopt", "--config", lost, "--partition", 0)
        for partition in range(PARTITIONS):
            self.says(0, "Done", "state", "adopt", "--config", lost, "--partition", partition, "--yes")
        self.says(0, "Nothing to do", "state", "adopt", "--config", lost, "--partition", 0)

        self.produce("orders.events", 200, 200)
        one = self.instance(lost)
        adopted = one.wait_for_state("ready", PARTITIONS, read=True)
        one.stop()
        for was, now in zip(before, adopted):
            self.assertGreater(now["epoch"], was["epoch"])

        self.says(0, "Done", "state", "reseed", "--config", lost, "--partition", 0, "--yes")
        one = self.instance(lost)
        self.produce("orders.events", 400, 200)
        reseeded = one.wait_for_state("ready", PARTITIONS, read=True)
        self.assertGreater(reseeded[0]["epoch"], adopted[0]["epoch"])
        self.a_younger_process_of_the_same_name_wins(lost, one)
        self.every_id_is_there_once("orders")

    def test_a_lost_changelog_is_refused_and_reseeded_and_no_id_comes_twice(self):
        before = self.config("warehouse", "depot")
        self.says(0, "created", "topics", "create", "--config", before, "--inputs", "--partitions", PARTITIONS)
        self.produce("depot.events", 0, 400)
        one = self.instance(before, "depot", "depot")
        was = one.wait_for_state("ready", PARTITIONS, read=True)
        one.stop()

        # The topic and the machine are gone: a new topic, and no state anywhere.
        lost = self.config("warehouse", "depot", changelog="depot.changelog-anew")
        self.says(0, "created depot.changelog-anew", "topics", "create", "--config", lost)
        shutil.rmtree(one.state)
        one = self.instance(lost, "depot", "depot")
        one.wait_for_state("refused", PARTITIONS)
        self.says(1, "fairuse state reseed --partition 1", "partitions", "--config", lost, "--state", one.state)
        one.stop()

        for partition in range(PARTITIONS):
            self.says(0, "Done", "state", "reseed", "--config", lost, "--partition", partition, "--yes")
        self.produce("depot.events", 400, 400)
        one = self.instance(lost, "depot", "depot")
        now = one.wait_for_state("ready", PARTITIONS, read=True)
        one.stop()
        for earlier, later in zip(was, now):
            self.assertGreater(later["epoch"], earlier["epoch"])
        self.every_id_is_there_once("depot")

    def commands_reach_every_partition(self, one):
        who = ["--actor", "ann", "--reason", "test", "--id"]
        for on, name in (("on", "k1"), ("on", "k1"), ("off", "k2")):
            self.says(0, "all 2 partitions", "command", "--config", self.main, "kill_switch", on, *who, name)
        self.says(0, "sent as", "command", "--config", self.main, "exempt", "user-3", "on", *who[:4])
        one.wait_for_state("ready", PARTITIONS, read=True)
        committed = ["-X", "isolation.level=read_committed"]
        sent = consume(self.bootstrap, "orders.events", *committed, "-f", "%p=%k\n")
        self.assertEqual(sorted(each for each in sent if "*" in each), ["0=*"] * 3 + ["1=*"] * 3)
        self.assertEqual(consume(self.bootstrap, "orders.dead_letters", *committed, "-f", "%k\n"), [])
        self.says(0, "sent as", "command", "--config", self.main, "clear_strike", "user-3", "FU-0123456789AB", *who[:4])
        one.wait_for_state("ready", PARTITIONS, read=True)
        refused = " ".join(consume(self.bootstrap, "orders.dead_letters", *committed, "-f", "%k %h\n"))
        self.assertIn("user-3 ", refused)
        self.assertIn("The user has no strike now.", refused)

    def a_younger_process_of_the_same_name_wins(self, config, older):
        younger = self.instance(config, "other", older.name)
        self.assertEqual(older.process.wait(), 1)
        self.assertRegex(older.log_text(), "another process|Does another process run")
        self.assertTrue(younger.runs())

    def every_id_is_there_once(self, topics):
        options = ["-X", "isolation.level=read_committed", "-J"]
        told = kcat(self.bootstrap, "-q", "-C", "-t", f"{topics}.decisions", "-o", "beginning", "-e", *options)
        headers = [json.loads(line)["headers"] for line in told.splitlines()]
        ids = [dict(zip(each[::2], each[1::2]))["ce_id"] for each in headers]
        self.assertGreater(len(ids), 0)
        self.assertEqual(len(ids), len(set(ids)))


if __name__ == "__main__":
    unittest.main()
