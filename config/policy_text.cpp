// SPDX-License-Identifier: Apache-2.0

#include <array>

#include <openssl/evp.h>

#include "config/policy_file.hpp"

namespace fairuse {

namespace {

std::string in_quotes(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' or c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20)
      ((out += "\\u00") += hex[byte >> 4U]) += hex[byte & 0xFU];
    else
      out += c;
  }
  return out += '"';
}

// One JSON object, keys in the order in which they are added.
class object {
public:
  object& raw(std::string_view key, std::string_view json) {
    text_ += (text_.size() == 1 ? "" : ",") + in_quotes(key) + ":";
    text_ += json;
    return *this;
  }
  object& text(std::string_view key, std::string_view value) { return raw(key, in_quotes(value)); }
  object& duration(std::string_view key, std::int64_t ms) { return text(key, yaml::format_duration(ms)); }
  object& ratio(std::string_view key, std::int64_t nano) { return raw(key, yaml::format_decimal(nano, 9)); }
  std::string done() const { return text_ + "}"; }

private:
  std::string text_ = "{";
};

std::string list_of(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const auto& each : items)
    text += (text.size() == 1 ? "" : ",") + each;
  return text + "]";
}

std::string metering_text(const metering_profile& rule) {
  return object{}
      .duration("bucket", rule.bucket_s * second_ms)
      .text("time_basis", rule.basis == time_basis::event ? "event" : "arrival")
      .duration("fresh_within", rule.fresh_within_ms)
      .done();
}

std::string plans_text(const policy& rules) {
  object plans;
  std::vector<std::string> free;
  for (const auto& each : rules.free_plans)
    free.push_back(in_quotes(each));
  plans.raw("free", list_of(free));
  for (const auto& plan : rules.plans) {
    object caps;
    for (std::size_t i = 0; i < rules.windows.size(); ++i)
      caps.duration(rules.windows[i].name, plan.caps_ms[i]);
    plans.raw(plan.plan, caps.done());
  }
  return plans.done();
}

std::string review_text(const review_rule& rule) {
  const auto cleared =
      object{}.ratio("below", rule.cleared_below_nano).duration("cooldown", rule.cleared_cooldown_ms).done();
  return object{}
      .ratio("score", rule.score_gate_nano)
      .duration("cooldown", rule.cooldown_ms)
      .raw("cleared", cleared)
      .duration("check_interval", rule.check_interval_ms)
      .duration("timeout", rule.timeout_ms)
      .duration("retry_after", rule.retry_after_ms)
      .duration("lookback", rule.lookback_ms)
      .text("at_last_stage", rule.last_stage == at_last_stage::skip ? "skip" : "review")
      .done();
}

std::string ladder_text(const policy& rules) {
  std::vector<std::string> steps;
  for (const auto& rule : rules.steps) {
    const auto actions = object{}
                             .text("stt_model", rule.economy_stt ? "economy" : "standard")
                             .ratio("vad_threshold", rule.vad_threshold_nano)
                             .text("caps", rule.hard_caps ? "hard" : "soft")
                             .done();
    steps.push_back(object{}
                        .text("stage", to_text(rule.at))
                        .raw("notify", rule.notify ? "true" : "false")
                        .raw("strikes", std::to_string(rule.strikes))
                        .duration("within", rule.within_ms)
                        .duration("ends_after", rule.ends_after_ms)
                        .text("falls_to", to_text(rule.falls_to))
                        .raw("actions", actions)
                        .done());
  }
  return object{}
      .text("counts", rules.counts == strike_basis::qualifying ? "qualifying" : "finished_reviews")
      .raw("steps", list_of(steps))
      .done();
}

std::string budget_text(const budget_rule& rule) {
  std::vector<std::string> charge;
  if (rule.charge_stt) charge.push_back(in_quotes("stt"));
  if (rule.charge_uploads) charge.push_back(in_quotes("upload"));
  return object{}
      .text("stage", to_text(rule.at))
      .duration("per_utc_day", rule.per_utc_day_ms)
      .text("track_from", rule.track_from_trigger ? "trigger" : "stage")
      .raw("charge", list_of(charge))
      .done();
}

std::string_view upgrade_text(upgrade_rule rule) {
  switch (rule) {
    case upgrade_rule::nothing:
      return "nothing";
    case upgrade_rule::clear_if_last_free:
      return "clear_if_last_free";
    case upgrade_rule::clear_free_strikes:
      break;
  }
  return "clear_free_strikes";
}

} // namespace

std::string canonical(const policy& rules) {
  object lanes;
  for (const auto each : {lane::realtime, lane::sync, lane::backfill, lane::custom})
    lanes.text(to_text(each), rules.enforced_lanes[static_cast<std::size_t>(each)] ? "enforce" : "meter");
  object windows;
  for (const auto& each : rules.windows)
    windows.raw(each.name, object{}.duration("span", each.span_ms).duration("cap", each.cap_ms).done());
  const auto ceiling = object{}
                           .duration("span", rules.ceiling.span_ms)
                           .duration("cap", rules.ceiling.cap_ms)
                           .raw("refuses", rules.ceiling.refuses_uploads ? "[\"upload\"]" : "[]")
                           .done();
  const auto hard = object{}
                        .text("caps", rules.hard == hard_caps::plan ? "plan" : "default")
                        .text("retry", rules.retry == hard_retry::drain ? "drain" : "deadline")
                        .done();
  return object{}
      .text("name", rules.name)
      .raw("metering", metering_text(rules.metering))
      .raw("lanes", lanes.done())
      .raw("windows", windows.done())
      .raw("plans", plans_text(rules))
      .raw("ceiling", ceiling)
      .raw("review", review_text(rules.review))
      .text("reviews", rules.review.shadow_asks ? "ask" : "borrow")
      .raw("ladder", ladder_text(rules))
      .raw("budget", budget_text(rules.budget))
      .raw("hard", hard)
      .text("on_upgrade", upgrade_text(rules.on_upgrade))
      .text("on_reset", rules.on_reset == reset_rule::keep ? "keep" : "clear_strikes")
      .text("off", rules.off == off_rule::shadow ? "shadow" : "nothing")
      .done();
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i)
    (text += hex[digest[i] >> 4U]) += hex[digest[i] & 0xFU];
  return text;
}

void stamp_digest(policy& rules) { rules.digest = sha256_hex(canonical(rules)); }

} // namespace fairuse
