#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The names in what `fairuse run --json` says on Kafka, and in the file that it leaves for `fairuse partitions`.

usage: kafka_test.py PROGRAM
"""

import json
import os
import pathlib
import sys
import tempfile

from committed import FOLDER, differences, key_paths

ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.broker import Broker  # noqa: E402
from support.kafka_mode import CASE_KEY, write_config  # noqa: E402
from support.process import Process, run, wait_until  # noqa: E402

ENVIRONMENT = {**os.environ, "FAIRUSE_INSTANCE": "one", "FAIRUSE_CASE_KEY": CASE_KEY}


def run_engine(program, config, state):
    """The summary of a run, and the file as it was while the partition was ready."""
    left = {}

    def ready():
        file = state / "partitions.json"
        left.update(json.loads(file.read_text()) if file.exists() else {})
        return [each["state"] for each in left.get("partitions", [])] == ["ready"]

    with Process(program, "run", "--config", config, "--state", state, "--json", env=ENVIRONMENT) as running:
        wait_until(ready, "the partition is ready")
        running.stop()
        return json.loads(running.output()), left


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="fairuse-golden-") as made:
        folder = pathlib.Path(made)
        with Broker(f"golden_{os.getpid()}") as broker:
            config = write_config(folder / "config.yaml", broker.bootstrap, "golden", streams={"outputs": None})
            create = ["topics", "create", "--config", config, "--inputs", "--partitions", 1]
            run(program, *create, code=0, env=ENVIRONMENT)
            summary, left = run_engine(program, config, folder / "state")
    told = differences("names.txt", "kafka_summary", key_paths(summary))
    told += differences("names.txt", "kafka_partitions", key_paths(left))
    print("\n".join(told) or "as committed")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
