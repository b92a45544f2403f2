# SPDX-License-Identifier: Apache-2.0
"""The description of the API, as the tests need it.

    for each in operations(): each.id, each.method, each.path, each.roles, each.examples()
"""

from typing import NamedTuple

from support.process import ROOT, need_module

yaml = need_module("yaml", "python3-yaml")
DOCUMENT = yaml.safe_load((ROOT / "api/openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def resolved(node):
    """Without references; what stands beside one counts too."""
    if isinstance(node, list):
        return [resolved(each) for each in node]
    if not isinstance(node, dict):
        return node
    own = {name: resolved(value) for name, value in node.items() if name != "$ref"}
    if "$ref" not in node:
        return own
    there = DOCUMENT
    for name in node["$ref"].removeprefix("#/").split("/"):
        there = there[name]
    return {**resolved(there), **own}


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    # Any of them may; none: everybody.
    roles: frozenset
    described: dict

    def examples(self):
        """(media type, name, value) of each that a request may be."""
        for media, content in self.described.get("requestBody", {}).get("content", {}).items():
            if "example" in content:
                yield media, "example", content["example"]
            for name, example in content.get("examples", {}).items():
                yield media, name, example["value"]


def operations():
    found = []
    for path, item in DOCUMENT["paths"].items():
        for method, described in item.items():
            if method not in METHODS:
                continue
            ways = described.get("security", DOCUMENT["security"])
            roles = frozenset(role for way in ways for role in way["token"])
            found.append(Operation(described["operationId"], method.upper(), path, roles, resolved(described)))
    return found
