// SPDX-License-Identifier: Apache-2.0
//
// The records that epochs took from one input of a captured partition, range after range.
// Threads: one.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "streams/kafka/capture/capture_file.hpp"

namespace fairuse::kafka {

class input_cursor {
public:
  input_cursor(const capture_reader& from, const capture_section& of) : cursor_(from.records(of)) {
    has_next_ = cursor_.next(record_);
  }

  /// Behind what was taken.
  std::int64_t reached() const { return reached_; }
  /// REQUIRES: from >= reached().
  result<std::vector<captured_record>, store_error> take(std::int64_t from, std::int64_t next) {
    std::vector<captured_record> some;
    reached_ = next;
    for (; has_next_ and record_.offset < next; has_next_ = cursor_.next(record_))
      if (record_.offset >= from) some.push_back(std::move(record_));
    if (not cursor_.failure()) return cursor_.failure().error();
    return some;
  }

private:
  capture_cursor cursor_;
  bool has_next_ = false;
  std::int64_t reached_ = 0;
  captured_record record_;
};

} // namespace fairuse::kafka
