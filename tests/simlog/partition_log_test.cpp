// SPDX-License-Identifier: Apache-2.0

#include "tests/simlog/partition_log.hpp"

#include <map>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "tests/simlog/clients.hpp"
#include "tests/simlog/simulated_log.hpp"

namespace fairuse::simlog {

namespace {

using kafka::isolation;

/// A log in the simplest way: all records in order, and whether each was committed.
struct plain_model {
  struct line {
    producer_number by = -1;
    std::string key;
    bool marker = false;
    ending ended = ending::open;
  };
  std::vector<line> lines;

  void end(producer_number by, bool commit) {
    for (line& each : lines)
      if (each.by == by && each.ended == ending::open) each.ended = commit ? ending::committed : ending::aborted;
    lines.push_back({by, "", true, commit ? ending::committed : ending::aborted});
  }
  std::int64_t last_stable() const {
    std::int64_t at = 0;
    for (const line& each : lines) {
      if (each.ended == ending::open) return at;
      ++at;
    }
    return at;
  }
  std::vector<std::int64_t> shown(isolation how) const {
    const std::int64_t limit = how == isolation::committed ? last_stable() : static_cast<std::int64_t>(lines.size());
    std::vector<std::int64_t> offsets;
    for (std::int64_t at = 0; at < limit; ++at) {
      const line& each = lines[static_cast<std::size_t>(at)];
      if (!each.marker && (how == isolation::uncommitted || each.ended == ending::committed)) offsets.push_back(at);
    }
    return offsets;
  }
};

/// A log and its model after the same random acts of three producers.
struct log_and_model {
  simulated_log log;
  topic_partition part{"t", 0};
  plain_model model;

  log_and_model() { log.make_topic("t", 1); }

  void act(int draw) {
    partition_log& real = log.log_of(part);
    const producer_number by = draw % 3;
    const int what = draw / 3 % 5;
    if (what < 3) {
      const std::string key = "k" + std::to_string(draw % 4);
      real.append(by, log.now(), {key, "v", {}});
      model.lines.push_back({by, key, false, ending::open});
    } else {
      real.end_transaction(by, log.now(), what == 3);
      model.end(by, what == 3);
    }
  }
};

std::vector<std::int64_t> read_in_steps(const simulated_log& log, const topic_partition& part, isolation how,
                                        std::size_t most) {
  cursor place(how);
  const kafka::position start{part, log.log_of(part).log_start()};
  place.start({&start, 1});
  std::vector<std::int64_t> seen;
  while (const auto batch = place.take(log, most))
    for (const kafka::record& each : batch->records())
      seen.push_back(each.offset);
  RC_ASSERT(place.position_of(part) == log.log_of(part).limit(how));
  return seen;
}

const auto acts = [] { return *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000)); };

} // namespace

RC_BOOST_PROP(readers_see_what_the_plain_model_sees, ()) {
  log_and_model it;
  for (const int draw : acts()) {
    it.act(draw);
    const partition_log& real = it.log.log_of(it.part);
    RC_ASSERT(real.log_end() == static_cast<std::int64_t>(it.model.lines.size()));
    RC_ASSERT(real.last_stable() == it.model.last_stable());
    RC_ASSERT(real.last_stable() <= real.log_end());
  }
  const auto most = static_cast<std::size_t>(*rc::gen::inRange(1, 5));
  for (const isolation how : {isolation::committed, isolation::uncommitted})
    RC_ASSERT(read_in_steps(it.log, it.part, how, most) == it.model.shown(how));
}

RC_BOOST_PROP(a_reader_that_goes_along_sees_the_same_as_one_that_comes_later, ()) {
  log_and_model it;
  cursor along(isolation::committed);
  const kafka::position start{it.part, 0};
  along.start({&start, 1});
  std::vector<std::int64_t> seen;
  const auto take = [&] {
    const auto batch = along.take(it.log, 3);
    for (std::size_t i = 0; batch && i < batch->records().size(); ++i)
      seen.push_back(batch->records()[i].offset);
    return batch != nullptr;
  };
  std::int64_t stood = 0;
  for (const int draw : acts()) {
    it.act(draw);
    take();
    RC_ASSERT(along.position_of(it.part) >= stood);
    stood = along.position_of(it.part);
    RC_ASSERT(stood <= it.log.log_of(it.part).last_stable());
  }
  while (take()) {
  }
  RC_ASSERT(seen == it.model.shown(isolation::committed));
}

RC_BOOST_PROP(compaction_keeps_the_last_committed_record_of_each_key_at_its_offset, ()) {
  log_and_model it;
  for (const int draw : acts())
    it.act(draw);
  const auto last_of_each = [&] {
    std::map<std::string, std::int64_t> last;
    for (const log_entry& each : it.log.records(it.part, isolation::committed))
      last[*each.what.key] = each.offset;
    return last;
  };
  const auto before = last_of_each();
  partition_log& real = it.log.log_of(it.part);
  const std::int64_t stable = real.last_stable();
  const std::int64_t end = real.log_end();
  real.compact();
  RC_ASSERT(last_of_each() == before);
  RC_ASSERT(real.last_stable() == stable);
  RC_ASSERT(real.log_end() == end);
  RC_ASSERT(it.log.records(it.part, isolation::committed).size() == before.size());
  read_in_steps(it.log, it.part, isolation::committed, 2);
}

} // namespace fairuse::simlog
