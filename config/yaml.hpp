// SPDX-License-Identifier: Apache-2.0
//
// Guarded reading of the YAML that people write: policies, deployments, experiments. JSON is read the same way.
//
// `parse` turns text into plain `node`s and refuses what YAML permits but a configuration should not hold: duplicate
// keys, anchors and aliases, tags, several documents, files over 1 MiB, nesting over 32. No yaml-cpp type or exception
// leaves yaml.cpp. A `map_reader` then reads the keys it is asked for; `finish` refuses the rest, with "did you mean".
//
// A file is repaired in one go: readers collect everything that is wrong, each fault with its place, in `diagnostics`.
// This is why they return an optional beside it and not a result, which holds one error.
//
//   yaml::diagnostics problems{"first.yaml"};
//   auto root = yaml::load("first.yaml", problems);
//   if (root) {
//     yaml::map_reader top{*root, "", problems};
//     top.count("users", users, {.min = 1, .max = 10'000'000}, yaml::need::required);
//     top.duration("warm_up", warm_up_ms);
//     if (auto reviewer = top.map("reviewer")) {
//       reviewer->ratio("failure_rate", failure_rate_nano);
//       reviewer->finish();
//     }
//     top.finish();
//   }
//   if (not problems.ok()) std::cerr << problems.text();
//
// Threads: plain values, nothing shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairuse::yaml {

inline constexpr std::size_t file_bytes_max = 1U << 20U;
inline constexpr std::size_t nesting_max = 32;
/// Longest duration that can be written: 10,000 d.
inline constexpr std::int64_t duration_ms_max = 10'000LL * 86'400'000;

/// Counted from 1; line 0 means the file as a whole.
struct place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend bool operator==(const place&, const place&) = default;
};

enum class severity : std::uint8_t { error, warning, note };

struct diagnostic {
  severity level = severity::error;
  std::string file;
  place at;
  std::string message;
};

std::string_view to_text(severity value);
/// `file:line:column: error: message`, as compilers print it.
std::string to_text(const diagnostic& value);

/// What is wrong with one file (and, after `add`, with the files it names).
class diagnostics {
public:
  explicit diagnostics(std::string file) : file_{std::move(file)} {}
  void error(place at, std::string message);
  void report(severity level, place at, std::string message);
  void add(const diagnostics& other);
  /// No errors; warnings may be there.
  bool ok() const { return errors_ == 0; }
  std::size_t error_count() const { return errors_; }
  const std::string& file() const { return file_; }
  const std::vector<diagnostic>& list() const { return list_; }
  /// By line and column; entries without a place come first.
  void sort();
  /// One line each.
  std::string text() const;

private:
  std::string file_;
  std::vector<diagnostic> list_;
  std::size_t errors_ = 0;
};

enum class node_kind : std::uint8_t { null, scalar, list, map };

struct node;

struct map_key {
  std::string text;
  place at;
};

struct node {
  node_kind kind = node_kind::null;
  /// Scalars: quoted ones are always text.
  bool quoted = false;
  place at;
  std::string text;
  /// Elements of a list, or the values of a map in file order.
  std::vector<node> items;
  /// Maps: the keys, as long as `items`. No key occurs twice.
  std::vector<map_key> keys;

  /// Value of a key; nullptr if this is no map or has no such key.
  const node* find(std::string_view key) const;
};

/// Text -> tree; nullopt if there is none. REQUIRES: the caller asks `out.ok()` before it uses what it read: duplicate
/// keys and the like leave a tree (in which the first one counts), so that the rest can be checked as well. A byte
/// order mark and CRLF are fine.
std::optional<node> parse(std::string_view text, diagnostics& out);
/// File -> tree.
std::optional<node> load(const std::filesystem::path& file, diagnostics& out);

/// The names on the way into a tree: map keys; in lists an index or the `stage` or `name` of an element.
using path = std::vector<std::string>;
/// `windows.daily.cap` -> its names.
path split(std::string_view dotted);
/// For messages: `ladder.steps[0].within`.
std::string join(const path& names);
/// Place of the node at `names`, or of the last one on the way that exists.
place place_of(const node& root, const path& names);
/// The node at `names`; nullptr if there is none.
const node* node_at(const node& root, const path& names);
/// Sets the scalar at `names` as if the file had said so (sweeps: `--set windows.daily.cap=2h`). Missing map keys are
/// made; false if the way leads through a scalar or to a list element that does not exist.
bool assign(node& root, const path& names, std::string_view value);

/// Duration: `0`, or whole numbers with units d h m s ms, largest first: 12h, 1h30m, 250ms. nullopt: not one.
std::optional<std::int64_t> parse_duration(std::string_view text);
/// Shortest such text; parse_duration(format_duration(x)) == x for x >= 0.
std::string format_duration(std::int64_t ms);
/// `0.7` -> 700'000'000 for 9 decimals. An optional sign; no exponent; more decimals than that are refused.
std::optional<std::int64_t> parse_decimal(std::string_view text, int decimals);
/// Shortest text of value / 10^decimals.
std::string format_decimal(std::int64_t value, int decimals);

/// The candidate that `word` was probably meant to be (edit distance, swaps count one); empty if none is near.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);
/// "; did you mean 'x'?" or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);
/// The same, or all candidates if none is near: "; known: x, y". Nothing if they are more than a message holds.
std::string did_you_mean_one_of(std::string_view word, std::span<const std::string_view> candidates);

enum class need : std::uint8_t { optional, required };

/// Inclusive.
struct bounds {
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

template <class T>
struct choice {
  std::string_view text;
  T value;
};

/// Reads the known keys of one map. Readers return true iff the key is there and valid, and only then set `into`; so
/// the value it had before is the default. A key is known once it was asked for.
/// REQUIRES: the node and the diagnostics outlive the reader.
class map_reader {
public:
  /// `where` is how messages call this map: "" for the file's top, else as in `review.cleared`. Anything but a map is
  /// reported (null reads as an empty map).
  map_reader(const node& of, std::string where, diagnostics& out);

  bool text(std::string_view key, std::string& into, need how = need::optional);
  /// Text of [A-Za-z0-9._-], 1 .. 64 characters.
  bool name(std::string_view key, std::string& into, need how = need::optional);
  bool flag(std::string_view key, bool& into, need how = need::optional);
  /// Milliseconds.
  bool duration(std::string_view key, std::int64_t& into_ms, bounds range = {0, duration_ms_max},
                need how = need::optional);
  bool count(std::string_view key, std::int64_t& into, bounds range = {}, need how = need::optional);
  bool count(std::string_view key, std::uint32_t& into, bounds range = {}, need how = need::optional);
  bool count(std::string_view key, std::uint64_t& into, bounds range = {}, need how = need::optional);
  /// Decimal number in units of 10^-decimals: prices, factors.
  bool decimal(std::string_view key, std::int64_t& into, int decimals, bounds range = {}, need how = need::optional);
  /// Score or probability, 0 .. 1 in 1e-9.
  bool ratio(std::string_view key, std::int32_t& into_nano, need how = need::optional);
  /// List of texts without repetitions.
  bool texts(std::string_view key, std::vector<std::string>& into, need how = need::optional);
  template <class T>
  bool choose(std::string_view key, T& into, std::initializer_list<choice<T>> choices, need how = need::optional) {
    std::vector<std::string_view> names;
    for (const auto& each : choices)
      names.push_back(each.text);
    const auto index = choose_index(key, names, how);
    if (not index) return false;
    into = (choices.begin() + *index)->value;
    return true;
  }
  /// Nested map, ready to read; nullopt if absent or no map. Its `finish` is the caller's too.
  std::optional<map_reader> map(std::string_view key, need how = need::optional);
  /// Node of a list; nullptr if absent or no list.
  const node* list(std::string_view key, need how = need::optional);
  /// The value; nullptr if absent.
  const node* any(std::string_view key, need how = need::optional);

  bool has(std::string_view key) const { return of_->find(key) != nullptr; }
  const node& of() const { return *of_; }
  const std::string& where() const { return where_; }
  /// Place of a key's value; of the map if the key is absent.
  place at(std::string_view key) const;
  /// `where.key`.
  std::string called(std::string_view key) const;
  /// An error about a key.
  void error(std::string_view key, std::string message);
  diagnostics& out() const { return *out_; }
  /// Refuses every key that no reader asked for. Call it last.
  void finish();

private:
  const node* scalar(std::string_view key, need how, std::string_view expected);
  std::optional<std::size_t> choose_index(std::string_view key, std::span<const std::string_view> names, need how);

  const node* of_;
  std::string where_;
  diagnostics* out_;
  std::vector<std::string> known_;
};

/// For list elements and free-form maps: one value, errors reported as `where`.
std::optional<std::int64_t> read_duration(const node& of, std::string_view where, diagnostics& out,
                                          bounds range = {0, duration_ms_max});
std::optional<std::int64_t> read_count(const node& of, std::string_view where, diagnostics& out, bounds range = {});
std::optional<std::int64_t> read_decimal(const node& of, std::string_view where, diagnostics& out, int decimals,
                                         bounds range = {});
std::optional<std::string> read_text(const node& of, std::string_view where, diagnostics& out);

} // namespace fairuse::yaml
