// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/access.hpp"

#include "api/reviewer/chat_request.hpp"
#include "base/pure/text.hpp"
#include "base/system/files.hpp"

namespace fairuse {
namespace {

using variables = std::function<std::string(const char*)>;

result<void> find_model(model_access& access, const variables& variable) {
  const auto model = variable("FAIR_USE_CLASSIFIER_MODEL");
  if (model.empty()) return {};
  if (const auto problem = model_problem(model); not problem.empty())
    return error{"FAIR_USE_CLASSIFIER_MODEL " + problem};
  access.notes.push_back("FAIR_USE_CLASSIFIER_MODEL overrides reviewer.model: " + access.settings.model + " -> "
                         + model);
  access.settings.model = model;
  return {};
}

result<void> find_endpoint(model_access& access, const variables& variable) {
  auto& endpoint = access.settings.endpoint;
  if (not endpoint.empty()) return {};
  endpoint = variable("OPENAI_BASE_URL");
  if (endpoint.empty())
    return error{"no endpoint is named; write reviewer: {endpoint: https://...}, or set OPENAI_BASE_URL"};
  if (const auto problem = endpoint_problem(endpoint); not problem.empty()) return error{"OPENAI_BASE_URL: " + problem};
  while (endpoint.ends_with('/'))
    endpoint.pop_back();
  access.notes.push_back("OPENAI_BASE_URL names the endpoint: " + endpoint);
  return {};
}

result<void> find_key(model_access& access, const variables& variable) {
  const auto& file = access.settings.key_file;
  if (file.empty()) {
    access.key = variable("OPENAI_API_KEY");
  } else {
    const auto text = read_file(file);
    if (not text) return text.error();
    access.key = value_alone(*text);
  }
  if (is_key(access.key) or (access.key.empty() and file.empty())) return {};
  return error{(file.empty() ? "OPENAI_API_KEY" : file.string())
               + " holds no key: one line of ASCII characters without spaces"};
}

} // namespace

result<model_access> find_access(const reviewer_settings& settings, const variables& variable) {
  model_access access{settings, {}, {}};
  if (const auto found = find_model(access, variable); not found) return found.error();
  if (const auto found = find_endpoint(access, variable); not found) return found.error();
  if (const auto found = find_key(access, variable); not found) return found.error();
  for (auto& each : reviewer_warnings(access.settings))
    access.notes.push_back(std::move(each));
  return access;
}

} // namespace fairuse
