// SPDX-License-Identifier: Apache-2.0
//
// What a capture of a deployment on Kafka holds, as a history: the events that it admitted, each with the `now` of its
// epoch, and the requests for reviews that it wrote.
#pragma once

#include "streams/history/packer.hpp"
#include "streams/history/source_hooks.hpp"
#include "streams/kafka/capture/capture_file.hpp"

namespace fairuse::history {

/// `into` gets the start (`checkpoint` if a partition begins with a state), the retention and the
/// horizon, the range of epochs and the policies in force. Reviews are known as far as the decisions' topic was kept.
/// REQUIRES: the packer does not judge lateness.
/// Errors: wrong_key, damaged (a record that an epoch took is missing, too), misuse (a checkpoint; `stopped`).
result<void, store_error> pack_capture(const kafka::capture_reader& from, const source_hooks& with, packer& to,
                                       history_contents& into);

} // namespace fairuse::history
