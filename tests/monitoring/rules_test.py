#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each alert of config/monitoring/alerts.yaml rings by its series and is silent one step before: unit tests of promtool.
docs/operations.md explains each, and no metric is asked for that docs/metrics.md, reviewer.md and notifications.md lack."""

import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.openapi import yaml  # noqa: E402
from support.process import ROOT, run  # noqa: E402

RULES = ROOT / "config" / "monitoring" / "alerts.yaml"
ENGINE = '{job="fairuse",instance="a"}'
KAFKA = {'fairuse_build_info{job="fairuse",instance="a",mode="kafka"}': "1x9999"}
# alert, when it is asked, series that ring, series that are silent. A value a minute; `axN` stays, `a+bxN` grows.
TABLE = [
    ("FairuseDown", "5m", {f"up{ENGINE}": "0x99"}, {f"up{ENGINE}": "1x99"}),
    ("FairusePartitionStopped", "5m", {'fairuse_partitions{state="refused"}': "1x99"},
     {'fairuse_partitions{state="refused"}': "0x99", 'fairuse_partitions{state="restoring"}': "1x99"}),
    ("FairusePartitionsMissing", "40m", {'fairuse_partitions{instance="a"}': "2x99", 'fairuse_partitions{instance="b"}': "2x30 1x99"},
     {'fairuse_partitions{instance="a"}': "2x30 3x99", 'fairuse_partitions{instance="b"}': "2x30 1x99"}),
    ("FairuseStalled", "5m", {'fairuse_epoch_age_seconds{instance="a",partition="3"}': "181x99", **KAFKA},
     {'fairuse_epoch_age_seconds{instance="a",partition="0"}': "9999x99", 'fairuse_build_info{instance="a",mode="local"}': "1x99"}),
    ("FairuseLag", "15m", {'fairuse_lag_seconds{partition="3"}': "61x99"}, {'fairuse_lag_seconds{partition="3"}': "60x99"}),
    ("FairuseViewOld", "5m", {f"fairuse_gate_view_age_seconds{ENGINE}": "11x99"}, {f"fairuse_gate_view_age_seconds{ENGINE}": "10x99"}),
    ("FairuseGateDegraded", "30m", {'fairuse_gate_answers_total{instance="a",degraded="true",reason="no_owner"}': "0+1x99"},
     {'fairuse_gate_answers_total{instance="a",degraded="true",reason="no_owner"}': "7x99",
      'fairuse_gate_answers_total{instance="a",degraded="false",reason="none"}': "0+1x99"}),
    ("FairuseEventsUnwritten", "30m", {'fairuse_http_events_total{outcome="unwritten"}': "0+1x99"},
     {'fairuse_http_events_total{outcome="unwritten"}': "7x99", 'fairuse_http_events_total{outcome="accepted"}': "0+1x99"}),
    ("FairuseHttpFailures", "30m", {"fairuse_http_failures_total": "0x25 1x99"}, {"fairuse_http_failures_total": "1x99"}),
    ("FairuseDeadLetters", "2h", {'fairuse_dead_letters_total{reason="future"}': "0+1x999"},
     {'fairuse_dead_letters_total{reason="future"}': "0x100 1x99"}),
    ("FairuseCommandIdReused", "30m", {"fairuse_command_ids_reused_total": "0x25 1x99"}, {"fairuse_command_ids_reused_total": "1x99"}),
    ("FairuseCommitsFail", "2h", {"fairuse_commits_failed_total": "0+1x999"}, {"fairuse_commits_failed_total": "0x100 5x99"}),
    ("FairuseRebalances", "2h", {"fairuse_rebalances_total": "0+1x999"}, {"fairuse_rebalances_total": "0x100 5x99"}),
    ("FairuseRestrictionsJump", "49h", {'fairuse_decisions_total{decision="restriction_engaged",mode="live"}': "0+0.01x1439 14+0.1x1999"},
     {'fairuse_decisions_total{decision="restriction_engaged",mode="live"}': "0+0.1x9999",
      'fairuse_decisions_total{decision="restriction_engaged",mode="shadow"}': "0+0.01x1439 14+0.1x1999"}),
    ("FairuseReviewerDown", "9m", {'up{job="fairuse-reviewer"}': "0x99"}, {'up{job="fairuse-reviewer"}': "1x99"}),
    ("FairuseReviewerPaused", "15m", {"fairuse_reviewer_paused": "1x99"}, {"fairuse_reviewer_paused": "0x99"}),
    ("FairuseReviewsFail", "2h", {'fairuse_reviewer_reviews_total{instance="a",result="failed",reason="late"}': "0+2x999",
                                  'fairuse_reviewer_reviews_total{instance="a",result="verdict"}': "0+1x999"},
     {'fairuse_reviewer_reviews_total{instance="a",result="failed",reason="late"}': "0+1x999",
      'fairuse_reviewer_reviews_total{instance="a",result="verdict"}': "0+2x999"}),
    ("FairuseReviewerMoneyUsedUp", "30m", {'fairuse_reviewer_reviews_total{reason="money_used_up"}': "0x25 1x99"},
     {'fairuse_reviewer_reviews_total{reason="money_used_up"}': "1x99"}),
    ("FairuseNotifierDown", "9m", {'up{job="fairuse-notifier"}': "0x99"}, {'up{job="fairuse-notifier"}': "1x99"}),
    ("FairuseNotifierStuck", "5m", {"fairuse_notifier_oldest_seconds": "901x99", "fairuse_notifier_held": "0x99"},
     {"fairuse_notifier_oldest_seconds": "901x99", "fairuse_notifier_held": "1x99"}),
    ("FairuseNotifierGaveUp", "30m", {'fairuse_notifier_notices_total{end="gave_up"}': "0x25 1x99"},
     {'fairuse_notifier_notices_total{end="sent"}': "0+1x99", 'fairuse_notifier_notices_total{end="gave_up"}': "1x99"}),
]  # fmt: skip


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


class Rules(unittest.TestCase):
    def test_each_alert_rings_by_its_series_and_by_no_other(self):
        self.assertEqual([row[0] for row in TABLE], [rule["alert"] for rule in rules()])
        wanted, groups = {}, []
        asked_of_all = [row[0] for row in TABLE]
        for name, at, ring, silent in TABLE:
            for case, series, rings in ((f"{name}-rings", ring, {name}), (f"{name}-silent", silent, set())):
                wanted[case] = rings
                inputs = [{"series": one, "values": values} for one, values in series.items()]
                asked = [{"eval_time": at, "alertname": each, "exp_alerts": []} for each in asked_of_all]
                groups.append({"name": case, "interval": "1m", "input_series": inputs, "alert_rule_test": asked})
        found = self.ringing(groups)
        for case, rings in wanted.items():
            with self.subTest(case=case):
                self.assertEqual(found.get(case, set()), rings)

    def ringing(self, groups):
        """Alerts by the name of their group: promtool names those that ring where none is expected."""
        with tempfile.TemporaryDirectory() as folder:
            test = pathlib.Path(folder) / "test.yaml"
            said = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": groups}
            test.write_text(json.dumps(said), encoding="utf-8")
            done = run("promtool", "test", "rules", test)
        told = done.stdout + done.stderr
        self.assertNotIn("error", told.lower())
        found = {}
        for name, rest in re.findall(r"name: ([\w-]+),\s*\n(.*?)(?=\n\s*name: |\Z)", told, re.DOTALL):
            found.setdefault(name, set()).update(re.findall(r"alertname: (\w+), time: \w+, *\n? *exp:\[\s*\], *\n? *got:\[\s*0:", rest))
        self.assertEqual(done.returncode != 0, any(found.values()), told)
        return found

    def test_each_is_explained_and_asks_for_metrics_that_there_are(self):
        told = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        metrics = "".join((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("metrics", "reviewer", "notifications"))
        for rule in rules():
            with self.subTest(alert=rule["alert"]):
                self.assertIn(f"| `{rule['alert']}` |", told)
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
                for name in set(re.findall(r"fairuse_\w+", rule["expr"])):
                    self.assertTrue(name in metrics or name.replace("fairuse_notifier", "") in metrics, name)


if __name__ == "__main__":
    unittest.main()
