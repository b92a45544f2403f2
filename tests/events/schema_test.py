#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped schemas agree with the decoder on the corpus, and with the decisions that are written."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, need_module  # noqa: E402

jsonschema = need_module("jsonschema", "python3-jsonschema")
SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events/schemas").glob("*.json"))}
CORPUS = ROOT / "tests/data/events"


def resolved(node):
    """The schema with references to its siblings written out, so that no resolver is needed."""
    if isinstance(node, dict):
        if "$ref" in node:
            sibling = SCHEMAS[node["$ref"].removeprefix("urn:fairuse:schema:")]
            return {key: value for key, value in resolved(sibling).items() if key not in ("$id", "$schema")}
        return {key: resolved(value) for key, value in node.items()}
    if isinstance(node, list):
        return [resolved(item) for item in node]
    return node


VALIDATORS = {}
for stem, schema in SCHEMAS.items():
    jsonschema.Draft202012Validator.check_schema(schema)
    VALIDATORS[stem] = jsonschema.Draft202012Validator(resolved(schema))


def complaint(value):
    """What the schema of an event's type says against it; empty if nothing."""
    kind = value.get("type") if isinstance(value, dict) else None
    stem = kind.removeprefix("fairuse.") if isinstance(kind, str) else ""
    error = next(VALIDATORS.get(stem, VALIDATORS["envelope.v1"]).iter_errors(value), None)
    return error.message if error else ""


failures = []
for line in (CORPUS / "valid.ndjson").read_text().split("\n"):
    if line and (message := complaint(json.loads(line))):
        failures.append(f"decodes, but the schema says {message!r}: {line}")

rows = [row.split("\t", 3) for row in (CORPUS / "refused.tsv").read_text().split("\n") if row]
for code, place, schema_says, line in rows:
    if schema_says == "-":
        continue  # not JSON, or a repeated member, which no schema sees
    message = complaint(json.loads(line))
    if bool(message) != (schema_says == "refuses"):
        failures.append(f"{code} at {place}, the schema says {message!r}: {line}")

for line in (CORPUS / "decisions.ndjson").read_text().split("\n"):
    if line and (error := next(VALIDATORS["decision.v1"].iter_errors(json.loads(line)), None)):
        failures.append(f"decision: {error.message}: {line}")

# What no line can show: a list or a page that lacks a name.
event_types = SCHEMAS["envelope.v1"]["properties"]["type"]["enum"]
decision_data = SCHEMAS["decision.v1"]["properties"]["data"]
decisions = decision_data["properties"]["decision"]["enum"]
ruled = [rule["if"]["properties"]["decision"]["const"] for rule in decision_data["allOf"]]
failures += [f"decision.v1.json does not say which members {name} has" for name in decisions if name not in ruled]
for page, names in ("events-format.md", event_types), ("decisions-format.md", decisions):
    text = (ROOT / "docs" / page).read_text()
    first_cells = [row.split("|")[1] for row in text.split("\n") if row.startswith("| `")]
    absent = [name for name in names if not any(f"`{name}`" in cell for cell in first_cells)]
    failures += [f"docs/{page} has no row of {name}" for name in absent]

print("\n".join(failures) or f"{len(SCHEMAS)} schemas agree with {len(rows)} refused lines and all valid ones")
sys.exit(1 if failures else 0)
