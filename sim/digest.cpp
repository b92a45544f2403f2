// SPDX-License-Identifier: Apache-2.0

#include "sim/digest.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fairuse::sim {

namespace {

/// The length comes first, so that two different lists of texts never become the same bytes.
void append_framed(std::string& to, std::string_view bytes) {
  for (std::size_t shift = 0; shift < 64; shift += 8)
    to.push_back(static_cast<char>(bytes.size() >> shift & 0xFF));
  to.append(bytes);
}

} // namespace

std::optional<sha256_hash> hash_of_chain(std::string_view bytes) {
  return bytes.empty() ? std::nullopt : std::optional(sha256(bytes));
}

void run_digest::add(std::string_view uid, std::span<const slot_chain> chains) {
  std::vector<hashed_chain> hashed;
  for (const auto& chain : chains)
    hashed.push_back({chain.slot, hash_of_chain(chain.bytes)});
  add(uid, hashed);
}

void run_digest::add(std::string_view uid, std::span<const hashed_chain> chains) {
  std::vector<hashed_chain> sorted;
  std::copy_if(chains.begin(), chains.end(), std::back_inserter(sorted),
               [](const hashed_chain& chain) { return chain.hash.has_value(); });
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.slot < b.slot; });
  std::string framed;
  for (const auto& chain : sorted) {
    append_framed(framed, chain.slot);
    append_framed(framed, as_bytes(*chain.hash));
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
    append_framed(framed, as_bytes(each.chains));
  }
  return sha256_hex(framed);
}

} // namespace fairuse::sim
