// SPDX-License-Identifier: Apache-2.0
//
// `fairuse topics create|check`: the topics of a deployment on Kafka, made as the commit protocol needs them, and
// whether they still are so. `check` changes nothing.
#pragma once

#include "cli/command.hpp"

namespace fairuse::cli {

extern const command topics_command;

} // namespace fairuse::cli
