// SPDX-License-Identifier: Apache-2.0
#include "config/notifier_settings.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/pure/text.hpp"
#include "config/kafka_settings.hpp"
#include "config/named_path.hpp"
#include "config/web_address.hpp"
#include "events/event.hpp"

namespace fairuse {

namespace {

using yaml::map_reader;
using yaml::need;

class notifier_binder {
public:
  notifier_binder(map_reader& from, const std::filesystem::path& folder, notifier_settings& into,
                  yaml::diagnostics& of_messages)
    : from_{from}, folder_{folder}, into_{into}, of_messages_{of_messages} {}

  void bind() {
    bind_url();
    bind_file(from_, "secret_file", folder_, into_.secret_file);
    bind_send();
    bind_messages();
    // No message makes sense without them.
    filled_text("product", into_.product);
    filled_text("appeal", into_.appeal);
    bind_times();
    from_.count("concurrency", into_.concurrency, {1, 256});
    from_.text("proxy", into_.proxy);
    bind_file(from_, "ca_file", folder_, into_.ca_file);
    bind_listen();
    if (from_.text("ends_topic", into_.ends_topic))
      if (const auto problem = topic_problem(into_.ends_topic); not problem.empty()) from_.error("ends_topic", problem);
    from_.flag("with_engine", into_.with_engine);
    from_.finish();
  }

private:
  void bind_url() {
    if (not from_.text("url", into_.url, need::required)) return;
    const auto& url = into_.url;
    if (not is_web_address(url))
      from_.error("url", "expected the address of a webhook, such as https://mailer.example/fairuse");
    else if (authority_of(url).find('@') != std::string_view::npos)
      from_.error("url", "holds a login; the signature tells the receiver who sent it");
    else if (url.starts_with("http://") and not stays_on_the_machine(url))
      from_.out().report(yaml::severity::warning, from_.at("url"),
                         from_.called("url") + ": users and messages to them can be read on the way; write https://");
  }

  void filled_text(std::string_view key, std::string& into) {
    if (from_.text(key, into, need::required) and into.empty()) from_.error(key, "is empty");
  }

  void bind_send() {
    std::vector<std::string> names;
    if (not from_.texts("send", names)) return;
    into_.send.clear();
    for (const auto& each : names) {
      static constexpr std::string_view known[] = {"stage", "budget_low", "budget_exhausted", "exemption_ended"};
      if (const auto about = notice_about_from(each))
        into_.send.push_back(*about);
      else
        from_.error("send", "there is no '" + each + "'" + yaml::did_you_mean_one_of(each, known));
    }
    if (names.empty()) from_.error("send", "is empty, so nobody would be told anything; leave out the whole section");
  }

  void bind_messages() {
    std::filesystem::path messages;
    if (bind_folder(from_, "messages", folder_, messages)) into_.messages = load_messages(messages, of_messages_);
    if (from_.text("default_locale", into_.default_locale) and not is_locale(into_.default_locale))
      from_.error("default_locale", "'" + into_.default_locale + "' is no language such as en or pt-BR");
    else if (of_messages_.ok() and not into_.messages.contains(lower(into_.default_locale)))
      from_.error("default_locale", "there are no messages in '" + into_.default_locale + "', only in " + languages());
  }

  std::string languages() const {
    std::string all;
    for (const auto& [key, each] : into_.messages)
      all.append(all.empty() ? "" : ", ").append(each.locale);
    return all.empty() ? "none" : all;
  }

  void bind_times() {
    from_.duration("timeout", into_.timeout_ms, {second_ms, 300 * second_ms});
    from_.duration("give_up_after", into_.give_up_after_ms, {second_ms, 30 * day_ms});
    auto retry = from_.map("retry");
    if (not retry) return;
    retry->duration("first", into_.retry_first_ms, {10, hour_ms});
    retry->duration("most", into_.retry_most_ms, {10, day_ms});
    if (into_.retry_most_ms < into_.retry_first_ms) retry->error("most", "is shorter than retry.first");
    retry->finish();
  }

  void bind_listen() {
    if (from_.text("listen", into_.listen) and not into_.listen.empty() and not is_address_and_port(into_.listen))
      from_.error("listen",
                  "expected address:port with a port up to 65535, such as 127.0.0.1:9464, not '" + into_.listen + "'");
  }

  map_reader& from_;
  const std::filesystem::path& folder_;
  notifier_settings& into_;
  yaml::diagnostics& of_messages_;
};

} // namespace

void bind_notifier(map_reader& from, const std::filesystem::path& folder, notifier_settings& into,
                   yaml::diagnostics& of_messages) {
  notifier_binder{from, folder, into, of_messages}.bind();
}

} // namespace fairuse
