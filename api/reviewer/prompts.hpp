// SPDX-License-Identifier: Apache-2.0
//
// The texts of one prompt version (config/prompts/README.md), and the messages that they make of a request.
//
// INVARIANT: what people said changes the user's message where the conversations stand, and nothing else. Threads:
// immutable.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "api/reviewer/review_request.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

struct prompt_texts {
  /// The folder's name and 8 digits of the texts' SHA-256: `v1-0a1b2c3d`.
  std::string version;
  std::string system;
  std::string user;
  /// Of recipe_audiobook, recipe_prerecorded, recipe_commercial and recipe_podcast.
  std::array<std::string, 4> recipes;
};

struct chat_messages {
  std::string system;
  std::string user;
};

/// The folder of a version below `folder`. An error names the file and what is wrong with it.
result<prompt_texts> load_prompts(const std::filesystem::path& folder, const std::string& version);

/// Nothing of the uid stands in them.
chat_messages make_messages(const prompt_texts& texts, const review_request& request);

/// The conversations as a JSON list, one a line: what stands between the tags. Title, overview and category have their
/// first 200 characters. Text is exact once the JSON is read; what could end the block, forge a role or hide (brackets,
/// bars, controls, characters without width or of direction) is written as `\uXXXX`.
std::string conversations_text(const review_request& request);

} // namespace fairuse
