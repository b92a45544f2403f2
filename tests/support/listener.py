# SPDX-License-Identifier: Apache-2.0
"""A listener's day, as if it ended now: the first one of config/demo/day.ndjson, without the reviews that are in it."""

import datetime
import json

from support.process import ROOT

USER = "listener-00"
DAY = ROOT / "config" / "demo" / "day.ndjson"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def text(event):
    return json.dumps(event) + "\n"


def event(id, type, data, user="u-1", ago=datetime.timedelta(seconds=1), source="test"):
    """That happened so long ago."""
    envelope = {"specversion": "1.0", "id": id, "source": source, "type": f"fairuse.{type}.v1", "subject": user}
    return envelope | {"time": (now() - ago).isoformat(), "data": data}


def line(*words, **more):
    """The same as a line."""
    return text(event(*words, **more))


def instant(text):
    """Of a CloudEvents `time`."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def end_of(event):
    """Speech ends behind its last segment."""
    at = instant(event["time"])
    last = max((end for _, end in event["data"].get("segments", [])), default=0)
    return at, at + datetime.timedelta(milliseconds=last)


def day(user=USER, locale=None):
    """Lines, the last of which ends a second ago."""
    events = [json.loads(line) for line in DAY.read_text(encoding="utf-8").splitlines()]
    events = [each for each in events if each["subject"] == USER and not each["type"].startswith("fairuse.review")]
    shift = now() - datetime.timedelta(seconds=1) - max(end_of(each)[1] for each in events)
    lines = []
    for each in events:
        data = each["data"]
        if locale and each["type"] == "fairuse.account.v1":
            data = data | {"locale": locale}
        lines.append(text(each | {"subject": user, "time": (end_of(each)[0] + shift).isoformat(), "data": data}))
    return lines


def heartbeat(number, user=USER):
    """A session's sign of life, which meters nothing: caps are compared, and a review may be asked for."""
    event = {"specversion": "1.0", "id": f"beat-{number}", "source": "phone", "type": "fairuse.speech.v1"}
    return text(event | {"subject": user, "time": now().isoformat(), "data": {"lane": "realtime", "ms": 0}})


def long_day(user):
    """A conversation of three hours that ends now, in one event: above a daily cap of two at once."""
    ms = 3 * 3_600_000
    words = {"title": "Chapter 3", "overview": "A narrator reads a novel.", "category": "entertainment"}
    said = {"conversation": {"conversation": f"{user}-0", "duration_ms": ms, "lane": "realtime", **words},
            "speech": {"lane": "realtime", "ms": ms}}  # fmt: skip
    common = {"specversion": "1.0", "source": "phone", "subject": user, "time": now().isoformat()}
    return [text({"id": f"{user}-{kind}", "type": f"fairuse.{kind}.v1", **common, "data": data}) for kind, data in said.items()]
