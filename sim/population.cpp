// SPDX-License-Identifier: Apache-2.0

#include "sim/population.hpp"

#include <algorithm>
#include <numeric>

namespace fairuse::sim {

namespace {

/// 2^64 divided by the golden ratio: the steps that spread most evenly however many are taken.
constexpr std::uint64_t golden_step = 0x9E37'79B9'7F4A'7C15;

constexpr std::uint32_t permille = 1000;

/// Speech-days per week, in 1e-6.
std::uint64_t days_per_week(const cohort& of) {
  return std::accumulate(of.speaks_on.begin(), of.speaks_on.end(), std::uint64_t{0});
}

std::string check_cohort(const cohort& c) {
  const auto bad = [&](const char* what) { return "cohort " + c.name + ": " + what; };
  if (days_per_week(c) == 0) return bad("it never speaks");
  if (std::any_of(c.speaks_on.begin(), c.speaks_on.end(), [](ppm p) { return p > always; }) || c.day_to_day > always
      || c.uploads > always || c.plans.upgrades_at_once > always || c.plans.upgrades_late > always
      || std::uint64_t{c.plans.free} + c.plans.unlimited > always)
    return bad("a share is above 1");
  if (c.opens_ms < 0 || c.closes_ms > day_ms || c.opens_ms >= c.closes_ms)
    return bad("its hours are no stretch of a day");
  if (c.session.at(0) < minute_ms) return bad("a session has less than a minute of speech");
  if (c.categories.empty() || c.titles.empty()) return bad("it needs at least one category and one title");
  return {};
}

std::string check_bands(const std::vector<band>& bands, std::size_t cohorts) {
  ppb from = 0;
  for (const band& b : bands) {
    if (b.until <= from || b.until > whole) return "the bands do not rise to 1";
    if (b.shares.size() != cohorts || std::accumulate(b.shares.begin(), b.shares.end(), 0U) != permille)
      return "the shares of the band until " + std::to_string(b.until) + "e-9 do not add up to 1";
    from = b.until;
  }
  return from == whole ? std::string{} : "the last band does not end at 1";
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
  }
  return "unknown";
}

std::string population::check() const {
  if (cohorts.empty() || cohorts.size() > 255) return "a population has 1 to 255 cohorts";
  if (start % day_ms != 0 || start < 0) return "the start is no midnight UTC";
  if (daily_speech.at(0) < 1 || daily_speech.at(whole) > 12 * hour_ms) return "daily speech lies in 1 ms .. 12 h";
  for (const cohort& c : cohorts) {
    if (std::string found = check_cohort(c); !found.empty()) return found;
  }
  if (std::string found = check_bands(bands, cohorts.size()); !found.empty()) return found;
  for (std::size_t i = 0; i < cohorts.size(); ++i) {
    if (std::none_of(bands.begin(), bands.end(), [&](const band& b) { return b.shares[i] > 0; }))
      return "cohort " + cohorts[i].name + ": no band is its";
  }
  if (time_zones.empty()) return "a population has at least one time zone";
  for (const time_zone_share& zone : time_zones) {
    if (zone.weight == 0 || zone.weight > 1'000'000 || zone.offset_ms <= -day_ms || zone.offset_ms >= day_ms)
      return "a time zone is out of range";
  }
  if (faults.duplicates > always / 2 || faults.offline > always || faults.upload_sessions > always)
    return "a fault rate is above its most (0.5 for duplicates, else 1)";
  return {};
}

const cohort* population::find(std::string_view cohort_name) const {
  const auto found =
      std::find_if(cohorts.begin(), cohorts.end(), [&](const cohort& c) { return c.name == cohort_name; });
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
  slices_.resize(of.cohorts.size());
  std::vector<std::uint64_t> weights;
  std::uint64_t total = 0;
  for (std::size_t c = 0; c < slices_.size(); ++c) {
    slice& s = slices_[c];
    ppb from = 0;
    for (const band& b : of.bands) {
      if (b.shares[c] > 0) {
        s.pieces.push_back({s.mass, from, b.shares[c]});
        s.mass += std::uint64_t{b.until - from} * b.shares[c];
      }
      from = b.until;
    }
    // A cohort that speaks on half of the days needs twice the users for its part of the user-days. Mass is at most
    // 1e12 and days per week at least 1e-6 of a day; the factor keeps six digits.
    weights.push_back(std::max<std::uint64_t>(1, s.mass * 7'000'000 / days_per_week(of.cohorts[c])));
    total += weights.back();
  }
  std::uint64_t sum = 0;
  const std::uint64_t unit = UINT64_MAX / total;
  for (std::size_t c = 0; c < slices_.size(); ++c) {
    sum += weights[c];
    slices_[c].until = c + 1 == slices_.size() ? UINT64_MAX : sum * unit;
  }
}

std::uint64_t composition::user_share(std::uint32_t cohort) const {
  return slices_[cohort].until - (cohort == 0 ? 0 : slices_[cohort - 1].until);
}

user_traits composition::traits(std::uint32_t user) const {
  user_traits t;
  const std::uint64_t place = offset_ + user * golden_step;
  while (t.cohort + 1 < slices_.size() && place >= slices_[t.cohort].until)
    ++t.cohort;
  const std::uint64_t from = t.cohort == 0 ? 0 : slices_[t.cohort - 1].until;
  const std::uint64_t grain = std::max<std::uint64_t>(1, (user_share(t.cohort) >> 32) + 1);
  t.level = static_cast<std::uint32_t>((place - from) / grain);

  random_stream random(seed_, user, purpose::user);
  const cohort& c = people_->cohorts[t.cohort];
  std::uint32_t weights = 0;
  for (const time_zone_share& zone : people_->time_zones)
    weights += zone.weight;
  std::uint32_t drawn = random.below(weights);
  for (const time_zone_share& zone : people_->time_zones) {
    if (drawn < zone.weight) {
      t.zone_ms = zone.offset_ms;
      break;
    }
    drawn -= zone.weight;
  }
  const ppm plan = random.below(always);
  t.free = plan < c.plans.free;
  t.unlimited = !t.free && plan < c.plans.free + c.plans.unlimited;
  t.uploader = random.chance(c.uploads);
  t.upgrades_at_once = random.chance(c.plans.upgrades_at_once);
  t.upgrades_late = random.chance(c.plans.upgrades_late);
  t.lag_ms = static_cast<std::int32_t>(random.between(200, 3'000));
  const std::int64_t session = c.session.sample(random);
  t.session_ms = c.equal_sessions ? session : 0;
  return t;
}

ppb composition::quantile(std::uint32_t cohort, std::uint32_t rank) const {
  const slice& s = slices_[cohort];
  // Mass is at most 1e12 < 2^40, so the product is taken in two halves.
  const std::uint64_t at = (s.mass >> 20) * rank / (std::uint64_t{1} << 12) + ((s.mass & 0xFFFFF) * rank >> 32);
  std::size_t i = s.pieces.size() - 1;
  while (i > 0 && s.pieces[i].from_mass > at)
    --i;
  const piece& p = s.pieces[i];
  return static_cast<ppb>(p.from + (at - p.from_mass) / p.share);
}

std::int64_t composition::daily_speech_ms(const user_traits& traits, std::uint32_t day, random_stream& random) const {
  const cohort& c = people_->cohorts[traits.cohort];
  // 1970-01-01 was a Thursday, day 4 when Sunday is 0.
  const auto weekday = static_cast<std::size_t>((day_begin(traits, day) + traits.zone_ms) / day_ms + 4) % 7;
  const bool speaks = random.chance(c.speaks_on[weekday]);
  const std::uint32_t noise = random.next();
  if (!speaks) return 0;
  // Level plus symmetric noise, folded at both ends like a ray between mirrors: users keep their level, and yet the
  // ranks of all user-days stay uniform, so no band is left or flooded.
  const std::int64_t shift = (std::int64_t{noise} * 2 - UINT32_MAX) * c.day_to_day / always;
  constexpr std::int64_t mirror = std::int64_t{1} << 32;
  std::int64_t rank = (traits.level + shift) & (2 * mirror - 1);
  if (rank >= mirror) rank = 2 * mirror - 1 - rank;
  return people_->daily_speech.at(quantile(traits.cohort, static_cast<std::uint32_t>(rank)));
}

time_ms composition::day_begin(const user_traits& traits, std::uint32_t day) const {
  const time_ms ahead = traits.zone_ms > 0 ? day_ms - traits.zone_ms : -traits.zone_ms;
  return people_->start + ahead + day * day_ms;
}

} // namespace fairuse::sim
