-- SPDX-License-Identifier: Apache-2.0
--
-- Which events cross a cap, counted from `fairuse history export --csv` alone. Variables: file, bucket_ms, basis (event
-- or arrival), fresh_ms. The lanes realtime and sync are enforced, and windows are those below.
WITH windows(name, span_ms, cap_ms) AS (
  VALUES ('daily', 24 * 3600000, 2 * 3600000), ('3day', 72 * 3600000, 4 * 3600000), ('weekly', 168 * 3600000, 6 * 3600000)
),
rows AS (
  SELECT row_number() OVER () AS place, *
  FROM read_csv(getvariable('file'), all_varchar = true)
),
-- Late speech moves to the lane backfill, which is not enforced.
speech AS (
  SELECT place, uid, id, now::BIGINT AS now, "time"::BIGINT AS begins, ms::BIGINT AS ms, coalesce(segments, '') AS segments
  FROM rows
  WHERE kind = 'speech' AND lane IN ('realtime', 'sync') AND now::BIGINT - instant::BIGINT <= getvariable('fresh_ms')
),
-- Where speech lies: in one instant, or from one to another.
one_instant AS (
  SELECT place, uid, CASE getvariable('basis') WHEN 'arrival' THEN now ELSE begins END AS moment, ms
  FROM speech
  WHERE segments = '' OR getvariable('basis') = 'arrival'
),
spans AS (
  SELECT place, uid, begins + split_part(part, '-', 1)::BIGINT AS first, begins + split_part(part, '-', 2)::BIGINT AS last
  FROM (SELECT *, unnest(string_split(segments, ' ')) AS part FROM speech
        WHERE segments <> '' AND getvariable('basis') = 'event')
),
buckets AS (
  SELECT place, uid, moment // getvariable('bucket_ms') * getvariable('bucket_ms') AS start, ms
  FROM one_instant
  UNION ALL
  SELECT place, uid, number * getvariable('bucket_ms') AS start,
         least(last, (number + 1) * getvariable('bucket_ms')) - greatest(first, number * getvariable('bucket_ms')) AS ms
  FROM (SELECT *, unnest(range(first // getvariable('bucket_ms'), (last - 1) // getvariable('bucket_ms') + 1)) AS number
        FROM spans)
),
-- A bucket counts if it begins within the window that ends at the event, by whole seconds.
sums AS (
  SELECT speech.place, windows.name, cap_ms, sum(buckets.ms) AS sum_ms,
         coalesce(sum(buckets.ms) FILTER (buckets.place = speech.place), 0) AS own_ms
  FROM speech, windows, buckets
  WHERE buckets.uid = speech.uid AND buckets.place <= speech.place AND buckets.start >= now // 1000 * 1000 - span_ms
  GROUP BY ALL
)
SELECT uid, now, id, name AS "window", sum_ms
FROM sums JOIN speech USING (place)
WHERE sum_ms > cap_ms AND sum_ms - own_ms <= cap_ms
ORDER BY place, name;
