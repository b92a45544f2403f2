// SPDX-License-Identifier: Apache-2.0
//
// What events of rare kinds say, as bytes and back: in blocks, and in the rows that a packer sorts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::history {

/// Texts that are written once per block.
class string_table {
public:
  std::uint32_t place_of(std::string_view text);
  const std::vector<std::string>& all() const { return all_; }
  void clear();

private:
  std::map<std::string, std::uint32_t, std::less<>> places_;
  std::vector<std::string> all_;
};

/// Account facts, answers, commands and erasures. REQUIRES: one of these kinds.
std::string encode_detail(const event& what);
std::optional<event_detail> decode_detail(event_kind kind, std::string_view bytes);

std::string encode_conversation(const conversation_fact& what, string_table& strings);
/// The texts are parts of `bytes` and of `strings`.
struct stored_conversation {
  conversation_outline outline;
  lane from = lane::realtime;
};
std::optional<stored_conversation> decode_conversation(std::string_view bytes, const std::vector<std::string>& strings);
std::string encode_text(const conversation_fact& what, string_table& strings);
/// False: it is none.
bool decode_text(std::string_view bytes, const std::vector<std::string>& strings, conversation_fact& to);

std::string encode_command(const admin_command& what);
std::optional<admin_command> decode_command(std::string_view bytes);

std::string encode_review(const recorded_review& what);
std::optional<recorded_review> decode_review(std::string_view bytes);

} // namespace fairuse::history
