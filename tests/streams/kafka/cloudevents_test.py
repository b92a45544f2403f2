#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The CloudEvents project's Python SDK reads our records, and we read its, in both modes.

usage: cloudevents_test.py KAFKA_RECORDS

Installs the SDK (pinned in cloudevents-requirements.txt) into the build folder.
"""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from support.process import ROOT  # noqa: E402
from support.python_environment import python_environment  # noqa: E402

HERE = pathlib.Path(__file__).parent


def enter_environment():
    """Run this script again with the SDK's interpreter."""
    python = python_environment("cloudevents_sdk", HERE / "cloudevents-requirements.txt") / "bin/python"
    os.execv(python, [python, "-B", __file__, *sys.argv[1:], "inside"])


if sys.argv[-1] != "inside":
    enter_environment()

from cloudevents.http import CloudEvent  # noqa: E402
from cloudevents.kafka import KafkaMessage, from_binary, to_binary, to_structured  # noqa: E402

PROGRAM = sys.argv[1]
failures = []


def encoded(headers):
    return {name: value.encode() for name, value in headers if value is not None}


def read_ours():
    """Every output record with a value is an event to the SDK, and says what its headers and value say."""
    lines = subprocess.run([PROGRAM, "samples"], capture_output=True, check=True).stdout.decode().splitlines()
    read = 0
    ids = set()
    for line in lines:
        record = json.loads(line)
        if record["topic"] == "dlq" or record["value"] is None:
            continue
        headers = dict(record["headers"])
        event = from_binary(KafkaMessage(encoded(record["headers"]), record["key"], record["value"].encode()))
        for name in ("id", "source", "type", "subject", "specversion", "time"):
            if event[name] != headers[f"ce_{name}"]:
                failures.append(f"{name} is {event[name]!r} to the SDK: {line[:200]}")
        if event["datacontenttype"] != "application/json" or event.get_data() != json.loads(record["value"]):
            failures.append(f"data differs: {line[:200]}")
        ids.add((event["source"], event["id"]))
        read += 1
    if len(ids) != read:
        failures.append(f"{read} events have {len(ids)} ids")
    return read


def as_record(message, more=()):
    headers = [[name, value.decode()] for name, value in message.headers.items()]
    return json.dumps({"headers": headers + list(more), "value": message.value.decode()})


def write_for_us():
    """The corpus as the SDK writes it, in binary mode, structured, and structured under its proper content type."""
    attributes_max = {"id", "source", "type", "subject", "time", "specversion"}
    records = []
    expected = []
    for line in (ROOT / "tests/data/events/valid.ndjson").read_text().split("\n"):
        given = json.loads(line) if line else {}
        named = {key: value for key, value in given.items() if key != "data"}
        if not given or not all(isinstance(value, str) for value in named.values()) or not attributes_max <= set(named):
            continue
        event = CloudEvent({"datacontenttype": "application/json", **named}, given["data"])
        proper = to_structured(event)
        proper.headers["content-type"] = b"application/cloudevents+json"
        records += [as_record(to_binary(event)), as_record(to_structured(event)), as_record(proper)]
        # Python has binary fractions only: compare with the line as it would write it.
        plain = json.dumps({"headers": [], "value": json.dumps(given)})
        expected += [plain] * 3
    run = [PROGRAM, "decode"]
    ours = subprocess.run(run, input="\n".join(records).encode(), capture_output=True, check=True).stdout.splitlines()
    plain = subprocess.run(run, input="\n".join(expected).encode(), capture_output=True, check=True).stdout.splitlines()
    for record, found, wanted in zip(records, ours, plain, strict=True):
        if found != wanted or b'"refused"' in found:
            failures.append(f"{found.decode()[:300]} instead of {wanted.decode()[:300]}: {record[:300]}")
    return len(records)


counts = read_ours(), write_for_us()
if counts[0] < 30 or counts[1] < 90:
    failures.append(f"too few records: {counts}")
print("\n".join(failures) or f"the SDK read {counts[0]} of our records and we {counts[1]} of its")
sys.exit(1 if failures else 0)
