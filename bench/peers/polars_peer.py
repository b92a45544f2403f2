# SPDX-License-Identifier: Apache-2.0
"""Polars: what entered is a cumulative sum, what left an as-of join with another. A rolling_sum_by has windows that end at
the column that it sums by, so it cannot tell minutes from the seconds at which they are looked at."""

import polars
from common import FRESH_MS, LANES, MINUTE_MS, SECOND_MS, WINDOWS, main


def crossings(speech, name, span, cap):
    """Of one window; `speech` is by user, in the order of events."""
    counted = speech.filter(polars.col("minute") + span >= polars.col("second"))
    left = counted.sort("user", "minute").select(
        "user", second=polars.col("minute") + span, left=polars.col("ms").cum_sum().over("user")
    )
    entered = polars.col("ms").cum_sum().over("user")
    total = entered - polars.col("left").fill_null(0)
    return (
        counted.join_asof(left, on="second", by="user", allow_exact_matches=False, check_sortedness=False)
        .with_columns(total=total)
        .filter(polars.col("total") > cap, polars.col("total") - polars.col("ms") <= cap)
        .select("uid", polars.lit(name).alias("window"), "now")
    )


def find(file):
    now, time = polars.col("now"), polars.col("time")
    speech = (
        polars.scan_parquet(file)
        .filter(polars.col("kind") == "speech", polars.col("lane").is_in(LANES), now - polars.col("instant") <= FRESH_MS)
        .select("uid", "now", "ms", user=polars.col("uid").rle_id(), second=now // SECOND_MS * SECOND_MS,
                minute=time // MINUTE_MS * MINUTE_MS)  # fmt: skip
        .collect()
    )
    return polars.concat(crossings(speech.lazy(), *window).collect() for window in WINDOWS)


if __name__ == "__main__":
    main(find)
