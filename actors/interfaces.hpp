// SPDX-License-Identifier: Apache-2.0
//
// Every actor of the engine and every message between them, a sentence per handler. Messages are pointers into memory
// that the sender keeps until the answer arrives: a worker is one thread, and an epoch is a barrier.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "core/epoch.hpp"

namespace fairuse {

/// Shard to user: take these steps and append their outcome to `result`, which the shard owns.
struct take_slice {
  const slice* what = nullptr;
  outcome* result = nullptr;
};

/// User to shard: `result` is filled in.
struct slice_taken {
  outcome* result = nullptr;
};

/// Worker to shard: carry out this sealed epoch and fill in `result`.
struct run_epoch {
  const epoch* sealed = nullptr;
  const continuation* rest = nullptr;
  epoch_result* result = nullptr;
};

using user_actor = caf::typed_actor<
    // Takes the steps of a slice in order and answers the shard with the outcome; stops early after a review request.
    caf::reacts_to<take_slice>>;

using shard_actor = caf::typed_actor<
    // Cuts an epoch into slices, loads absent users, hands out the slices.
    caf::reacts_to<run_epoch>,
    // INTERNAL: collects outcomes; with the last one the result is complete, in uid order.
    caf::reacts_to<slice_taken>>;

} // namespace fairuse

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(fairuse::take_slice)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(fairuse::slice_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(fairuse::run_epoch)
