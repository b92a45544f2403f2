#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the demo's captured day: some fifty users in real meetings, as CloudEvents, one a line, in order of arrival.

    tools/make_day.py meetings.ndjson broadcasts.ndjson config/demo/day.ndjson

Every piece of speech is a raw segment of a real recording (sources: sim/rhythm/README.md); who attends which meeting
when is made up, by rule and not by chance, so the same recordings give the same bytes. Most people have a meeting or
two; a few sit in meetings all day, one attends a conference, and two let talk shows run from morning to night. Reviews
that the live policy asks for on such a day (daily cap 2 h, 4 h on the unlimited plan) are answered in the file, as a
capture of that day would hold them.
"""

import hashlib
import json
import sys
from datetime import datetime, timezone

DAY_MS = int(datetime(2026, 10, 14, tzinfo=timezone.utc).timestamp() * 1000)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
CHUNK_MS = 10 * MINUTE_MS
CAP_MS = {"plus": 2 * HOUR_MS, "unlimited": 4 * HOUR_MS}

# Kind of user: how many, plan, speech to reach, first meeting's hour, gap between recordings in minutes.
CAST = [
    ("colleague", 24, "plus", 20, 9, 35),
    ("lead", 12, "plus", 60, 9, 25),
    ("manager", 6, "plus", 105, 8, 15),
    ("planner", 2, "plus", 290, 8, 6),
    ("director", 2, "unlimited", 205, 8, 8),
    ("attendee", 1, "plus", 390, 7, 10),
    ("student", 1, "basic", 130, 8, 10),
    ("listener", 2, "plus", 600, 6, 0),
]
TITLES = {
    "colleague": ("Stand-up", "work", "The team went through open tasks and agreed on the next two days."),
    "lead": ("Design review", "technology", "Four people discussed a remote control, its case and its buttons."),
    "manager": ("Project meeting", "business", "Status, budget and the date of the next prototype."),
    "planner": ("Planning", "business", "A long planning meeting with several speakers who interrupt each other."),
    "director": ("Budget round", "finance", "Departments presented their numbers and were asked about them."),
    "attendee": ("Conference session", "education", "A talk with questions from the audience; the user asks twice."),
    "student": ("Seminar", "education", "A discussion among students about a paper."),
    "listener": ("Talk show", "entertainment", "A moderator announces guests and music; nobody speaks to the user."),
}
REVIEWS = {
    "manager": (0.14, "none", 0.88, "the user leads the conversation"),
    "planner": (0.18, "none", 0.86, "several speakers take turns and address the user by name"),
    "attendee": (0.27, "none", 0.74, "the user asks questions"),
    "listener": (0.94, "podcast", 0.91, "announcements, music and no reply by the user in ten hours"),
}


def time_text(ms):
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


def spread(*words):
    """A number that looks random and is always the same."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, words)).encode()).digest()[:4], "big")


def event(kind, uid, at, identity, data, source="phone"):
    return {
        "specversion": "1.0",
        "id": identity,
        "source": source,
        "type": f"fairuse.{kind}.v1",
        "subject": uid,
        "time": time_text(at),
        "data": data,
    }


def chunks(recording):
    """Its segments in pieces of ten minutes: (start of the piece, segments relative to it)."""
    pieces = {}
    for begin, end in recording["segments_ms"]:
        while begin < end:
            start = begin // CHUNK_MS * CHUNK_MS
            until = min(end, start + CHUNK_MS)
            pieces.setdefault(start, []).append([begin - start, until - start])
            begin = until
    return sorted(pieces.items())


class Day:
    def __init__(self):
        self.arrivals = []
        self.serial = 0

    def add(self, at, what):
        self.arrivals.append((at, self.serial, what))
        self.serial += 1

    def attend(self, kind, uid, recording, begin, number):
        """One recording; returns (instant, ms of speech) of its events."""
        spoken = []
        for start, segments in chunks(recording):
            at = begin + start
            instant = at + segments[-1][1]
            ms = sum(end - first for first, end in segments)
            self.add(instant, event("speech", uid, at, f"{recording['recording']}-{number}-{start // CHUNK_MS}",
                                    {"lane": "realtime", "segments": segments}))
            spoken.append((instant, ms))
        end = begin + recording["duration_ms"]
        self.add(end, event("stt", uid, end, f"stt-{number}", {"ms": recording["speech_ms"], "provider": "standard"}))
        title, category, overview = TITLES[kind]
        fact = {"conversation": f"{uid}-{number}", "title": title, "overview": overview, "category": category,
                "duration_ms": recording["duration_ms"], "lane": "realtime"}
        self.add(end + 20_000, event("conversation", uid, end, f"conversation-{number}", fact, "notes"))
        return spoken

    def review(self, kind, uid, spoken, cap_ms):
        """The answer to the one review that crossing the daily cap asks for."""
        total = 0
        for instant, ms in spoken:
            total += ms
            if total > cap_ms:
                at = instant + 8_000 + spread("latency", uid) % 30_000
                score, usage, confidence, evidence = REVIEWS[kind]
                answer = {"request": "live-1", "score": score, "usage_type": usage, "confidence": confidence,
                          "evidence": [evidence], "model": "captured", "prompt_version": "1"}
                self.add(at, event("review", uid, at, "review-live-1", answer, "reviewer"))
                return

    def user(self, kind, uid, plan, minutes, hour, gap, recordings):
        self.add(DAY_MS + HOUR_MS, event("account", uid, DAY_MS + HOUR_MS, "plan", {"plan": plan}, "billing"))
        at = DAY_MS + hour * HOUR_MS + spread("start", uid) % (90 * MINUTE_MS if gap else 20 * MINUTE_MS)
        first = spread("first", uid) % len(recordings)
        spoken = []
        number = 0
        while sum(ms for _, ms in spoken) < minutes * MINUTE_MS:
            recording = recordings[(first + number) % len(recordings)]
            spoken += self.attend(kind, uid, recording, at, number)
            at += recording["duration_ms"] + (gap * MINUTE_MS + spread("gap", uid, number) % (5 * MINUTE_MS) if gap else 0)
            number += 1
        if kind in REVIEWS:
            self.review(kind, uid, spoken, CAP_MS[plan])

    def faults(self, recordings):
        """What a real day has as well: events sent twice, an old recording that arrives late, credits used up."""
        speech = [entry for entry in self.arrivals if entry[2]["type"] == "fairuse.speech.v1"]
        for at, _, what in speech[::97]:
            self.add(at + 45_000, what)
        uid = "colleague-03"
        for start, segments in chunks(recordings[5]):
            began = DAY_MS - 70 * HOUR_MS + start
            self.add(DAY_MS + 18 * HOUR_MS + start // 100, event("speech", uid, began, f"upload-{start // CHUNK_MS}",
                                                                 {"lane": "sync", "segments": segments}))
        at = DAY_MS + 10 * HOUR_MS
        self.add(at, event("account", "student-00", at, "credits", {"credits_exhausted": True}, "billing"))


def main(meetings_file, broadcasts_file, target):
    def read(path):
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]

    # Meetings of up to 50 minutes; shows of at least nine, so that a long day is not made of clips.
    meetings = [r for r in read(meetings_file) if 10 * MINUTE_MS < r["duration_ms"] < 50 * MINUTE_MS]
    broadcasts = [r for r in read(broadcasts_file) if r["duration_ms"] > 9 * MINUTE_MS]
    day = Day()
    for kind, count, plan, minutes, hour, gap in CAST:
        for number in range(count):
            recordings = broadcasts if kind == "listener" else meetings
            day.user(kind, f"{kind}-{number:02d}", plan, minutes, hour, gap, recordings)
    day.faults(meetings)
    with open(target, "w", encoding="utf-8") as out:
        for _, _, what in sorted(day.arrivals, key=lambda entry: entry[:2]):
            out.write(json.dumps(what, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
