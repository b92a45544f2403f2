// SPDX-License-Identifier: Apache-2.0
//
// A protobuf message to bytes and back.
#pragma once

#include <limits>
#include <string>
#include <string_view>

namespace fairuse {

template <class M>
std::string bytes_of(const M& message) {
  std::string out;
  message.SerializeToString(&out);
  return out;
}

/// False if the bytes are no such message. What `message` held before is gone.
template <class M>
bool parse(std::string_view bytes, M& message) {
  return bytes.size() <= std::numeric_limits<int>::max()
         and message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

} // namespace fairuse
