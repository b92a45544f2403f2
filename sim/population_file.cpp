// SPDX-License-Identifier: Apache-2.0

#include "sim/population_file.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/pure/numbers.hpp"

namespace fairuse::sim {

namespace {

using yaml::need;

constexpr std::int32_t nano_per_ppm = 1000;
constexpr std::int64_t nano_per_permille = 1'000'000;

enum class curve_unit : std::uint8_t { duration, ratio };

/// A share, written as a fraction of 1.
void read_share(yaml::map_reader& from, std::string_view key, ppm& into, need how = need::optional) {
  std::int32_t nano = 0;
  if (from.ratio(key, nano, how)) into = static_cast<ppm>(nano / nano_per_ppm);
}

/// A curve: quantile (a fraction of 1) -> value.
void read_curve(yaml::map_reader& from, std::string_view key, curve_unit unit, quantile_curve& into,
                need how = need::required) {
  const yaml::node* of = from.any(key, how);
  if (of == nullptr) return;
  if (of->kind != yaml::node_kind::map) {
    from.error(key, "expected a map of quantiles and values, such as {0: 1m, 0.5: 5m, 1: 1h}");
    return;
  }
  std::vector<quantile_knot> knots;
  for (std::size_t i = 0; i < of->items.size(); ++i) {
    const auto at = yaml::parse_decimal(of->keys[i].text, 9);
    if (!at || *at < 0 || *at > whole) {
      from.out().error(of->keys[i].at, from.called(key) + ": a quantile is a fraction of 1, such as 0.95");
      return;
    }
    const std::string called = from.called(key) + "." + of->keys[i].text;
    const auto value = unit == curve_unit::duration
                           ? yaml::read_duration(of->items[i], called, from.out())
                           : yaml::read_decimal(of->items[i], called, from.out(), 9, {0, whole});
    if (!value) return;
    knots.push_back({static_cast<ppb>(*at), *value});
  }
  if (const auto checked = quantile_curve::check(knots); !checked) {
    from.error(key, checked.error().message);
    return;
  }
  into = quantile_curve(std::move(knots));
}

/// `2026-03-01` -> its midnight UTC. Nullopt: no such day, or not of this century.
std::optional<time_ms> parse_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto in_year = parse_number<int>(text.substr(0, 4));
  const auto in_month = parse_number<unsigned>(text.substr(5, 2));
  const auto on_day = parse_number<unsigned>(text.substr(8, 2));
  if (!in_year || !in_month || !on_day || *in_year < 2000 || *in_year > 2099) return std::nullopt;
  const year_month_day date{year{*in_year}, month{*in_month}, day{*on_day}};
  if (!date.ok()) return std::nullopt;
  return milliseconds{sys_days{date}.time_since_epoch()}.count();
}

void read_usage(yaml::map_reader& from, std::string_view key, usage_type& into) {
  std::string text;
  if (!from.text(key, text)) return;
  if (const auto type = usage_type_from(text))
    into = *type;
  else
    from.error(key, "'" + text + "' is not a usage type");
}

void read_plans(yaml::map_reader& from, plan_mix& into) {
  auto plans = from.map("plans");
  if (!plans) return;
  read_share(*plans, "free", into.free);
  read_share(*plans, "unlimited", into.unlimited);
  read_share(*plans, "upgrades_at_once", into.upgrades_at_once);
  read_share(*plans, "upgrades_late", into.upgrades_late);
  plans->finish();
}

cohort read_cohort(const yaml::node& of, std::size_t index, yaml::diagnostics& out) {
  cohort read;
  yaml::map_reader from{of, "cohorts[" + std::to_string(index) + "]", out};
  from.name("name", read.name, need::required);
  from.choose("label", read.label,
              {{"legitimate", truth::legitimate}, {"misuse", truth::misuse}, {"exhausted", truth::exhausted}},
              need::required);
  read_usage(from, "usage", read.usage);
  from.choose("rhythm", read.rhythm, {{"meetings", rhythm_kind::meetings}, {"broadcasts", rhythm_kind::broadcasts}},
              need::required);
  ppm weekday = 0;
  ppm weekend = 0;
  read_share(from, "weekday", weekday, need::required);
  read_share(from, "weekend", weekend, need::required);
  read.speaks_on = {weekend, weekday, weekday, weekday, weekday, weekday, weekend};
  read_share(from, "day_to_day", read.day_to_day);
  if (auto hours = from.map("hours")) {
    hours->duration("from", read.opens_ms, {0, day_ms}, need::required);
    hours->duration("to", read.closes_ms, {0, day_ms}, need::required);
    hours->finish();
  }
  read_curve(from, "session", curve_unit::duration, read.session);
  from.flag("equal_sessions", read.equal_sessions);
  read_share(from, "uploads", read.uploads);
  read_plans(from, read.plans);
  from.texts("categories", read.categories, need::required);
  from.texts("titles", read.titles, need::required);
  from.finish();
  return read;
}

band read_band(const yaml::node& of, std::size_t index, const std::vector<cohort>& cohorts, yaml::diagnostics& out) {
  band read;
  yaml::map_reader from{of, "bands[" + std::to_string(index) + "]", out};
  std::int32_t until = 0;
  if (from.ratio("until", until, need::required)) read.until = static_cast<ppb>(until);
  read.shares.resize(cohorts.size());
  if (auto shares = from.map("shares", need::required)) {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < cohorts.size(); ++i) {
      std::int32_t nano = 0;
      shares->ratio(cohorts[i].name, nano);
      if (nano % nano_per_permille != 0) shares->error(cohorts[i].name, "a share of a band has at most 3 decimals");
      read.shares[i] = static_cast<std::uint32_t>(nano / nano_per_permille);
      total += nano;
    }
    shares->finish();
    if (total != whole) from.error("shares", "they add up to " + yaml::format_decimal(total, 9) + ", not to 1");
  }
  from.finish();
  return read;
}

void read_faults(yaml::map_reader& from, fault_rates& into) {
  auto faults = from.map("faults");
  if (!faults) return;
  read_share(*faults, "duplicates", into.duplicates);
  read_curve(*faults, "duplicate_delay", curve_unit::duration, into.duplicate_delay, need::optional);
  read_share(*faults, "offline", into.offline);
  read_curve(*faults, "offline_delay", curve_unit::duration, into.offline_delay, need::optional);
  read_share(*faults, "upload_sessions", into.upload_sessions);
  read_curve(*faults, "upload_delay", curve_unit::duration, into.upload_delay, need::optional);
  faults->finish();
}

void read_time_zones(yaml::map_reader& from, std::vector<time_zone_share>& into) {
  const yaml::node* list = from.list("time_zones");
  if (list == nullptr) {
    into = {{0, 1}};
    return;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    yaml::map_reader zone{list->items[i], "time_zones[" + std::to_string(i) + "]", from.out()};
    std::int64_t hours = 0;
    std::uint32_t weight = 0;
    zone.count("utc", hours, {-12, 14}, need::required);
    zone.count("weight", weight, {1, 1'000'000}, need::required);
    zone.finish();
    into.push_back({hours * hour_ms, weight});
  }
}

void read_credits(yaml::map_reader& from, credit_rules& into) {
  auto credits = from.map("credits");
  if (!credits) return;
  credits->name("free_plan", into.free_plan);
  credits->name("paid_plan", into.paid_plan);
  credits->name("unlimited_plan", into.unlimited_plan);
  credits->duration("monthly", into.monthly_ms);
  credits->finish();
}

} // namespace

std::optional<population> read_population(const yaml::node& of, yaml::diagnostics& out) {
  const std::size_t errors = out.error_count();
  population people;
  yaml::map_reader from{of, "", out};
  from.name("name", people.name, need::required);
  std::string start;
  if (from.text("start", start, need::required)) {
    if (const auto at = parse_date(start))
      people.start = *at;
    else
      from.error("start", "'" + start + "' is no day from 2000-01-01 to 2099-12-31; write one such as 2026-03-01");
  }
  read_curve(from, "daily_speech", curve_unit::duration, people.daily_speech);
  if (const yaml::node* cohorts = from.list("cohorts", need::required)) {
    for (std::size_t i = 0; i < cohorts->items.size(); ++i) {
      cohort read = read_cohort(cohorts->items[i], i, out);
      if (people.find(read.name) != nullptr) out.error(cohorts->items[i].at, "a second cohort '" + read.name + "'");
      people.cohorts.push_back(std::move(read));
    }
  }
  if (const yaml::node* bands = from.list("bands", need::required)) {
    for (std::size_t i = 0; i < bands->items.size(); ++i)
      people.bands.push_back(read_band(bands->items[i], i, people.cohorts, out));
  }
  read_time_zones(from, people.time_zones);
  read_faults(from, people.faults);
  read_credits(from, people.credits);
  from.finish();
  if (out.error_count() == errors) {
    if (const auto checked = people.check(); !checked) out.error(of.at, checked.error().message);
  }
  return out.error_count() == errors ? std::optional(std::move(people)) : std::nullopt;
}

std::optional<population> load_population(const std::filesystem::path& file, yaml::diagnostics& out) {
  const auto root = yaml::load(file, out);
  return root ? read_population(*root, out) : std::nullopt;
}

std::optional<reviewer_model> read_reviewer(const yaml::node& of, const population* people, yaml::diagnostics& out) {
  const std::size_t errors = out.error_count();
  reviewer_model model;
  yaml::map_reader from{of, "", out};
  from.name("name", model.name, need::required);
  read_curve(from, "latency", curve_unit::duration, model.latency_ms);
  read_curve(from, "confidence", curve_unit::ratio, model.confidence_nano);
  read_share(from, "failures", model.failures);
  const auto profile = [&](const yaml::node& at, std::string where, std::string cohort) {
    review_profile read;
    read.cohort = std::move(cohort);
    yaml::map_reader values{at, std::move(where), out};
    read_curve(values, "score", curve_unit::ratio, read.score);
    read_curve(values, "astray", curve_unit::ratio, read.astray);
    read_share(values, "astray_users", read.astray_users);
    read_share(values, "astray_reviews", read.astray_reviews);
    read_usage(values, "clear_type", read.clear_type);
    read_usage(values, "astray_type", read.astray_type);
    values.finish();
    model.profiles.push_back(std::move(read));
  };
  if (const yaml::node* any = from.any("default", need::required)) profile(*any, "default", {});
  const yaml::node* named = from.any("cohorts");
  if (named != nullptr && named->kind != yaml::node_kind::map)
    from.error("cohorts", "expected a map of cohort names and profiles");
  else if (named != nullptr) {
    for (std::size_t i = 0; i < named->items.size(); ++i) {
      const std::string& name = named->keys[i].text;
      if (people != nullptr && people->find(name) == nullptr)
        out.error(named->keys[i].at, "the population '" + people->name + "' has no cohort '" + name + "'");
      profile(named->items[i], "cohorts." + name, name);
    }
  }
  from.finish();
  if (out.error_count() == errors) {
    if (const auto checked = model.check(); !checked) out.error(of.at, checked.error().message);
  }
  return out.error_count() == errors ? std::optional(std::move(model)) : std::nullopt;
}

std::optional<reviewer_model> load_reviewer(const std::filesystem::path& file, const population* people,
                                            yaml::diagnostics& out) {
  const auto root = yaml::load(file, out);
  return root ? read_reviewer(*root, people, out) : std::nullopt;
}

} // namespace fairuse::sim
