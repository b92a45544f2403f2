// SPDX-License-Identifier: Apache-2.0
//
// A protobuf message to bytes and back.
#pragma once

#include <limits>
#include <string>
#include <string_view>

namespace fairuse {

template <class Message>
std::string bytes_of(const Message& message) {
  std::string out;
  message.SerializeToString(&out);
  return out;
}

/// False if the bytes are no such message. The earlier content of `message` is lost.
template <class Message>
bool parse(std::string_view bytes, Message& message) {
  return bytes.size() <= std::numeric_limits<int>::max()
         and message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

} // namespace fairuse
