// SPDX-License-Identifier: Apache-2.0
package fairuse.bench;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.Options;

/** Larger write buffers than Kafka Streams' 16 MiB; everything else as it comes. */
public final class RocksTuning implements RocksDBConfigSetter {
  @Override
  public void setConfig(String store, Options options, Map<String, Object> configs) {
    options.setWriteBufferSize(64L << 20);
    options.setMaxWriteBufferNumber(3);
  }

  @Override
  public void close(String store, Options options) {}
}
