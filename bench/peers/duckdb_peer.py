# SPDX-License-Identifier: Apache-2.0
"""DuckDB: two window functions for each window; the RANGE of what left ends before the first minute that counts."""

import duckdb
from common import FRESH_MS, LANES, MINUTE_MS, SECOND_MS, WINDOWS, main

QUERY = """
CREATE TABLE crossings AS
WITH speech AS (
  SELECT file_row_number AS place, uid, now, ms, now // {second} * {second} AS second, "time" // {minute} * {minute} AS minute
  FROM read_parquet('{file}', file_row_number = true)
  WHERE kind = 'speech' AND lane IN {lanes} AND now - instant <= {fresh}
),
sums AS (
  SELECT uid, now, ms, {sums}
  FROM speech
  WINDOW placed AS (PARTITION BY uid ORDER BY place ROWS UNBOUNDED PRECEDING)
)
{crossings}
"""
SUM = """
  CASE WHEN minute + {span} >= second THEN
    sum(ms) FILTER (minute + {span} >= second) OVER placed
    - coalesce(sum(ms) FILTER (minute + {span} >= second) OVER (
        PARTITION BY uid ORDER BY minute
        RANGE BETWEEN UNBOUNDED PRECEDING AND greatest(minute + {span} - second + 1, 0) PRECEDING), 0)
  END AS "{name}"
"""
CROSSING = """SELECT uid, '{name}' AS "window", now FROM sums WHERE "{name}" > {cap} AND "{name}" - ms <= {cap}"""


def find(file):
    sums = ",".join(SUM.format(name=name, span=span) for name, span, _ in WINDOWS)
    crossings = " UNION ALL ".join(CROSSING.format(name=name, cap=cap) for name, _, cap in WINDOWS)
    units = {"second": SECOND_MS, "minute": MINUTE_MS, "fresh": FRESH_MS}
    duckdb.sql("SET enable_progress_bar = false")
    duckdb.sql(QUERY.format(file=file, lanes=LANES, sums=sums, crossings=crossings, **units))
    return duckdb.table("crossings")


if __name__ == "__main__":
    main(find)
