// SPDX-License-Identifier: Apache-2.0

#include "sim/digest.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <openssl/evp.h>

namespace fairuse::sim {

namespace {

/// The length comes first, so that two different lists of texts never become the same bytes.
void append_framed(std::string& to, std::string_view bytes) {
  for (std::size_t shift = 0; shift < 64; shift += 8)
    to.push_back(static_cast<char>(bytes.size() >> shift & 0xFF));
  to.append(bytes);
}

std::string_view as_text(const sha256_bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

sha256_bytes sha256(std::string_view bytes) {
  sha256_bytes out;
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  return out;
}

std::string to_hex(const sha256_bytes& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

void run_digest::add(std::string_view uid, std::span<const slot_chain> chains) {
  std::vector<slot_chain> sorted;
  std::copy_if(chains.begin(), chains.end(), std::back_inserter(sorted),
               [](const slot_chain& chain) { return !chain.bytes.empty(); });
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.slot < b.slot; });
  std::string framed;
  for (const slot_chain& chain : sorted) {
    append_framed(framed, chain.slot);
    append_framed(framed, as_text(sha256(chain.bytes)));
  }
  entries_.push_back({std::string(uid), sha256(framed)});
}

void run_digest::merge(run_digest&& other) {
  entries_.insert(entries_.end(), std::make_move_iterator(other.entries_.begin()),
                  std::make_move_iterator(other.entries_.end()));
  other.entries_.clear();
}

std::string run_digest::finish() {
  std::sort(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) { return a.uid < b.uid; });
  std::string framed;
  for (const entry& each : entries_) {
    append_framed(framed, each.uid);
    append_framed(framed, as_text(each.chains));
  }
  return to_hex(sha256(framed));
}

} // namespace fairuse::sim
