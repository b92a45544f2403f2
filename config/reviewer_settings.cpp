// SPDX-License-Identifier: Apache-2.0

#include "config/reviewer_settings.hpp"

#include "base/pure/text.hpp"
#include "config/named_path.hpp"
#include "config/web_address.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

using yaml::map_reader;

constexpr std::int64_t second = 1'000;
constexpr std::int64_t minute = 60 * second;
/// A million of any currency in micro-units.
constexpr std::int64_t money_max_micro = 1'000'000'000'000;
constexpr int money_decimals = 6;
/// What an event can hold.
constexpr std::size_t model_bytes_max = 256;

class reviewer_binder {
public:
  reviewer_binder(map_reader& from, const std::filesystem::path& folder, reviewer_settings& into)
    : from_{from}, folder_{folder}, into_{into} {}

  void bind() {
    if (from_.text("model", into_.model))
      if (const auto problem = model_problem(into_.model); not problem.empty()) from_.error("model", problem);
    bind_endpoint();
    bind_prompts();
    bind_form();
    from_.duration("timeout", into_.timeout_ms, {second, 10 * minute});
    from_.count("retries", into_.retries, {0, 20});
    from_.count("concurrency", into_.concurrency, {1, 1'000});
    from_.count("waiting_max", into_.waiting_max, {0, 100'000});
    from_.count("evidence_max", into_.evidence_max, {0, 10});
    bind_per_hour();
    bind_price();
    bind_breaker();
    from_.text("proxy", into_.proxy);
    bind_file(from_, "ca_file", folder_, into_.ca_file);
    if (from_.text("listen", into_.listen) and not into_.listen.empty() and not is_address_and_port(into_.listen))
      from_.error("listen",
                  "expected address:port with a port up to 65535, such as 127.0.0.1:9464, not '" + into_.listen + "'");
    from_.flag("with_engine", into_.with_engine);
  }

private:
  std::filesystem::path resolved(const std::string& text) const { return (folder_ / text).lexically_normal(); }

  void bind_endpoint() {
    if (from_.text("endpoint", into_.endpoint) and not into_.endpoint.empty()) {
      if (const auto problem = endpoint_problem(into_.endpoint); not problem.empty()) from_.error("endpoint", problem);
      while (into_.endpoint.ends_with('/'))
        into_.endpoint.pop_back();
    }
    bind_file(from_, "key_file", folder_, into_.key_file);
    from_.choose("key_header", into_.key_in,
                 {{"authorization", key_header::authorization}, {"api-key", key_header::api_key}});
    if (from_.text("query", into_.query) and into_.query.find_first_of("?#& \t\r\n") == 0)
      from_.error("query", "is written without the '?' before it, such as api-version=2024-10-21");
    else if (into_.query.find_first_of("# \t\r\n") != std::string::npos)
      from_.error("query", "holds a character that no address has; write it as %20 and the like");
  }

  void bind_prompts() {
    into_.prompts = resolved("prompts");
    bind_folder(from_, "prompts", folder_, into_.prompts);
    from_.name("prompt_version", into_.prompt_version);
  }

  void bind_form() {
    from_.choose("response_format", into_.format,
                 {{"json_schema", answer_format::json_schema},
                  {"json_object", answer_format::json_object},
                  {"text", answer_format::text}});
    std::int64_t temperature = 0;
    if (from_.decimal("temperature", temperature, 9, {0, 2'000'000'000})) into_.temperature_nano = temperature;
  }

  void bind_per_hour() {
    auto limit = from_.map("per_hour");
    if (not limit) return;
    limit->count("requests", into_.per_hour.requests, {1, 10'000'000});
    limit->decimal("money", into_.per_hour.money_micro, money_decimals, {1, money_max_micro});
    limit->finish();
  }

  void bind_price() {
    auto price = from_.map("price");
    if (price) {
      price->decimal("input_per_million", into_.price.input_micro, money_decimals, {0, money_max_micro});
      price->decimal("output_per_million", into_.price.output_micro, money_decimals, {0, money_max_micro});
      price->finish();
    }
    if (into_.per_hour.money_micro > 0 and into_.price.input_micro == 0 and into_.price.output_micro == 0)
      from_.error("per_hour",
                  "money is limited, but no price is known; write price: {input_per_million: ..., "
                  "output_per_million: ...}");
  }

  void bind_breaker() {
    auto breaker = from_.map("breaker");
    if (not breaker) return;
    breaker->count("failures", into_.breaker.failures, {1, 1'000'000});
    breaker->duration("pause", into_.breaker.pause_ms, {second, 60 * minute});
    breaker->finish();
  }

  map_reader& from_;
  const std::filesystem::path& folder_;
  reviewer_settings& into_;
};

} // namespace

std::string_view to_text(answer_format value) {
  switch (value) {
    case answer_format::json_schema:
      return "json_schema";
    case answer_format::json_object:
      return "json_object";
    case answer_format::text:
      break;
  }
  return "text";
}

void bind_reviewer(yaml::map_reader& reviewer, const std::filesystem::path& folder, bool local,
                   reviewer_settings& into) {
  reviewer_binder{reviewer, folder, into}.bind();
  if (into.with_engine and not local)
    reviewer.error("with_engine", "works in local mode only; on Kafka start `fairuse reviewer` beside the engine");
  reviewer.finish();
}

std::string model_problem(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.size() > model_bytes_max) return "has more than 256 bytes";
  if (has_control(text)) return "holds a control character";
  return find_utf8_fault(text) ? "is no UTF-8" : "";
}

std::string endpoint_problem(std::string_view text) {
  if (not is_web_address(text)) return "expected a base URL such as https://api.openai.com/v1";
  // Addresses stand in logs.
  if (authority_of(text).find('@') != std::string_view::npos)
    return "holds a login; a key stands in key_file or in OPENAI_API_KEY";
  if (text.find_first_of("?#") != std::string_view::npos)
    return "expected a base URL without '?'; what stands behind it is `query`";
  if (text.find("/chat/completions") != std::string_view::npos)
    return "expected the base URL; /chat/completions is added to it";
  return {};
}

std::vector<std::string> reviewer_warnings(const reviewer_settings& settings) {
  if (not settings.endpoint.starts_with("http://") or stays_on_the_machine(settings.endpoint)) return {};
  return {"reviewer.endpoint: the connection to " + std::string{authority_of(settings.endpoint)}
          + " is not encrypted: conversations, and the key, can be read on the way; write https://"};
}

} // namespace fairuse
