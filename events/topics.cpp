// SPDX-License-Identifier: Apache-2.0

#include "events/topics.hpp"

namespace fairuse {

namespace {

template <class Text, class Names>
std::array<std::pair<topic_role, Text*>, topic_names::count> named_of(Names& of) {
  return {{{topic_role::decisions, &of.decisions},
           {topic_role::notifications, &of.notifications},
           {topic_role::enforcement, &of.enforcement},
           {topic_role::review_requests, &of.review_requests},
           {topic_role::dead_letters, &of.dead_letters},
           {topic_role::policies, &of.policies},
           {topic_role::journal, &of.journal},
           {topic_role::changelog, &of.changelog}}};
}

} // namespace

std::string_view to_text(topic_role value) {
  switch (value) {
    case topic_role::input:
      return "input";
    case topic_role::decisions:
      return "decisions";
    case topic_role::notifications:
      return "notifications";
    case topic_role::enforcement:
      return "enforcement";
    case topic_role::review_requests:
      return "review_requests";
    case topic_role::dead_letters:
      return "dead_letters";
    case topic_role::policies:
      return "policies";
    case topic_role::journal:
      return "journal";
    case topic_role::changelog:
      return "changelog";
    case topic_role::notification_ends:
      return "notification_ends";
    case topic_role::instances:
      break;
  }
  return "instances";
}

std::array<std::pair<topic_role, const std::string*>, topic_names::count> topic_names::named() const {
  return named_of<const std::string>(*this);
}

std::array<std::pair<topic_role, std::string*>, topic_names::count> topic_names::named() {
  return named_of<std::string>(*this);
}

std::vector<std::string> topic_names::all() const {
  std::vector<std::string> names;
  names.reserve(count);
  for (const auto& [role, name] : named())
    names.push_back(*name);
  return names;
}

} // namespace fairuse
