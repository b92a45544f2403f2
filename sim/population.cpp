// SPDX-License-Identifier: Apache-2.0

#include "sim/population.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace fairuse::sim {

namespace {

/// 2^64 divided by the golden ratio: multiples of it are spread evenly, however many are taken.
constexpr std::uint64_t golden_increment = 0x9E37'79B9'7F4A'7C15;

constexpr std::uint32_t permille = 1000;

/// Speech-days per week, in 1e-6.
std::uint64_t days_per_week(const cohort& of) {
  return std::accumulate(of.speaks_on.begin(), of.speaks_on.end(), std::uint64_t{0});
}

result<void> check_cohort(const cohort& of) {
  const auto bad = [&](const char* what) { return error{"cohort " + of.name + ": " + what}; };
  const auto above_one = [](std::uint64_t share) { return share > always; };
  if (days_per_week(of) == 0) return bad("it never speaks");
  if (std::any_of(of.speaks_on.begin(), of.speaks_on.end(), above_one) || above_one(of.day_to_day)
      || above_one(of.uploads) || above_one(of.plans.upgrades_at_once) || above_one(of.plans.upgrades_late)
      || above_one(std::uint64_t{of.plans.free} + of.plans.unlimited))
    return bad("a share is above 1");
  if (of.opens_ms < 0 || of.closes_ms > day_ms || of.opens_ms >= of.closes_ms)
    return bad("its hours must begin before they end, within one day");
  if (of.session.at(0) < minute_ms) return bad("a session has less than a minute of speech");
  if (of.categories.empty() || of.titles.empty()) return bad("it needs at least one category and one title");
  return {};
}

result<void> check_bands(const std::vector<band>& bands, std::size_t cohorts) {
  ppb from = 0;
  for (const band& each : bands) {
    if (each.until <= from || each.until > whole) return error{"the bands do not rise to 1"};
    if (each.shares.size() != cohorts || std::accumulate(each.shares.begin(), each.shares.end(), 0U) != permille)
      return error{"the shares of the band until " + std::to_string(each.until) + "e-9 do not add up to 1"};
    from = each.until;
  }
  if (from != whole) return error{"the last band does not end at 1"};
  return {};
}

} // namespace

std::string_view to_text(truth value) {
  switch (value) {
    case truth::legitimate:
      return "legitimate";
    case truth::misuse:
      return "misuse";
    case truth::exhausted:
      return "exhausted";
    case truth::unlabelled:
      return "unlabelled";
  }
  return "unknown";
}

result<void> population::check() const {
  if (cohorts.empty() || cohorts.size() > 255) return error{"a population has 1 to 255 cohorts"};
  if (start % day_ms != 0 || start < 0) return error{"the start is not a midnight UTC"};
  if (daily_speech.at(0) < 1 || daily_speech.at(whole) > 12 * hour_ms)
    return error{"daily speech lies in 1 ms .. 12 h"};
  for (const cohort& each : cohorts) {
    if (auto checked = check_cohort(each); !checked) return checked;
  }
  if (auto checked = check_bands(bands, cohorts.size()); !checked) return checked;
  for (std::size_t i = 0; i < cohorts.size(); ++i) {
    if (std::none_of(bands.begin(), bands.end(), [&](const band& each) { return each.shares[i] > 0; }))
      return error{"cohort " + cohorts[i].name + ": it has a share of no band"};
  }
  if (time_zones.empty()) return error{"a population has at least one time zone"};
  for (const time_zone_share& zone : time_zones) {
    if (zone.weight == 0 || zone.weight > 1'000'000 || zone.offset_ms <= -day_ms || zone.offset_ms >= day_ms)
      return error{"a time zone is out of range"};
  }
  if (faults.duplicates > always / 2 || faults.offline > always || faults.upload_sessions > always)
    return error{"a fault rate is too high: at most 0.5 for duplicates, 1 for the others"};
  return {};
}

const cohort* population::find(std::string_view cohort_name) const {
  const auto found =
      std::find_if(cohorts.begin(), cohorts.end(), [&](const cohort& each) { return each.name == cohort_name; });
  return found == cohorts.end() ? nullptr : &*found;
}

std::string uid_of(std::uint32_t user) {
  const std::string digits = std::to_string(user);
  std::string uid = "u";
  uid.append(digits.size() < 7 ? 7 - digits.size() : 0, '0');
  uid.append(digits);
  return uid;
}

composition::composition(const population& of, std::uint64_t seed)
  : people_(&of), seed_(seed), offset_(random_stream(seed, 0, purpose::composition).next64()) {
  cohorts_.resize(of.cohorts.size());
  std::vector<std::uint64_t> weights;
  std::uint64_t total = 0;
  for (std::size_t index = 0; index < cohorts_.size(); ++index) {
    cohort_shares& shares = cohorts_[index];
    ppb from = 0;
    for (const band& each : of.bands) {
      if (each.shares[index] > 0) {
        shares.bands.push_back({shares.mass, from, each.shares[index]});
        shares.mass += std::uint64_t{each.until - from} * each.shares[index];
      }
      from = each.until;
    }
    // A cohort that speaks on half of the days needs twice the users for its part of the user-days. Mass is at most
    // 1e12 and days per week at least 1e-6 of a day; the factor keeps six digits.
    weights.push_back(std::max<std::uint64_t>(1, shares.mass * 7'000'000 / days_per_week(of.cohorts[index])));
    total += weights.back();
  }
  std::uint64_t sum = 0;
  const std::uint64_t unit = UINT64_MAX / total;
  for (std::size_t index = 0; index < cohorts_.size(); ++index) {
    sum += weights[index];
    cohorts_[index].until = index + 1 == cohorts_.size() ? UINT64_MAX : sum * unit;
  }
}

std::uint64_t composition::user_share(std::uint32_t cohort) const {
  return cohorts_[cohort].until - (cohort == 0 ? 0 : cohorts_[cohort - 1].until);
}

user_traits composition::traits(std::uint32_t user) const {
  user_traits drawn;
  const std::uint64_t place = offset_ + user * golden_increment;
  while (drawn.cohort + 1 < cohorts_.size() && place >= cohorts_[drawn.cohort].until)
    ++drawn.cohort;
  const std::uint64_t from = drawn.cohort == 0 ? 0 : cohorts_[drawn.cohort - 1].until;
  const std::uint64_t grain = std::max<std::uint64_t>(1, (user_share(drawn.cohort) >> 32) + 1);
  drawn.level = static_cast<std::uint32_t>((place - from) / grain);

  random_stream random(seed_, user, purpose::user);
  const cohort& own = people_->cohorts[drawn.cohort];
  std::uint32_t weights = 0;
  for (const time_zone_share& zone : people_->time_zones)
    weights += zone.weight;
  std::uint32_t weight = random.below(weights);
  for (const time_zone_share& zone : people_->time_zones) {
    if (weight < zone.weight) {
      drawn.zone_ms = zone.offset_ms;
      break;
    }
    weight -= zone.weight;
  }
  const ppm plan = random.below(always);
  drawn.free = plan < own.plans.free;
  drawn.unlimited = !drawn.free && plan < own.plans.free + own.plans.unlimited;
  drawn.uploader = random.chance(own.uploads);
  drawn.upgrades_at_once = random.chance(own.plans.upgrades_at_once);
  drawn.upgrades_late = random.chance(own.plans.upgrades_late);
  drawn.lag_ms = static_cast<std::int32_t>(random.between(200, 3'000));
  const std::int64_t session = own.session.sample(random);
  drawn.session_ms = own.equal_sessions ? session : 0;
  return drawn;
}

ppb composition::quantile(std::uint32_t cohort, std::uint32_t rank) const {
  const cohort_shares& shares = cohorts_[cohort];
  // Mass is at most 1e12 < 2^40, so the product is taken in two halves.
  const std::uint64_t at =
      (shares.mass >> 20) * rank / (std::uint64_t{1} << 12) + ((shares.mass & 0xFFFFF) * rank >> 32);
  std::size_t i = shares.bands.size() - 1;
  while (i > 0 && shares.bands[i].from_mass > at)
    --i;
  const band_share& found = shares.bands[i];
  return static_cast<ppb>(found.from + (at - found.from_mass) / found.share);
}

std::int64_t composition::daily_speech_ms(const user_traits& traits, std::uint32_t day, random_stream& random) const {
  const cohort& own = people_->cohorts[traits.cohort];
  const std::chrono::milliseconds local{day_begin(traits, day) + traits.zone_ms};
  const std::chrono::weekday weekday{std::chrono::sys_days{std::chrono::floor<std::chrono::days>(local)}};
  const bool speaks = random.chance(own.speaks_on[weekday.c_encoding()]);
  const std::uint32_t noise = random.next();
  if (!speaks) return 0;
  // Level plus symmetric noise, reflected at both ends: users keep their level, and the ranks of all user-days stay
  // uniform, so every band gets its share.
  const std::int64_t shift = (std::int64_t{noise} * 2 - UINT32_MAX) * own.day_to_day / always;
  constexpr std::int64_t ranks = std::int64_t{1} << 32;
  std::int64_t rank = (traits.level + shift) & (2 * ranks - 1);
  if (rank >= ranks) rank = 2 * ranks - 1 - rank;
  return people_->daily_speech.at(quantile(traits.cohort, static_cast<std::uint32_t>(rank)));
}

time_ms composition::day_begin(const user_traits& traits, std::uint32_t day) const {
  const time_ms ahead = traits.zone_ms > 0 ? day_ms - traits.zone_ms : -traits.zone_ms;
  return people_->start + ahead + day * day_ms;
}

} // namespace fairuse::sim
