# SPDX-License-Identifier: Apache-2.0
"""What the description of the API cannot say, said to Schemathesis, which loads this file."""

import datetime
import re
import urllib.parse

import schemathesis

BINARY = "application/json"
SPEECH = {"lane": "realtime", "ms": 0}
# What the schema allows as a time.
TIME = re.compile(r"20\d{2}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
ATTRIBUTES = {"ce-specversion": "1.0", "ce-id": "b", "ce-source": "s", "ce-type": "fairuse.speech.v1", "ce-subject": "u",
              "ce-time": "2026-03-15T08:00:00Z"}  # fmt: skip
# Which member only this type has; speech, if none is there.
MARKS = {"conversation": "conversation", "request": "review", "plan": "account", "credits_exhausted": "account",
         "time_zone": "account", "locale": "account"}  # fmt: skip
TYPES = {f"fairuse.{kind}.v1" for kind in {"speech", "stt", *MARKS.values()}}
# Bounds of texts, in bytes.
BOUNDS = (128, 256, 4096)


def values_of(node):
    """Names, too."""
    yield node
    if isinstance(node, dict):
        for name, value in node.items():
            yield name
            yield from values_of(value)
    elif isinstance(node, list):
        for each in node:
            yield from values_of(each)


def is_in_doubt(value):
    """A text that is short enough in characters, which the schema counts, and too long in bytes; a whole number with a
    point; a segment that ends before it begins."""
    if isinstance(value, str):
        size = len(value.encode("utf-8", "surrogatepass"))
        return any(len(value) <= bound < size for bound in BOUNDS)
    if isinstance(value, list) and len(value) == 2 and all(isinstance(each, (int, float)) for each in value):
        return value[0] > value[1]
    return isinstance(value, float) and value.is_integer()


@schemathesis.hook
def filter_body(context, body):
    return not any(is_in_doubt(each) for each in values_of(body))


def kind_of(data):
    if not isinstance(data, dict):
        return "speech"
    marked = [kind for mark, kind in MARKS.items() if mark in data]
    return marked[0] if marked else "speech" if "lane" in data else "stt"


def encoded(value):
    """As the HTTP binding of CloudEvents writes it; what no header can hold stays what it is."""
    return value if re.search(r"[\x00-\x1f\x7f]", value) else urllib.parse.quote(value, safe="!#$&'()*+,/:;=?@[]-_.~ ")


def now_for(time):
    """An event of another time than now is refused, which no schema can say; what is no time stays what it is."""
    try:
        is_a_time = TIME.fullmatch(time) and datetime.datetime.fromisoformat(time.upper().replace("Z", "+00:00"))
    except ValueError:
        is_a_time = False
    return datetime.datetime.now(datetime.timezone.utc).isoformat() if is_a_time else time


@schemathesis.hook
def before_call(context, case, kwargs):
    """Events happen now. The headers `ce-*` count in binary mode alone, where all of them have to be there."""
    for each in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(each, dict) and isinstance(each.get("time"), str):
            each["time"] = now_for(each["time"])
    if case.operation.definition.raw.get("operationId") != "sendEvents":
        return
    named = [name for name in case.headers if name.lower() in ATTRIBUTES]
    parts = case.meta.components.items() if case.meta else ()
    is_wrong = any(where.name == "HEADER" and part.mode.is_negative for where, part in parts)
    if case.media_type != BINARY and named and is_wrong:
        case.media_type, case.body = BINARY, dict(SPEECH)
    if case.media_type != BINARY:
        return
    for name in named:
        case.headers[name] = encoded(str(case.headers[name]))
    wanted = {**ATTRIBUTES, "ce-type": f"fairuse.{kind_of(case.body)}.v1"}
    for name, value in wanted.items():
        if name not in case.headers or (name == "ce-type" and case.headers[name] in TYPES):
            case.headers[name] = value
    for name in case.headers:
        if name.lower() == "ce-time":
            case.headers[name] = now_for(case.headers[name])


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """In a batch what is malformed is refused by its outcome, and the others are taken."""
    is_accepted = type(failure).__name__ == "AcceptedNegativeData" and response.status_code == 202
    if not is_accepted or not case.media_type.startswith("application/cloudevents-batch"):
        return True
    return all(each["outcome"] != "malformed" for each in response.json()["events"])


def events_of(case):
    """What was sent, each as (user, source, id) and text."""
    if case.media_type == BINARY:
        plain = {name: urllib.parse.unquote(str(case.headers[name])) for name in ATTRIBUTES}
        all_of_it = [{name.removeprefix("ce-"): value for name, value in plain.items()} | {"data": case.body}]
    else:
        all_of_it = case.body if isinstance(case.body, list) else [case.body]
    for each in all_of_it:
        if isinstance(each, dict):
            yield tuple(str(each.get(name)) for name in ("subject", "source", "id"))
        else:
            yield None


@schemathesis.check
class EachEventIsAcceptedOnce:
    """A model of what the instance has taken; responses come one after the other."""

    def __init__(self):
        self.accepted = {}
        self.known_again = set()

    def after_response(self, ctx, response, case):
        if case.operation.definition.raw.get("operationId") != "sendEvents" or response.status_code not in (202, 409):
            return
        sent = list(events_of(case))
        became = [each["outcome"] for each in response.json()["events"]] if response.status_code == 202 else ["conflict"]
        assert len(sent) == len(became), f"{len(sent)} events had {len(became)} outcomes"
        for event, outcome in zip(sent, became, strict=True):
            if outcome == "accepted":
                # A case that is checked twice has one response.
                before = self.accepted.setdefault(event, response.headers["trace-id"])
                assert before == response.headers["trace-id"], f"{event} was accepted twice"
            elif outcome in ("duplicate", "conflict"):
                assert event in self.accepted, f"{event} is a {outcome} of nothing"
                self.known_again.add(event)

    def after_run(self, ctx):
        assert self.known_again, "no event came again"
