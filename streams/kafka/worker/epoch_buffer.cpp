// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/worker/epoch_buffer.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "streams/refusal_of.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::size_t foreign_keys_window = 1'000;

} // namespace

bool epoch_buffer::has_foreign_keys() const {
  return looked_at_ == foreign_keys_window and foreign_keys_ * 2 > foreign_keys_window;
}

// The key must be the subject, or one user's events could lie on two partitions; commands to all users lie on all.
bool epoch_buffer::belongs_here(const record& what, std::string_view subject) {
  if (partition_of_ == nullptr) return true;
  const bool here =
      what.key and *what.key == subject and (subject == "*" or partition_of_(subject, count_) == partition_);
  if (looked_at_ < foreign_keys_window) {
    ++looked_at_;
    foreign_keys_ += here ? 0 : 1;
  }
  return here;
}

void epoch_buffer::add(const std::shared_ptr<const record_batch>& batch, std::size_t index, std::uint32_t input) {
  if (batches_.empty() or batches_.back() != batch) batches_.push_back(batch);
  const auto& what = batch->records()[index];
  const source from{static_cast<std::uint32_t>(batches_.size() - 1), static_cast<std::uint32_t>(index), input};
  mixed_ = mixed_ or input < last_input_;
  last_input_ = input;
  ++records_;
  bytes_ += what.value ? what.value->size() : 0;
  auto read = decode(*batch, index);
  if (not read) {
    refused_.push_back({from, read.error()});
    return;
  }
  if (not belongs_here(what, read->subject)) {
    refused_.push_back({from, {refusal::wrong_partition, std::string{place_of_key}}});
    return;
  }
  if (read->subject == "*") {
    commands_.push_back(read->what);
    command_sources_.push_back(from);
    return;
  }
  if (not read->lease.empty())
    leases_.push_back({input, what.offset, {std::string{read->subject}, std::string{read->lease}}});
  events_.push_back({read->subject, read->what});
  sources_.push_back(from);
}

void epoch_buffer::put_in_order() {
  if (not mixed_) return;
  mixed_ = false;
  const auto by_input = [](auto& what, std::vector<source>& sources) {
    std::vector<std::size_t> order(sources.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return sources[a].input < sources[b].input; });
    const auto what_before = what;
    const auto sources_before = sources;
    for (std::size_t i = 0; i < order.size(); ++i) {
      what[i] = what_before[order[i]];
      sources[i] = sources_before[order[i]];
    }
  };
  by_input(events_, sources_);
  by_input(commands_, command_sources_);
  std::stable_sort(refused_.begin(), refused_.end(),
                   [](const refused_record& a, const refused_record& b) { return a.from.input < b.from.input; });
}

result<wire_event, refused> epoch_buffer::decode(const record_batch& batch, std::size_t index) {
  return decoder_.decode_record([&] { return batch.headers(index); }, batch.records()[index].value, arena_);
}

dead_record epoch_buffer::dead_letter(const source& from, refusal why, std::string_view place, std::string note) const {
  const auto& batch = *batches_[from.batch];
  const auto& what = batch.records()[from.record];
  return {.topic = what.topic,
          .partition = what.partition,
          .offset = what.offset,
          .why = why,
          .place = std::string(place),
          .note = std::move(note),
          .key = what.key,
          .value = what.value,
          .headers = batch.headers(from.record)};
}

void epoch_buffer::dead_letters(const epoch_result& decided, std::vector<dead_record>& out,
                                std::vector<refused_input>& places) const {
  out.clear();
  places.clear();
  const auto add = [&](const source& from, refusal why, std::string_view place, std::string note = {}) {
    out.push_back(dead_letter(from, why, place, std::move(note)));
    places.push_back({from.input, out.back().offset, why, std::string(place)});
  };
  for (const auto& each : refused_)
    add(each.from, each.why.why, each.why.place);
  // Core names the event by its text, which is never copied.
  std::vector<const refused_event*> wanted;
  for (const auto& each : decided.outcomes)
    for (const auto& refused : each.refused)
      wanted.push_back(&refused);
  const auto text_of = [](const refused_event* each) { return each->what->text; };
  std::sort(wanted.begin(), wanted.end(), [&](const auto* a, const auto* b) { return text_of(a) < text_of(b); });
  for (std::size_t i = 0; not wanted.empty() and i < events_.size(); ++i) {
    const auto* text = events_[i].what.text;
    const auto found = std::lower_bound(wanted.begin(), wanted.end(), text,
                                        [&](const auto* each, const auto* key) { return text_of(each) < key; });
    if (found == wanted.end() or text_of(*found) != text) continue;
    const auto [why, place] = refusal_of((*found)->why);
    add(sources_[i], why, place, (*found)->note);
  }
  const auto& impossible = decided.broadcast->impossible;
  for (std::size_t i = 0; not impossible.empty() and i < commands_.size(); ++i) {
    const auto found = std::find_if(impossible.begin(), impossible.end(),
                                    [&](const impossible_command& each) { return each.what == &commands_[i]; });
    if (found != impossible.end())
      add(command_sources_[i], impossible_promotion.why, impossible_promotion.place, found->note);
  }
}

std::vector<lease_use> epoch_buffer::leases_used(std::span<const refused_input> refused) const {
  std::vector<lease_use> used;
  if (leases_.empty()) return used;
  std::set<std::pair<std::uint32_t, std::int64_t>> places;
  for (const auto& each : refused)
    places.emplace(each.topic, each.offset);
  for (const auto& each : leases_)
    if (not places.contains({each.input, each.offset})) used.push_back(each.what);
  return used;
}

void epoch_buffer::clear() {
  batches_.clear();
  events_.clear();
  sources_.clear();
  commands_.clear();
  leases_.clear();
  command_sources_.clear();
  mixed_ = false;
  last_input_ = 0;
  refused_.clear();
  arena_.clear();
  records_ = 0;
  bytes_ = 0;
}

} // namespace fairuse::kafka
