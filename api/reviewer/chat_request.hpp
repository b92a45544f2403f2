// SPDX-License-Identifier: Apache-2.0
//
// What is sent to a chat-completions endpoint. Pure functions.
#pragma once

#include <string>

#include "api/http_client.hpp"
#include "api/reviewer/prompts.hpp"
#include "config/reviewer_settings.hpp"

namespace fairuse {

/// The body of a call. Equal requests make equal bytes.
std::string chat_body(const reviewer_settings& settings, const chat_messages& messages, answer_format format);

/// The call, but for its time-out. `key` empty: none is sent. REQUIRES: is_key(key), or none; an endpoint.
outgoing_request chat_request(const reviewer_settings& settings, const std::string& key, std::string body);

/// Printable ASCII without spaces, not empty: what a header can hold.
bool is_key(std::string_view text);

/// 64 hex digits that a request with these messages has in recordings.
std::string recording_name(const reviewer_settings& settings, const chat_messages& messages);

} // namespace fairuse
