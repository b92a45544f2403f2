#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/asyncapi.yaml is what the schemas say, and what the engine writes and reads is what the document says.

usage: asyncapi_test.py KAFKA_RECORDS
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from support.process import ROOT, need_module, run  # noqa: E402

jsonschema = need_module("jsonschema", "python3-jsonschema")
yaml = need_module("yaml", "python3-yaml")
DOCUMENT = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())


def resolved(node):
    if isinstance(node, dict):
        if "$ref" in node:
            target = DOCUMENT
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return resolved(target)
        return {key: resolved(value) for key, value in node.items()}
    return [resolved(item) for item in node] if isinstance(node, list) else node


class Message:
    def __init__(self, name, message):
        self.name = name
        message = resolved(message)
        for schema in (message.get("headers", {}), message["payload"]):
            jsonschema.Draft7Validator.check_schema(schema)
        self.headers = jsonschema.Draft7Validator(message.get("headers", {}))
        self.payload = jsonschema.Draft7Validator(message["payload"])
        self.is_json = "json" in message["contentType"]

    def complaint(self, headers, value):
        """What this message says against a record; empty if nothing."""
        if self.is_json and value is not None:
            value = json.loads(value)
        for validator, what in ((self.headers, headers), (self.payload, value)):
            error = next(validator.iter_errors(what), None)
            if error:
                return f"{self.name}: {error.message[:300]}"
        return ""


MESSAGES = {
    channel["address"]: [Message(name, message) for name, message in channel["messages"].items()]
    for channel in DOCUMENT["channels"].values()
}
failures = []
seen = set()


def check(topic, headers, value, what):
    complaints = []
    for message in MESSAGES[topic]:
        complaint = message.complaint(headers, value)
        if not complaint:
            seen.add(message.name)
            return
        complaints.append(complaint)
    failures.append(f"{topic}: {what}: " + "; ".join(complaints))


made = run(sys.executable, "-B", ROOT / "tools/make_asyncapi.py", "--check")
if made.returncode != 0:
    failures.append(made.stdout + made.stderr)

records = run(sys.argv[1], "samples", code=0).stdout.splitlines()
for line in records:
    record = json.loads(line)
    topic = f"fairuse.{record['topic']}.v1"
    if topic == "fairuse.enforcement.v1":
        wanted = "controls" if record["key"] == "*" else "enforcement"
        MESSAGES[topic].sort(key=lambda message: message.name != wanted)
    check(topic, dict(record["headers"]), record["value"], line[:200])

events = [line for line in (ROOT / "tests/data/events/valid.ndjson").read_text().split("\n") if line]
for line in events:
    check("fairuse.events.v1", {"content-type": "application/cloudevents+json"}, line, line[:200])

# Written by a notifier; tests/torture/people_test.py holds what is really written against the same schema.
ends = (ROOT / "tests/data/events/notification-ends.ndjson").read_text().splitlines()
for line in ends:
    check("fairuse.notification-ends.v1", {}, line, line[:200])

# Written by the API; tests/api/gate_kafka_test.py holds what is really written against the same schema.
for line in (ROOT / "tests/data/events/instances.ndjson").read_text().splitlines():
    check("fairuse.instances.v1", {}, line, line[:200])

internal = {"policy", "journal", "changelog"}
everything = {message.name for messages in MESSAGES.values() for message in messages if not message.name.endswith("_binary")}
if missing := everything - seen - internal:
    failures.append(f"no record of {sorted(missing)} was seen")

print("\n".join(failures) or f"{len(records)} output records and {len(events)} events are as the document says")
sys.exit(1 if failures else 0)
