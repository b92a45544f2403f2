#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The description of the API says what the sources say: routes and roles, the bounds of events, reasons of refusals."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.openapi import DOCUMENT, operations, resolved  # noqa: E402
from support.process import ROOT  # noqa: E402

ROUTE = re.compile(r'\{http_method::(\w+),\s*"([^"]+)",\s*\{\{([^}]*)\},')
KINDS = {"Speech": "speech", "Stt": "stt", "Account": "account", "Conversation": "conversation", "Review": "review"}
# Said when an event is sealed, after it was accepted here.
LATER = {"erased", "wrong_partition"}


def schema(name):
    return resolved(DOCUMENT["components"]["schemas"][name])


def bounds(node):
    """What of a schema refuses something. A closed list says its type by itself."""
    if isinstance(node, list):
        return [bounds(each) for each in node]
    if not isinstance(node, dict):
        return node
    words = {"description", "title", "format"} | ({"type"} if "enum" in node or "const" in node else set())
    return {name: bounds(value) for name, value in node.items() if name not in words or isinstance(value, dict)}


def event_schema(kind):
    return json.loads((ROOT / f"events/schemas/{kind}.v1.json").read_text(encoding="utf-8"))


class Description(unittest.TestCase):
    def test_its_operations_and_their_roles_are_the_routes_of_the_server(self):
        source = (ROOT / "api/service/service.cpp").read_text(encoding="utf-8")
        routes = {(method.upper(), path): frozenset(re.findall(r"role::(\w+)", roles))
                  for method, path, roles in ROUTE.findall(source)}  # fmt: skip
        self.assertEqual(len(routes), source.count("{http_method::"))
        self.assertEqual({(each.method, each.path): each.roles for each in operations()}, routes)

    def test_data_of_events_have_the_bounds_that_the_decoder_has(self):
        for name, kind in KINDS.items():
            with self.subTest(kind):
                self.assertEqual(bounds(schema(f"{name}Data")), bounds(event_schema(kind)["properties"]["data"]))

    def test_attributes_of_events_have_the_bounds_that_the_decoder_has(self):
        envelope = event_schema("envelope")
        envelope["properties"]["subject"]["not"] = {"const": "*"}
        types = [f"fairuse.{kind}.v1" for kind in KINDS.values()]
        self.assertLess(set(types), set(envelope["properties"]["type"]["enum"]))
        envelope["properties"]["type"]["enum"] = types
        del envelope["properties"]["data"]
        ours = schema("EventAttributes")
        self.assertEqual(bounds(ours["properties"]), bounds(envelope["properties"]))
        self.assertEqual(ours["required"], envelope["required"])

    def test_each_reason_of_a_malformed_event_is_named(self):
        source = (ROOT / "events/refusal.hpp").read_text(encoding="utf-8")
        body = re.search(r"enum class refusal[^{]*\{(.*?)\};", source, re.DOTALL).group(1)
        names = set(re.findall(r"^  (\w+)(?: = 0)?,$", body, re.MULTILINE))
        self.assertLess(LATER, names)
        self.assertEqual(set(schema("Refusal")["enum"]), names - LATER)

    def test_no_object_is_free_of_form(self):
        for name in DOCUMENT["components"]["schemas"]:
            self.check_form(schema(name), name)

    def check_form(self, node, place):
        if not isinstance(node, dict):
            return
        if node.get("type") == "object":
            self.assertTrue(node.get("properties"), f"{place} says which members it has")
            # Events alone: what is no member of theirs is an extension of CloudEvents.
            self.assertTrue(node.get("additionalProperties") is False or "type" in node["properties"], place)
        for word, inner in node.items():
            self.check_form(inner, f"{place}.{word}")
            for number, each in enumerate(inner if isinstance(inner, list) else []):
                self.check_form(each, f"{place}.{word}[{number}]")


if __name__ == "__main__":
    unittest.main()
