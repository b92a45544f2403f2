// SPDX-License-Identifier: Apache-2.0
package fairuse.bench;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** How far a pass has come. Any thread. */
final class Progress {
  private final Queue<AtomicLong> counters = new ConcurrentLinkedQueue<>();
  private final AtomicLong firstNs = new AtomicLong();
  private final LongAdder crossings = new LongAdder();

  void add(AtomicLong counter) {
    counters.add(counter);
  }

  void started() {
    firstNs.compareAndSet(0, System.nanoTime());
  }

  void crossed() {
    crossings.increment();
  }

  long events() {
    return counters.stream().mapToLong(AtomicLong::get).sum();
  }

  long firstNs() {
    return firstNs.get();
  }

  long crossings() {
    return crossings.sum();
  }
}
