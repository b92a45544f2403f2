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

  config settings;
  caf::actor_system system{settings};
  single_thread_scheduler& scheduler = single_thread_scheduler::of(system);
};

struct shard::body {
  single_thread_scheduler& scheduler;
  shard_actor actor;
  shard_state* state = nullptr;
};

worker::worker() : body_(std::make_unique<body>()) {}
worker::~worker() = default;

std::unique_ptr<shard> worker::open_shard(user_store& store, const shard_options& options) {
  auto made = std::make_unique<shard::body>(shard::body{body_->scheduler, {}, nullptr});
  made->actor = body_->system.spawn(run_shard, &store, &options, &made->state);
  body_->scheduler.run();
  return std::unique_ptr<shard>(new shard(std::move(made)));
}

shard::shard(std::unique_ptr<body> all) : body_(std::move(all)) {}

shard::~shard() {
  caf::anon_send_exit(body_->actor, caf::exit_reason::user_shutdown);
  body_->scheduler.run();
  body_->actor = nullptr;
}

epoch_result shard::run(const epoch& sealed, const continuation& rest) {
  epoch_result result;
  caf::anon_send(body_->actor, run_epoch{&sealed, &rest, &result});
  body_->scheduler.run();
  return result;
}

void shard::roll_back() {
  body_->state->roll_back();
  // Gives the dropped actors the turn in which they end.
  body_->scheduler.run();
}

const controls& shard::in_force() const { return body_->state->in_force(); }

const user* shard::find(std::string_view uid) const { return body_->state->find(uid); }

std::size_t shard::active_users() const { return body_->state->active_users(); }

void shard::passivate() { body_->state->passivate(); }

time_ms shard::next_due() const { return body_->state->next_due(); }

std::size_t shard::due_users(time_ms now, std::size_t most) const { return body_->state->due_users(now, most); }

} // namespace fairuse
