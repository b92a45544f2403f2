// SPDX-License-Identifier: Apache-2.0
//
// The HTTP client for scripts: sends all requests of stdin at once and prints answers as they come.
//
//   http_driver [PROXY [CA_FILE]] < requests.ndjson
//
// A request: {"url", "headers"?, "body"?, "timeout_ms"?, "answer_bytes_max"?}; the n-th has ticket n. `{"wake": true}`
// calls wake() from another thread while nothing comes. Exit code 2: the options cannot work.
#include <iostream>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "api/http_client.hpp"

namespace {

using namespace fairuse;
using json = nlohmann::json;

const char* name_of(http_fault fault) {
  constexpr const char* names[] = {"none", "unreachable", "tls", "timed_out", "broken_off", "too_large"};
  return names[static_cast<std::size_t>(fault)];
}

outgoing_request request_of(const json& line) {
  outgoing_request request;
  request.url = line.at("url");
  request.headers = line.value("headers", std::vector<std::string>{});
  request.body = line.value("body", "");
  request.timeout_ms = line.value("timeout_ms", request.timeout_ms);
  request.answer_bytes_max = line.value("answer_bytes_max", request.answer_bytes_max);
  return request;
}

void print(http_client::ticket number, const http_answer& answer) {
  json line{{"ticket", number},    {"fault", name_of(answer.fault)}, {"status", answer.status},
            {"body", answer.body}, {"error", answer.error},          {"took_ms", answer.took_ms}};
  if (answer.retry_after_ms) line["retry_after_ms"] = *answer.retry_after_ms;
  std::cout << line.dump() << std::endl;
}

/// poll() would wait a minute; wake() ends it.
void wait_for_wake(http_client& client) {
  std::thread other{[&client] { client.wake(); }};
  const auto ended = client.poll(60'000).size();
  other.join();
  std::cout << json{{"woken", true}, {"ended", ended}}.dump() << std::endl;
}

} // namespace

int main(int count, char** words) {
  http_client_options options;
  if (count > 1) options.proxy = words[1];
  if (count > 2) options.ca_file = words[2];
  auto client = http_client::make(options);
  if (not client) {
    std::cerr << client.error().message << '\n';
    return 2;
  }
  std::string text;
  while (std::getline(std::cin, text)) {
    const auto line = json::parse(text);
    if (line.contains("wake"))
      wait_for_wake(**client);
    else
      (*client)->send(request_of(line));
  }
  while ((*client)->under_way() > 0)
    for (const auto& [number, answer] : (*client)->poll(60'000))
      print(number, answer);
  return 0;
}
