// SPDX-License-Identifier: Apache-2.0
//
// The review caller for scripts: asks for all reviews of stdin and prints them as they end, then the figures;
// what the log says goes to stderr.
//
//   review_driver SETTINGS.yaml [--limits FILE] [--record DIR] [--play DIR] [--print] < reviews.ndjson
//
// SETTINGS.yaml holds the keys of `reviewer`. A line is one of labelled_review.hpp; around it `{"review": LINE,
// "answer_by_ms": from now, "copies": N}`, the n-th review is user `u<n>`. `{"later_ms": N}` waits for all reviews and
// then lets so much time pass for the caller. --print prints the body of each request and calls nobody.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "api/reviewer/access.hpp"
#include "api/reviewer/chat_request.hpp"
#include "api/reviewer/labelled_review.hpp"
#include "api/reviewer/review_caller.hpp"

namespace {

using namespace fairuse;
using json = nlohmann::json;

struct driver {
  review_caller_options options;
  bool is_printing = false;
  std::unique_ptr<review_caller> caller;
  std::int64_t passed_ms = 0;
  std::uint64_t asked = 0;

  time_ms now() const {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count() + passed_ms;
  }
  void take(const json& line);
  void ask(review_request request, const json& line);
  void poll();
  void print_figures() const;
};

[[noreturn]] void end_with(const std::string& message) {
  std::cerr << message << '\n';
  std::exit(2);
}

void print(const finished_review& done) {
  const auto& answer = done.answer;
  json line{{"handle", done.handle},        {"uid", done.uid},
            {"failed", answer.failed},      {"why", label_of(done.why)},
            {"attempts", done.attempts},    {"score_nano", answer.score_nano},
            {"type", to_text(answer.type)}, {"evidence", answer.evidence},
            {"model", answer.model},        {"prompt_version", answer.prompt_version},
            {"request", answer.request}};
  if (done.cost_micro) line["cost_micro"] = *done.cost_micro;
  std::cout << line.dump() << std::endl;
}

void driver::ask(review_request request, const json& line) {
  request.uid = "u" + std::to_string(++asked);
  request.request = "live-" + std::to_string(asked);
  if (line.contains("answer_by_ms")) request.answer_by = now() + line["answer_by_ms"].get<std::int64_t>();
  if (is_printing) {
    std::cout << chat_body(options.settings, make_messages(options.prompts, request), options.settings.format) << '\n';
    return;
  }
  while (caller->room() == 0)
    poll();
  caller->ask(std::move(request), asked, now());
}

void driver::poll() {
  for (const auto& each : caller->poll(now(), 200))
    print(each);
}

void driver::take(const json& line) {
  if (line.contains("later_ms")) {
    while (caller->open() > 0)
      poll();
    passed_ms += line["later_ms"].get<std::int64_t>();
    return;
  }
  const auto review = read_labelled((line.contains("review") ? line["review"] : line).dump());
  if (not review) end_with(review.error().message);
  for (int copy = line.value("copies", 1); copy > 0; --copy)
    ask(review->request, line);
}

void driver::print_figures() const {
  const auto figures = caller->figures();
  json line{{"calls", figures.calls},
            {"retries", figures.retries},
            {"cost_micro", figures.cost_micro},
            {"paused", figures.is_paused},
            {"format", to_text(figures.format)},
            {"ended", json::object()},
            {"input_tokens", figures.input_tokens},
            {"output_tokens", figures.output_tokens}};
  for (std::size_t i = 0; i < review_failure_count; ++i)
    if (figures.ended[i] > 0) line["ended"][std::string(label_of(static_cast<review_failure>(i)))] = figures.ended[i];
  if (const auto problem = caller->problem()) line["problem"] = problem->message;
  std::cout << json{{"figures", line}}.dump() << std::endl;
}

void read_settings(const std::string& file, driver& into) {
  yaml::diagnostics problems{file};
  const auto root = yaml::load(file, problems);
  reviewer_settings settings;
  if (root) {
    yaml::map_reader keys{*root, "reviewer", problems};
    bind_reviewer(keys, std::filesystem::path{file}.parent_path(), true, settings);
  }
  if (not problems.ok()) end_with(problems.text());
  if (into.options.play.empty() and not into.is_printing) {
    auto access = find_access(settings, [](const char* name) {
      const char* value = std::getenv(name);
      return std::string{value == nullptr ? "" : value};
    });
    if (not access) end_with(access.error().message);
    settings = access->settings;
    into.options.key = access->key;
  }
  into.options.settings = settings;
  auto prompts = load_prompts(settings.prompts, settings.prompt_version);
  if (not prompts) end_with(prompts.error().message);
  into.options.prompts = std::move(*prompts);
}

void read_words(int count, char** words, driver& into) {
  for (int i = 2; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--print") {
      into.is_printing = true;
      continue;
    }
    auto& folder = word == "--limits"   ? into.options.limits_file
                   : word == "--record" ? into.options.record
                                        : into.options.play;
    folder = words[++i];
  }
}

} // namespace

int main(int count, char** words) {
  driver all;
  all.options.log = [](log_level, const std::string& text) { std::cerr << text << '\n'; };
  read_words(count, words, all);
  read_settings(words[1], all);
  if (not all.is_printing) {
    auto made = review_caller::make(all.options, all.now());
    if (not made) end_with(made.error().message);
    all.caller = std::move(*made);
  }
  std::string text;
  while (std::getline(std::cin, text))
    all.take(json::parse(text));
  if (all.is_printing) return 0;
  while (all.caller->open() > 0)
    all.poll();
  all.print_figures();
  return 0;
}
