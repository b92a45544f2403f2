# SPDX-License-Identifier: Apache-2.0
"""/livez, /readyz and /metrics of a process, and what docs/metrics.md says of the metrics.

    figures = Status(process).figures()
    equal(figures.value("fairuse_events_total", kind="speech", outcome="accepted"), 3, "speech")
"""

import re
import urllib.error
import urllib.request

from support.process import ROOT

SERIES = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="([^"]*)"')
ROW = re.compile(r"\| `(\w+)(?:\{([\w,]+)\})?` \| (\w*) ?\|")


class Figures:
    def __init__(self, text):
        self.text = text
        self.series = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels, value = SERIES.match(line).groups()
            self.series[name, frozenset(LABEL.findall(labels or ""))] = float(value)

    def value(self, name, **labels):
        """0 if nobody has counted it."""
        return self.series.get((name, frozenset(labels.items())), 0)

    def shapes(self):
        """Names with the names of their labels, as the table has them; a histogram is one."""
        histograms = set(re.findall(r"^# TYPE (\w+) histogram$", self.text, re.MULTILINE))
        found = set()
        for name, labels in self.series:
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            names = {label for label, _ in labels} - {"le"}
            found.add((base if base in histograms else name, ",".join(sorted(names))))
        return found


class Status:
    def __init__(self, process):
        self.port = int(process.wait_for_line("/metrics on port").decode().split()[-1])

    def get(self, path):
        """Status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def figures(self):
        return Figures(self.get("/metrics")[1])


def documented(*where):
    """Shapes of the rows of docs/metrics.md that hold everywhere, or there."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return {(name, labels) for name, labels, only in ROW.findall(text) if not only or only in where}
