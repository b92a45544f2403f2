# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus and a real Alertmanager over processes of ours, with the alerts of config/monitoring, whose times run
FASTER times as fast.

    with Monitor(folder, {"fairuse": port}, {"fairuse_lag_seconds > 60": "fairuse_lag_seconds > 5"}) as monitor:
        monitor.expect()                       # nothing rings
        ...                                    # a fault
        monitor.expect("FairuseDown")          # this rings, and nothing else
"""

import json
import re
import time
import urllib.parse
import urllib.request

from support.api import free_port
from support.checks import check
from support.process import ROOT, Process, run, wait_until

RULES = ROOT / "config" / "monitoring" / "alerts.yaml"
FASTER = 300
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
# `for: 10m`, `[1h:1m]` and `offset 1d`.
DURATION = re.compile(r"(for: |\[|:|offset )(\d+)([smhd])")
EACH_MS = 500


def faster(text, thresholds):
    """Rules for a test: durations are divided, thresholds replaced."""
    for before, after in thresholds.items():
        check(text.count(before) == 1, f"'{before}' stands once in the rules")
        text = text.replace(before, after)

    def divided(found):
        before, number, unit = found.groups()
        return f"{before}{max(4 * EACH_MS, int(number) * SECONDS[unit] * 1_000 // FASTER)}ms"

    return DURATION.sub(divided, text)


class Monitor:
    def __init__(self, folder, targets, thresholds):
        """`targets`: port of each job."""
        self.port, self.manager_port = free_port(), free_port()
        self.folder = folder
        folder.mkdir()
        (folder / "alerts.yaml").write_text(faster(RULES.read_text(encoding="utf-8"), thresholds), encoding="utf-8")
        manager = {"route": {"receiver": "nobody", "group_wait": "0s"}, "receivers": [{"name": "nobody"}]}
        (folder / "alertmanager.yaml").write_text(json.dumps(manager), encoding="utf-8")
        static = [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in targets.items()]
        config = {
            "global": {"scrape_interval": f"{EACH_MS}ms", "scrape_timeout": f"{EACH_MS}ms", "evaluation_interval": f"{EACH_MS}ms"},
            "rule_files": ["alerts.yaml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{self.manager_port}"]}]}]},
            "scrape_configs": static,
        }
        (folder / "prometheus.yaml").write_text(json.dumps(config), encoding="utf-8")
        self.processes = []

    def __enter__(self):
        run("promtool", "check", "config", self.folder / "prometheus.yaml", code=0)
        self.start("prometheus-alertmanager", "alertmanager", "storage.path", self.manager_port, "--cluster.listen-address=")
        self.start("prometheus", "prometheus", "storage.tsdb.path", self.port, "--rules.alert.resend-delay=1s")
        for port in (self.manager_port, self.port):
            wait_until(lambda port=port: self.get(port, "/-/ready") is not None, f"port {port} answers")
        return self

    def __exit__(self, *problem):
        for each in self.processes:
            each.kill()

    def start(self, program, name, storage, port, *more):
        words = [f"--config.file={self.folder / name}.yaml", f"--{storage}={self.folder / name}", *more]
        self.processes.append(Process(program, *words, f"--web.listen-address=127.0.0.1:{port}", log=self.folder / f"{name}.log"))

    @staticmethod
    def get(port, path):
        """None: it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                return answer.read()
        except OSError:
            return None

    def query(self, expression):
        """What Prometheus says of it now; an expression that it does not understand is a failure."""
        words = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{words}", timeout=60) as answer:
            return json.load(answer)["data"]["result"]

    def ringing(self):
        """What Alertmanager has."""
        answer = self.get(self.manager_port, "/api/v2/alerts")
        return {each["labels"]["alertname"] for each in json.loads(answer or b"[]")}

    def let_an_hour_pass(self):
        """Of the rules: what happened is behind them."""
        time.sleep(SECONDS["h"] / FASTER)

    def expect(self, *names, each_turn=None):
        """These ring now, and no other."""
        wanted = set(names)
        wait_until(lambda: self.ringing() == wanted, f"{sorted(wanted) or 'nothing'} rings", each_turn=each_turn)

    def expect_only(self, *names, each_turn=None):
        """As expect(), and on the way there nothing else rings."""
        wanted = set(names)

        def all_ring():
            now = self.ringing()
            check(now <= wanted, f"{sorted(now - wanted)} ring, too")
            return now == wanted

        wait_until(all_ring, f"{sorted(wanted)} ring", each_turn=each_turn)
