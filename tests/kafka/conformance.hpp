// SPDX-License-Identifier: Apache-2.0
//
// What Kafka does, as a table of named cases that are written against the port (streams/kafka/broker/cluster.hpp) only.
// The same rows run on the simulated log and on real brokers: where they hold on both, findings of the simulation apply
// to Kafka. Sections: the log (aborted records, markers, last stable offset), fencing (of producers, of offsets), death
// of a client, and the group.
//
// A row that does not hold throws `mismatch`. Rows share nothing: each makes its own topics, groups and ids, so they
// can run in any order on one broker. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "streams/kafka/broker/cluster.hpp"

namespace fairuse::kafka::conformance {

/// As a member would identify itself in an offset commit.
struct group_identity {
  std::string group;
  std::int32_t generation = -1;
  std::string member;
  /// Empty: a dynamic member, or none at all.
  std::string instance;
};

/// Transactions that a row waits to see timed out. All others outlast their row, on a busy machine too.
constexpr milliseconds short_transaction{1'500};

/// Where the rows run. A place promises: sessions of `session()`, and that the coordinator looks for overdue
/// transactions every `scan()`.
class fixture {
public:
  virtual ~fixture() = default;

  /// A client process of its own, with the place's settings. Whatever it made has to be destroyed before it.
  std::unique_ptr<cluster> another_client() { return client_with(milliseconds{60'000}); }
  virtual std::unique_ptr<cluster> client_with(milliseconds transaction_timeout) = 0;
  virtual void make_topic(const std::string& name, std::int32_t partitions) = 0;
  /// Wait, or advance the simulated clock.
  virtual void pass(milliseconds span) = 0;

  virtual milliseconds session() const = 0;
  virtual milliseconds scan() const = 0;

  /// A name that was not used at this place. Override if the place outlives the fixture.
  virtual std::string fresh(std::string_view stem) { return std::string(stem) + "-" + std::to_string(++names_); }

  /// The two things that the port does not offer, since the engine must never do them. Nullopt: this place cannot, and
  /// the rows that need it are skipped. Who `as` is in its group:
  virtual std::optional<group_identity> identity_of(group_consumer& as);
  /// The result for a producer of the place's own that sends `what` in a transaction under the identity `as`.
  virtual std::optional<call_result<>> offer_offset(const group_identity& as, const position& what);

private:
  std::uint64_t names_ = 0;
};

struct mismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by a row that the place is not able to show.
struct not_shown : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct row {
  /// The section of the facts: log, fencing, offsets, death, group.
  std::string_view section;
  /// A sentence.
  std::string_view name;
  std::function<void(fixture&)> holds;
};

/// The whole table, in its order.
std::span<const row> table();

/// Runs every row and reports: ("log", "a marker ...", "" | "skipped: ..." | what was expected and what was seen).
/// Returns how many did not hold.
int run_table(fixture& where, const std::function<void(const row&, const std::string& outcome)>& report);

} // namespace fairuse::kafka::conformance
