// SPDX-License-Identifier: Apache-2.0
//
// A program that uses the intake: it finishes what it has taken in a random order, and checks at every call what it is
// told. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/api/intake_model.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::intake {

class intake_program {
public:
  using note = std::function<void(const std::string&)>;

  /// `draws` decides; it must outlive this.
  intake_program(intake_model& model, simlog::fault_plan& draws, std::string name, note told);

  /// Join the group. False: no broker answers.
  bool start(simlog::simulated_log& log, const simlog::client_options& how, simlog::fault_plan& faults,
             std::size_t open_max);
  /// A little work. False: it is over.
  bool work();
  /// Finish everything, and commit it.
  bool work_off();
  /// Nothing is open, and the intake says so.
  bool is_idle();
  bool is_dead() const { return cluster_ == nullptr or cluster_->dead(); }
  const std::string& name() const { return name_; }
  /// Why it is over.
  const std::string& failure() const { return failure_; }
  /// End the process. `plan`: of its faults, none of which happens now.
  void end(simlog::fault_plan& plan);

private:
  struct taken {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
  };

  bool take(std::uint64_t handle, const kafka::record& what, const std::vector<kafka::header>& headers);
  void assigned(const std::vector<std::int32_t>& partitions);
  std::string metadata(std::int32_t partition, std::uint64_t first_open);
  bool poll();
  bool commit();
  void finish(std::uint64_t handle);
  void tell_early();
  void use_old_handles();
  void check_committed_metadata() const;
  std::uint64_t any_open();
  bool is_wrong(const result<void>& done);

  intake_model& model_;
  simlog::fault_plan& draws_;
  std::string name_;
  note told_;
  std::size_t open_max_ = 1;
  std::unique_ptr<simlog::simulated_cluster> cluster_;
  std::unique_ptr<kafka_intake> intake_;
  std::map<std::uint64_t, taken> open_;
  /// What the intake does not know any more.
  std::vector<std::uint64_t> old_;
  std::set<std::uint64_t> told_early_;
  /// What came since the assignment: handles and offsets.
  std::map<std::int32_t, std::map<std::uint64_t, std::int64_t>> given_;
  std::uint64_t last_handle_ = 0;
  /// A record of this poll was taken. The others of its batch come with it.
  bool batch_began_ = false;
  bool was_ready_ = true;
  std::string failure_;
};

} // namespace fairuse::intake
