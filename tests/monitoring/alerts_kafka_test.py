#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts about brokers and partitions ring by their faults, and no other does: an engine on a real broker, under a real
Prometheus and Alertmanager.
usage: alerts_kafka_test.py PROGRAM VERSION"""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.api import Api, free_port, token_line  # noqa: E402
from support.broker import Broker  # noqa: E402
from support.checks import equal  # noqa: E402
from support.kafka_mode import POLICIES, SHORT_TIMES, Instance, command, write_config  # noqa: E402
from support.listener import event  # noqa: E402
from support.monitor import Monitor  # noqa: E402
from support.process import wait_until  # noqa: E402

THRESHOLDS = {"fairuse_gate_view_age_seconds > 10": "fairuse_gate_view_age_seconds > 3"}


def a_broker_that_is_gone(instance, broker, monitor):
    monitor.expect()
    broker.kill9()
    alerts = ("FairuseViewOld", "FairuseGateDegraded", "FairusePartitionsMissing")
    monitor.expect_only(*alerts, each_turn=lambda: Api(instance.process, token="gate").gate("u-1"))
    broker.start()
    monitor.expect()


def a_partition_that_is_refused(instance, policy, monitor):
    spoken = json.dumps(event("s-1", "speech", {"lane": "realtime", "ms": 1}))
    headers = {"Content-Type": "application/cloudevents+json"}
    equal(Api(instance.process, token="gate").call("POST", "/v1/events", spoken, headers=headers).status, 202, "status")
    wait_until(lambda: monitor.query('fairuse_events_total{kind="speech",outcome="accepted"} == 1'), "the speech")
    instance.stop()
    # Its sums would begin anew.
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("bucket: 1m", "bucket: 5m"), encoding="utf-8")
    instance.start()
    monitor.expect("FairusePartitionStopped")
    instance.stop()
    policy.write_text(text, encoding="utf-8")
    instance.start().wait_for_state("ready", 1)
    monitor.expect()


def main():
    program, version = sys.argv[1:3]
    with tempfile.TemporaryDirectory(prefix="fairuse-alerts-") as scratch, Broker("alerts", version) as broker:
        folder = pathlib.Path(scratch)
        (folder / "tokens").write_text(token_line("gate", "gateway", "producer"), encoding="utf-8")
        policy = folder / "fair.yaml"
        policy.write_text((POLICIES / "fair.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        port = free_port()
        api = {"tokens": "tokens", "listen": "127.0.0.1:0", "status_listen": f"127.0.0.1:{port}"}
        config = write_config(folder / "kafka.yaml", broker.bootstrap, "alerts", live=policy, streams=SHORT_TIMES, api=api)
        code, told = command(program, "topics", "create", "--config", config, "--inputs", "--partitions", 1)
        equal(code, 0, told)
        instance = Instance(program, config, folder / "one").start()
        instance.wait_for_state("ready", 1)
        with Monitor(folder / "monitor", {"fairuse": port}, THRESHOLDS) as monitor:
            wait_until(lambda: len(monitor.query("up == 1")) == 1, "it is scraped")
            a_broker_that_is_gone(instance, broker, monitor)
            a_partition_that_is_refused(instance, policy, monitor)
        instance.stop()


main()
