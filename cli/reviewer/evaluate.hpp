// SPDX-License-Identifier: Apache-2.0
//
// `fairuse reviewer evaluate`: asks the model for labelled reviews and says what its answers are worth.
#pragma once

#include <functional>

namespace CLI { // NOLINT(readability-identifier-naming)
class App;
}

namespace fairuse::cli {

/// As command::declare, on the subcommand.
std::function<int()> declare_evaluate(CLI::App& app);

} // namespace fairuse::cli
