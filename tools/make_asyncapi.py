#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/asyncapi.yaml: every topic, its messages, headers and schemas, from events/schemas.

usage: tools/make_asyncapi.py [--check]     --check: exit 1 if the file is not what would be written

AsyncAPI has JSON Schema draft 7, and no `urn:` references: schemas are written out and translated here.
"""

import json
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs/asyncapi.yaml"
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events/schemas").glob("*.json"))}
DAY_MS = 86_400_000

TYPES = SCHEMAS["envelope.v1"]["properties"]["type"]["enum"]
INPUTS = [kind.removeprefix("fairuse.").removesuffix(".v1") for kind in TYPES]

HEAD = """# SPDX-License-Identifier: Apache-2.0
# Written by tools/make_asyncapi.py from events/schemas: change those, not this.
"""


def merged(schemas):
    """allOf of objects as one object, so that a document shows an event in one place."""
    result = {}
    for schema in schemas:
        for key, value in schema.items():
            if key == "properties":
                for name, part in value.items():
                    known = result.setdefault("properties", {}).get(name)
                    result["properties"][name] = {**known, **part} if known else part
            elif key == "required":
                result["required"] = list(dict.fromkeys(result.get("required", []) + value))
            else:
                result[key] = value
    return result


def translated(node):
    """Draft 7, self-contained."""
    if isinstance(node, list):
        return [translated(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return translated(SCHEMAS[node["$ref"].removeprefix("urn:fairuse:schema:")])
    node = {key: translated(value) for key, value in node.items() if key not in ("$id", "$schema")}
    if "prefixItems" in node:
        node["additionalItems"] = node.pop("items", True)
        node["items"] = node.pop("prefixItems")
    if all("properties" in part for part in node.get("allOf", [{}])):
        node = merged([*node.pop("allOf"), node])
    return node


def schema(stem):
    return translated(SCHEMAS[stem])


def reference(kind, name):
    return {"$ref": f"#/components/{kind}/{name}"}


def text(description, **more):
    return {"type": "string", "description": description, **more}


def cloudevents_headers(kind, **more):
    """Headers of a record in CloudEvents' binary mode."""
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"],
        "properties": {
            "ce_specversion": {"type": "string", "const": "1.0"},
            "ce_id": text("Unique for its source."),
            "ce_source": text("Who says it."),
            "ce_type": {"type": "string", "const": kind},
            "ce_subject": text("The uid; `*` for all users."),
            "ce_time": text("RFC 3339.", format="date-time"),
            "content-type": text("Absent with a null value.", const="application/json"),
            **more,
        },
    }


def key(description):
    return {"kafka": {"key": text(description), "bindingVersion": "0.5.0"}}


UID = "The uid, also the subject."


def output_message(kind, title, payload, about=UID):
    return {
        "name": kind,
        "title": title,
        "contentType": "application/json",
        "headers": cloudevents_headers(kind),
        "payload": payload,
        "bindings": key(about),
    }


def input_messages():
    for kind in INPUTS:
        event = schema(f"{kind}.v1")
        name = f"fairuse.{kind}.v1"
        yield kind, {
            "name": name,
            "title": event.get("title", name),
            "summary": "CloudEvents structured mode: the value is the whole event.",
            "contentType": "application/cloudevents+json",
            "headers": {
                "type": "object",
                "properties": {"content-type": text("May be absent.", const="application/cloudevents+json")},
            },
            "payload": reference("schemas", f"{kind}_event"),
            "bindings": key(UID),
        }
        binary = output_message(name, event.get("title", name), reference("schemas", f"{kind}_data"))
        binary["summary"] = "CloudEvents binary mode: attributes are headers, the value is `data`."
        yield f"{kind}_binary", binary


def dead_letter():
    names = {
        "reason": "Code of the refusal (docs/events-format.md).",
        "place": "Where in the event; absent where the whole event was refused.",
        "remedy": "What the sender can do, in a sentence.",
        "topic": "Input topic.",
        "partition": "Decimal.",
        "offset": "Decimal; topic, partition and offset tell one dead letter from another.",
        "epoch": "Decimal; the epoch that refused it.",
        "value_bytes": "Only if the value was cut: its length, decimal.",
        "value_sha256": "Only if the value was cut: SHA-256 of all of it, hex.",
        "headers_bytes": "Only if the sender's headers were dropped.",
        "headers_sha256": "Only if the sender's headers were dropped.",
        "key_bytes": "Only if the key was cut.",
        "key_sha256": "Only if the key was cut.",
    }
    required = ["reason", "remedy", "topic", "partition", "offset", "epoch"]
    return {
        "name": "dead_letter",
        "title": "An input record that was refused",
        "summary": "Key, value and headers byte for byte, and behind them these headers.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": [f"fairuse.error.{name}" for name in required],
            "properties": {f"fairuse.error.{name}": text(about) for name, about in names.items()},
        },
        "payload": {"description": "As it came: any bytes, or none."},
        "bindings": key("As it came; may be null."),
    }


def notification_end():
    return {
        "name": "notification_end",
        "title": "How a notification ended",
        "contentType": "application/json",
        "payload": reference("schemas", "notification_end"),
        "bindings": key("The user id."),
    }


def instance():
    return {
        "name": "instance",
        "title": "Which instance decides on a partition",
        "contentType": "application/json",
        "payload": reference("schemas", "instance"),
        "bindings": key("The partition, in decimal digits."),
    }


def plain(name, title, content_type, about):
    return {
        "name": name,
        "title": title,
        "contentType": content_type,
        "payload": {"type": "string", "description": title},
        "bindings": key(about),
    }


def messages():
    decision = schema("decision.v1")["properties"]["data"]
    yield from input_messages()
    yield "decision", output_message(
        "fairuse.decision.v1", "What the engine decided", decision, "The uid, also the subject; `*` for all users."
    )
    yield "notification", output_message(
        "fairuse.notification.v1", "What a mailer needs", reference("schemas", "notification")
    )
    yield "enforcement", output_message(
        "fairuse.enforcement.v1", "What holds for one user", {"oneOf": [reference("schemas", "enforcement"), {"type": "null"}]}
    )
    yield "controls", output_message(
        "fairuse.enforcement.v1", "The controls of all users", reference("schemas", "controls"), "Always `*`."
    )
    yield "review_request", output_message(
        "fairuse.review-request.v1", "A question to a reviewer", reference("schemas", "review_request")
    )
    yield "dead_letter", dead_letter()
    yield "notification_end", notification_end()
    yield "instance", instance()
    yield "policy", plain("policy", "An effective policy, as canonical text", "text/plain", "SHA-256 of the value, hex.")
    yield "journal", plain("journal", "An epoch: inputs, digests, refusals (storage/rows.proto)", "application/x-protobuf", "Internal.")
    yield "changelog", plain("changelog", "A row of state (storage/rows.proto); null: the row is gone", "application/x-protobuf", "Internal.")


def kept(days):
    return {"cleanup.policy": ["delete"], "retention.ms": days * DAY_MS}


COMPACTED = {"cleanup.policy": ["compact"], "delete.retention.ms": 7 * DAY_MS}

# channel: (topic, description, topic configuration, messages)
CHANNELS = {
    "events": ("fairuse.events.v1", "What happened. Any number of topics with equal partition counts may be configured, or one per kind.",
               kept(35), [name for kind in INPUTS for name in (kind, f"{kind}_binary")]),
    "decisions": ("fairuse.decisions.v1", "Everything the engine decided: the audit log.", kept(400), ["decision"]),
    "notifications": ("fairuse.notifications.v1", "What users are to be told.", kept(35), ["notification"]),
    "enforcement": ("fairuse.enforcement.v1", "The current view of every user: what a gateway keeps in memory.", COMPACTED,
                    ["enforcement", "controls"]),
    "review_requests": ("fairuse.review-requests.v1", "Questions to reviewers.", kept(35), ["review_request"]),
    "dead_letters": ("fairuse.dlq.v1", "Input records that were refused.", kept(35), ["dead_letter"]),
    "policies": ("fairuse.policies.v1", "Policies by digest, written in the transaction of their first use.", COMPACTED, ["policy"]),
    "notification_ends": ("fairuse.notification-ends.v1", "How notifications ended: written by `fairuse notifier`, not by the engine.",
                          kept(35), ["notification_end"]),
    "instances": ("fairuse.instances.v1", "Which instance decides on which partition: written by the API of the instances.", COMPACTED,
                  ["instance"]),
    "journal": ("fairuse.journal.v1", "What every epoch was made of. Internal.", kept(35), ["journal"]),
    "changelog": ("fairuse.changelog.v1", "State, to restore it from. Internal.", COMPACTED, ["changelog"]),
}


def channel(address, description, topic, names):
    return {
        "address": address,
        "description": description,
        "messages": {name: reference("messages", name) for name in names},
        "bindings": {"kafka": {"topicConfiguration": topic, "bindingVersion": "0.5.0"}},
    }


def operation(name):
    action = "receive" if name == "events" else "send"
    return {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "summary": CHANNELS[name][1]}


def document():
    schemas = {}
    for kind in INPUTS:
        event = schema(f"{kind}.v1")
        schemas[f"{kind}_event"] = event
        schemas[f"{kind}_data"] = event["properties"]["data"]
    for stem, name in [("notification", "notification"), ("enforcement", "enforcement"), ("controls", "controls"),
                       ("review-request", "review_request"), ("notification-end", "notification_end"), ("instance", "instance")]:
        schemas[name] = schema(f"{stem}.v1")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "fairuse on Kafka",
            "version": "1.0.0",
            "description": "Topics of the fair-use engine under their default names. docs/topics.md says it in prose.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: channel(*row) for name, row in CHANNELS.items()},
        "operations": {f"{operation(name)['action']}_{name}": operation(name) for name in CHANNELS},
        "components": {"messages": dict(messages()), "schemas": schemas},
    }


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


def main():
    written = HEAD + yaml.dump(document(), Dumper=Dumper, sort_keys=False, width=118, allow_unicode=True)
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(written)
        return 0
    if TARGET.exists() and TARGET.read_text() == written:
        return 0
    print("docs/asyncapi.yaml is not what events/schemas say: run tools/make_asyncapi.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
