// SPDX-License-Identifier: Apache-2.0
#include "tests/api/intake_program.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace fairuse::intake {

namespace {

constexpr kafka::milliseconds no_wait{0};

} // namespace

intake_program::intake_program(intake_model& model, simlog::fault_plan& draws, std::string name, note told)
  : model_{model}, draws_{draws}, name_{std::move(name)}, told_{std::move(told)} {}

bool intake_program::start(simlog::simulated_log& log, const simlog::client_options& how, simlog::fault_plan& faults,
                           std::size_t open_max) {
  open_max_ = open_max;
  cluster_ = std::make_unique<simlog::simulated_cluster>(log, how, faults);
  auto made = kafka_intake::make(
      {.group = group_name, .instance = name_, .topic = input, .outputs = {results, early}, .open_max = open_max},
      *cluster_,
      {.take = [this](auto handle, const auto& what, const auto& headers) { return take(handle, what, headers); },
       .assigned = [this](const auto& partitions) { assigned(partitions); },
       .metadata = [this](auto partition, auto first_open) { return metadata(partition, first_open); }});
  if (made) intake_ = std::move(*made);
  return bool{made};
}

// A process that is killed closes nothing.
void intake_program::end(simlog::fault_plan& plan) {
  const auto kept = plan;
  plan.stop();
  intake_.reset();
  plan = kept;
  cluster_.reset();
}

bool intake_program::take(std::uint64_t handle, const kafka::record& what, const std::vector<kafka::header>& headers) {
  const auto& found = model_.find(what.partition, what.offset);
  told_(fmt::format("{} takes {}:{} as {}", name_, what.partition, what.offset, handle));
  expect(what.key == fmt::format("r{}", found.number), "a record has another key");
  expect(headers.size() == 1 and headers[0].value == what.key, "a record has other headers");
  expect(handle > last_handle_, "handles grow");
  expect(given_.contains(what.partition), "a record of a partition that is not assigned");
  auto& given = given_[what.partition];
  expect(given.empty() or given.rbegin()->second < what.offset, "a record came twice in one assignment");
  last_handle_ = handle;
  given[handle] = what.offset;
  expect(batch_began_ or intake_->open() <= open_max_, "a record was taken where too many are open");
  batch_began_ = true;
  if (follows_nothing(found.number)) {
    model_.finish(what.partition, what.offset);
    return false;
  }
  open_[handle] = {what.partition, what.offset};
  return true;
}

void intake_program::assigned(const std::vector<std::int32_t>& partitions) {
  told_(fmt::format("{} has partitions {}", name_, fmt::join(partitions, ", ")));
  for (const auto& [handle, what] : open_)
    old_.push_back(handle);
  open_.clear();
  given_.clear();
  for (const auto each : partitions)
    given_[each];
  was_ready_ = partitions.empty();
}

std::string intake_program::metadata(std::int32_t partition, std::uint64_t first_open) {
  for (const auto& [handle, what] : open_)
    if (what.partition == partition and handle < first_open)
      expect(model_.find(partition, what.offset).removed, "a record before the first open one is open");
  const auto& given = given_.at(partition);
  const auto behind = given.lower_bound(first_open);
  expect(behind != given.begin(), "no record is before the first open one");
  expect(behind == given.end() or open_.contains(first_open), "the first open one is finished");
  return metadata_of(partition, std::prev(behind)->second + 1);
}

// The process ends with an error of the intake.
bool intake_program::is_wrong(const result<void>& done) {
  if (not done) failure_ = done.error().message;
  return not done;
}

bool intake_program::poll() {
  batch_began_ = false;
  if (is_wrong(intake_->poll(no_wait))) return false;
  if (not was_ready_ and intake_->is_ready()) {
    was_ready_ = true;
    check_committed_metadata();
  }
  return true;
}

void intake_program::check_committed_metadata() const {
  for (const auto& [partition, records] : given_)
    expect(intake_->committed_metadata(partition) == model_.committed(partition).metadata,
           fmt::format("the metadata of partition {} is what was committed", partition));
}

bool intake_program::commit() {
  if (const auto count = intake_->open(); count > 0) told_(fmt::format("{} commits, {} are open", name_, count));
  return not is_wrong(intake_->commit());
}

std::uint64_t intake_program::any_open() {
  return std::next(open_.begin(), static_cast<std::ptrdiff_t>(draws_.below(open_.size())))->first;
}

void intake_program::finish(std::uint64_t handle) {
  const auto [partition, offset] = open_.at(handle);
  const auto number = model_.find(partition, offset).number;
  told_(fmt::format("{} finishes {}:{}", name_, partition, offset));
  model_.finish(partition, offset);
  open_.erase(handle);
  if (is_told_early(number)) intake_->write_ahead(handle, {told_early(number, true)});
  intake_->finish(handle, results_of(number));
  old_.push_back(handle);
}

void intake_program::tell_early() {
  const auto handle = any_open();
  const auto number = model_.find(open_.at(handle).partition, open_.at(handle).offset).number;
  if (is_told_early(number) and told_early_.insert(handle).second)
    intake_->write_ahead(handle, {told_early(number, false)});
}

void intake_program::use_old_handles() {
  const auto handle = old_[draws_.below(old_.size())];
  intake_->finish(handle, nonsense());
  intake_->write_ahead(handle, nonsense());
  intake_->finish(last_handle_ + 1, nonsense());
}

bool intake_program::work() {
  if (not poll()) return false;
  for (auto n = draws_.below(5); n > 0 and not open_.empty(); --n)
    finish(any_open());
  if (not open_.empty() and draws_.below(4) == 0) tell_early();
  if (not old_.empty() and draws_.below(4) == 0) use_old_handles();
  return draws_.below(3) > 0 or commit();
}

bool intake_program::work_off() {
  if (not poll()) return false;
  while (not open_.empty())
    finish(open_.begin()->first);
  return commit();
}

bool intake_program::is_idle() {
  return open_.empty() and intake_->open() == 0 and intake_->is_ready() and (given_.empty() or intake_->at_end());
}

} // namespace fairuse::intake
