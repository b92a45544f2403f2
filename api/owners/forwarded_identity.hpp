// SPDX-License-Identifier: Apache-2.0
//
// Who asks, as one instance tells it to another: sealed with a key that all instances share, for one request and one
// minute. Whoever has the key can be anybody.
// Threads: any.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/http_message.hpp"
#include "api/identity/principal.hpp"
#include "base/pure/log_level.hpp"
#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse {

/// In lower case.
inline constexpr std::string_view forwarded_header = "fairuse-forwarded";

class forwarded_identity {
public:
  /// The file is looked at again at most once a second. An error: it cannot be read, or holds no key of at least 32
  /// bytes.
  static result<std::unique_ptr<forwarded_identity>> open(
      const std::filesystem::path& keys, const std::function<void(log_level, const std::string&)>& log);
  ~forwarded_identity();
  forwarded_identity(const forwarded_identity&) = delete;
  forwarded_identity& operator=(const forwarded_identity&) = delete;

  /// The header's value.
  std::string seal(const principal& who, const http_request& request, time_ms now) const;
  /// Nullopt: it was not sealed with a key of ours, for another request, or more than a minute ago.
  std::optional<principal> unseal(std::string_view sealed, const http_request& request, time_ms now) const;

private:
  struct body;
  explicit forwarded_identity(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
