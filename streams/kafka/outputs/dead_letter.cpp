// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/outputs/dead_letter.hpp"

#include <algorithm>
#include <deque>

#include "base/system/sha256.hpp"

namespace fairuse::kafka {

namespace {

// What Kafka adds, rounded up: the batch and the record itself, and the lengths of one header.
constexpr std::size_t record_overhead = 128;
constexpr std::size_t header_overhead = 10;

std::size_t size_of(const std::vector<header>& headers) {
  std::size_t size = 0;
  for (const auto& each : headers)
    size += header_overhead + each.name.size() + each.value.value_or(std::string_view()).size();
  return size;
}

/// The sender's headers as one text, to take a hash over: name, zero byte, value, zero byte.
std::string joined(const std::vector<header>& headers) {
  std::string text;
  for (const auto& each : headers) {
    text.append(each.name).push_back('\0');
    text.append(each.value.value_or(std::string_view())).push_back('\0');
  }
  return text;
}

class dead_letter {
public:
  dead_letter(const dead_record& from, std::uint64_t epoch)
    : key_(from.key), value_(from.value), sender_headers_(from.headers) {
    add("fairuse.error.reason", std::string(fairuse::to_text(from.why)));
    if (not from.place.empty()) add("fairuse.error.place", from.place);
    add("fairuse.error.remedy", remedy(from.why, from.place, from.note));
    add("fairuse.error.topic", std::string(from.topic));
    add("fairuse.error.partition", std::to_string(from.partition));
    add("fairuse.error.offset", std::to_string(from.offset));
    add("fairuse.error.epoch", std::to_string(epoch));
  }

  void fit(std::size_t bytes_max) {
    if (value_) cut(*value_, bytes_max, "fairuse.error.value_bytes", "fairuse.error.value_sha256");
    if (size() > bytes_max and not sender_headers_.empty()) {
      const auto text = joined(sender_headers_);
      add("fairuse.error.headers_bytes", std::to_string(text.size()));
      add("fairuse.error.headers_sha256", sha256_hex(text));
      sender_headers_.clear();
    }
    if (key_) cut(*key_, bytes_max, "fairuse.error.key_bytes", "fairuse.error.key_sha256");
  }

  void write(const take_output& take) {
    sender_headers_.insert(sender_headers_.end(), error_headers_.begin(), error_headers_.end());
    take({output_topic::dead_letters, key_, value_, sender_headers_});
  }

private:
  void add(std::string_view name, std::string value) {
    texts_.push_back(std::move(value));
    error_headers_.push_back({name, texts_.back()});
  }

  std::size_t size() const {
    return record_overhead + key_.value_or(std::string_view()).size() + value_.value_or(std::string_view()).size()
           + size_of(sender_headers_) + size_of(error_headers_);
  }

  /// Cut `bytes` to the limit.
  void cut(std::string_view& bytes, std::size_t bytes_max, std::string_view length_name, std::string_view hash_name) {
    if (size() <= bytes_max) return;
    add(length_name, std::to_string(bytes.size()));
    add(hash_name, sha256_hex(bytes));
    const auto all = size();
    if (all > bytes_max) bytes = bytes.substr(0, bytes.size() - std::min(bytes.size(), all - bytes_max));
  }

  std::optional<std::string_view> key_;
  std::optional<std::string_view> value_;
  std::vector<header> sender_headers_;
  std::vector<header> error_headers_;
  /// Addresses stay.
  std::deque<std::string> texts_;
};

} // namespace

void write_dead_letter(const dead_record& from, std::uint64_t epoch, std::size_t bytes_max, const take_output& take) {
  dead_letter what(from, epoch);
  what.fit(bytes_max);
  what.write(take);
}

} // namespace fairuse::kafka
