// SPDX-License-Identifier: Apache-2.0
//
// Policy files: refused with a sentence, or a policy whose canonical text is the same policy.
#include "config/policy_file.hpp"
#include "tests/fuzz/check.hpp"

using namespace fairuse;
using fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  yaml::diagnostics problems{"fuzzed.yaml"};
  const auto read = parse_policy(fuzz::text_of(data, size), problems);
  expect(read.has_value() == problems.ok(), "a policy, or errors");
  expect(read or not problems.text().empty(), "a refusal says why");
  if (not read) return 0;
  yaml::diagnostics none{"canonical"};
  const auto again = parse_policy(canonical(*read), none);
  expect(again.has_value(), "the canonical text is a policy");
  expect(again->digest == read->digest and canonical(*again) == canonical(*read), "it is the same policy");
  expect(contradictions(*read).empty(), "what is accepted may run");
  return 0;
}
