// SPDX-License-Identifier: Apache-2.0
package fairuse.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;

/**
 * What people would write instead of the engine's windows: Kafka Streams, exactly once, RocksDB with a changelog. No
 * ladder, no timers, no duplicates.
 *
 * <pre>
 * StreamsApp --bootstrap B --input T --output T --name N --state DIR [--warm T] [--until-end] [--threads 2]
 *            [--commit-ms 100] [--reset earliest] [--cache-mb 256]
 * </pre>
 *
 * With --until-end it stops when its committed offsets reach the ends that the input had at the start, and prints one
 * line of JSON; `seconds` counts from the first record to the last commit and CPU from the start of the measured pass.
 * --warm runs a pass over another topic first, in the same JVM; its rows go to the output's name + ".warm". Without
 * --until-end it runs until it is killed.
 */
public final class StreamsApp {
  private final Map<String, String> asked;

  private StreamsApp(Map<String, String> asked) {
    this.asked = asked;
  }

  private record Outcome(long events, long crossings, double seconds, double cpuSeconds) {}

  public static void main(String[] words) throws Exception {
    final Map<String, String> asked = new HashMap<>();
    for (int i = 0; i < words.length; ++i) {
      final String name = words[i].substring(2);
      asked.put(name, i + 1 < words.length && !words[i + 1].startsWith("--") ? words[++i] : "true");
    }
    new StreamsApp(asked).run();
  }

  private String option(String name, String otherwise) {
    return asked.getOrDefault(name, otherwise);
  }

  private void run() throws Exception {
    final String name = option("name", "streams-app");
    if (!asked.containsKey("until-end")) {
      final Topology endless = topology(option("input", "fairuse.events.v1"), output(), new Progress());
      final KafkaStreams streams = new KafkaStreams(endless, settings(name));
      streams.start();
      Thread.currentThread().join();
    }
    if (asked.containsKey("warm")) pass(name + "-warm", option("warm", ""), output() + ".warm");
    // bench/run_kafka_bench measures the broker from here on.
    System.out.println("measured pass");
    System.out.flush();
    final Outcome told = pass(name, option("input", "fairuse.events.v1"), output());
    System.out.printf("{\"events\":%d,\"decisions\":%d,\"seconds\":%.3f,\"events_per_second\":%.0f,"
                          + "\"cpu_seconds\":%.3f,\"memory_peak_bytes\":%d}%n",
                      told.events, told.crossings, told.seconds, told.events / told.seconds, told.cpuSeconds,
                      peakBytes());
    System.out.flush();
  }

  private String output() {
    return option("output", "streams.decisions");
  }

  private Outcome pass(String name, String input, String output) throws Exception {
    final Progress progress = new Progress();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", option("bootstrap", "127.0.0.1:9092")))) {
      final Map<TopicPartition, Long> ends = ends(admin, input);
      final long wanted = ends.values().stream().mapToLong(Long::longValue).sum();
      final long cpuBefore = cpuNs();
      final KafkaStreams streams = new KafkaStreams(topology(input, output, progress), settings(name));
      streams.setUncaughtExceptionHandler(failure -> {
        failure.printStackTrace();
        Runtime.getRuntime().halt(1);
        return null;
      });
      streams.start();
      // Asking the group costs the broker; so not before everything was processed.
      while (progress.events() < wanted) Thread.sleep(10);
      while (!committed(admin, name, ends)) Thread.sleep(5);
      final double seconds = (System.nanoTime() - progress.firstNs()) / 1e9;
      final double cpuSeconds = (cpuNs() - cpuBefore) / 1e9;
      streams.close();
      return new Outcome(progress.events(), progress.crossings(), seconds, cpuSeconds);
    }
  }

  private Topology topology(String input, String output, Progress progress) {
    final Topology made = new Topology();
    made.addSource("events", input);
    made.addProcessor("windows", () -> new WindowsProcessor(progress), "events");
    made.addStateStore(Stores
                           .keyValueStoreBuilder(Stores.persistentKeyValueStore(WindowsProcessor.STORE), Serdes.Bytes(),
                                                 Serdes.ByteArray())
                           .withCachingEnabled()
                           .withLoggingEnabled(Map.of()),
                       "windows");
    made.addSink("crossings", output, "windows");
    return made;
  }

  private Properties settings(String name) {
    final Properties p = new Properties();
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, option("bootstrap", "127.0.0.1:9092"));
    p.put(StreamsConfig.STATE_DIR_CONFIG, option("state", "build/streams-state"));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, option("threads", "2"));
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, option("commit-ms", "100"));
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Long.parseLong(option("cache-mb", "256")) << 20);
    p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksTuning.class);
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    p.put(StreamsConfig.POLL_MS_CONFIG, 10);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), option("reset", "earliest"));
    // Static membership, as the engine has it: a restart within the session keeps its partitions at once.
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), name);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MAX_BYTES_CONFIG), 64 << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 << 10);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128 << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
    return p;
  }

  private static Map<TopicPartition, Long> ends(Admin admin, String topic) throws Exception {
    final Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    for (var partition : admin.describeTopics(java.util.List.of(topic)).allTopicNames().get().get(topic).partitions())
      latest.put(new TopicPartition(topic, partition.partition()), OffsetSpec.latest());
    final Map<TopicPartition, Long> ends = new HashMap<>();
    admin.listOffsets(latest).all().get().forEach((where, told) -> ends.put(where, told.offset()));
    return ends;
  }

  private static boolean committed(Admin admin, String group, Map<TopicPartition, Long> ends) throws Exception {
    final Map<TopicPartition, OffsetAndMetadata> told =
        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
    return ends.entrySet().stream().allMatch(
        end -> end.getValue() == 0 || told.containsKey(end.getKey()) && told.get(end.getKey()).offset() >= end.getValue());
  }

  private static long cpuNs() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
  }

  private static long peakBytes() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status")))
      if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    return 0;
  }
}
