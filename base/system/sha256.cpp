// SPDX-License-Identifier: Apache-2.0
#include "base/system/sha256.hpp"

#include <cassert>
#include <cstdlib>

#include <openssl/evp.h>

#include "base/pure/hex.hpp"

namespace fairuse {

namespace {

void require(int done) {
  if (done != 1) std::abort();
}

} // namespace

sha256_hash sha256(std::string_view bytes) {
  sha256_hash hash{};
  require(EVP_Digest(bytes.data(), bytes.size(), hash.data(), nullptr, EVP_sha256(), nullptr));
  return hash;
}

std::string sha256_hex(std::string_view bytes) {
  const auto hash = sha256(bytes);
  return to_hex(as_bytes(hash));
}

running_sha256::running_sha256() : context_(EVP_MD_CTX_new()) { restart(); }
running_sha256::~running_sha256() = default;

running_sha256::running_sha256(const running_sha256& other) : context_(EVP_MD_CTX_new()) { *this = other; }

running_sha256& running_sha256::operator=(const running_sha256& other) {
  if (this == &other) return *this;
  require(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()));
  finished_ = other.finished_;
  return *this;
}

// OpenSSL 3.0 lets bytes be added to a finished hash, 3.5 does not.
void running_sha256::add(std::string_view bytes) {
  assert(not finished_);
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

sha256_hash running_sha256::finish() {
  assert(not finished_);
  finished_ = true;
  sha256_hash hash{};
  require(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr));
  return hash;
}

void running_sha256::restart() {
  require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  finished_ = false;
}

void running_sha256::freed::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

} // namespace fairuse
