// SPDX-License-Identifier: Apache-2.0
#include "sim/recorded_replay.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace fairuse::sim {

namespace {

using history::history_reader;

/// A block's users, or why there are none.
using decided_block = result<std::vector<user_decisions>, recorded_failure>;

/// Worker threads that decide blocks; the caller takes them in the order of the file. At most a few wait to be taken.
class block_workers {
public:
  block_workers(const history_reader& from, const recorded_controls& under, const recorded_replay_options& how)
    : from_(from), under_(under), how_(how), count_(from.contents().blocks.size()) {
    const auto workers = std::max(1U, how.workers);
    ahead_ = 2 * workers + 1;
    for (unsigned i = 0; i < workers; ++i)
      threads_.emplace_back([this] { work(); });
  }

  ~block_workers() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (auto& each : threads_)
      each.join();
  }
  block_workers(const block_workers&) = delete;
  block_workers& operator=(const block_workers&) = delete;

  /// REQUIRES: the ones before were taken.
  decided_block take(std::size_t block) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_.contains(block); });
    auto taken = std::move(ready_.extract(block).mapped());
    taken_ = block + 1;
    changed_.notify_all();
    return taken;
  }

private:
  std::optional<std::size_t> next_block() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ or next_ == count_ or next_ < taken_ + ahead_; });
    return ended_ or next_ == count_ ? std::nullopt : std::optional(next_++);
  }

  void work() {
    recorded_users users(under_, how_.case_of);
    history_reader::buffers buffers;
    while (const auto block = next_block()) {
      auto made = decide(*block, users, buffers);
      const std::lock_guard lock(mutex_);
      ready_.emplace(*block, std::move(made));
      changed_.notify_all();
    }
  }

  decided_block decide(std::size_t block, recorded_users& users, history_reader::buffers& buffers) const {
    try {
      if (const auto read = from_.read_block(block, {.ids = true, .states = true}, buffers); not read)
        return recorded_failure{recorded_failure::kind::damaged, read.error().message};
      std::vector<user_decisions> all;
      for (const auto& who : buffers.block.users()) {
        auto decided = users.decide(who);
        if (not decided) return recorded_failure{recorded_failure::kind::cannot, decided.error().message};
        all.push_back(std::move(*decided));
      }
      return all;
    } catch (const std::exception& problem) {
      return recorded_failure{recorded_failure::kind::damaged, fmt::format("block {}: {}", block, problem.what())};
    }
  }

  const history_reader& from_;
  const recorded_controls& under_;
  const recorded_replay_options& how_;
  std::size_t count_;
  /// Blocks that may be begun before the oldest of them is taken.
  std::size_t ahead_ = 1;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, decided_block> ready_;
  std::size_t next_ = 0;
  std::size_t taken_ = 0;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

/// What came out so far.
class recorded_sum {
public:
  explicit recorded_sum(const recorded_sink& sink) : sink_(sink) {}

  /// False: no more is wanted.
  bool add(const user_decisions& decided) {
    std::vector<std::string> joined;
    std::vector<slot_chain> chains;
    joined.reserve(decided.slots.size());
    for (const auto& each : decided.slots) {
      auto& bytes = joined.emplace_back();
      for (const auto& line : each.lines)
        bytes += line;
      auto& slot = slots_[decided.uid == "*" ? decided.uid : each.slot];
      slot.decisions += each.lines.size();
      const slot_chain alone{"live", bytes};
      slot.chains.add(decided.uid, {&alone, 1});
      chains.push_back({each.slot, bytes});
    }
    all_.add(decided.uid, chains);
    return not sink_ or sink_(decided);
  }

  void finish(recorded_result& into) {
    into.digest = all_.finish();
    for (auto& [name, slot] : slots_)
      into.slots[name] = {slot.decisions, slot.chains.finish()};
  }

private:
  struct slot_sum {
    std::uint64_t decisions = 0;
    run_digest chains;
  };
  const recorded_sink& sink_;
  run_digest all_;
  std::map<std::string, slot_sum> slots_;
};

/// What was decided for all users, at its place among them.
class decisions_for_all {
public:
  explicit decisions_for_all(const std::vector<std::string>& lines) {
    if (not lines.empty()) waiting_ = user_decisions{"*", {{"live", lines}}};
  }

  /// `uid`: of the user who comes next; empty: there is none.
  bool add_before(std::string_view uid, recorded_sum& to) {
    if (not waiting_ or (not uid.empty() and uid < waiting_->uid)) return true;
    const auto all = std::exchange(waiting_, std::nullopt);
    return to.add(*all);
  }

private:
  std::optional<user_decisions> waiting_;
};

} // namespace

result<recorded_result, recorded_failure> replay_as_recorded(const history_reader& from, const recorded_controls& under,
                                                             const recorded_replay_options& how,
                                                             const recorded_sink& sink) {
  recorded_result out;
  recorded_sum sum(sink);
  decisions_for_all for_all(under.decisions_for_all());
  block_workers workers(from, under, how);
  const auto& blocks = from.contents().blocks;
  const auto is_stopped = [&how] { return how.stop != nullptr and how.stop->load(std::memory_order_relaxed); };
  for (std::size_t block = 0; block < blocks.size() and not out.partial; ++block) {
    if ((out.partial = is_stopped())) break;
    const auto decided = workers.take(block);
    if (not decided) return decided.error();
    for (const auto& each : *decided)
      if (not for_all.add_before(each.uid, sum) or not sum.add(each)) {
        out.partial = true;
        break;
      }
    out.users += decided->size();
    out.events += blocks[block].sizes.events;
    if (how.progress) how.progress(out.users, out.events);
  }
  if (not out.partial) out.partial = not for_all.add_before({}, sum);
  sum.finish(out);
  return out;
}

} // namespace fairuse::sim
