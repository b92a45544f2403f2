# SPDX-License-Identifier: Apache-2.0
"""numba: two pointers over the events of each user, users in parallel."""

import numba
import numpy
import polars
from common import FRESH_MS, LANES, MINUTE_MS, SECOND_MS, WINDOWS, main

SPANS = numpy.array([span for _, span, _ in WINDOWS])
CAPS = numpy.array([cap for _, _, cap in WINDOWS])


@numba.njit(cache=True)
def sort_minutes(minute, order):
    """Nearly sorted as a rule."""
    for i in range(1, len(order)):
        moved = order[i]
        place = i
        while place > 0 and minute[order[place - 1]] > minute[moved]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = moved


@numba.njit(cache=True)
def cross(second, minute, spoken, order, span, cap, crossed, bit):
    """Set `bit` of each event of one user that crosses the cap."""
    total = 0
    tail = 0
    for i in range(len(spoken)):
        while tail < len(order) and minute[order[tail]] + span < second[i]:
            gone = order[tail]
            if minute[gone] + span >= second[gone]:
                total -= spoken[gone]
            tail += 1
        if minute[i] + span >= second[i]:
            before = total
            total += spoken[i]
            if total > cap and before <= cap:
                crossed[i] |= bit


@numba.njit(parallel=True, cache=True)
def cross_all(begins, second, minute, spoken, spans, caps, crossed):
    for user in numba.prange(len(begins) - 1):
        first, last = begins[user], begins[user + 1]
        order = numpy.arange(last - first)
        sort_minutes(minute[first:last], order)
        for window in range(len(spans)):
            cross(second[first:last], minute[first:last], spoken[first:last], order, spans[window], caps[window],
                  crossed[first:last], numpy.uint8(1 << window))  # fmt: skip


def find(file):
    now, time = polars.col("now"), polars.col("time")
    speech = (
        polars.scan_parquet(file)
        .filter(polars.col("kind") == "speech", polars.col("lane").is_in(LANES), now - polars.col("instant") <= FRESH_MS)
        .select("uid", "now", "ms", second=now // SECOND_MS * SECOND_MS, minute=time // MINUTE_MS * MINUTE_MS)
        .collect()
    )
    user = speech["uid"].rle_id().to_numpy()
    begins = numpy.concatenate(([0], numpy.flatnonzero(numpy.diff(user)) + 1, [len(user)]))
    crossed = numpy.zeros(len(user), dtype=numpy.uint8)
    columns = (speech[name].to_numpy() for name in ("second", "minute", "ms"))
    cross_all(begins, *columns, SPANS, CAPS, crossed)
    hit = speech.select("uid", "now", crossed=polars.Series(crossed)).filter(polars.col("crossed") != 0)
    return polars.concat(
        hit.filter(polars.col("crossed") & (1 << bit) != 0).select("uid", polars.lit(name).alias("window"), "now")
        for bit, (name, _, _) in enumerate(WINDOWS)
    )


if __name__ == "__main__":
    main(find)
