// SPDX-License-Identifier: Apache-2.0

#include "engine/engine.hpp"

#include <memory>
#include <utility>

#include "engine/kafka_engine.hpp"
#include "engine/local_engine.hpp"

namespace fairuse {

namespace {

template <class Mode>
run_result<std::unique_ptr<engine>> start(run_settings settings, loaded_deployment all, case_key key,
                                          engine_callbacks told) {
  auto made = std::make_unique<Mode>(std::move(settings), std::move(all), std::move(key.bytes), std::move(told));
  if (auto done = made->open(); not done) return std::move(done.error());
  return std::unique_ptr<engine>{std::move(made)};
}

} // namespace

run_result<std::unique_ptr<engine>> start_engine(run_settings settings, loaded_deployment all, case_key key,
                                                 engine_callbacks told) {
  const bool kafka = all.settings.streams == stream_kind::kafka;
  if (key.from == case_key_origin::development) {
    if (kafka)
      return run_error{run_fault::refused,
                       "Kafka needs a case key of its own: name a file of at least 16 random bytes as case_key.file, "
                       "or set FAIRUSE_CASE_KEY (`openssl rand -hex 32` makes one)"};
    told.log(log_level::warning,
             "case references use the development key, which everybody knows: set FAIRUSE_CASE_KEY or case_key.file");
  }
  const auto start_in_mode = kafka ? start<kafka_engine> : start<local_engine>;
  return start_in_mode(std::move(settings), std::move(all), std::move(key), std::move(told));
}

} // namespace fairuse
