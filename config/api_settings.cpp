// SPDX-License-Identifier: Apache-2.0
#include "config/api_settings.hpp"

#include <algorithm>
#include <string_view>

#include "base/pure/text.hpp"
#include "config/kafka_settings.hpp"
#include "config/named_path.hpp"
#include "config/web_address.hpp"

namespace fairuse {

namespace {

using yaml::map_reader;
using yaml::need;

/// RFC 9110's `token`.
bool is_header_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' and c <= '9') or (lower(c) >= 'a' and lower(c) <= 'z')
           or std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
  };
  return not text.empty() and std::all_of(text.begin(), text.end(), fits);
}

/// All of IPv4 is enough for that.
bool holds_everybody(const ip_range& range) {
  return range.contains(*ip_address_from("0.0.0.0")) and range.contains(*ip_address_from("255.255.255.255"));
}

/// Headers that say something else already.
bool is_taken(std::string_view header) {
  static constexpr std::string_view taken[] = {"authorization",  "connection",       "content-encoding",
                                               "content-length", "content-type",     "cookie",
                                               "host",           "transfer-encoding"};
  return std::find(std::begin(taken), std::end(taken), header) != std::end(taken);
}

class api_binder {
public:
  api_binder(map_reader& from, const std::filesystem::path& folder, api_settings& into)
    : from_{from}, folder_{folder}, into_{into} {}

  void bind() {
    bind_listen();
    bind_owner();
    bind_status_listen();
    bind_file(from_, "tokens", folder_, into_.tokens);
    bind_jwt();
    bind_proxies();
    bind_limits();
    from_.finish();
  }

private:
  void bind_listen() {
    if (not from_.text("listen", into_.listen) or into_.listen.empty()) return;
    if (not is_address_and_port(into_.listen))
      from_.error("listen",
                  "expected address:port with a port up to 65535, such as 127.0.0.1:8080, not '" + into_.listen + "'");
    else if (not from_.has("tokens") and not from_.has("jwt") and not from_.has("proxies"))
      from_.error("listen", "nobody could ask; say in tokens, jwt or proxies who may");
    else if (not is_loopback(into_.listen))
      from_.out().report(yaml::severity::warning, from_.at("listen"),
                         from_.called("listen") + ": tokens can be read on the way; listen on 127.0.0.1, behind a "
                                                  "proxy that speaks TLS");
  }

  void bind_owner() {
    if (from_.text("advertise", into_.advertise) and not is_own_address(into_.advertise))
      from_.error("advertise",
                  "expected the address by which other instances reach this one, such as "
                  "http://10.0.0.7:8080, not '"
                      + into_.advertise + "'");
    bind_file(from_, "forward_key", folder_, into_.forward_key);
    if (not into_.advertise.empty() and into_.forward_key.empty())
      from_.error("advertise",
                  "needs forward_key, a file with a key that all instances share: "
                  "`openssl rand -hex 32 > forward.key`");
    if (from_.text("instances_topic", into_.instances_topic))
      if (const auto problem = topic_problem(into_.instances_topic); not problem.empty())
        from_.error("instances_topic", problem);
  }

  void bind_status_listen() {
    auto& into = into_.status_listen;
    if (from_.text("status_listen", into) and not into.empty() and not is_address_and_port(into))
      from_.error("status_listen",
                  "expected address:port with a port up to 65535, such as 127.0.0.1:9464, not '" + into + "'");
  }

  static void filled_text(map_reader& from, std::string_view key, std::string& into, need how) {
    if (from.text(key, into, how) and into.empty()) from.error(key, "is empty");
  }

  void bind_jwt() {
    auto from = from_.map("jwt");
    if (not from) return;
    auto& jwt = into_.jwt;
    bind_file(*from, "jwks", folder_, jwt.jwks, need::required);
    // Without them, a token that was made for another service would do.
    filled_text(*from, "issuer", jwt.issuer, need::required);
    filled_text(*from, "audience", jwt.audience, need::required);
    filled_text(*from, "uid_claim", jwt.uid_claim, need::optional);
    filled_text(*from, "roles_claim", jwt.roles_claim, need::optional);
    if (jwt.uid_claim == jwt.roles_claim) from->error("roles_claim", "is the claim of uid_claim, too");
    from->finish();
  }

  void bind_proxies() {
    auto from = from_.map("proxies");
    if (not from) return;
    auto& proxies = into_.proxies;
    bind_addresses(*from, proxies.addresses);
    bind_header(*from, "uid_header", proxies.uid_header, need::required);
    bind_header(*from, "roles_header", proxies.roles_header, need::optional);
    if (not proxies.uid_header.empty() and proxies.uid_header == proxies.roles_header)
      from->error("roles_header", "is the header of uid_header, too");
    from->finish();
  }

  static void bind_addresses(map_reader& from, std::vector<ip_range>& into) {
    std::vector<std::string> texts;
    if (not from.texts("addresses", texts, need::required)) return;
    if (texts.empty()) from.error("addresses", "is empty, so no header would be believed; leave out all of proxies");
    for (const auto& each : texts) {
      const auto range = ip_range_from(each);
      if (not range)
        from.error("addresses", range.error().message);
      else if (holds_everybody(*range))
        from.error("addresses", "'" + each + "' is everybody, so anybody could be anybody; name the proxies");
      else
        into.push_back(*range);
    }
  }

  static void bind_header(map_reader& from, std::string_view key, std::string& into, need how) {
    std::string name;
    if (not from.text(key, name, how)) return;
    into = lower(name);
    if (not is_header_name(into))
      from.error(key, "expected the name of a header, such as X-User, not '" + name + "'");
    else if (is_taken(into))
      from.error(key, "'" + name + "' says something else already; let the proxy set one of its own, such as X-User");
  }

  void bind_limits() {
    auto from = from_.map("limits");
    if (not from) return;
    auto& limits = into_.limits;
    bind_rate(*from, "user", limits.user);
    bind_rate(*from, "staff", limits.staff);
    bind_rate(*from, "service", limits.service);
    bind_rate(*from, "failed", limits.failed);
    bind_header(*from, "address_header", limits.address_header, need::optional);
    from->finish();
  }

  static void bind_rate(map_reader& of, std::string_view key, request_rate& into) {
    constexpr std::int64_t most = 1'000'000;
    auto from = of.map(key);
    if (not from) return;
    // None is said of either by the other: a burst alone would be one of another rate.
    from->count("per_second", into.per_second, {0, most}, need::required);
    from->count("burst", into.burst, {1, most}, into.per_second == 0 ? need::optional : need::required);
    from->finish();
  }

  map_reader& from_;
  const std::filesystem::path& folder_;
  api_settings& into_;
};

} // namespace

bool is_own_address(std::string_view url) {
  const auto authority = authority_of(url);
  return is_web_address(url) and url.ends_with(authority) and authority.find('@') == std::string_view::npos;
}

void bind_api(map_reader& from, const std::filesystem::path& folder, api_settings& into) {
  api_binder{from, folder, into}.bind();
}

} // namespace fairuse
