// SPDX-License-Identifier: Apache-2.0

#include "cli/log.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/pure/hex.hpp"
#include "cli/output.hpp"
#include "events/json_text.hpp"

namespace fairuse::cli {

namespace {

constexpr std::string_view trace_mark = ", trace ";
constexpr std::size_t trace_digits = 32;

/// Bytes that are no UTF-8 (of a file's name, say) become question marks.
std::string as_utf8(std::string_view text) {
  std::string made{text};
  for (auto wrong = find_utf8_fault(made); wrong; wrong = find_utf8_fault(made))
    made[*wrong] = '?';
  return made;
}

/// What a message names if a request stands behind it; else empty.
std::string_view trace_of(std::string_view message) {
  const auto mark = message.find(trace_mark);
  if (mark == std::string_view::npos) return {};
  const auto behind = message.substr(mark + trace_mark.size());
  const auto size = std::min(behind.find_first_not_of(hex_digits), behind.size());
  return size == trace_digits ? behind.substr(0, size) : std::string_view{};
}

/// The message as members of a JSON object.
class json_message final : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const auto text = as_utf8({message.payload.data(), message.payload.size()});
    std::string members;
    json_members to{members, false};
    to.text("message", text);
    if (const auto trace = trace_of(text); not trace.empty()) to.text("trace_id", trace);
    out.append(members.data(), members.data() + members.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<json_message>(); }
};

/// The level before a command's message; an error is known by the exit code.
class level_unless_error final : public spdlog::custom_flag_formatter {
public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    if (message.level == spdlog::level::err) return;
    const auto level = spdlog::level::to_string_view(message.level);
    out.append(level.data(), level.data() + level.size());
    out.push_back(':');
    out.push_back(' ');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<level_unless_error>(); }
};

spdlog::level::level_enum level_from(log_level level) {
  switch (level) {
    case log_level::trace:
      return spdlog::level::trace;
    case log_level::debug:
      return spdlog::level::debug;
    case log_level::warning:
      return spdlog::level::warn;
    case log_level::error:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

void log_with(std::unique_ptr<spdlog::formatter> formatter, log_level least) {
  auto logger = std::make_shared<spdlog::logger>("fairuse", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(level_from(least));
  spdlog::set_default_logger(std::move(logger));
}

// A table is one line of the log.
void log_told(const std::string& text) {
  auto end = text.size();
  while (end > 0 and text[end - 1] == '\n')
    --end;
  log_line(log_level::info, text.substr(0, end));
}

} // namespace

void set_up_command_log(log_level least) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<level_unless_error>('*').set_pattern("fairuse: %*%v");
  log_with(std::move(formatter), least);
}

void set_up_engine_log(const log_settings& settings) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (settings.format == log_format::json)
    formatter->add_flag<json_message>('*').set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l"%*})");
  else
    formatter->set_pattern("%H:%M:%S %l: %v");
  log_with(std::move(formatter), settings.level);
  if (settings.format == log_format::json) tell_with(log_told);
}

void log_line(log_level level, const std::string& text) { spdlog::log(level_from(level), "{}", text); }

int fail(int code, const std::string& sentence) {
  tell("fairuse: {}\n", sentence);
  return code;
}

int fail(const command_error& why) { return fail(why.code, why.text); }

int exit_code_of(const command_result<int>& ended) { return ended ? *ended : fail(ended.error()); }

} // namespace fairuse::cli
