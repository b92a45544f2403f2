// SPDX-License-Identifier: Apache-2.0
//
// A real broker for one test binary, started through tools/kafka in a folder of its own; it ends with the process.
// FAIRUSE_KAFKA_BOOTSTRAP names one that runs already; it is neither stopped nor emptied.
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "streams/kafka/broker/real_cluster.hpp"

namespace fairuse::kafka {

class test_broker {
public:
  /// "3.9" or "4.1".
  explicit test_broker(std::string version);
  test_broker(const test_broker&) = delete;
  test_broker& operator=(const test_broker&) = delete;
  ~test_broker();

  /// Whether this process started it.
  bool is_own() const { return not folder_.empty(); }
  void kill9();
  void start();

  const std::string& bootstrap() const { return bootstrap_; }
  /// Sessions of 3 s, transactions of 1.5 s; log lines go where FAIRUSE_KAFKA_LOG says (1: standard error).
  real_cluster_options options() const;
  std::unique_ptr<cluster> client() const { return client(options()); }
  static std::unique_ptr<cluster> client(real_cluster_options options);

  void make_topic(const std::string& name, int partitions);
  /// A name that was not used there.
  std::string fresh(std::string_view stem);

private:
  std::string run(const std::string& arguments) const;

  std::string version_;
  std::string folder_;
  std::string bootstrap_;
  int names_ = 0;
};

} // namespace fairuse::kafka
