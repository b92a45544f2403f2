// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/test/unit_test.hpp>

#include "core/rules.hpp"
#include "storage/partition_meta.hpp"
#include "storage/partition_store.hpp"
#include "tests/protocol/cluster_simulation.hpp"
#include "tests/protocol/replay.hpp"
#include "tests/simlog/simulated_cluster.hpp"

namespace fairuse::protocol {

namespace {

using kafka::captured_record;
using kafka::section_kind;

/// A short run with crashes, on two partitions, and what it left on the topics.
struct finished_run {
  static run_settings wanted() {
    run_settings made(4);
    made.partitions = 2;
    made.inputs = 2;
    made.instances = 2;
    made.compacts = false;
    made.rounds = 300;
    return made;
  }

  finished_run() : in(wanted()), simulation(in), brokers(in.log) {
    simulation.run();
    folder = in.fresh_folder();
    std::filesystem::create_directories(folder);
  }

  kafka::export_result<kafka::export_report> take(const std::string& name,
                                                  const kafka::capture_reader* from = nullptr) {
    auto wish = wish_of(in);
    wish.from = from;
    return kafka::export_capture(brokers, wish, folder / name);
  }

  /// `change` sees every record and may change it; false: it is left out.
  void copy(const std::string& from, const std::string& to,
            const std::function<bool(const kafka::capture_section&, captured_record&)>& change) {
    const auto read = kafka::capture_reader::open(folder / from, {});
    auto write = kafka::capture_writer::create(folder / to, true);
    BOOST_REQUIRE(read.has_value() and write.has_value());
    auto all = (*read)->contents();
    for (const auto& each : (*read)->contents().sections) {
      const auto section = (*write)->begin_section(each);
      auto records = (*read)->records(each);
      captured_record one;
      while (records.next(one))
        if (change(each, one)) (*write)->add(section, one);
    }
    all.sections.clear();
    BOOST_REQUIRE((*write)->finish(std::move(all)).has_value());
  }

  void write_checkpoint(const std::string& name, std::uint64_t epoch) {
    protocol::write_checkpoint(in, folder / name, epoch);
  }

  fixture in;
  cluster_simulation simulation;
  simlog::simulated_cluster brokers;
  std::filesystem::path folder;
};

/// The run as if other builds had decided it: `said` gets the epoch of every setup and returns its rules' number.
void copy_with_rules(finished_run& run, const std::string& to,
                     const std::function<std::uint32_t(std::uint64_t)>& said) {
  std::map<std::int32_t, std::string> chains;
  run.copy("all", to, [&](const kafka::capture_section& of, captured_record& each) {
    if (of.kind != section_kind::journal) return true;
    auto record = *decode_epoch_record(*each.value);
    if (record.setup) {
      record.setup->rules = said(record.epoch);
      record.setup->program = "0." + std::to_string(record.setup->rules);
    }
    each.value = encode_epoch_record(record, chains[of.partition]);
    chains[of.partition] = record.chain;
    return true;
  });
}

finished_run& whole_run() {
  static finished_run one;
  return one;
}

kafka::verify_result tried(const std::string& name) { return verify_file(whole_run().in, whole_run().folder / name); }

} // namespace

BOOST_AUTO_TEST_SUITE(capture)

BOOST_AUTO_TEST_CASE(what_production_wrote_is_made_again) {
  const auto made = whole_run().take("all");
  BOOST_TEST(made.has_value());
  const auto found = tried("all");
  BOOST_TEST(found.message == "");
  BOOST_TEST((found.what == kafka::verify_outcome::equal));
  BOOST_TEST(found.counts.partitions == 2U);
  BOOST_TEST(found.counts.records > 0U);
  BOOST_TEST(found.counts.outputs > 0U);
  BOOST_TEST(found.counts.compared == found.counts.outputs);
}

BOOST_AUTO_TEST_CASE(an_altered_decision_is_the_first_difference) {
  std::size_t seen = 0;
  std::int64_t altered = -1;
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record& each) {
    if (of.kind == section_kind::output and of.topic == whole_run().in.topics.decisions and of.partition == 1
        and ++seen == 5) {
      each.value->back() = '!';
      altered = each.offset;
    }
    return true;
  });
  const auto found = tried("altered");
  BOOST_TEST((found.what == kafka::verify_outcome::differs));
  BOOST_REQUIRE(found.where.has_value());
  BOOST_TEST(found.where->partition == 1);
  BOOST_TEST(found.where->topic == whole_run().in.topics.decisions);
  BOOST_TEST(found.where->number == 4U);
  BOOST_TEST(found.where->offset == altered);
  BOOST_TEST(found.where->what == "value");
  BOOST_TEST(found.where->captured.back() == '!');
  BOOST_TEST(found.where->replayed.back() == '}');
}

BOOST_AUTO_TEST_CASE(of_partitions_that_differ_the_first_is_told_by_any_number_of_threads) {
  std::map<std::int32_t, std::size_t> seen;
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record& each) {
    if (of.kind == section_kind::output and of.topic == whole_run().in.topics.decisions and ++seen[of.partition] == 5)
      each.value->back() = '!';
    return true;
  });
  const auto one = verify_file(whole_run().in, whole_run().folder / "altered", 1);
  BOOST_REQUIRE(one.where.has_value());
  BOOST_TEST(one.where->partition == 0);
  for (const unsigned workers : {2U, 5U}) {
    const auto found = verify_file(whole_run().in, whole_run().folder / "altered", workers);
    BOOST_TEST(found.message == one.message);
    BOOST_TEST(found.counts.partitions == one.counts.partitions);
    BOOST_TEST(found.counts.epochs == one.counts.epochs);
    BOOST_TEST(found.counts.records == one.counts.records);
  }
}

BOOST_AUTO_TEST_CASE(a_record_too_few_or_too_many_differs_wherever_it_is) {
  const auto& topics = whole_run().in.topics;
  for (const auto& topic : {topics.decisions, topics.notifications, topics.review_requests, topics.dead_letters}) {
    std::size_t left_out = 0;
    whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record&) {
      return of.kind != section_kind::output or of.topic != topic or ++left_out != 2;
    });
    if (left_out < 2) continue;
    const auto found = tried("altered");
    BOOST_TEST((found.what == kafka::verify_outcome::differs), topic);
  }
  std::size_t changed = 0;
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record& each) {
    if (of.topic == topics.enforcement and ++changed == 1) each.headers.at(1).second = "0-0-x";
    return true;
  });
  BOOST_TEST((tried("altered").what == kafka::verify_outcome::differs));
}

BOOST_AUTO_TEST_CASE(what_compaction_took_is_covered_by_the_digest) {
  std::size_t seen = 0;
  whole_run().copy("all", "compacted", [&](const kafka::capture_section& of, captured_record&) {
    return of.topic != whole_run().in.topics.enforcement or ++seen % 3 == 0;
  });
  const auto found = tried("compacted");
  BOOST_TEST(found.message == "");
  BOOST_TEST((found.what == kafka::verify_outcome::equal));
  BOOST_TEST(found.counts.compared < found.counts.outputs);
}

BOOST_AUTO_TEST_CASE(an_altered_input_or_journal_is_found) {
  std::size_t seen = 0;
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record& each) {
    if (of.kind == section_kind::input and ++seen == 3) each.value = "{}";
    return true;
  });
  BOOST_TEST((tried("altered").what == kafka::verify_outcome::differs));
  seen = 0;
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record& each) {
    if (of.kind == section_kind::journal and ++seen == 6)
      each.value->back() = static_cast<char>(each.value->back() ^ 1);
    return true;
  });
  BOOST_TEST((tried("altered").what != kafka::verify_outcome::equal));
}

BOOST_AUTO_TEST_CASE(an_input_that_is_missing_is_lost_and_named) {
  std::size_t seen = 0;
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record&) {
    return of.kind != section_kind::input or ++seen != 3;
  });
  const auto found = tried("altered");
  BOOST_TEST((found.what == kafka::verify_outcome::lost));
  BOOST_TEST(found.message.find("the first epoch that can be replayed is") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_policy_that_is_not_its_digest_is_refused) {
  whole_run().copy("all", "altered", [&](const kafka::capture_section& of, captured_record& each) {
    if (of.kind == section_kind::policies) each.value->append(" ");
    return true;
  });
  const auto found = tried("altered");
  BOOST_TEST((found.what == kafka::verify_outcome::damaged));
  BOOST_TEST(found.message.find("policy") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_run_says_the_number_of_its_rules) {
  std::size_t setups = 0;
  for (std::int32_t p = 0; p < whole_run().in.settings.partitions; ++p)
    for (const auto& each : read_committed_log(whole_run().in, p).epochs)
      if (each.record.setup) {
        ++setups;
        BOOST_TEST(each.record.setup->rules == decision_rules);
      }
  BOOST_TEST(setups > 2U);
}

BOOST_AUTO_TEST_CASE(what_other_rules_decided_is_refused_and_their_builds_are_named) {
  copy_with_rules(whole_run(), "older", [](std::uint64_t) { return 1; });
  const auto older = tried("older");
  BOOST_TEST((older.what == kafka::verify_outcome::refused));
  BOOST_TEST(older.message.find("from epoch 0 on rules 1 (fairuse 0.1)") != std::string::npos, older.message);
  BOOST_TEST(older.counts.epochs == 0U);

  std::uint64_t upgraded = 0;
  copy_with_rules(whole_run(), "upgraded", [&](std::uint64_t epoch) {
    if (epoch != 0 and upgraded == 0) upgraded = epoch;
    return epoch == 0 ? 1 : decision_rules;
  });
  const auto both = tried("upgraded");
  BOOST_TEST((both.what == kafka::verify_outcome::refused));
  const auto number = std::to_string(decision_rules);
  const auto wanted = "from epoch 0 on rules 1 (fairuse 0.1), from epoch " + std::to_string(upgraded) + " on rules "
                      + number + " (fairuse 0." + number + ")";
  BOOST_TEST(both.message.find(wanted) != std::string::npos, both.message << " and not " << wanted);

  copy_with_rules(whole_run(), "same", [](std::uint64_t) { return decision_rules; });
  BOOST_TEST((tried("same").what == kafka::verify_outcome::equal));
}

BOOST_AUTO_TEST_CASE(a_capture_may_begin_at_a_checkpoint) {
  for (const std::uint64_t epoch : {0U, 7U, 20U}) {
    whole_run().write_checkpoint("checkpoint", epoch);
    const auto checkpoint = kafka::capture_reader::open(whole_run().folder / "checkpoint", {});
    BOOST_REQUIRE(checkpoint.has_value());
    auto wish = wish_of(whole_run().in);
    wish.from = checkpoint->get();
    wish.replace = true;
    const auto made = kafka::export_capture(whole_run().brokers, wish, whole_run().folder / "tail");
    BOOST_TEST(made.value().per_partition.at(0).first_epoch == epoch + 1);
    const auto found = tried("tail");
    BOOST_TEST(found.message == "");
    BOOST_TEST((found.what == kafka::verify_outcome::equal));
  }
}

BOOST_AUTO_TEST_CASE(the_newest_checkpoint_is_the_changelog_folded) {
  const auto made =
      kafka::export_checkpoint(whole_run().brokers, wish_of(whole_run().in), whole_run().folder / "newest");
  BOOST_TEST(made.has_value());
  const auto read = kafka::capture_reader::open(whole_run().folder / "newest", {});
  BOOST_REQUIRE(read.has_value());
  for (const auto& part : (*read)->contents().per_partition) {
    const auto log = read_committed_log(whole_run().in, part.partition);
    BOOST_TEST(part.first_epoch == log.last.epoch + 1);
    rows_by_key rows;
    auto records = (*read)->records(*(*read)->contents().find(part.partition, section_kind::state));
    captured_record one;
    while (records.next(one))
      if (*one.key != partition_meta_key()) rows[*one.key] = *one.value;
    BOOST_TEST((rows == log.fold));
  }
  auto wish = wish_of(whole_run().in);
  wish.from = read->get();
  BOOST_TEST(kafka::export_capture(whole_run().brokers, wish, whole_run().folder / "none").has_value());
  BOOST_TEST((tried("none").what == kafka::verify_outcome::equal));
  wish.from = nullptr;
  const auto whole = kafka::capture_reader::open(whole_run().folder / "all", {});
  wish.from = whole->get();
  BOOST_TEST((kafka::export_capture(whole_run().brokers, wish, whole_run().folder / "x").error().fault
              == kafka::export_fault::refused));
}

// Changes the log for good: the last one.
BOOST_AUTO_TEST_CASE(what_retention_deleted_is_named_with_the_first_epoch_that_can_be_replayed) {
  BOOST_TEST((whole_run().take("all").error().fault == kafka::export_fault::refused));
  const auto log = read_committed_log(whole_run().in, 1);
  const auto& epochs = log.epochs;
  std::size_t last = 8;
  while (epochs.at(last).record.inputs.at(0).count == 0)
    ++last;
  whole_run().write_checkpoint("checkpoint", last);
  auto& input_log = whole_run().in.log.log_of({whole_run().in.input(0), 1});
  input_log.delete_before(epochs[last].record.inputs.at(0).from + 1);
  const auto made = whole_run().take("late");
  BOOST_TEST((made.error().fault == kafka::export_fault::lost));
  BOOST_TEST(made.error().message.find("partition 1") != std::string::npos);
  BOOST_TEST(made.error().message.find("The first epoch that can be replayed is " + std::to_string(last + 1) + ",")
             != std::string::npos);
  BOOST_TEST(not std::filesystem::exists(whole_run().folder / "late"));
  BOOST_TEST(not std::filesystem::exists(whole_run().folder / "late.part"));
  const auto checkpoint = kafka::capture_reader::open(whole_run().folder / "checkpoint", {});
  BOOST_REQUIRE(checkpoint.has_value());
  BOOST_TEST(whole_run().take("rest", checkpoint->get()).has_value());
  BOOST_TEST((tried("rest").what == kafka::verify_outcome::equal));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::protocol
