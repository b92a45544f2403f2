// SPDX-License-Identifier: Apache-2.0
//
// The main function of a target where libFuzzer is not: every file of a folder, then so many changed ones. The changes
// are drawn from a fixed seed, so a run is the same everywhere; what it finds is written to a file.
//
//   fuzz_wire FOLDER COUNT FOUND
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr std::size_t changes_max = 4;
constexpr std::size_t piece_max = 16;

std::vector<bytes> read_all(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& each : std::filesystem::directory_iterator(folder))
    files.push_back(each.path());
  std::sort(files.begin(), files.end());
  std::vector<bytes> all;
  for (const auto& each : files) {
    std::ifstream from(each, std::ios::binary);
    all.emplace_back(std::istreambuf_iterator<char>(from), std::istreambuf_iterator<char>());
  }
  return all;
}

class mutator {
public:
  explicit mutator(const std::vector<bytes>& seeds) : seeds_(seeds) {}

  bytes next() {
    auto made = seeds_[below(seeds_.size())];
    for (auto left = 1 + below(changes_max); left > 0; --left)
      change(made);
    return made;
  }

private:
  std::size_t below(std::size_t bound) { return draw_() % std::max<std::size_t>(bound, 1); }
  std::uint8_t byte() {
    // Signs, ends of texts and largest values break more than others.
    static constexpr std::uint8_t special[] = {0, 1, '"', ',', '-', '\n', '{', '[', 0x7f, 0x80, 0xfe, 0xff};
    return below(2) == 0 ? special[below(std::size(special))] : static_cast<std::uint8_t>(below(256));
  }

  void change(bytes& what) {
    const auto at = what.begin() + static_cast<std::ptrdiff_t>(below(what.size() + 1));
    const auto end = at + static_cast<std::ptrdiff_t>(below(std::min<std::size_t>(what.end() - at, piece_max) + 1));
    switch (below(6)) {
      case 0:
        if (at != what.end()) *at = static_cast<std::uint8_t>(*at ^ (1U << below(8)));
        break;
      case 1:
        if (at != what.end()) *at = byte();
        break;
      case 2:
        what.insert(at, byte());
        break;
      case 3:
        what.erase(at, end);
        break;
      case 4: {
        const bytes again(at, end);
        what.insert(at, again.begin(), again.end());
        break;
      }
      default: {
        const auto& other = seeds_[below(seeds_.size())];
        const auto from = below(other.size() + 1);
        const auto count = below(std::min(other.size() - from, piece_max) + 1);
        what.insert(at, other.begin() + static_cast<std::ptrdiff_t>(from),
                    other.begin() + static_cast<std::ptrdiff_t>(from + count));
      }
    }
  }

  const std::vector<bytes>& seeds_;
  std::mt19937_64 draw_{1};
};

/// In memory of exactly its size, so that the sanitizer sees every byte behind it.
void run(const bytes& what) {
  const bytes exact(what);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

} // namespace

int main(int count_of_arguments, char** arguments) {
  if (count_of_arguments != 4) {
    std::fputs("usage: FOLDER COUNT FOUND\n", stderr);
    return 2;
  }
  const auto seeds = read_all(arguments[1]);
  if (seeds.empty()) {
    std::fprintf(stderr, "no files in %s\n", arguments[1]);
    return 2;
  }
  const int found = ::open(arguments[3], O_CREAT | O_WRONLY, 0644);
  // Written before each run: a sanitizer ends the process.
  const auto attempt = [found](const bytes& what) {
    const auto size = std::ssize(what);
    if (::pwrite(found, what.data(), what.size(), 0) != size or ::ftruncate(found, size) != 0) std::abort();
    run(what);
  };
  for (const auto& each : seeds)
    attempt(each);
  mutator from(seeds);
  for (auto left = std::strtoull(arguments[2], nullptr, 10); left > 0; --left)
    attempt(from.next());
  std::filesystem::remove(arguments[3]);
  return 0;
}
