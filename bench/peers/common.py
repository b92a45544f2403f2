# SPDX-License-Identifier: Apache-2.0
"""What the peers count: caps.yaml as data, and how they are run and timed.

Speech counts in the minute in which it began. A minute counts in a window if it begins no earlier than the window, which
ends at the whole second of the event's `now`. So an event's speech enters a sum with the event and leaves it for events
of later seconds than `leaves` = minute + span; if it has left already when it comes, it never counts. The sum at an
event is therefore what entered with it and before it, less what left before its second, whatever order minutes come in.
An event crosses a cap if the sum with it is above the cap and the sum without it is not.
"""

import json
import pathlib
import sys
import time

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
SECOND_MS = 1_000
FRESH_MS = 24 * HOUR_MS
LANES = ("realtime", "sync")
# Name, span, cap.
WINDOWS = (
    ("daily", 24 * HOUR_MS, 2 * HOUR_MS),
    ("3day", 72 * HOUR_MS, 8 * HOUR_MS),
    ("weekly", 168 * HOUR_MS, 10 * HOUR_MS),
)


def main(find):
    """usage: PEER events.parquet crossings.csv

    `find(file)` gives a polars or DuckDB table with the columns uid, window, now. Its time is printed as JSON; imports
    and what is written are not in it.
    """
    events, target = map(pathlib.Path, sys.argv[1:])
    begin = time.perf_counter()
    found = find(events)
    seconds = time.perf_counter() - begin
    found.write_csv(str(target))
    print(json.dumps({"seconds": seconds}))
