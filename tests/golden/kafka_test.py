#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The names in what `fairuse run --json` says on Kafka, and in the file that it leaves for `fairuse partitions`.

usage: kafka_test.py PROGRAM
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from committed import FOLDER, differences, key_paths

ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "kafka"))

from broker import Broker, wait_until  # noqa: E402

CONFIG = """\
enabled: true
policies: {{live: {policies}/fair.yaml}}
streams: {{kind: kafka, bootstrap: "{bootstrap}", app: golden, inputs: [golden.events]}}
"""


ENVIRONMENT = {**os.environ, "FAIRUSE_INSTANCE": "one", "FAIRUSE_CASE_KEY": "a key for tests only"}
PATIENCE_S = 60


def call(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode != 0:
        sys.exit(f"{words} ended with {done.returncode}: {done.stderr}")


def run(program, config, state):
    """The summary of a run, and the file as it was while the partition was ready."""
    command = [program, "run", "--config", config, "--state", state, "--json"]
    running = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT
    )
    left = {}

    def ready():
        file = state / "partitions.json"
        left.update(json.loads(file.read_text()) if file.exists() else {})
        return [each["state"] for each in left.get("partitions", [])] == ["ready"]

    try:
        wait_until(ready, "the partition is ready", PATIENCE_S)
        running.terminate()
        summary, _ = running.communicate(timeout=PATIENCE_S)
    finally:
        running.kill()
    return json.loads(summary), left


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="fairuse-golden-") as made:
        folder = pathlib.Path(made)
        with Broker(f"golden_{os.getpid()}") as broker:
            config = folder / "config.yaml"
            config.write_text(CONFIG.format(policies=ROOT / "config" / "policies", bootstrap=broker.bootstrap))
            call(program, "topics", "create", "--config", config, "--inputs", "--partitions", 1)
            summary, left = run(program, config, folder / "state")
    told = differences("names.txt", "kafka_summary", key_paths(summary))
    told += differences("names.txt", "kafka_partitions", key_paths(left))
    print("\n".join(told) or "as committed")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
