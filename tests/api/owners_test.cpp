// SPDX-License-Identifier: Apache-2.0
//
// What only the owner of a partition knows is asked of it. The way over other instances is tested on a real broker
// (gate_kafka_test.py).

#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "api/owners/forwarded_identity.hpp"
#include "api/owners/owner_calls.hpp"
#include "tests/test_folder.hpp"

namespace fairuse {

namespace {

constexpr time_ms now = 1'750'000'000'000;
const std::string one_key(32, '1');
const std::string other_key(32, '2');

struct sealing {
  sealing(std::string_view keys) : file{folder.path() / "keys"} {
    std::ofstream{file} << keys;
    auto opened = forwarded_identity::open(file, [](log_level, const std::string&) {});
    BOOST_REQUIRE(opened.has_value());
    identity = std::move(*opened);
  }
  test_folder folder;
  std::filesystem::path file;
  std::unique_ptr<forwarded_identity> identity;
};

principal somebody() { return {.actor = "jwt:ann.b", .uid = "u-1", .roles = {role::user, role::support}}; }

http_request question() {
  http_request made;
  made.method = http_method::post;
  made.method_name = "POST";
  made.path = "/v1/gate";
  made.query = "a=1";
  made.body = "{}";
  made.trace_id = std::string(32, 'a');
  return made;
}

/// Answers as it is told to.
class scripted_engine final : public engine {
public:
  run_result<void> run() override { return {}; }
  void stop() override {}
  std::optional<run_report> report() const override { return std::nullopt; }
  std::vector<owned_partition> owned() const override { return {}; }
  void ask(user_question question) override { answer(std::move(question)); }

  std::function<void(user_question)> answer;
};

/// What done() was called with, once.
class outcome_of_call {
public:
  std::function<void(std::optional<std::string>)> done() {
    return [this](std::optional<std::string> body) {
      const std::lock_guard guard{mutex_};
      ++calls_;
      body_ = std::move(body);
      changed_.notify_all();
    };
  }
  std::optional<std::string> wait() {
    std::unique_lock guard{mutex_};
    changed_.wait(guard, [this] { return calls_ > 0; });
    return body_;
  }
  int calls() const {
    const std::lock_guard guard{mutex_};
    return calls_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  std::optional<std::string> body_;
};

void tell(const user_question& question) {
  const user nobody;
  const controls none;
  const committed_user found{.who = nobody, .in_force = none, .epoch = 41};
  question.told(&found);
}

struct calling {
  owner_call call(std::int64_t deadline_ms = 60'000) {
    return {.uid = "u-1",
            .deadline_ms = deadline_ms,
            .request = question(),
            .who = somebody(),
            .answer =
                [this](const committed_user& found) {
                  ++answers;
                  return "epoch " + std::to_string(found.epoch);
                },
            .done = outcome.done()};
  }

  attached_engine here;
  scripted_engine running;
  outcome_of_call outcome;
  int answers = 0;
  owner_calls calls{{here, nullptr, nullptr, [] { return now; }}};
};

} // namespace

BOOST_AUTO_TEST_SUITE(owners_test)

BOOST_AUTO_TEST_CASE(an_identity_comes_back_as_it_was_sealed) {
  const sealing with{one_key};
  const auto sealed = with.identity->seal(somebody(), question(), now);
  const auto back = with.identity->unseal(sealed, question(), now + 59'000);
  BOOST_REQUIRE(back.has_value());
  BOOST_TEST((back->actor == "jwt:ann.b" and back->uid == "u-1" and back->roles == somebody().roles));
  const principal service{.actor = "gate", .uid = {}, .roles = {role::gateway}};
  BOOST_TEST(with.identity->unseal(with.identity->seal(service, question(), now), question(), now)->uid.empty());
}

BOOST_AUTO_TEST_CASE(a_seal_is_of_one_request_and_one_minute) {
  const sealing with{one_key};
  const auto sealed = with.identity->seal(somebody(), question(), now);
  using change = std::function<void(http_request&)>;
  for (const auto& [what, changed] :
       std::vector<std::pair<std::string, change>>{{"method", [](http_request& of) { of.method_name = "GET"; }},
                                                   {"path", [](http_request& of) { of.path = "/v1/events"; }},
                                                   {"query", [](http_request& of) { of.query = ""; }},
                                                   {"body", [](http_request& of) { of.body = "{ }"; }},
                                                   // Parts do not run into each other.
                                                   {"path and query", [](http_request& of) {
                                                      of.path += "a";
                                                      of.query = "=1";
                                                    }}}) {
    auto other = question();
    changed(other);
    BOOST_TEST(not with.identity->unseal(sealed, other, now).has_value(), what);
  }
  BOOST_TEST(not with.identity->unseal(sealed, question(), now + 61'000).has_value());
  BOOST_TEST(not with.identity->unseal(sealed, question(), now - 61'000).has_value());
}

BOOST_AUTO_TEST_CASE(what_was_not_sealed_by_a_known_key_is_nobody) {
  const sealing with{one_key};
  const sealing other{other_key};
  const sealing both{other_key + "\n\n" + one_key + "\r\n"};
  const auto sealed = with.identity->seal(somebody(), question(), now);
  BOOST_TEST(not other.identity->unseal(sealed, question(), now).has_value());
  BOOST_TEST(both.identity->unseal(sealed, question(), now).has_value());
  BOOST_TEST(other.identity->unseal(both.identity->seal(somebody(), question(), now), question(), now).has_value());
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    BOOST_TEST(not with.identity->unseal(changed, question(), now).has_value(), changed);
    BOOST_TEST(not with.identity->unseal(sealed.substr(0, at), question(), now).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_can_be_guessed_is_refused) {
  const test_folder folder;
  const auto file = folder.path() / "keys";
  for (const auto* text : {"", "\n \n", "short"}) {
    std::ofstream{file} << text;
    const auto opened = forwarded_identity::open(file, [](log_level, const std::string&) {});
    BOOST_REQUIRE(not opened.has_value());
    BOOST_TEST(opened.error().message.find("openssl rand -hex 32") != std::string::npos);
  }
  BOOST_TEST(not forwarded_identity::open(folder.path() / "missing", [](log_level, const std::string&) {}).has_value());
}

BOOST_AUTO_TEST_CASE(the_engine_of_this_process_answers) {
  calling of;
  of.running.answer = [](const user_question& asked) {
    BOOST_TEST(asked.uid == "u-1");
    tell(asked);
  };
  of.here.attach(of.running);
  of.calls.run(of.call());
  BOOST_TEST(of.outcome.wait().value_or("") == "epoch 41");
  of.here.detach();
}

BOOST_AUTO_TEST_CASE(without_an_engine_and_others_nobody_answers) {
  calling of;
  of.calls.run(of.call());
  BOOST_TEST(not of.outcome.wait().has_value());
  of.running.answer = [](const user_question& asked) { asked.told(nullptr); };
  of.here.attach(of.running);
  of.calls.run(of.call());
  BOOST_TEST(not of.outcome.wait().has_value());
  of.here.detach();
}

BOOST_AUTO_TEST_CASE(a_call_ends_by_its_deadline_and_nothing_is_answered_behind_it) {
  calling of;
  std::optional<user_question> kept;
  of.running.answer = [&](user_question asked) { kept = std::move(asked); };
  of.here.attach(of.running);
  of.calls.run(of.call(1));
  BOOST_TEST(not of.outcome.wait().has_value());
  tell(*kept);
  BOOST_TEST(of.answers == 0);
  BOOST_TEST(of.outcome.calls() == 1);
  of.here.detach();
}

BOOST_AUTO_TEST_CASE(a_question_that_outlives_the_calls_does_no_harm) {
  std::optional<user_question> kept;
  outcome_of_call outcome;
  {
    calling of;
    of.running.answer = [&](user_question asked) { kept = std::move(asked); };
    of.here.attach(of.running);
    auto asked = of.call();
    asked.done = outcome.done();
    of.calls.run(std::move(asked));
    of.here.detach();
  }
  BOOST_TEST(not outcome.wait().has_value());
  kept->told(nullptr);
  BOOST_TEST(outcome.calls() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse
