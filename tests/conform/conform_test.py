# SPDX-License-Identifier: Apache-2.0
"""`fairuse conform` on the copied scenarios, and on random ones against a second implementation of their rules.

    conform_test.py FAIRUSE [SCENARIOS]     SCENARIOS random ones (default 60); FAIRUSE_SEED repeats one
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

from oracle import DAY, STAGES, Oracle

CASES = pathlib.Path(__file__).resolve().parent.parent / "data" / "cases"
T0 = 1_774_742_400_000


def engine_rows(fairuse, scenario):
    ran = subprocess.run([fairuse, "conform", str(scenario)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{scenario}: exit {ran.returncode}: {ran.stderr}"
    return [without_nulls(json.loads(line)) for line in ran.stdout.splitlines()]


def without_nulls(row):
    return {key: value for key, value in row.items() if value is not None}


def differences(name, events, got, expected):
    if len(got) != len(expected):
        return [f"{name}: {len(got)} rows instead of {len(expected)}"]
    return [f"{name}: event {events[i]}\n  engine   {g}\n  expected {e}"
            for i, (g, e) in enumerate(zip(got, expected)) if g != e]


def shipped_cases(fairuse):
    wrong = []
    scenarios = [path for path in sorted(CASES.glob("*.jsonl")) if not path.name.endswith(".decisions.jsonl")]
    assert len(scenarios) == 32, f"{len(scenarios)} scenarios in {CASES}"
    for path in scenarios:
        lines = path.read_text().splitlines()
        expected = [json.loads(line) for line in path.with_suffix(".decisions.jsonl").read_text().splitlines()]
        wrong += differences(path.name, lines[1:], engine_rows(fairuse, path), [without_nulls(e) for e in expected])
    return wrong


def bad_scenarios(fairuse):
    """(scenario, what is said): sentences with the line, no exception of a library."""
    config = '{"type":"config","profile":"omi-newest"}\n'
    rows = [
        ("", "line 1: the scenario is empty"),
        ("{", "line 1: not JSON at byte 2"),
        ("[]", "line 1: a line is one JSON object"),
        ("{}", "line 1: 'profile' is missing"),
        ('{"profile":"none"}', "line 1: unknown profile 'none'"),
        ('{"profile":5}', "line 1: 'profile' cannot be 5"),
        ('{"profile":"omi-newest","caps_ms":"x"}', "line 1: 'caps_ms' cannot be \"x\""),
        (config + "\n", "line 2: not JSON at byte 1"),
        (config + '{"type":"gate"}', "line 2: 't' is missing"),
        (config + '{"t":"now","type":"gate"}', "line 2: 't' cannot be \"now\""),
        (config + '{"t":1,"uid":"u","type":"nap"}', "line 2: unknown type 'nap'"),
        (config + '{"t":1,"uid":"u","type":"speech","source":"realtime"}', "line 2: 'ms' is missing"),
        (config + '{"t":1,"uid":"u","type":"admin_set_stage","stage":"high"}', "line 2: 'stage' has an unknown value"),
        (config + '{"t":1,"uid":"u","type":"classifier","score":1,"usage_type":"x"}', "line 2: 'usage_type' has an"),
    ]
    wrong = []
    for scenario, wanted in rows:
        ran = subprocess.run([fairuse, "conform", "/dev/stdin"], input=scenario, capture_output=True, text=True, check=False)
        if ran.returncode != 2 or wanted not in ran.stderr:
            wrong.append(f"{scenario!r}: exit {ran.returncode}, says {ran.stderr!r}, should say {wanted!r}")
    return wrong


def random_config(rng):
    small = rng.random() < 0.7
    scale = 1 if small else 60
    return {"type": "config", "profile": rng.choice(["omi-2026-03", "omi-newest"]), "score_gate": 0.7,
            "bucket_s": rng.choice([60, 60, 60, 300]), "budget_ms": rng.choice([0, 30_000, 1_800_000]),
            "caps_ms": [120_000 * scale, 480_000 * scale, 600_000 * scale],
            "caps_unlimited_ms": [240_000 * scale, 960_000 * scale, 1_200_000 * scale],
            "ceiling_ms": rng.choice([0, 1_800_000 * scale]), "cooldown_s": rng.choice([600, 43_200])}


def random_step(rng, config):
    edges = [config["cooldown_s"] * 1000, 24 * 3_600_000, 72 * 3_600_000, 168 * 3_600_000, 30 * DAY, 7 * DAY,
             config["bucket_s"] * 1000, 1000]
    if rng.random() < 0.45:
        return 0
    if rng.random() < 0.5:
        return max(0, rng.choice(edges) + rng.choice([-1000, -1, 0, 1, 1000]))
    return rng.choice([1, 999, 60_000, 300_000, 3_600_000, 12 * 3_600_000, 20 * 3_600_000])


def random_speech(rng, config):
    cap = rng.choice(config["caps_ms"] + config["caps_unlimited_ms"] + [config["ceiling_ms"]])
    ms = rng.choice([0, -5, 1, 59_999, cap, cap + 1, cap - 1, cap // 2, 108_000_001, rng.randrange(1, cap + 2)])
    source = rng.choice(["realtime"] * 5 + ["sync", "sync_fresh"] * 2 + ["sync_backfill", "custom_stt"])
    return {"type": "speech", "ms": ms, "source": source}


def random_event(rng, config):
    kind = rng.choices(["speech", "check", "stt", "gate", "status", "classifier", "fault", "credits", "plan", "exempt",
                        "admin_set_stage", "admin_reset", "admin_resolve", "kill_switch", "enabled"],
                       [40, 9, 9, 8, 8, 7, 3, 5, 6, 2, 4, 1, 1, 1, 1])[0]
    on = rng.random() < 0.4
    if kind == "speech":
        return random_speech(rng, config)
    more = {"stt": {"ms": rng.choice([0, 1, 29_999, 30_000, 1_799_999, 1_800_000, 60_000])},
            "classifier": {"score": rng.choice([0.0, 0.2, 0.69999, 0.7, 0.70001, 0.85, 1.0]),
                           "usage_type": rng.choice(["audiobook", "podcast", "unknown", "none"])},
            "fault": {"on": on}, "exempt": {"on": on}, "kill_switch": {"on": on}, "enabled": {"on": not on},
            "credits": {"exhausted": rng.random() < 0.7},
            "plan": {"plan": rng.choice(["basic", "basic", "unlimited", "plus"])},
            "admin_set_stage": {"stage": rng.choice(STAGES)}}
    return {"type": kind, **more.get(kind, {})}


def random_scenario(seed):
    rng = random.Random(seed)
    config = random_config(rng)
    t, events = T0 + rng.randrange(DAY), []
    for _ in range(rng.randrange(40, 220)):
        t += random_step(rng, config)
        event = random_event(rng, config)
        if event["type"] not in ("kill_switch", "enabled"):
            event["uid"] = rng.choice(["u1", "u1", "u2"])
        events.append({"t": t, **event})
    return config, events


def random_cases(fairuse, seeds):
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            config, events = random_scenario(seed)
            path = pathlib.Path(folder) / f"{seed}.jsonl"
            path.write_text("\n".join(json.dumps(line) for line in [config, *events]) + "\n")
            oracle = Oracle(config)
            expected = [oracle.row(i, e) for i, e in enumerate(events)]
            wrong += differences(f"seed {seed}", events, engine_rows(fairuse, path), expected)[:1]
    return wrong


def main():
    fairuse = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    seeds = [int(os.environ["FAIRUSE_SEED"])] if "FAIRUSE_SEED" in os.environ else range(count)
    wrong = shipped_cases(fairuse) + bad_scenarios(fairuse) + random_cases(fairuse, seeds)
    print("\n".join(wrong[:5]))
    print(f"{len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
