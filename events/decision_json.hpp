// SPDX-License-Identifier: Apache-2.0
//
// The wire form of decisions (docs/decisions-format.md): one CloudEvents 1.0 line each, fixed key order, byte-stable.
// These bytes are what people read, what topics carry and what replays compare.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "events/decision.hpp"

namespace fairuse {

/// The fields that a sink adds.
struct decision_envelope {
  /// `<partition>-<epoch>-<seq>`; of shadows `<partition>-<epoch>-s<seq>`.
  std::string_view id;
  /// A constant of the deployment.
  std::string_view source;
  std::string_view uid;
  /// `FU-` + 12 hex digits, of `decision::strike`; written where the kind names a strike. Empty: not written.
  std::string_view case_reference;
  /// Written as `data.epoch`, if given.
  std::optional<std::uint64_t> epoch;
};

/// Append one line, without a newline.
void append_decision(std::string& out, const decision& what, const decision_envelope& envelope);

/// Append the `data` object of that line and nothing else, in the same bytes: the value of a Kafka record in binary
/// mode.
void append_decision_data(std::string& out, const decision& what, const decision_envelope& envelope);

/// Append what digests and comparisons are taken over: the same bytes without what depends on where and when the
/// decision was committed, that is `id`, `source`, `epoch` and `case`.
void append_decision_chain(std::string& out, const decision& what, std::string_view uid);

/// What a notification says to the user. Promises an end only if there is one.
std::string notification_message(const decision& what);

/// The window sums of a decision: `{"daily":7200001}`.
void append_sums(std::string& out, const decision& what);

/// `{"name":...,"digest":...}`.
void append_policy_label(std::string& out, std::string_view name, std::string_view digest);

/// The names of the recipes whose bit is set, as an array.
void append_recipes(std::string& out, std::uint8_t recipes);

/// `live-3`: how a review request is named on the wire.
std::string request_name(std::string_view slot, std::uint32_t request);

} // namespace fairuse
