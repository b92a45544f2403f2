// SPDX-License-Identifier: Apache-2.0
//
// Reviews whose right answer is known, a JSON object a line: what a model is measured with (docs/reviewer.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/reviewer/review_request.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

struct labelled_review {
  /// Asks at the instant 0 and never ends.
  review_request request;
  bool misuse = false;
  /// What a reviewer should say; nullopt: it is not judged.
  std::optional<usage_type> type;
  /// Empty: not named.
  std::string cohort;
};

/// Members: `conversations` (1 to 30 of `id`, and where they are known `title`, `overview`, `category`, `minutes`,
/// `source`, `ended_at`) and `misuse`; `recipes`, `windows` (a list of `window`, `sum_ms`, `cap_ms`), `usage_type` and
/// `cohort` may be there. An error says which member is wrong; it holds no text of the line.
result<labelled_review> read_labelled(std::string_view line);

} // namespace fairuse
