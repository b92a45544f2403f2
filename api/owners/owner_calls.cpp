// SPDX-License-Identifier: Apache-2.0

#include "api/owners/owner_calls.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "api/http_client.hpp"
#include "base/pure/trace_id.hpp"
#include "engine/clocks.hpp"

namespace fairuse {

namespace {

/// How exact deadlines are.
constexpr std::int64_t turn_ms = 20;
constexpr std::int64_t connect_ms = 1'000;

/// A call that has not ended. The first that ends it counts.
class open_call {
public:
  explicit open_call(owner_call of) : what{std::move(of)}, until{steady_clock_ms() + what.deadline_ms} {}

  void end(std::optional<std::string> body) {
    std::function<void(std::optional<std::string>)> done;
    {
      const std::lock_guard guard{mutex_};
      done = std::exchange(what.done, nullptr);
    }
    if (done) done(std::move(body));
  }
  bool has_ended() {
    const std::lock_guard guard{mutex_};
    return not what.done;
  }

  owner_call what;
  const std::int64_t until;

private:
  std::mutex mutex_;
};

using call_ref = std::shared_ptr<open_call>;

outgoing_request hop_of(const owner_call& what, const std::string& url, std::string sealed, std::int64_t left_ms) {
  const auto& request = what.request;
  outgoing_request hop{.url = url + request.path + (request.query.empty() ? "" : "?" + request.query)};
  hop.headers = {std::string{forwarded_header} + ": " + sealed,
                 "traceparent: " + traceparent_for(request.trace_id, request.header("traceparent").value_or(""))};
  hop.is_get = request.method != http_method::post;
  hop.body = request.body;
  if (not hop.is_get) hop.headers.emplace_back("Content-Type: application/json");
  if (const auto language = request.header("accept-language"))
    hop.headers.push_back("Accept-Language: " + std::string{*language});
  hop.timeout_ms = left_ms;
  return hop;
}

} // namespace

struct owner_calls::body : std::enable_shared_from_this<owner_calls::body> {
  explicit body(options of) : wanted{std::move(of)} {
    auto made = http_client::make({.connect_timeout_ms = connect_ms});
    if (made) client = std::move(*made);
  }

  void run(const call_ref& call);
  void ask_another(const call_ref& call);
  void work(const std::stop_token& stop);
  void tell(const std::string& url, const http_answer& answer);
  void send_hops();
  void end_overdue();

  const options wanted;
  std::mutex mutex;
  std::vector<std::pair<call_ref, std::string>> hops;
  std::vector<call_ref> open;

  // Of the own thread.
  std::unique_ptr<http_client> client;
  std::map<http_client::ticket, std::pair<call_ref, std::string>> under_way;
  /// By url: what was last wrong there.
  std::map<std::string, int> wrong;
  std::jthread thread;
};

void owner_calls::body::run(const call_ref& call) {
  {
    const std::lock_guard guard{mutex};
    open.push_back(call);
  }
  const auto told = [self = weak_from_this(), call](const committed_user* found) {
    if (found != nullptr)
      // An answer may reserve something, so it is not made for a call that has ended.
      return call->has_ended() ? void() : call->end(call->what.answer(*found));
    if (const auto all = self.lock())
      all->ask_another(call);
    else
      call->end(std::nullopt);
  };
  wanted.here.ask({.uid = call->what.uid, .as_owner = call->what.as_owner, .told = told});
}

void owner_calls::body::ask_another(const call_ref& call) {
  const auto& what = call->what;
  const bool may_hop =
      wanted.owners != nullptr and wanted.identity != nullptr and client != nullptr and not what.was_forwarded;
  auto url = may_hop ? wanted.owners->url_of(what.uid) : std::nullopt;
  if (not url) return call->end(std::nullopt);
  {
    const std::lock_guard guard{mutex};
    hops.emplace_back(call, std::move(*url));
  }
  client->wake();
}

void owner_calls::body::work(const std::stop_token& stop) {
  while (not stop.stop_requested()) {
    send_hops();
    auto ended = client != nullptr ? client->poll(turn_ms) : std::vector<std::pair<http_client::ticket, http_answer>>{};
    if (client == nullptr) std::this_thread::sleep_for(std::chrono::milliseconds{turn_ms});
    for (auto& [ticket, answer] : ended) {
      const auto [call, url] = under_way.extract(ticket).mapped();
      const bool is_answer = answer.fault == http_fault::none and answer.status == 200;
      tell(url, answer);
      call->end(is_answer ? std::optional{std::move(answer.body)} : std::nullopt);
    }
    end_overdue();
  }
}

// Once, until it changes. 503: it does not decide on the user any more, or not yet.
void owner_calls::body::tell(const std::string& url, const http_answer& answer) {
  const int now = answer.fault != http_fault::none ? 0 : answer.status;
  if (now == 200 or now == 503) return void(wrong.erase(url));
  if (const auto known = wrong.find(url); known != wrong.end() and known->second == now) return;
  wrong[url] = now;
  if (now == 0)
    wanted.log(log_level::warning,
               fmt::format("an owner does not answer at {}: is it reached at its `api.advertise` from here?", url));
  else
    wanted.log(log_level::warning,
               fmt::format("an owner at {} answered {} to what was passed on to it: do all instances have the same "
                           "`api.forward_key`, and clocks that agree to a minute?",
                           url, now));
}

void owner_calls::body::send_hops() {
  std::vector<std::pair<call_ref, std::string>> now;
  {
    const std::lock_guard guard{mutex};
    now.swap(hops);
  }
  for (const auto& [call, url] : now) {
    const auto& what = call->what;
    const auto left_ms = std::max<std::int64_t>(1, call->until - steady_clock_ms());
    const auto sealed = wanted.identity->seal(what.who, what.request, wanted.now());
    under_way.emplace(client->send(hop_of(what, url, sealed, left_ms)), std::pair{call, url});
  }
}

void owner_calls::body::end_overdue() {
  std::vector<call_ref> overdue;
  const auto now = steady_clock_ms();
  {
    const std::lock_guard guard{mutex};
    std::erase_if(open, [&](const call_ref& each) {
      if (each->has_ended()) return true;
      if (now < each->until) return false;
      overdue.push_back(each);
      return true;
    });
  }
  for (const auto& each : overdue)
    each->end(std::nullopt);
}

owner_calls::owner_calls(options wanted) : body_{std::make_shared<body>(std::move(wanted))} {
  body_->thread = std::jthread{[all = body_.get()](const std::stop_token& stop) { all->work(stop); }};
}

owner_calls::~owner_calls() {
  body_->thread.request_stop();
  body_->thread.join();
  for (const auto& each : body_->open)
    each->end(std::nullopt);
}

void owner_calls::run(owner_call what) { body_->run(std::make_shared<open_call>(std::move(what))); }

} // namespace fairuse
