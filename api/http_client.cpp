// SPDX-License-Identifier: Apache-2.0
#include "api/http_client.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <chrono>
#include <limits>
#include <map>
#include <new>
#include <string_view>

#include <curl/curl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/pure/numbers.hpp"
#include "base/system/files.hpp"

namespace fairuse {
namespace {

using steady = std::chrono::steady_clock;

/// A wait that is longer says nothing more.
constexpr std::int64_t retry_after_ms_max = std::int64_t{366} * 24 * 3'600'000;

struct freed {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* memory) const { BIO_free(memory); }
};

/// CURL and CURLM are both void to C++.
struct multi_freed {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

/// One request and what has come of its answer.
struct transfer {
  http_client::ticket number = 0;
  outgoing_request what;
  http_answer answer;
  std::unique_ptr<curl_slist, freed> headers;
  std::array<char, CURL_ERROR_SIZE> told{};
  std::unique_ptr<CURL, freed> easy;
};

/// Once for the process, before the first handle.
void start_curl() {
  static const auto started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) throw std::bad_alloc();
}

/// A part of an address; empty: it has none.
std::string part_of(const std::string& url, CURLUPart part, unsigned flags) {
  const std::unique_ptr<CURLU, freed> parsed{curl_url()};
  char* text = nullptr;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), flags) != CURLUE_OK) return {};
  if (curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string result{text};
  curl_free(text);
  return result;
}

std::string host_and_port(const std::string& url) {
  return part_of(url, CURLUPART_HOST, 0) + ":" + part_of(url, CURLUPART_PORT, 0);
}

bool is_served(const std::string& url) {
  const auto scheme = part_of(url, CURLUPART_SCHEME, CURLU_NON_SUPPORT_SCHEME);
  return scheme == "http" or scheme == "https";
}

result<void> check_ca_file(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (not text) return text.error();
  const std::unique_ptr<BIO, freed> memory{BIO_new_mem_buf(text->data(), static_cast<int>(text->size()))};
  const std::unique_ptr<X509, freed> first{PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  if (first == nullptr) return error{file.string() + ": no certificate in it; it must hold certificates as PEM"};
  return {};
}

result<void> check_proxy(const std::string& proxy) {
  if (proxy.empty() or not part_of(proxy, CURLUPART_HOST, CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME).empty())
    return {};
  return error{"the proxy is no address; write it as http://host:port"};
}

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* into) {
  auto& one = *static_cast<transfer*>(into);
  if (one.answer.body.size() + size > one.what.answer_bytes_max) return 0;
  one.answer.body.append(bytes, size);
  return size;
}

http_fault fault_of(CURLcode code, long connect_status) {
  switch (code) {
    case CURLE_OK:
      return http_fault::none;
    case CURLE_URL_MALFORMAT:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return http_fault::unreachable;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return http_fault::tls;
    case CURLE_OPERATION_TIMEDOUT:
      return http_fault::timed_out;
    case CURLE_WRITE_ERROR:
      return http_fault::too_large;
    default:
      // A proxy that refuses the tunnel ends the connection.
      return connect_status >= 300 ? http_fault::unreachable : http_fault::broken_off;
  }
}

/// For people. libcurl's own words can repeat what came over the connection, so they are shown only where none did.
std::string error_text(http_fault fault, CURLcode code, const transfer& one) {
  const bool before_it = fault == http_fault::unreachable or fault == http_fault::tls;
  const std::string told = before_it ? one.told.data() : "";
  if (fault == http_fault::too_large)
    return host_and_port(one.what.url) + ": the answer has more than " + std::to_string(one.what.answer_bytes_max)
           + " bytes";
  if (fault == http_fault::timed_out)
    return host_and_port(one.what.url) + ": no answer within " + std::to_string(one.what.timeout_ms) + " ms";
  return host_and_port(one.what.url) + ": " + (told.empty() ? curl_easy_strerror(code) : told);
}

std::string_view header_of(CURL* easy, const char* name) {
  curl_header* found = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK) return {};
  return found->value;
}

/// A date is compared with the answer's own, so the two clocks need not agree.
std::optional<std::int64_t> retry_after_of(CURL* easy) {
  const auto text = header_of(easy, "Retry-After");
  if (text.empty()) return {};
  if (const auto seconds = parse_number<std::uint32_t>(text))
    return std::min<std::int64_t>(std::int64_t{*seconds} * 1'000, retry_after_ms_max);
  const auto until = curl_getdate(std::string(text).c_str(), nullptr);
  if (until < 0) return {};
  const auto sent = curl_getdate(std::string(header_of(easy, "Date")).c_str(), nullptr);
  const auto now = sent >= 0 ? sent : std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return std::clamp<std::int64_t>((until - now) * std::int64_t{1'000}, 0, retry_after_ms_max);
}

void finish(transfer& one, CURLcode code) {
  auto* easy = one.easy.get();
  long status = 0;
  long connect_status = 0;
  curl_off_t took_us = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
  auto& answer = one.answer;
  answer.fault = fault_of(code, connect_status);
  answer.status = static_cast<int>(status);
  answer.took_ms = took_us / 1'000;
  answer.retry_after_ms = retry_after_of(easy);
  if (answer.fault == http_fault::none) return;
  answer.body.clear();
  answer.error = error_text(answer.fault, code, one);
}

} // namespace

struct http_client::body {
  http_client_options options;
  std::unique_ptr<CURLM, multi_freed> multi;
  /// By easy handle.
  std::map<CURL*, std::unique_ptr<transfer>> under_way;
  /// What ended without a connection.
  std::vector<std::pair<ticket, http_answer>> ended;
  ticket last = 0;
  std::atomic<bool> woken = false;

  ~body();
  void prepare(transfer& one) const;
  void collect();
};

http_client::body::~body() {
  for (const auto& each : under_way)
    curl_multi_remove_handle(multi.get(), each.first);
}

void http_client::body::prepare(transfer& one) const {
  auto* easy = one.easy.get();
  const auto set = [easy](CURLoption option, auto value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
  };
  set(CURLOPT_URL, one.what.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "fairuse");
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(one.what.timeout_ms, 1)));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  set(CURLOPT_ERRORBUFFER, one.told.data());
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&one));
  if (not one.what.is_get) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(one.what.body.size()));
    set(CURLOPT_POSTFIELDS, one.what.body.c_str());
  }
  set(CURLOPT_HTTPHEADER, one.headers.get());
  if (not options.proxy.empty()) set(CURLOPT_PROXY, options.proxy.c_str());
  if (options.ca_file.empty()) return;
  for (const auto option : {CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO})
    set(option, options.ca_file.c_str());
  for (const auto option : {CURLOPT_CAPATH, CURLOPT_PROXY_CAPATH})
    set(option, static_cast<const char*>(nullptr));
}

void http_client::body::collect() {
  int left = 0;
  while (const auto* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto code = message->data.result;
    const auto found = under_way.find(message->easy_handle);
    curl_multi_remove_handle(multi.get(), found->first);
    finish(*found->second, code);
    ended.emplace_back(found->second->number, std::move(found->second->answer));
    under_way.erase(found);
  }
}

result<std::unique_ptr<http_client>> http_client::make(const http_client_options& options) {
  start_curl();
  if (const auto good = check_proxy(options.proxy); not good) return good.error();
  if (not options.ca_file.empty()) {
    if (const auto good = check_ca_file(options.ca_file); not good) return good.error();
  }
  auto all = std::make_unique<body>();
  all->options = options;
  all->multi.reset(curl_multi_init());
  if (all->multi == nullptr) throw std::bad_alloc();
  return std::unique_ptr<http_client>{new http_client{std::move(all)}};
}

http_client::http_client(std::unique_ptr<body> all) : body_{std::move(all)} {}

http_client::~http_client() = default;

http_client::ticket http_client::send(outgoing_request what) {
  const auto number = ++body_->last;
  if (not is_served(what.url)) {
    http_answer none;
    none.fault = http_fault::unreachable;
    none.error = "the address must begin with http:// or https://";
    body_->ended.emplace_back(number, std::move(none));
    return number;
  }
  auto one = std::make_unique<transfer>();
  one->number = number;
  one->what = std::move(what);
  // Without it libcurl asks first whether a large body is wanted, and waits a second for that.
  one->what.headers.emplace_back("Expect:");
  for (const auto& each : one->what.headers) {
    assert(each.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    auto* longer = curl_slist_append(one->headers.get(), each.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(one->headers.release());
    one->headers.reset(longer);
  }
  one->easy.reset(curl_easy_init());
  if (one->easy == nullptr) throw std::bad_alloc();
  body_->prepare(*one);
  if (curl_multi_add_handle(body_->multi.get(), one->easy.get()) != CURLM_OK) throw std::bad_alloc();
  body_->under_way.emplace(one->easy.get(), std::move(one));
  return number;
}

std::vector<std::pair<http_client::ticket, http_answer>> http_client::poll(std::int64_t wait_ms) {
  // A wait that fits the clock.
  wait_ms = std::clamp<std::int64_t>(wait_ms, 0, std::numeric_limits<int>::max());
  const auto until = steady::now() + std::chrono::milliseconds(wait_ms);
  for (;;) {
    int running = 0;
    curl_multi_perform(body_->multi.get(), &running);
    body_->collect();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now()).count();
    if (body_->woken.exchange(false) or not body_->ended.empty() or left <= 0) break;
    curl_multi_poll(body_->multi.get(), nullptr, 0, static_cast<int>(left), nullptr);
  }
  return std::exchange(body_->ended, {});
}

std::size_t http_client::under_way() const { return body_->under_way.size() + body_->ended.size(); }

void http_client::wake() {
  body_->woken = true;
  curl_multi_wakeup(body_->multi.get());
}

} // namespace fairuse
