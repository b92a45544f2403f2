// SPDX-License-Identifier: Apache-2.0

#include "cli/promotion_check.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "config/yaml.hpp"
#include "events/time_text.hpp"

namespace fairuse::cli {

namespace {

class promotion_check {
public:
  explicit promotion_check(const promotion_question& question) : of_(question) {}

  command_result<std::vector<std::string>> check() {
    const auto in_file = std::find_if(of_.deployment.shadows.begin(), of_.deployment.shadows.end(),
                                      [this](const policy& each) { return each.name == of_.policy; });
    const auto* configured = in_file == of_.deployment.shadows.end() ? nullptr : &*in_file;
    if (of_.told == nullptr or not of_.told->is_current()) {
      if (configured == nullptr) return unknown({});
      notices_.push_back(fmt::format(
          "whether the running engines have loaded {} is not known here: `fairuse partitions --state DIR` shows it "
          "where they run, and one that has not makes a dead letter (`bad_value` at data.policy)",
          of_.policy));
      return std::move(notices_);
    }
    if (auto looked = look_at_partitions(configured); not looked) return looked.error();
    return std::move(notices_);
  }

private:
  command_result<> look_at_partitions(const policy* configured) {
    std::size_t ready = 0;
    std::size_t loaded = 0;
    bool is_live = false;
    const policy_view* found = nullptr;
    std::vector<std::string_view> shadows;
    for (const auto& each : of_.told->view().partitions) {
      if (not each.rules) continue;
      ++ready;
      is_live = is_live or each.rules->live.name == of_.policy;
      for (const auto& shadow : each.rules->shadows) {
        shadows.emplace_back(shadow.name);
        if (shadow.name != of_.policy) continue;
        ++loaded;
        found = &shadow;
        if (shadow.complete_from and *shadow.complete_from > each.now) return incomplete(*shadow.complete_from);
      }
    }
    if (loaded == 0 and is_live)
      return command_error{exit_usage, fmt::format("{} is live already: there is nothing to promote", of_.policy)};
    if (configured == nullptr and loaded == 0) return unknown(shadows);
    if (loaded == 0 and ready > 0)
      return command_error{exit_failed,
                           fmt::format("instance {} has not loaded {}, which stands in {}: restart the engines, then "
                                       "send the command again",
                                       of_.told->view().instance, of_.policy, of_.config_file)};
    if (ready < of_.partitions)
      notices_.push_back(
          fmt::format("instance {} tells of {} of {} partitions: whether the others have loaded {} is not "
                      "known here",
                      of_.told->view().instance, ready, of_.partitions, of_.policy));
    if (found != nullptr and configured != nullptr and found->digest != configured->digest)
      notices_.push_back(
          fmt::format("{} has another text of {} than the engines have loaded: theirs is promoted. To "
                      "promote that of the file, restart the engines first",
                      of_.config_file, of_.policy));
    return {};
  }

  command_error unknown(std::vector<std::string_view> loaded) const {
    for (const auto& each : of_.deployment.shadows)
      loaded.emplace_back(each.name);
    std::sort(loaded.begin(), loaded.end());
    loaded.erase(std::unique(loaded.begin(), loaded.end()), loaded.end());
    return {exit_usage, fmt::format("{} loads no shadow policy '{}'{}: only a shadow can be promoted", of_.config_file,
                                    of_.policy, yaml::did_you_mean_one_of(of_.policy, loaded))};
  }

  command_error incomplete(time_ms from) const {
    return {exit_failed, fmt::format("{} is incomplete until {}: its metering is newer than its longest window, so its "
                                     "sums miss speech and it cannot be promoted before",
                                     of_.policy, to_time_text(from))};
  }

  const promotion_question& of_;
  std::vector<std::string> notices_;
};

} // namespace

command_result<std::vector<std::string>> check_promotion(const promotion_question& question) {
  return promotion_check{question}.check();
}

} // namespace fairuse::cli
