// SPDX-License-Identifier: Apache-2.0
#include "api/http/gzip.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <zlib.h>

#include "api/http/problem.hpp"

namespace fairuse {

namespace {

constexpr std::size_t piece_bytes = 64 << 10;
constexpr int gzip_only = 16 + MAX_WBITS;

struct end_inflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

} // namespace

result<std::string, inflate_fault> inflate_gzip(std::string_view packed, std::size_t bytes_max) {
  z_stream stream{};
  if (inflateInit2(&stream, gzip_only) != Z_OK) throw std::bad_alloc{};
  const std::unique_ptr<z_stream, end_inflate> ended{&stream};
  // zlib does not write to its input; the type of the pointer is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string plain;
  for (int done = Z_OK; done != Z_STREAM_END;) {
    const auto before = plain.size();
    if (before > bytes_max) return inflate_fault::too_large;
    plain.resize(std::min(before + piece_bytes, bytes_max + 1));
    stream.next_out = reinterpret_cast<Bytef*>(plain.data() + before);
    stream.avail_out = static_cast<uInt>(plain.size() - before);
    done = inflate(&stream, Z_NO_FLUSH);
    plain.resize(plain.size() - stream.avail_out);
    // No error and nothing more: the text ends too early.
    if (done != Z_STREAM_END and (done != Z_OK or (stream.avail_in == 0 and stream.avail_out != 0)))
      return inflate_fault::damaged;
  }
  if (plain.size() > bytes_max) return inflate_fault::too_large;
  if (stream.avail_in != 0) return inflate_fault::damaged;
  return plain;
}

std::optional<http_reply> inflate_body(http_request& request, std::size_t bytes_max) {
  if (not request.is_packed) return std::nullopt;
  auto plain = inflate_gzip(request.body, bytes_max);
  if (plain) {
    request.body = std::move(*plain);
    request.is_packed = false;
    return std::nullopt;
  }
  if (plain.error() == inflate_fault::damaged)
    return problem(400, "bad_compression", "the body is not one whole gzip member");
  return problem(413, "body_too_large", "a body may have " + std::to_string(bytes_max) + " bytes when it is inflated");
}

} // namespace fairuse
