// SPDX-License-Identifier: Apache-2.0
package fairuse.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One user's speech as the state store holds it: a byte array that is read and changed where it lies. Minute buckets in
 * ascending order, a running sum and a tail for each window, so an event costs the buckets that it touches and those
 * that it pushes out.
 *
 * <p>Layout: latest instant (8); per window sum (8) and instant of the last crossing (8); per window tail (4); then
 * buckets of minute (4) and ms (4).
 */
final class Usage {
  static final int WINDOWS = 3;
  static final long[] SPAN_MS = {24 * 3_600_000L, 72 * 3_600_000L, 168 * 3_600_000L};
  static final long[] CAP_MS = {2 * 3_600_000L, 8 * 3_600_000L, 10 * 3_600_000L};
  static final String[] NAME = {"daily", "3day", "weekly"};

  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long COOLDOWN_MS = 12 * 3_600_000L;
  private static final int MINUTE_MS = 60_000;
  private static final int SUM_AT = 8;
  private static final int CROSSED_AT = SUM_AT + 8 * WINDOWS;
  private static final int TAIL_AT = CROSSED_AT + 8 * WINDOWS;
  private static final int HEADER = TAIL_AT + 4 * WINDOWS;
  private static final int BUCKET = 8;
  /** Expired buckets leave in one copy when so many have gathered. */
  private static final int EXPIRED_MAX = 64;

  private byte[] bytes;
  private final long[] before = new long[WINDOWS];

  void open(byte[] stored) {
    bytes = stored != null ? stored : new byte[HEADER];
  }

  byte[] bytes() {
    return bytes;
  }

  long sum(int window) {
    return (long) LONGS.get(bytes, SUM_AT + 8 * window);
  }

  /** Meters the event and tells, as one bit per window, which caps it crossed. */
  int add(SpeechScanner event) {
    final long instant = event.timeMs + (event.boundCount > 0 ? event.bounds[event.boundCount - 1] : 0);
    final long now = Math.max(instant, (long) LONGS.get(bytes, 0));
    LONGS.set(bytes, 0, now);
    for (int w = 0; w < WINDOWS; ++w) {
      expire(w, oldest(w, now));
      before[w] = sum(w);
    }
    if (event.hasSegments) {
      spread(event, now);
    } else {
      meter((int) (event.timeMs / MINUTE_MS), event.ms, now);
    }
    return crossed(now);
  }

  private int crossed(long now) {
    int crossed = 0;
    for (int w = 0; w < WINDOWS; ++w) {
      if (before[w] > CAP_MS[w] || sum(w) <= CAP_MS[w]) continue;
      final int at = CROSSED_AT + 8 * w;
      final long last = (long) LONGS.get(bytes, at);
      if (last != 0 && now - last < COOLDOWN_MS) continue;
      LONGS.set(bytes, at, now);
      crossed |= 1 << w;
    }
    return crossed;
  }

  /** Segments in ascending order; what overlaps counts once. */
  private void spread(SpeechScanner event, long now) {
    long end = Long.MIN_VALUE;
    for (int i = 0; i < event.boundCount; i += 2) {
      long from = Math.max(event.timeMs + event.bounds[i], end);
      end = Math.max(event.timeMs + event.bounds[i + 1], end);
      while (from < end) {
        final long minute = from / MINUTE_MS;
        final long to = Math.min(end, (minute + 1) * MINUTE_MS);
        meter((int) minute, (int) (to - from), now);
        from = to;
      }
    }
  }

  private void meter(int minute, int ms, long now) {
    int place = count();
    while (place > 0 && minuteAt(place - 1) > minute) --place;
    final boolean found = place > 0 && minuteAt(place - 1) == minute;
    if (found) {
      final int at = HEADER + (place - 1) * BUCKET + 4;
      INTS.set(bytes, at, (int) INTS.get(bytes, at) + ms);
    } else {
      insert(place, minute, ms);
    }
    for (int w = 0; w < WINDOWS; ++w) {
      if (minute >= oldest(w, now)) {
        LONGS.set(bytes, SUM_AT + 8 * w, sum(w) + ms);
      } else if (!found) {
        INTS.set(bytes, TAIL_AT + 4 * w, tail(w) + 1);
      }
    }
  }

  private void insert(int place, int minute, int ms) {
    final int gone = tail(WINDOWS - 1) > EXPIRED_MAX ? Math.min(tail(WINDOWS - 1), place) : 0;
    final byte[] grown = new byte[bytes.length + BUCKET - gone * BUCKET];
    final int head = (place - gone) * BUCKET;
    System.arraycopy(bytes, 0, grown, 0, HEADER);
    System.arraycopy(bytes, HEADER + gone * BUCKET, grown, HEADER, head);
    INTS.set(grown, HEADER + head, minute);
    INTS.set(grown, HEADER + head + 4, ms);
    final int rest = HEADER + place * BUCKET;
    System.arraycopy(bytes, rest, grown, HEADER + head + BUCKET, bytes.length - rest);
    bytes = grown;
    for (int w = 0; gone > 0 && w < WINDOWS; ++w) INTS.set(bytes, TAIL_AT + 4 * w, tail(w) - gone);
  }

  /** First minute whose bucket counts: start >= floor(now to 1 s) - span. */
  private static int oldest(int window, long now) {
    return (int) ((now - now % 1_000 - SPAN_MS[window] + MINUTE_MS - 1) / MINUTE_MS);
  }

  private void expire(int window, int oldest) {
    int tail = tail(window);
    final int count = count();
    long sum = sum(window);
    while (tail < count && minuteAt(tail) < oldest) sum -= (int) INTS.get(bytes, HEADER + tail++ * BUCKET + 4);
    LONGS.set(bytes, SUM_AT + 8 * window, sum);
    INTS.set(bytes, TAIL_AT + 4 * window, tail);
  }

  private int count() {
    return (bytes.length - HEADER) / BUCKET;
  }

  private int minuteAt(int place) {
    return (int) INTS.get(bytes, HEADER + place * BUCKET);
  }

  private int tail(int window) {
    return (int) INTS.get(bytes, TAIL_AT + 4 * window);
  }
}
