#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""DuckDB beside histories: the lines of docs/replay.md, and crossings of caps counted again in SQL.

usage: duckdb_test.py PROGRAM

Installs DuckDB's command line (pinned in duckdb-requirements.txt) into the build folder.
"""

import csv
import datetime
import io
import itertools
import json
import os
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, run  # noqa: E402
from support.python_environment import python_environment  # noqa: E402
from support.traffic import mixed, ms  # noqa: E402

PROGRAM = None
DUCKDB = None
HERE = pathlib.Path(__file__).resolve().parent
EXPERIMENTS = ROOT / "config/experiments"
BUCKETS = {"15s": ms("15s"), "1m": ms("1m"), "1h": ms("1h")}
BASES = ["event", "arrival"]
POLICY = """name: {name}
metering: {{bucket: {bucket}, time_basis: {basis}, fresh_within: 24h}}
windows: {{daily: {{span: 24h, cap: 2h}}, 3day: {{span: 72h, cap: 4h}}, weekly: {{span: 168h, cap: 6h}}}}
"""


def instant_of(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def as_dump(traffic):
    """Speech of mixed traffic as kcat prints a topic with arrivals: what lies behind the latest line before came late."""
    now = 0
    for offset, line in enumerate(traffic.decode().splitlines()):
        if '"type":"fairuse.speech.v1"' not in line:
            continue
        event = json.loads(line)
        now = max(now, instant_of(event["time"]))
        record = {"topic": "t", "partition": 0, "offset": offset, "tstype": "logappend", "ts": now, "payload": line}
        yield json.dumps(record) + "\n"


class DuckDB(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def fairuse(self, *words):
        return run(PROGRAM, *words, cwd=self.folder, code=0).stdout

    def decided(self, names):
        """Crossings by policy, as core decides them."""
        chosen = [word for name in names for word in ("--policy", f"{name}.yaml")]
        self.fairuse("replay", "a.history", *chosen, "--decisions", "decisions", "--out", "report")
        found = {name: [] for name in names}
        for line in (self.folder / "decisions").read_text().splitlines():
            decision = json.loads(line)
            data = decision["data"]
            if data["decision"] == "cap_crossed":
                of = (decision["subject"], instant_of(decision["time"]), data["cause"]["event"], data["window"], data["sum_ms"])
                found[data["policy"]["name"]].append(of)
        return {name: sorted(each) for name, each in found.items()}

    def counted(self, bucket_ms, basis):
        """The same, as SQL counts them."""
        chosen = {"file": "'a.csv'", "bucket_ms": bucket_ms, "basis": f"'{basis}'", "fresh_ms": ms("24h")}
        setting = "".join(f"SET VARIABLE {name} = {value};" for name, value in chosen.items())
        done = run(DUCKDB, "-csv", "-c", setting, "-f", HERE / "crossings.sql", cwd=self.folder, code=0)
        rows = list(csv.reader(io.StringIO(done.stdout)))[1:]
        return sorted((uid, int(now), of, window, int(sum_ms)) for uid, now, of, window, sum_ms in rows)

    def compare(self):
        """Of a.history; the number of crossings."""
        names = {}
        for (bucket, bucket_ms), basis in itertools.product(BUCKETS.items(), BASES):
            name = f"{basis}-{bucket}"
            names[name] = (bucket_ms, basis)
            (self.folder / f"{name}.yaml").write_text(POLICY.format(name=name, bucket=bucket, basis=basis))
        self.fairuse("history", "export", "a.history", "--csv", "-o", "a.csv")
        decided = self.decided(names)
        for name, (bucket_ms, basis) in names.items():
            with self.subTest(name):
                self.assertEqual(decided[name], self.counted(bucket_ms, basis))
        # Whatever is equal everywhere would prove little.
        self.assertEqual(len({json.dumps(each) for each in decided.values()}), len(decided))
        return min(map(len, decided.values()))

    def test_crossings_of_a_month_are_those_that_sql_counts(self):
        (self.folder / "mine.yaml").write_text(
            f"population: {EXPERIMENTS / 'population.yaml'}\nreviewer: {EXPERIMENTS / 'reviewer.yaml'}\nusers: 40\ndays: 30\n"
            "policies: [fair]\n"
        )
        self.fairuse("simulate", "mine.yaml", "--write-history", "a.history", "--out", "simulated")
        self.assertGreater(self.compare(), 30)

    def test_late_speech_and_segments_are_counted_the_same(self):
        traffic = mixed(5, lines=6_000, users=8, days=12, future=False)
        (self.folder / "dump").write_text("".join(as_dump(traffic)))
        told = self.fairuse("history", "pack", "dump", "-o", "a.history", "--json")
        self.assertTrue(json.loads(told)["arrivals_known"])
        self.assertGreater(json.loads(told)["segments"], 1_000)
        self.assertGreater(self.compare(), 30)

    def test_the_lines_of_the_document_turn_parquet_into_a_history_and_back(self):
        text = (ROOT / "docs/replay.md").read_text()
        lines = re.search(r"```sh unrun: [^\n]*DuckDB[^\n]*\n(.*?)```", text, re.DOTALL).group(1)
        (self.folder / "bin").mkdir()
        for name, program in (("fairuse", PROGRAM), ("duckdb", DUCKDB)):
            (self.folder / "bin" / name).symlink_to(program)
        made = ("COPY (SELECT 'u-' || i % 3 AS user, TIMESTAMP '2026-10-14 08:00:00.25' + INTERVAL (i) MINUTE AS started_at, "
                "i + 0.5 AS seconds FROM range(10) numbers(i)) TO 'use.parquet'")  # fmt: skip
        run(DUCKDB, "-c", made, cwd=self.folder, code=0)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        run("bash", "-e", "-o", "pipefail", "-c", lines, cwd=self.folder, env={**os.environ, "PATH": path}, code=0)
        asked = "SELECT count(*), sum(ms), min(\"time\"), typeof(any_value(id)) FROM 'events.parquet'"
        told = run(DUCKDB, "-csv", "-noheader", "-c", asked, cwd=self.folder, code=0).stdout.strip()
        self.assertEqual(told, f"10,50000,{instant_of('2026-10-14T08:00:00.250+00:00')},VARCHAR")


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    DUCKDB = python_environment("duckdb", HERE / "duckdb-requirements.txt") / "bin/duckdb"
    unittest.main()
