// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. POST /v1/gate: a question in JSON, its answer in JSON (api/openapi.yaml).
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "api/gate/gate_answer.hpp"
#include "api/gate/gate_view.hpp"
#include "api/gate/lease_table.hpp"
#include "api/http/http_message.hpp"
#include "api/shown_metrics.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

/// What the gate answers from.
struct gate_source {
  const gate_view& view;
  /// Local mode puts every commit into the view, so the view is never late; Kafka mode reads a topic.
  bool is_local = true;
  /// An older view is not answered from.
  std::int64_t age_max_ms = 10'000;
  /// The clock that ends refusals.
  std::function<time_ms()> now;
};

struct gate_question {
  std::string uid;
  gate_purpose purpose = gate_purpose::stream;
  /// How much is planned; 0: not said.
  std::int64_t planned_ms = 0;
  /// Empty: none.
  std::string session;
};

/// Answers by their first word and reason. Threads: any.
class gate_counts {
public:
  void add(const gate_answer& what);
  /// Those that were given at least once, and those that a fault makes: who watches them sees the first one, too.
  void show(shown_metrics& to) const;

private:
  static constexpr std::size_t answers = 4;
  std::array<std::array<std::atomic<std::uint64_t>, gate_reason_count>, answers> counts_{};
};

/// The error is a problem for the client.
result<gate_question, http_reply> gate_question_from(const http_request& request);
gate_facts gate_facts_of(const gate_source& from, const std::string& uid);
/// `reserved`: nullptr: there is no lease with it.
std::string gate_answer_json(const gate_answer& answer, const gate_facts& facts, const lease* reserved = nullptr);

} // namespace fairuse
