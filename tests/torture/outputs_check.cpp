// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "tests/torture/evidence.hpp"

namespace fairuse::torture {

namespace {

/// `<partition>-<epoch>-...`: the number in the middle.
std::optional<std::uint64_t> epoch_of_id(std::string_view id, std::size_t partition) {
  const auto begin = fmt::format("{}-", partition);
  if (not id.starts_with(begin)) return std::nullopt;
  id.remove_prefix(begin.size());
  const auto epoch = take_number<std::uint64_t>(id);
  return id.starts_with('-') ? epoch : std::nullopt;
}

using queue = std::vector<const stored_record*>;

/// What one epoch sent, topic by topic; walked once, in the order in which it must have been sent.
struct sent {
  queue decisions;
  queue notifications;
  queue enforcement;
  queue review_requests;
  queue dead_letters;
};

class outputs_walk {
public:
  outputs_walk(const sent& from, std::size_t partition, std::uint64_t epoch, findings& out)
    : from_(from), begin_(fmt::format("{}-{}-", partition, epoch)), out_(out) {}

  void walk() {
    user("*");
    while (decision_ < from_.decisions.size() or row_ < from_.enforcement.size()) {
      const auto at = next_subject();
      user(at);
    }
    for (const auto* dead_letter : from_.dead_letters)
      add("dlq", *dead_letter);
    if (notification_ != from_.notifications.size() or request_ != from_.review_requests.size())
      out_.fail(begin_ + ": a notification or review request that belongs to no decision");
  }
  std::uint64_t count() const { return count_; }
  std::string digest() { return digest_.finish(); }

private:
  std::string next_subject() const {
    if (decision_ >= from_.decisions.size()) return from_.enforcement[row_]->header("ce_subject");
    const auto decided = from_.decisions[decision_]->header("ce_subject");
    if (row_ >= from_.enforcement.size()) return decided;
    return std::min(decided, from_.enforcement[row_]->header("ce_subject"));
  }

  void user(const std::string& subject) {
    const auto is_next = [&](const queue& of, std::size_t at) {
      return at < of.size() and of[at]->header("ce_subject") == subject;
    };
    while (is_next(from_.decisions, decision_)) {
      const auto& what = *from_.decisions[decision_++];
      const auto id = what.header("ce_id");
      const bool shadow = id.compare(begin_.size(), 1, "s") == 0;
      const auto wanted = fmt::format("{}{}{}", begin_, shadow ? "s" : "", shadow ? shadow_++ : live_++);
      if (id != wanted) out_.fail(fmt::format("decision {} stands where {} should", id, wanted));
      add("decisions", what);
      follow(from_.notifications, notification_, id + "-n", "notifications");
      follow(from_.review_requests, request_, id + "-r", "review-requests");
    }
    while (is_next(from_.enforcement, row_)) {
      const auto& row = *from_.enforcement[row_];
      const auto wanted = fmt::format("{}e{}", begin_, row_++);
      if (row.header("ce_id") != wanted)
        out_.fail(fmt::format("{} stands where {} should", row.header("ce_id"), wanted));
      add("enforcement", row);
    }
  }

  void follow(const queue& of, std::size_t& at, const std::string& id, std::string_view topic) {
    if (at >= of.size() or of[at]->header("ce_id") != id) return;
    add(topic, *of[at++]);
  }

  void add_piece(const std::optional<std::string>& piece) { piece ? digest_.add(*piece) : digest_.add_null(); }

  void add(std::string_view topic, const stored_record& what) {
    digest_.add(topic);
    add_piece(what.key);
    for (const auto& [name, value] : what.headers) {
      digest_.add(name);
      add_piece(value);
    }
    add_piece(what.value);
    ++count_;
  }

  const sent& from_;
  std::string begin_;
  findings& out_;
  piece_digest digest_{piece_digest::kind::sha256};
  std::uint64_t count_ = 0;
  std::uint64_t live_ = 0;
  std::uint64_t shadow_ = 0;
  std::size_t decision_ = 0;
  std::size_t notification_ = 0;
  std::size_t row_ = 0;
  std::size_t request_ = 0;
};

/// Every record to its epoch; ids must be unique.
void sort_in(const stored_log& log, std::size_t partition, std::string_view what, queue sent::*where,
             std::map<std::uint64_t, sent>& epochs, findings& out) {
  std::set<std::string> ids;
  for (const auto& each : log.records) {
    std::optional<std::uint64_t> epoch;
    if (where == &sent::dead_letters) {
      const auto text = fmt::format("{}-{}-", partition, each.header("fairuse.error.epoch"));
      epoch = epoch_of_id(text, partition);
      const auto id = each.header("fairuse.error.topic") + "-" + each.header("fairuse.error.offset");
      if (not ids.insert(id).second)
        out.fail(fmt::format("partition {}: record {} has two dead letters", partition, id));
    } else {
      const auto id = each.header("ce_id");
      epoch = epoch_of_id(id, partition);
      if (not ids.insert(id).second) out.fail(fmt::format("{}: {} stands there twice", what, id));
    }
    if (not epoch) {
      out.fail(fmt::format("{} [{}] {}: no id of ours", what, partition, each.offset));
      continue;
    }
    (epochs[*epoch].*where).push_back(&each);
  }
  out.counts[std::string(what)] += log.records.size();
}

} // namespace

void check_outputs(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs,
                   findings& out) {
  std::map<std::uint64_t, sent> all;
  sort_in(from.decisions[partition], partition, "decisions", &sent::decisions, all, out);
  sort_in(from.notifications[partition], partition, "notifications", &sent::notifications, all, out);
  sort_in(from.enforcement[partition], partition, "enforcement", &sent::enforcement, all, out);
  sort_in(from.review_requests[partition], partition, "review_requests", &sent::review_requests, all, out);
  sort_in(from.dead_letters[partition], partition, "dead_letters", &sent::dead_letters, all, out);
  for (const auto& record : epochs) {
    const auto found = all.find(record.epoch);
    const sent nothing;
    outputs_walk walk(found == all.end() ? nothing : found->second, partition, record.epoch, out);
    walk.walk();
    if (walk.count() != record.outputs)
      out.fail(fmt::format("partition {} epoch {}: {} outputs on the topics, the journal says {}", partition,
                           record.epoch, walk.count(), record.outputs));
    else if (walk.digest() != record.outputs_digest)
      out.fail(fmt::format("partition {} epoch {}: the outputs on the topics are not those of the journal's digest",
                           partition, record.epoch));
    if (found != all.end()) all.erase(found);
  }
  for (const auto& [epoch, left] : all)
    out.fail(fmt::format("partition {}: outputs of epoch {}, which the journal does not have", partition, epoch));
}

} // namespace fairuse::torture
