// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/client_properties.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <librdkafka/rdkafka.h>

namespace fairuse::kafka {

namespace {

constexpr int first_right_scram = 0x020601ff;

struct conf_deleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

rd_kafka_conf_res_t set(const std::string& name, const std::string& value, std::array<char, 512>& problem) {
  const std::unique_ptr<rd_kafka_conf_t, conf_deleter> scratch{rd_kafka_conf_new()};
  return rd_kafka_conf_set(scratch.get(), name.c_str(), value.c_str(), problem.data(), problem.size());
}

} // namespace

std::string library_version() { return rd_kafka_version_str(); }

bool has_right_scram() { return rd_kafka_version() >= first_right_scram; }

// The names are the first column of the tables.
std::vector<std::string> property_names() {
  char* bytes = nullptr;
  std::size_t size = 0;
  std::FILE* table = open_memstream(&bytes, &size);
  if (table == nullptr) return {};
  rd_kafka_conf_properties_show(table);
  std::fclose(table);
  const std::unique_ptr<char, decltype(&std::free)> owner{bytes, &std::free};
  std::vector<std::string> names;
  std::string_view rest{bytes, size};
  while (not rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto row = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto name = row.substr(0, std::min(row.find(' '), row.size()));
    if (row.find('|') != std::string_view::npos and name != "Property" and not name.starts_with('-'))
      names.emplace_back(name);
  }
  return names;
}

bool knows_property(const std::string& name) {
  std::array<char, 512> problem{};
  return set(name, "", problem) != RD_KAFKA_CONF_UNKNOWN;
}

result<void> accept_property(const std::string& name, const std::string& value) {
  std::array<char, 512> problem{};
  if (set(name, value, problem) == RD_KAFKA_CONF_OK) return {};
  return error{problem.data()};
}

} // namespace fairuse::kafka
