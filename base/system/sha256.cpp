// SPDX-License-Identifier: Apache-2.0
#include "base/system/sha256.hpp"

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
  if (this != &other) require(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()));
  return *this;
}

void running_sha256::add(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

sha256_hash running_sha256::finish() {
  sha256_hash hash{};
  require(EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr));
  return hash;
}

void running_sha256::restart() { require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr)); }

void running_sha256::freed::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

} // namespace fairuse
