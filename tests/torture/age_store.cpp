// SPDX-License-Identifier: Apache-2.0
//
//   torture_age_store FOLDER HOURS
//
// A partition's store says that it was written so many hours ago. The case key is in FAIRUSE_CASE_KEY.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "storage/partition_store.hpp"

int main(int argc, char** argv) {
  using namespace fairuse;
  const char* key = std::getenv("FAIRUSE_CASE_KEY");
  if (argc != 3 or key == nullptr) return 2;
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const auto then = now - std::stoll(argv[2]) * hour_ms;
  partition_store_options how{.case_key = key};
  how.clock = [then] { return then; };
  const auto opened = partition_store::open(argv[1], how);
  if (not opened or not(*opened)->meta()) return 1;
  const auto done = (*opened)->end_restore((*opened)->meta()->changelog_next);
  if (not done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done ? 0 : 1;
}
