// SPDX-License-Identifier: Apache-2.0
//
// A notice as a webhook: Standard Webhooks 1.0 (headers, HMAC-SHA-256 signature) around a JSON body.
// docs/notifications.md is for those who receive them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "api/notifier/message_text.hpp"
#include "api/notifier/notice.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

/// What signatures are made with; two while they are changed. Raw bytes: never log them.
using webhook_secrets = std::vector<std::string>;

/// One secret or two, with space or line ends between them: `whsec_` and base64 of 24 to 64 bytes, or a text of that
/// length as it is. An error begins with `where`, and holds nothing of the text.
result<webhook_secrets> webhook_secrets_from(std::string_view text, std::string_view where);

/// From the file, if one is named, else from the text of the variable `webhook_secret_variable`.
result<webhook_secrets> find_webhook_secrets(const std::filesystem::path& file, std::string_view variable);

/// The id of a notice, from the CloudEvents source, id, subject and time of its decision: ids alone begin anew with a
/// new store.
std::string webhook_id(std::string_view source, const notice& of);

/// The JSON body.
std::string webhook_body(const notice& what, const notice_text& words);

/// `name: value` of all headers. `at`: of this attempt.
std::vector<std::string> webhook_headers(std::string_view id, time_ms at, std::string_view body,
                                         const webhook_secrets& secrets);

} // namespace fairuse
