// SPDX-License-Identifier: Apache-2.0

#include "api/owners/forwarded_identity.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

#include <openssl/crypto.h>

#include "api/identity/watched_file.hpp"
#include "base/pure/base64.hpp"
#include "base/pure/numbers.hpp"
#include "base/system/hmac.hpp"

namespace fairuse {

namespace {

constexpr std::size_t key_bytes_min = 32;
constexpr std::int64_t valid_for_ms = 60'000;

using key_list = std::vector<std::string>;

std::string_view without_space(std::string_view line) {
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

result<key_list> keys_from(std::string_view text, const std::string& file) {
  key_list keys;
  while (not text.empty()) {
    const auto end = text.find('\n');
    const auto line = without_space(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    if (line.size() < key_bytes_min)
      return error{file + ": a key has to be at least 32 bytes long; make one with `openssl rand -hex 32`"};
    keys.emplace_back(line);
  }
  if (keys.empty()) return error{file + ": there is no key in it; make one with `openssl rand -hex 32`"};
  return keys;
}

/// Each part behind its length, so that no two lists of parts are one text.
class sealing {
public:
  explicit sealing(std::string_view key) : mac_{key} {}
  sealing& add(std::string_view part) {
    mac_.add(std::to_string(part.size()));
    mac_.add(":");
    mac_.add(part);
    return *this;
  }
  std::string finish() {
    const auto code = mac_.finish();
    return std::string(reinterpret_cast<const char*>(code.data()), code.size());
  }

private:
  hmac_sha256 mac_;
};

std::string code_of(std::string_view key, std::string_view told, const http_request& request) {
  return sealing{key}
      .add("fairuse-forwarded-1")
      .add(told)
      .add(request.method_name)
      .add(request.path)
      .add(request.query)
      .add(request.body)
      .finish();
}

/// `at.actor.uid.roles`, each text in base64url, which has no dot.
std::string told_of(const principal& who, time_ms now) {
  return std::to_string(now) + '.' + to_base64url(who.actor) + '.' + to_base64url(who.uid) + '.'
         + to_base64url(to_text(who.roles));
}

std::optional<principal> principal_from(std::string_view told, time_ms now) {
  std::vector<std::string_view> parts;
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = told.find('.');
    parts.push_back(told.substr(0, end));
    told.remove_prefix(end == std::string_view::npos ? told.size() : end + 1);
  }
  if (parts.size() != 4) return std::nullopt;
  const auto at = parse_number<std::int64_t>(parts[0]);
  auto actor = from_base64url(parts[1]);
  auto uid = from_base64url(parts[2]);
  const auto names = from_base64url(parts[3]);
  if (not at or not actor or not uid or not names or std::abs(now - *at) > valid_for_ms) return std::nullopt;
  const auto roles = roles_from(*names);
  if (not roles) return std::nullopt;
  return principal{std::move(*actor), std::move(*uid), *roles};
}

} // namespace

struct forwarded_identity::body {
  std::unique_ptr<watched_file<key_list>> keys;
};

forwarded_identity::forwarded_identity(std::unique_ptr<body> all) : body_{std::move(all)} {}
forwarded_identity::~forwarded_identity() = default;

result<std::unique_ptr<forwarded_identity>> forwarded_identity::open(
    const std::filesystem::path& keys, const std::function<void(log_level, const std::string&)>& log) {
  auto opened = watched_file<key_list>::open(keys, keys_from, log);
  if (not opened) return opened.error();
  auto all = std::make_unique<body>();
  all->keys = std::move(*opened);
  return std::unique_ptr<forwarded_identity>{new forwarded_identity{std::move(all)}};
}

std::string forwarded_identity::seal(const principal& who, const http_request& request, time_ms now) const {
  const auto keys = body_->keys->content(now);
  const auto told = told_of(who, now);
  return told + '.' + to_base64url(code_of(keys->front(), told, request));
}

std::optional<principal> forwarded_identity::unseal(std::string_view sealed, const http_request& request,
                                                    time_ms now) const {
  const auto dot = sealed.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto told = sealed.substr(0, dot);
  const auto code = from_base64url(sealed.substr(dot + 1));
  if (not code) return std::nullopt;
  bool is_ours = false;
  for (const auto& key : *body_->keys->content(now)) {
    const auto wanted = code_of(key, told, request);
    if (code->size() == wanted.size() and CRYPTO_memcmp(code->data(), wanted.data(), wanted.size()) == 0)
      is_ours = true;
  }
  return is_ours ? principal_from(told, now) : std::nullopt;
}

} // namespace fairuse
