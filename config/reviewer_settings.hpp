// SPDX-License-Identifier: Apache-2.0
//
// `reviewer:` of a deployment: which model is asked what an account is used for, how, and how often. All of it was
// checked when the file was loaded, but for what only `fairuse reviewer` needs: that there is an endpoint, and prompts.
//
// `proxy` may hold a password: never log it. Threads: plain values, nothing shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.hpp"

namespace fairuse {

/// How the answer's form is asked for.
enum class answer_format : std::uint8_t { json_schema, json_object, text };

/// Which header carries the key: `Authorization: Bearer KEY` or `api-key: KEY`.
enum class key_header : std::uint8_t { authorization, api_key };

std::string_view to_text(answer_format value);

/// What a million tokens cost, in micro-units of money; 0: nothing, or it is not known.
struct token_price {
  std::int64_t input_micro = 0;
  std::int64_t output_micro = 0;
};

/// Upper bounds of any 60 minutes; 0: none.
struct hourly_limit {
  std::uint32_t requests = 0;
  std::int64_t money_micro = 0;
};

/// After `failures` calls in a row that ended without an answer of the model, none is made for `pause_ms`.
struct breaker_rule {
  std::uint32_t failures = 10;
  std::int64_t pause_ms = 30'000;
};

/// Any endpoint with the OpenAI chat-completions API.
struct reviewer_settings {
  std::string model = "gpt-5.1";
  /// Base URL without a slash at its end; empty: OPENAI_BASE_URL, else the readers of the review requests answer them.
  std::string endpoint;
  /// Holds the API key; empty: OPENAI_API_KEY, else none is sent.
  std::filesystem::path key_file;
  key_header key_in = key_header::authorization;
  /// Behind the `?` of the address; empty: there is none.
  std::string query;
  /// The folder with a folder for each version.
  std::filesystem::path prompts;
  std::string prompt_version = "v1";
  answer_format format = answer_format::json_schema;
  /// 1e-9 units; nullopt: the model's own.
  std::optional<std::int64_t> temperature_nano;
  /// Of one call.
  std::int64_t timeout_ms = 60'000;
  /// After the first call.
  std::uint32_t retries = 4;
  /// Calls at a time, and requests that may wait for one.
  std::uint32_t concurrency = 8;
  std::uint32_t waiting_max = 64;
  hourly_limit per_hour;
  token_price price;
  breaker_rule breaker;
  /// As libcurl takes it; empty: what the environment says.
  std::string proxy;
  /// Certificates to trust instead of the system's; empty: those.
  std::filesystem::path ca_file;
  /// More evidence than this makes an answer wrong.
  std::uint32_t evidence_max = 10;
  /// address:port of /livez and /metrics; empty: they are not served.
  std::string listen;
  /// Local mode: `run` starts the reviewer.
  bool with_engine = false;
};

/// Reads all of `reviewer`. Paths resolve against `folder`. `local`: the deployment is in local mode.
void bind_reviewer(yaml::map_reader& reviewer, const std::filesystem::path& folder, bool local,
                   reviewer_settings& into);

/// Why `text` is no name of a model; empty: it is one.
std::string model_problem(std::string_view text);
/// Why `text` is no base URL; empty: it is one.
std::string endpoint_problem(std::string_view text);

/// What a log should say at start: conversations and a key that travel in the clear.
std::vector<std::string> reviewer_warnings(const reviewer_settings& settings);

} // namespace fairuse
