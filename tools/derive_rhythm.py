#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Derive the compiled-in rhythm tables from real recordings.

    tools/derive_rhythm.py meetings.ndjson sim/rhythm/meetings.inc
    tools/derive_rhythm.py broadcasts.ndjson sim/rhythm/broadcasts.inc

Input: one JSON object a line with `recording`, `duration_ms`, `speech_ms` and `segments_ms` ([start, end) in ms, sorted,
speakers united). Output: one line per recording,

    FAIRUSE_RECORDING(name, duration_ms, speech_ms, segments, median_segment_ms, ms of speech in each minute...)
"""

import json
import sys


def speech_of_minutes(recording):
    minutes = [0] * -(-recording["duration_ms"] // 60_000)
    for begin, end in recording["segments_ms"]:
        while begin < end:
            minute = begin // 60_000
            until = min(end, (minute + 1) * 60_000)
            minutes[minute] += until - begin
            begin = until
    return minutes


def line_of(recording):
    minutes = speech_of_minutes(recording)
    if sum(minutes) != recording["speech_ms"] or max(minutes) > 60_000:
        raise SystemExit(f"{recording['recording']}: segments overlap or do not add up to speech_ms")
    lengths = sorted(end - begin for begin, end in recording["segments_ms"])
    values = [recording["duration_ms"], recording["speech_ms"], len(lengths), lengths[len(lengths) // 2], *minutes]
    return f"FAIRUSE_RECORDING(\"{recording['recording']}\", {', '.join(map(str, values))})"


def main(source, target):
    with open(source, encoding="utf-8") as lines:
        recordings = [json.loads(line) for line in lines if line.strip()]
    with open(target, "w", encoding="utf-8") as out:
        out.write("// SPDX-License-Identifier: CC-BY-4.0\n")
        out.write("// Written by tools/derive_rhythm.py; sources and licences: sim/rhythm/README.md.\n")
        for recording in recordings:
            out.write(line_of(recording) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1], sys.argv[2])
