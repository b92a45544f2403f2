// SPDX-License-Identifier: Apache-2.0
//
// Asks a gate at a fixed rate over connections that stay open (an open loop: a question is due when it is due, whatever
// became of those before it), and says how long the answers took from the instant at which each was due.
//
//   ask_gate --port 8080 --token-file token --rate 20000 --seconds 30 --connections 64 --users 100000
//
// One JSON object on stdout.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using clock_type = std::chrono::steady_clock;

struct options {
  std::uint16_t port = 8080;
  std::string token_file;
  double rate = 20'000;
  double seconds = 30;
  std::size_t connections = 64;
  std::uint64_t users = 100'000;
};

struct connection {
  int socket = -1;
  bool busy = false;
  clock_type::time_point due;
  std::string received;
};

int open_connection(std::uint16_t port) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    std::cerr << "cannot connect to port " << port << ": " << std::strerror(errno) << "\n";
    std::exit(1);
  }
  const int yes = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::fcntl(made, F_SETFL, O_NONBLOCK);
  return made;
}

class generator {
public:
  explicit generator(options wanted) : wanted_{std::move(wanted)} {
    std::ifstream file{wanted_.token_file};
    std::getline(file, token_);
    epoll_ = ::epoll_create1(0);
    all_.resize(wanted_.connections);
    for (std::size_t i = 0; i < all_.size(); ++i) {
      all_[i].socket = open_connection(wanted_.port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, all_[i].socket, &event);
      idle_.push_back(i);
    }
  }

  void run() {
    begun_ = clock_type::now();
    const auto total = static_cast<std::uint64_t>(wanted_.rate * wanted_.seconds);
    took_us_.reserve(total);
    while (took_us_.size() < total and failed_ == 0) {
      while (asked_ < total and due_of(asked_) <= clock_type::now() and not idle_.empty())
        ask();
      take_answers(asked_ < total);
    }
    seconds_ = std::chrono::duration<double>(clock_type::now() - begun_).count();
  }

  void print() {
    std::sort(took_us_.begin(), took_us_.end());
    const auto at = [this](double share) {
      return took_us_.empty() ? 0
                              : took_us_[static_cast<std::size_t>(share * static_cast<double>(took_us_.size() - 1))];
    };
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
                     + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    std::string statuses;
    for (const auto& [status, count] : statuses_)
      statuses += fmt::format("{}\"{}\":{}", statuses.empty() ? "" : ",", status, count);
    std::cout << fmt::format(
        R"({{"answers":{},"per_second":{:.0f},"p50_us":{},"p99_us":{},"p999_us":{},"max_us":{},"cpu_seconds":{:.2f},)"
        R"("seconds":{:.2f},"refused":{},"degraded":{},"statuses":{{{}}}}})"
        "\n",
        took_us_.size(), static_cast<double>(took_us_.size()) / seconds_, at(0.5), at(0.99), at(0.999), at(1.0), cpu,
        seconds_, refused_, degraded_, statuses);
  }

private:
  clock_type::time_point due_of(std::uint64_t number) const {
    return begun_
           + std::chrono::duration_cast<clock_type::duration>(
               std::chrono::duration<double>(static_cast<double>(number) / wanted_.rate));
  }

  void ask() {
    const auto number = asked_++;
    const auto at = idle_.front();
    idle_.pop_front();
    auto& on = all_[at];
    on.busy = true;
    on.due = due_of(number);
    on.received.clear();
    const auto body = fmt::format(R"({{"uid":"user-{:06}","purpose":"{}"}})", number * 2'654'435'761U % wanted_.users,
                                  number % 2 == 0 ? "upload" : "stream");
    const auto text = fmt::format(
        "POST /v1/gate HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {}\r\n"
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        token_, body.size(), body);
    if (::send(on.socket, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) ++failed_;
  }

  void take_answers(bool more_to_ask) {
    std::array<epoll_event, 64> events{};
    // Until the next question is due: busy waiting would take a core from the server, and a sleep of whole milliseconds
    // would be measured as the server's.
    const auto wait = more_to_ask and not idle_.empty()
                          ? std::max(clock_type::duration::zero(), due_of(asked_) - clock_type::now())
                          : clock_type::duration{std::chrono::milliseconds{100}};
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count();
    const timespec until{ns / 1'000'000'000, ns % 1'000'000'000};
    const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &until, nullptr);
    for (int i = 0; i < count; ++i)
      read_answer(events[static_cast<std::size_t>(i)].data.u64);
  }

  void read_answer(std::size_t at) {
    auto& on = all_[at];
    std::array<char, 4'096> bytes{};
    const auto got = ::recv(on.socket, bytes.data(), bytes.size(), 0);
    if (got <= 0) {
      ++failed_;
      std::cerr << "a connection was closed\n";
      return;
    }
    on.received.append(bytes.data(), static_cast<std::size_t>(got));
    if (not is_whole(on.received)) return;
    took_us_.push_back(std::chrono::duration_cast<std::chrono::microseconds>(clock_type::now() - on.due).count());
    ++statuses_[on.received.substr(9, 3)];
    refused_ += on.received.find(R"("answer":"refuse")") != std::string::npos;
    degraded_ += on.received.find(R"("degraded":true)") != std::string::npos;
    on.busy = false;
    idle_.push_back(at);
  }

  static bool is_whole(const std::string& text) {
    const auto head = text.find("\r\n\r\n");
    const auto length = text.find("Content-Length: ");
    if (head == std::string::npos or length == std::string::npos) return false;
    return text.size() >= head + 4 + std::stoul(text.substr(length + 16));
  }

  const options wanted_;
  std::string token_;
  int epoll_ = -1;
  std::vector<connection> all_;
  std::deque<std::size_t> idle_;
  clock_type::time_point begun_;
  std::uint64_t asked_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t degraded_ = 0;
  double seconds_ = 0;
  std::vector<std::int64_t> took_us_;
  std::map<std::string, std::uint64_t> statuses_;
};

} // namespace

int main(int count, char** values) {
  // Sleeps end when they should, and not 50 us later.
  ::prctl(PR_SET_TIMERSLACK, 1);
  options wanted;
  CLI::App app{"Asks a gate at a fixed rate; the answers' times as JSON"};
  app.add_option("--port", wanted.port, "Of the gate on this machine")->required();
  app.add_option("--token-file", wanted.token_file, "Its first line is the token of a gateway")->required();
  app.add_option("--rate", wanted.rate, "Questions a second")->capture_default_str();
  app.add_option("--seconds", wanted.seconds, "For so long")->capture_default_str();
  app.add_option("--connections", wanted.connections, "Kept open")->capture_default_str();
  app.add_option("--users", wanted.users, "Asked about: user-000000 and on")->capture_default_str();
  CLI11_PARSE(app, count, values)
  generator made{wanted};
  made.run();
  made.print();
  return 0;
}
