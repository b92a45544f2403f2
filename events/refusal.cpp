// SPDX-License-Identifier: Apache-2.0
#include "events/refusal.hpp"

#include <array>
#include <numeric>

#include "events/event.hpp"

namespace fairuse {

namespace {

struct wording_of_refusal {
  std::string_view code;
  std::string_view remedy;
};

constexpr std::array<wording_of_refusal, refusal_count> wordings{{
    {"not_json", "Send one JSON object a line."},
    {"truncated", "The line ends inside the JSON text; look for a size limit or a cut write at the sender."},
    {"bad_utf8", "Encode the text as UTF-8, without lone surrogates."},
    {"too_deep", "Nest at most 64 levels; an event needs four."},
    {"too_large", "Keep the line below the limit (1 MiB unless configured)."},
    {"wrong_type", "Give the member the JSON type that its schema names."},
    {"missing_field", "Add the member."},
    {"unknown_field", "Remove the member, or look for a misspelling; additions belong beside `data`."},
    {"duplicate_key", "Write each member once."},
    {"conflicting_fields", "Write one of the two members, not both."},
    {"bad_specversion", "Set `specversion` to \"1.0\"."},
    {"unknown_type", "Use one of the seven types fairuse.*.v1."},
    {"empty_subject", "Put the user id into `subject`."},
    {"subject_too_long", "Keep the user id within 256 bytes."},
    {"star_subject", "Use `*` for enable, kill_switch and promote_policy, and only for them."},
    {"empty_id", "Give every event an id that is unique for its source."},
    {"id_too_long", "Keep the id within 256 bytes."},
    {"empty_source", "Name the producer in `source`."},
    {"source_too_long", "Keep the source within 256 bytes."},
    {"time_out_of_range", "Write an RFC 3339 time with an offset, in the years 2000 to 2099."},
    {"negative_duration", "A duration is 0 or more milliseconds."},
    {"absurd_duration", "One event covers at most 24 hours; check the unit, it is milliseconds."},
    {"segment_end_before_start", "Write a segment as [start, end) with start <= end."},
    {"integer_overflow", "The number does not fit its member."},
    {"too_many", "Send at most 100,000 segments, and 10 lines of evidence."},
    {"text_too_long", "Shorten the text: names to 256 bytes, other texts to 4,096."},
    {"bad_value", "Use a value that the schema allows."},
    {"too_old", "The event is older than the retention; nothing it could change is kept."},
    {"future", "The event lies ahead of now; check the sender's clock."},
    {"erased", "The user was erased after this event."},
    {"wrong_partition", "Partition by uid with the configured partitioner."},
}};
static_assert(event_kind_count == 7, "the remedy of unknown_type names this number");

} // namespace

std::string_view to_text(refusal value) { return wordings.at(static_cast<std::size_t>(value)).code; }

std::uint64_t sum_of(const refusal_counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::string_view remedy(refusal why, std::string_view place) {
  if (why == refusal::not_json and place == place_of_value)
    return "Send the event as the record's value; a record without one (a tombstone) is no event and deletes nothing.";
  if (why == refusal::wrong_partition and place == place_of_key)
    return "Give the record the event's subject as its key, and partition by it with the configured partitioner.";
  if (why == refusal::bad_value and place == place_of_strike)
    return "Name a strike of the user, by its number (from 1 on) or its case reference (FU- and 12 digits); decisions "
           "have both.";
  if (why == refusal::bad_value and place == place_of_until)
    return "Name a last instant of the exemption that lies ahead of the moment at which the command is carried out.";
  return wordings.at(static_cast<std::size_t>(why)).remedy;
}

std::string remedy(refusal why, std::string_view place, std::string_view note) {
  std::string text(remedy(why, place));
  if (not note.empty()) text.append(" ").append(note);
  return text;
}

} // namespace fairuse
