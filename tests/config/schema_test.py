#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema that editors use and the loader that is the authority agree on the corpus of policies.

What the loader accepts and refuses are the folders valid/ and invalid/ (config_test holds it to them). The schema must
do the same, but for files that say `# schema: accepts` on their first line: contradictions between
values, and faults of YAML itself, are beyond any schema.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.process import ROOT, need_module  # noqa: E402

jsonschema = need_module("jsonschema", "python3-jsonschema")
yaml = need_module("yaml", "python3-yaml")


class core_loader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: `off` is text, 010 a number, 1:30 text."""


core_loader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"^(true|false)$", "tf"),
    ("null", r"^(null|~|)$", ["n", "~", ""]),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]*\.[0-9]+([eE][-+]?[0-9]+)?$", "-+.0123456789"),
]:
    core_loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", yaml.resolver.re.compile(pattern), list(first))


def refusal(validator, file):
    """What the schema has against a file; empty if nothing."""
    try:
        data = yaml.load(file.read_bytes(), Loader=core_loader)
    except yaml.YAMLError as broken:
        return f"not YAML: {broken}"
    error = jsonschema.exceptions.best_match(validator.iter_errors(data))
    return f"{error.json_path}: {error.message}" if error else ""


def main():
    schema = json.loads((ROOT / "config/policies/policy.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    corpus = ROOT / "tests/data/policies"
    valid = sorted([*(corpus / "valid").iterdir(), *(ROOT / "config/policies").glob("*.yaml")])
    invalid = sorted(f for f in (corpus / "invalid").iterdir() if f.suffix in (".yaml", ".json"))
    failures = []
    for file in valid:
        if against := refusal(validator, file):
            failures.append(f"{file.name} is valid, and the schema refuses it: {against}")
    for file in invalid:
        beyond = file.read_bytes().startswith(b"# schema: accepts")
        against = refusal(validator, file)
        if beyond and against and not against.startswith("not YAML"):
            failures.append(f"{file.name} is marked as beyond the schema, which sees it: {against}")
        if not beyond and not against:
            failures.append(f"{file.name} is invalid, and the schema accepts it")
    print("\n".join(failures) or f"agreed on {len(valid)} valid and {len(invalid)} invalid policies")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
