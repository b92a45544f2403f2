// SPDX-License-Identifier: Apache-2.0

#include "streams/policy_choice.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/hex.hpp"
#include "base/pure/numbers.hpp"
#include "events/time_text.hpp"

namespace fairuse {

namespace {

constexpr const char* configured_setting = "config.policies";
/// Ages of metering profiles, and since there are any those of slots.
constexpr const char* ages_setting = "profiles";
constexpr const char* retention_setting = "retention_ms";
constexpr const char* ids_setting = "command_ids";
constexpr const char* contents_setting = "command_contents";
constexpr std::size_t key_digits = 16;
constexpr std::size_t content_digits = 8;
/// Of a policy's digest, for people.
constexpr std::size_t digest_digits = 12;

std::string named_digest(const policy& shadow) { return shadow.name + "=" + shadow.digest; }

// The configured policies as one text: the digest of the live one, then the shadows.
std::string configured_text(const configured_policies& from) {
  std::string text = from.live.digest;
  for (const auto& each : from.shadows)
    text += " " + named_digest(each);
  return text;
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The words of a configured_text().
std::vector<std::string> words_of(const std::string& text) {
  std::istringstream from(text);
  return {std::istream_iterator<std::string>(from), {}};
}

/// nullopt: the text is of a build that kept no ages of slots.
std::optional<std::vector<slot_age>> read_slots(const nlohmann::json& from) {
  if (not from.is_object()) return std::nullopt;
  std::vector<slot_age> ages;
  for (const auto& each : from.value("slots", nlohmann::json::array()))
    ages.push_back({each.value("slot", std::string()), each.value("loaded", time_ms{INT64_MIN})});
  return ages;
}

std::vector<profile_age> read_profiles(const nlohmann::json& from) {
  std::vector<profile_age> ages;
  const auto list = from.is_object() ? from.value("profiles", nlohmann::json::array()) : from;
  if (not list.is_array()) return ages;
  for (const auto& each : list)
    ages.push_back({{.bucket_s = each.value("bucket_s", 0),
                     .basis = each.value("arrival", false) ? time_basis::arrival : time_basis::event,
                     .fresh_within_ms = each.value("fresh_within_ms", std::int64_t{0})},
                    each.value("since", time_ms{INT64_MIN}),
                    each.value("loaded", time_ms{INT64_MIN})});
  return ages;
}

std::string ages_text(const policy_ages& ages) {
  auto list = nlohmann::json::array();
  for (const auto& each : ages.profiles) {
    list.push_back({{"bucket_s", each.profile.bucket_s},
                    {"arrival", each.profile.basis == time_basis::arrival},
                    {"fresh_within_ms", each.profile.fresh_within_ms}});
    if (each.since != INT64_MIN) list.back()["since"] = each.since;
    if (each.loaded != INT64_MIN) list.back()["loaded"] = each.loaded;
  }
  auto slots = nlohmann::json::array();
  for (const auto& each : ages.slots) {
    slots.push_back({{"slot", each.slot}});
    if (each.loaded != INT64_MIN) slots.back()["loaded"] = each.loaded;
  }
  return nlohmann::json{{"profiles", std::move(list)}, {"slots", std::move(slots)}}.dump();
}

} // namespace

std::string setting_of(const std::map<std::string, std::string>& settings, const std::string& key) {
  const auto found = settings.find(key);
  return found == settings.end() ? std::string{} : found->second;
}

namespace {

class policy_chooser {
public:
  policy_chooser(const configured_policies& configured, const remembered_policies& remembered)
    : configured_(configured),
      remembered_(remembered),
      first_(remembered.first or remembered.controls.live.empty()),
      before_(words_of(setting_of(remembered.settings, configured_setting))) {}

  result<policy_choice, choice_error> choose() {
    const auto text = configured_text(configured_);
    policy_choice made;
    made.changed = not first_ and setting_of(remembered_.settings, configured_setting) != text;
    const auto& in_force = remembered_.controls.live;
    const bool other = not first_ and in_force != configured_.live.digest;
    const bool edited = not before_.empty() and before_.front() != configured_.live.digest;
    made.stays = other and not edited and not is_promoted_soon();
    if (other and edited) made.promotes = configured_.live.name;
    auto live = other ? remembered_.read(in_force) : std::optional(configured_.live);
    if (not live)
      return choice_error{choice_error::kind::unreadable,
                          "the text of policy " + in_force + ", which is in force, cannot be read"};
    auto shadows = shadows_beside(other, edited);
    if (const auto fits = policy_set::check(*live, shadows); not fits)
      return choice_error{choice_error::kind::refused, fits.error().message};
    made.policies = make(std::move(*live), std::move(shadows));
    if (auto whole = check_metering(made); not whole) return std::move(whole).error();
    remembered_.settings[configured_setting] = text;
    remembered_.settings[retention_setting] = std::to_string(configured_.usage_retention_ms);
    keep_ages({.policies = made.policies.get()}, remembered_.settings);
    return made;
  }

private:
  // The command that promotes the configuration's live policy is on its way.
  bool is_promoted_soon() const { return contains(remembered_.controls.shadows, configured_.live.digest); }

  // A shadow that was promoted has ended. It is loaded again when the configuration's live policy changes, or its own
  // rules do.
  bool has_ended(const policy& shadow) const {
    return contains(before_, named_digest(shadow)) and not contains(remembered_.controls.shadows, shadow.digest);
  }

  // `other`: another policy than the configuration's is live.
  std::vector<policy> shadows_beside(bool other, bool edited) const {
    auto all = configured_.shadows;
    if (not other) return all;
    if (edited or is_promoted_soon()) all.push_back(configured_.live);
    if (not edited) std::erase_if(all, [this](const policy& each) { return has_ended(each); });
    return all;
  }

  // A policy whose sums miss speech would lift restrictions.
  result<void, choice_error> check_metering(const policy_choice& made) const {
    if (made.promotes.empty()) return {};
    const auto slot = static_cast<std::size_t>(made.policies->slot_named(made.promotes));
    if (not made.policies->is_incomplete(slot, remembered_.now)) return {};
    return choice_error{
        choice_error::kind::refused,
        fmt::format(
            "the configuration's live policy is {0} now, with a metering that the store has not kept for its longest "
            "window: sums would miss speech, and restrictions would be lifted. Leave `policies.live` (and FAIR_USE_* "
            "variables that change it) as it was, and load the changed policy under another name in "
            "`policies.shadow`. When it has metered for its longest window (`fairuse status`, on Kafka `fairuse "
            "partitions --state`, says incomplete until "
            "then; at the earliest {1}), promote it with `promote_policy`, and only then name it in `policies.live`",
            made.promotes, to_time_text(made.policies->complete_from(slot)))};
  }

  // Since when the store has usage: a longer retention does not bring back what was deleted.
  time_ms kept_since() const {
    const auto before = parse_number<std::int64_t>(setting_of(remembered_.settings, retention_setting));
    return before and *before < configured_.usage_retention_ms ? remembered_.now - *before : INT64_MIN;
  }

  // In a store without usage, every profile has always been metered.
  bool has_usage() const {
    const auto before = parse_number<std::int64_t>(setting_of(remembered_.settings, retention_setting));
    const auto kept = std::min(before.value_or(configured_.usage_retention_ms), configured_.usage_retention_ms);
    return not first_ and remembered_.has_usage(hour_of(remembered_.now - kept));
  }

  std::shared_ptr<const policy_set> make(policy live, std::vector<policy> shadows) const {
    std::vector<const policy*> loaded = {&live};
    for (const auto& each : shadows)
      loaded.push_back(&each);
    auto ages = ages_of(remembered_.settings, loaded, remembered_.now);
    if (first_) ages.slots.clear();
    const auto since = kept_since();
    for (auto& each : ages.profiles)
      each.since = std::max(each.since, since);
    const auto is_young = [](const profile_age& age) { return age.since != INT64_MIN; };
    if (std::any_of(ages.profiles.begin(), ages.profiles.end(), is_young) and not has_usage())
      for (auto& each : ages.profiles)
        each.since = each.loaded = INT64_MIN;
    return policy_set::make(live, std::move(shadows), configured_.usage_retention_ms, review_mode::shared,
                            std::move(ages));
  }

  const configured_policies& configured_;
  const remembered_policies& remembered_;
  // A partition that was reseeded has epochs, and no policy in force.
  bool first_;
  std::vector<std::string> before_;
};

} // namespace

result<policy_choice, choice_error> choose_policies(const configured_policies& configured,
                                                    const remembered_policies& remembered) {
  return policy_chooser(configured, remembered).choose();
}

std::shared_ptr<const policy_set> policies_of_journal(const configured_policies& in_force, const std::string& ages,
                                                      std::map<std::string, std::string>& settings) {
  settings[ages_setting] = ages;
  const auto known = nlohmann::json::parse(ages, nullptr, false);
  return policy_set::make(in_force.live, in_force.shadows, in_force.usage_retention_ms, review_mode::shared,
                          {read_profiles(known), read_slots(known).value_or(std::vector<slot_age>())});
}

std::string text_of(const policy_choice& choice) {
  const auto& live = choice.policies->live().rules.name;
  if (choice.promotes == live)
    return fmt::format("the configuration changed its live policy, {}: it is promoted as it is now", live);
  if (not choice.promotes.empty())
    return fmt::format("the configuration's live policy is {} now: it is promoted in place of {}", choice.promotes,
                       live);
  if (choice.stays)
    return fmt::format(
        "policy {} was promoted and stays live, because the live policy of the configuration has not "
        "changed since",
        live);
  return choice.changed ? "the policies were changed since the last run: the new ones hold from here on" : "";
}

std::string text_of(const controls& in_force) {
  std::string text;
  for (const auto& slot : in_force.policies->slots())
    if (slot.kind != slot_kind::off)
      text += fmt::format("{} {} ({}), ", slot.kind == slot_kind::live ? "live" : "shadow", slot.rules.name,
                          slot.label.digest.substr(0, digest_digits));
  if (not in_force.enabled) text += "not enabled, ";
  return text + (in_force.killed ? "kill switch on" : "kill switch off");
}

stored_controls stored_from(const controls& in_force) {
  stored_controls stored{.enabled = in_force.enabled, .killed = in_force.killed};
  for (const auto& slot : in_force.policies->slots()) {
    if (slot.kind == slot_kind::live)
      stored.live = slot.label.digest;
    else if (slot.kind == slot_kind::shadow)
      stored.shadows.push_back(slot.label.digest);
  }
  return stored;
}

void keep_ages(const controls& in_force, std::map<std::string, std::string>& settings) {
  settings[ages_setting] = ages_text(in_force.policies->ages());
}

std::vector<permanent_id> command_ids_from(const std::map<std::string, std::string>& settings) {
  const auto keys = setting_of(settings, ids_setting);
  const auto contents = setting_of(settings, contents_setting);
  std::vector<permanent_id> ids;
  for (std::size_t i = 0; i < keys.size() / key_digits; ++i) {
    const auto key = parse_number<std::uint64_t>(std::string_view(keys).substr(i * key_digits, key_digits), 16);
    const auto at = std::min(i * content_digits, contents.size());
    const auto content = parse_number<std::uint32_t>(std::string_view(contents).substr(at, content_digits), 16);
    ids.push_back({key.value_or(0), content.value_or(0)});
  }
  return ids;
}

void append_command_id(std::map<std::string, std::string>& settings, const permanent_id& id) {
  auto& keys = settings[ids_setting];
  auto& contents = settings[contents_setting];
  // Ids that an earlier build added have no content.
  contents.resize(keys.size() / key_digits * content_digits, '0');
  keys += to_hex(id.key);
  contents += fmt::format("{:0{}x}", id.content, content_digits);
}

kept_ages kept_ages_from(const std::map<std::string, std::string>& settings) {
  const auto text = nlohmann::json::parse(setting_of(settings, ages_setting), nullptr, false);
  return {read_profiles(text), read_slots(text)};
}

policy_ages ages_of(const std::map<std::string, std::string>& settings, const std::vector<const policy*>& loaded,
                    time_ms now) {
  const auto known = kept_ages_from(settings);
  policy_ages ages;
  if (known.slots) ages.slots = slots_after(*known.slots, loaded, now);
  for (const auto* each : loaded) {
    const auto same = [&](const profile_age& age) { return age.profile == each->metering; };
    if (std::any_of(ages.profiles.begin(), ages.profiles.end(), same)) continue;
    const auto before = std::find_if(known.profiles.begin(), known.profiles.end(), same);
    ages.profiles.push_back(before == known.profiles.end() ? profile_age{each->metering, now, now} : *before);
  }
  return ages;
}

} // namespace fairuse
