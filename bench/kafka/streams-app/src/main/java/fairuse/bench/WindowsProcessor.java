// SPDX-License-Identifier: Apache-2.0
package fairuse.bench;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** Three rolling windows after every event, a row for each cap crossed: at most one per user, cap and 12 hours. */
final class WindowsProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String STORE = "usage";

  private final Progress progress;
  private final AtomicLong events = new AtomicLong();
  private final SpeechScanner event = new SpeechScanner();
  private final Usage usage = new Usage();
  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<Bytes, byte[]> store;

  WindowsProcessor(Progress progress) {
    this.progress = progress;
    progress.add(events);
  }

  @Override
  public void init(ProcessorContext<byte[], byte[]> given) {
    context = given;
    store = given.getStateStore(STORE);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    if (events.getPlain() == 0) progress.started();
    events.lazySet(events.getPlain() + 1);
    if (record.key() == null || record.value() == null || !event.scan(record.value())) return;
    final Bytes uid = Bytes.wrap(record.key());
    // The array that the store's cache holds is changed where it lies; put() marks it dirty.
    usage.open(store.get(uid));
    final int crossed = usage.add(event);
    store.put(uid, usage.bytes());
    for (int w = 0; w < Usage.WINDOWS; ++w) {
      if ((crossed & 1 << w) != 0) context.forward(record.withValue(row(w, record.value())));
    }
  }

  private byte[] row(int window, byte[] value) {
    final String id = new String(value, event.idFrom, event.idTo - event.idFrom, StandardCharsets.UTF_8);
    progress.crossed();
    return ("{\"decision\":\"cap_crossed\",\"cause\":{\"event\":\"" + id + "\"},\"window\":\"" + Usage.NAME[window]
            + "\",\"sum_ms\":" + usage.sum(window) + ",\"cap_ms\":" + Usage.CAP_MS[window] + "}")
        .getBytes(StandardCharsets.UTF_8);
  }
}
