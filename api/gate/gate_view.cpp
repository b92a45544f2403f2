// SPDX-License-Identifier: Apache-2.0

#include "api/gate/gate_view.hpp"

#include <utility>

#include <xxhash.h>

#include "base/system/random_bits.hpp"

namespace fairuse {

namespace {

/// Changes nothing for anybody.
bool is_plain(const enforcement_row& row) {
  return row.at == stage::none and not row.economy_stt and not row.hard_caps and row.vad_threshold_nano == 0
         and not row.hard_restricted and not row.ceiling and not row.budget_exhausted and not row.content_locked
         and not row.exempt;
}

} // namespace

/// Open addressing. A key is never moved or removed; its row may change.
class gate_view::table {
public:
  explicit table(std::size_t capacity) : slots_(capacity) {}

  struct slot {
    /// 0: free. Written last, so who sees it sees the rest.
    std::atomic<std::uint64_t> high{0};
    std::atomic<std::uint64_t> low{0};
    shared_row<held_row> row;
  };

  /// The key's slot, or the free one where it would be. REQUIRES: one is free.
  const slot& find(const hashed& key) const {
    auto at = key.low & (slots_.size() - 1);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      const auto& each = slots_[at];
      const auto high = each.high.load(std::memory_order_acquire);
      if (high == 0 or (high == key.high and each.low.load(std::memory_order_relaxed) == key.low)) return each;
    }
  }
  void put(const hashed& key, const held_row& what) {
    auto& into = const_cast<slot&>(find(key));
    into.row.store(what);
    if (into.high.load(std::memory_order_relaxed) != 0) return;
    into.low.store(key.low, std::memory_order_relaxed);
    into.high.store(key.high, std::memory_order_release);
    ++used_;
  }

  bool is_full() const { return used_ * 4 >= slots_.size() * 3; }
  std::size_t used() const { return used_; }
  std::size_t bytes() const { return slots_.size() * sizeof(slot); }
  const std::vector<slot>& slots() const { return slots_; }

private:
  std::vector<slot> slots_;
  std::size_t used_ = 0;
};

// Nobody can choose uids that lie together.
gate_view::gate_view() : seed_{random_bits()}, current_{std::make_unique<table>(1'024)}, shown_{current_.get()} {
  memory_bytes_ = current_->bytes();
}

gate_view::~gate_view() = default;

gate_view::hashed gate_view::hash_of(std::string_view uid) const {
  const auto hash = XXH3_128bits_withSeed(uid.data(), uid.size(), seed_);
  return {hash.high64 | 1U, hash.low64};
}

void gate_view::put(std::string_view uid, const enforcement_row& row) { write(uid, {row, false}); }

void gate_view::forget(std::string_view uid) { write(uid, {{}, true}); }

void gate_view::write(std::string_view uid, const held_row& what) {
  const auto key = hash_of(uid);
  const bool is_known = current_->find(key).high.load(std::memory_order_relaxed) != 0;
  if (not is_known and is_plain(what.row)) return;
  current_->put(key, what);
  if (current_->is_full()) make_room();
  drop_retired();
  rows_.store(current_->used(), std::memory_order_relaxed);
}

// Rows that say nothing are left behind.
void gate_view::make_room() {
  std::vector<std::pair<hashed, held_row>> kept;
  kept.reserve(current_->used());
  for (const auto& each : current_->slots()) {
    const auto high = each.high.load(std::memory_order_relaxed);
    if (high == 0) continue;
    const auto held = each.row.load();
    if (not is_plain(held.row)) kept.emplace_back(hashed{high, each.low.load(std::memory_order_relaxed)}, held);
  }
  auto capacity = current_->slots().size();
  while (kept.size() * 2 >= capacity)
    capacity *= 2;
  auto next = std::make_unique<table>(capacity);
  for (const auto& [key, held] : kept)
    next->put(key, held);
  retired_.push_back(std::exchange(current_, std::move(next)));
  shown_.store(current_.get(), std::memory_order_seq_cst);
  memory_bytes_.store(current_->bytes(), std::memory_order_relaxed);
}

// A reader that comes later reads what is shown now.
void gate_view::drop_retired() {
  if (not retired_.empty() and readers_.load(std::memory_order_seq_cst) == 0) retired_.clear();
}

void gate_view::put_controls(const controls_row& row) {
  if (controls_.is_stored() and controls_.load().now > row.now) return;
  controls_.store(row);
}

void gate_view::put(const enforcement_changes& changes) {
  if (changes.controls) put_controls(*changes.controls);
  for (const auto& [uid, row] : changes.users) {
    if (row)
      put(uid, *row);
    else
      forget(uid);
  }
  if (changes.by_events_clock) events_now_.store(changes.now, std::memory_order_release);
}

std::optional<enforcement_row> gate_view::find(std::string_view uid) const {
  const auto key = hash_of(uid);
  std::optional<enforcement_row> found;
  readers_.fetch_add(1, std::memory_order_seq_cst);
  const auto& at = shown_.load(std::memory_order_seq_cst)->find(key);
  if (at.high.load(std::memory_order_acquire) != 0) {
    const auto held = at.row.load();
    if (not held.forgotten) found = held.row;
  }
  readers_.fetch_sub(1, std::memory_order_release);
  return found;
}

std::optional<controls_row> gate_view::controls() const {
  return controls_.is_stored() ? std::optional{controls_.load()} : std::nullopt;
}

} // namespace fairuse
