// SPDX-License-Identifier: Apache-2.0
#include "api/identity/token_file.hpp"

#include <algorithm>
#include <utility>

#include <openssl/crypto.h>

#include "api/identity/principal.hpp"
#include "api/identity/token.hpp"
#include "base/pure/hex.hpp"
#include "base/pure/text.hpp"

namespace fairuse {

namespace {

constexpr std::string_view digest_mark = "sha256:";
constexpr std::string_view uid_mark = "uid:";
constexpr std::size_t token_name_bytes_max = 64;

bool is_token_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= '0' and c <= '9') or (lower(c) >= 'a' and lower(c) <= 'z')
           or std::string_view{"._@+-"}.find(c) != std::string_view::npos;
  };
  return not text.empty() and text.size() <= token_name_bytes_max and std::all_of(text.begin(), text.end(), fits);
}

/// Up to a comment.
std::vector<std::string_view> words_of_line(std::string_view line) {
  constexpr std::string_view space = " \t\r";
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(space), line.size()));
    if (line.empty() or line.front() == '#') return words;
    words.push_back(line.substr(0, line.find_first_of(space)));
    line.remove_prefix(words.back().size());
  }
}

result<sha256_hash> digest_from(std::string_view word) {
  const auto bytes = word.starts_with(digest_mark) ? from_hex(word.substr(digest_mark.size())) : std::nullopt;
  sha256_hash digest{};
  if (not bytes or bytes->size() != digest.size())
    return error{"the third word is not sha256: and 64 lower-case hexadecimal digits"};
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

result<known_token> token_from(const std::vector<std::string_view>& words) {
  // First, so that no other message shows it.
  if (std::any_of(words.begin(), words.end(), is_token))
    return error{
        "holds a token itself, which everybody who can read the file knows now: make a new one with `fairuse token` "
        "and "
        "write the line that it prints; if it is a hash, write sha256: before it"};
  if (words.size() < 3 or words.size() > 4)
    return error{"expected NAME ROLE[,ROLE] sha256:HEX [uid:UID]; `fairuse token` prints such a line"};
  known_token made{.name = std::string{words[0]}};
  const auto digest = digest_from(words[2]);
  if (not digest) return digest.error();
  made.digest = *digest;
  const auto roles = roles_from(words[1]);
  if (not roles) return roles.error();
  made.roles = *roles;
  if (words.size() == 4) {
    if (not words[3].starts_with(uid_mark)) return error{"the fourth word is not uid: and the id of a user"};
    made.uid = words[3].substr(uid_mark.size());
    if (made.uid.empty()) return error{"there is no id behind uid:"};
  }
  if (const auto fits = check_token(made); not fits) return fits.error();
  return made;
}

/// Nothing is there twice.
result<void> check_new(const known_token& token, const std::vector<known_token>& before) {
  if (before.size() == token_file::tokens_max)
    return error{"there are more than " + std::to_string(token_file::tokens_max) + " tokens; let users ask by JWT"};
  for (const auto& each : before) {
    if (each.name == token.name) return error{"the name '" + token.name + "' is there twice; give each token its own"};
    if (each.digest == token.digest)
      return error{"'" + token.name + "' has the token of '" + each.name + "'; make one for each with `fairuse token`"};
  }
  return {};
}

} // namespace

result<void> check_token(const known_token& token) {
  if (not is_token_name(token.name)) return error{"the name is not 1 to 64 letters, digits and . _ @ + -"};
  if (token.roles.has(role::user) and token.uid.empty()) return error{"the role user needs the user's id: uid:UID"};
  if (not token.roles.has(role::user) and not token.uid.empty())
    return error{"a uid belongs to the role user, which is not among the roles"};
  const bool is_word = token.uid.find_first_of(" \t") == std::string::npos;
  if (not token.uid.empty() and not(is_asking_uid(token.uid) and is_word))
    return error{"the uid is not the id of a user: 1 to 250 bytes of UTF-8 without spaces, and not *"};
  return {};
}

std::string to_line(const known_token& token) {
  auto line = token.name + " " + to_text(token.roles) + " ";
  line.append(digest_mark).append(to_hex(as_bytes(token.digest)));
  if (not token.uid.empty()) line.append(" ").append(uid_mark).append(token.uid);
  return line;
}

result<token_file> token_file::parse(std::string_view text, const std::string& file) {
  // An editor that is not done has emptied it; nobody who may ask is written as a comment.
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return error{file + ": is empty; write a line with # if nobody may ask by token"};
  token_file made;
  text = without_byte_order_mark(text);
  for (std::size_t line = 1; not text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto words = words_of_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    auto token = token_from(words);
    const auto fits = token ? check_new(*token, made.all_) : result<void>{token.error()};
    if (not fits) return error{file + ":" + std::to_string(line) + ": " + fits.error().message};
    made.all_.push_back(std::move(*token));
  }
  return made;
}

const known_token* token_file::find(std::string_view token) const {
  const auto digest = sha256(token);
  const known_token* found = nullptr;
  for (const auto& each : all_)
    if (CRYPTO_memcmp(each.digest.data(), digest.data(), digest.size()) == 0) found = &each;
  return found;
}

} // namespace fairuse
