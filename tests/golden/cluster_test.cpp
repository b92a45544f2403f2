// SPDX-License-Identifier: Apache-2.0
//
// One run of the cluster simulation, crashes included: every byte that it leaves on a topic, and in a capture of it.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <boost/test/unit_test.hpp>
#include <zstd.h>

#include "storage/rows.pb.h"
#include "streams/kafka/capture/capture.pb.h"
#include "tests/golden/committed.hpp"
#include "tests/golden/sha256.hpp"
#include "tests/protocol/cluster_simulation.hpp"
#include "tests/protocol/replay.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::protocol {

namespace {

using golden::sha256;

constexpr const char* digests = "digests.txt";
constexpr const char* names = "names.txt";

/// Written out, so that the run stays the same when other seeds draw their settings in another way.
run_settings how() {
  run_settings made(4);
  made.partitions = 2;
  made.inputs = 2;
  made.instances = 2;
  made.users = 6;
  made.rounds = 400;
  made.calls_per_fault = 300;
  made.crashes = 3;
  made.compacts = false;
  made.promotes = true;
  made.starts_off = false;
  made.lazy_writer = false;
  made.config_commands = true;
  made.clocks_jump = false;
  made.incidents = 60;
  made.traffic = 400;
  return made;
}

struct finished_run {
  finished_run() : in(how()), simulation(in) { simulation.run(); }

  fixture in;
  cluster_simulation simulation;
};

fixture& finished_fixture() {
  static finished_run one;
  return one.in;
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uint64_t big_endian(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return number;
}

/// The content of the frame at `at`, which is moved behind it.
std::string frame_at(const std::string& bytes, std::size_t& at) {
  const auto size = big_endian(bytes, at, 4);
  const auto packed = bytes.substr(at + 4, size);
  BOOST_REQUIRE(packed.size() == size);
  at += 4 + size;
  std::string plain(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
  BOOST_REQUIRE(ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size()) == plain.size());
  return plain;
}

std::string line_of(const std::string& name, std::uint64_t count, sha256& digest) {
  return name + " " + std::to_string(count) + " " + digest.hex();
}

} // namespace

BOOST_AUTO_TEST_SUITE(cluster)

BOOST_AUTO_TEST_CASE(every_topic_holds_the_committed_records) {
  auto& in = finished_fixture();
  std::set<std::string> seen;
  auto topics = in.topics.all();
  topics.insert(topics.end(), in.inputs().begin(), in.inputs().end());
  for (const auto& topic : topics) {
    std::size_t all = 0;
    for (std::int32_t p = 0; p < in.settings.partitions; ++p) {
      sha256 digest;
      const auto records = in.log.records({topic, p}, kafka::isolation::committed);
      for (const auto& each : records) {
        digest.add(each.what.key);
        digest.add(each.what.value);
        digest.add(std::uint64_t{each.what.headers.size()});
        for (const auto& [name, value] : each.what.headers) {
          digest.add(std::string_view(name));
          digest.add(value);
        }
      }
      all += records.size();
      seen.insert(line_of("cluster " + topic + "." + std::to_string(p), records.size(), digest));
    }
    BOOST_TEST(all > 0U, topic << " is empty, so its line holds nothing");
  }
  golden::compare(digests, "cluster", seen);
}

BOOST_AUTO_TEST_CASE(a_partition_remembers_the_settings_by_name) {
  auto& in = finished_fixture();
  std::set<std::string> seen;
  for (std::int32_t p = 0; p < in.settings.partitions; ++p)
    for (const auto& each : in.log.records({in.topics.changelog, p}, kafka::isolation::committed)) {
      if (*each.what.key != partition_meta_key()) continue;
      row::partition_meta meta;
      BOOST_REQUIRE(meta.ParseFromString(*each.what.value));
      for (const auto& setting : meta.settings())
        seen.insert("partition_setting " + setting.name());
    }
  golden::compare(names, "partition_setting", seen);
}

BOOST_AUTO_TEST_CASE(the_output_topics_have_their_names) {
  std::set<std::string> seen;
  for (const auto& each : topic_names{}.all())
    seen.insert("topic " + each);
  golden::compare(names, "topic", seen);
}

// The packed bytes depend on the version of zstd, and so do the places of the frames and the file's digest. So a line
// per frame holds its content, and the last one the contents without places.
BOOST_AUTO_TEST_CASE(a_capture_holds_the_frames) {
  auto& in = finished_fixture();
  const auto folder = in.fresh_folder();
  std::filesystem::create_directories(folder);
  simlog::simulated_cluster brokers(in.log);
  const auto made = kafka::export_capture(brokers, wish_of(in), folder / "all");
  BOOST_REQUIRE(made.has_value());
  const auto bytes = read_file(folder / "all");
  constexpr std::size_t head = 12;
  constexpr std::size_t trailer = 40;
  BOOST_REQUIRE(bytes.size() > head + trailer);
  sha256 begins;
  begins.add(std::string_view(bytes).substr(0, head));
  std::set<std::string> seen{line_of("capture head", head, begins)};
  const auto contents_at = big_endian(bytes, bytes.size() - trailer, 8);
  std::size_t at = head;
  for (int number = 0; at < contents_at; ++number) {
    const auto content = frame_at(bytes, at);
    sha256 digest;
    digest.add(std::string_view(content));
    seen.insert(line_of("capture frame." + std::to_string(number), content.size(), digest));
  }
  BOOST_TEST(at == contents_at);
  capture::contents contents;
  BOOST_REQUIRE(contents.ParseFromString(frame_at(bytes, at)));
  BOOST_TEST(at == bytes.size() - trailer);
  for (auto& section : *contents.mutable_sections())
    for (auto& place : *section.mutable_frames())
      place = 0;
  sha256 digest;
  digest.add(std::string_view(contents.SerializeAsString()));
  seen.insert(line_of("capture contents", static_cast<std::uint64_t>(contents.sections_size()), digest));
  golden::compare(digests, "capture", seen);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::protocol
