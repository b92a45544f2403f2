// SPDX-License-Identifier: Apache-2.0
#include "actors/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include "actors/scheduler.hpp"
#include "actors/shard_actor.hpp"

namespace fairuse {

struct worker::body {
  struct config : caf::actor_system_config {
    config() { load<single_thread_scheduler>(); }
  };

  epoch_source& source;
  config settings;
  caf::actor_system system{settings};
  single_thread_scheduler& scheduler = single_thread_scheduler::of(system);
  shard_actor shard;
  shard_state* state = nullptr;

  explicit body(epoch_source& from) : source(from) {}
};

worker::worker(epoch_source& source, epoch_sink& sink, user_store& store, const worker_options& options)
  : body_(std::make_unique<body>(source)) {
  body_->shard = body_->system.spawn(run_shard, &source, &sink, &store, &options, &body_->state);
  body_->scheduler.run();
}

worker::~worker() {
  caf::anon_send_exit(body_->shard, caf::exit_reason::user_shutdown);
  body_->scheduler.run();
  body_->shard = nullptr;
}

bool worker::run_epoch() {
  const auto sealed = body_->source.next();
  if (not sealed) return false;
  caf::anon_send(body_->shard, fairuse::run_epoch{&*sealed});
  body_->scheduler.run();
  return true;
}

const controls& worker::held() const { return body_->state->held(); }

const user* worker::find(std::string_view uid) const { return body_->state->find(uid); }

std::size_t worker::active_users() const { return body_->state->active_users(); }

void worker::passivate() { body_->state->passivate(); }

time_ms worker::next_due() const { return body_->state->next_due(); }

} // namespace fairuse
