// SPDX-License-Identifier: Apache-2.0
#include "api/http/reply_text.hpp"

#include <algorithm>
#include <array>

#include "api/http/problem.hpp"

namespace fairuse {

namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

bool is_one_line(std::string_view text) { return text.find_first_of(std::string_view{"\r\n\0", 3}) == text.npos; }

// Both say by their number that no body follows.
bool has_no_body(int status) { return status == 204 or status == 304; }

} // namespace

bool can_be_sent(const http_reply& reply) {
  return is_one_line(reply.content_type)
         and std::all_of(reply.headers.begin(), reply.headers.end(),
                         [](const auto& each) { return is_one_line(each.first) and is_one_line(each.second); });
}

std::string reply_text(const http_reply& reply, const reply_frame& frame) {
  std::string out;
  out.reserve(512 + reply.body.size());
  out.append("HTTP/1.1 ").append(std::to_string(reply.status)).append(" ");
  out.append(status_phrase(reply.status)).append("\r\n");
  append_field(out, "Date", frame.date);
  if (not reply.content_type.empty()) append_field(out, "Content-Type", reply.content_type);
  if (not has_no_body(reply.status)) append_field(out, "Content-Length", std::to_string(reply.body.size()));
  append_field(out, "Cache-Control", "no-store");
  append_field(out, "X-Content-Type-Options", "nosniff");
  append_field(out, "Trace-Id", frame.trace_id);
  if (not frame.keeps_alive) append_field(out, "Connection", "close");
  if (frame.keeps_alive and frame.is_http_1_0) append_field(out, "Connection", "keep-alive");
  for (const auto& [name, value] : reply.headers)
    append_field(out, name, value);
  out.append("\r\n");
  if (not frame.without_body and not has_no_body(reply.status)) out.append(reply.body);
  return out;
}

std::string http_date(std::time_t at) {
  constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  gmtime_r(&at, &parts);
  // Names are ours, so that no locale changes them; strftime writes numbers only.
  std::array<char, 32> numbers{};
  const auto day = std::string{days[static_cast<std::size_t>(parts.tm_wday)]};
  const auto month = std::string{months[static_cast<std::size_t>(parts.tm_mon)]};
  const auto pattern = day + ", %d " + month + " %Y %H:%M:%S GMT";
  return {numbers.data(), std::strftime(numbers.data(), numbers.size(), pattern.c_str(), &parts)};
}

} // namespace fairuse
