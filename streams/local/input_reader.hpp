// SPDX-License-Identifier: Apache-2.0
//
// Reads NDJSON from a file, a growing file or standard input, on a thread of its own, and decodes it into batches.
//
// Operation: a batch is what could be read without waiting, at most about `chunk_bytes`, always whole lines. A last
// line without its end waits for the rest while a file may grow, and counts as a line at the end of the input. A file
// that was replaced, cut short or rewritten is read again from its beginning, with a notice; what was read of it before
// is handed over, its last line as it is, and ends_content says so. It was rewritten if the bytes before the place
// where reading goes on are others than those that were read. A stop looks once more. Limitations: a line of more than
// `line_keep_bytes` keeps only its beginning; its length and hash are reported. Threads: stop() and failure() from
// anywhere.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/pure/result.hpp"
#include "events/wire.hpp"
#include "streams/local/batch_queue.hpp"
#include "streams/local/read_position.hpp"

namespace fairuse {

struct reader_options {
  /// `-` is standard input.
  std::string file;
  /// The input ends where the file ends now. Standard input ends when it is closed, either way.
  bool until_end = false;
  std::size_t chunk_bytes = std::size_t{256} << 10;
  std::size_t line_keep_bytes = std::size_t{16} << 20;
  wire_limits limits;
  /// Notices for people, from the reader's thread.
  std::function<void(const std::string&)> notice = [](const std::string&) {};
};

class input_reader {
public:
  static result<std::unique_ptr<input_reader>> open(reader_options options, batch_queue& into);
  ~input_reader();
  input_reader(const input_reader&) = delete;
  input_reader& operator=(const input_reader&) = delete;

  /// Where a file is read from, if not from its beginning; if it has other bytes there by then, it is read from
  /// its beginning. Before start().
  void go_on_from(const read_position& position) { from_ = position; }
  /// Start the thread.
  void start();
  /// Stop reading soon; what was pushed stays.
  void stop();

  /// A pipe or terminal has none.
  bool has_position() const { return is_file_; }
  /// Of the file that is being read; for use before start().
  int descriptor() const { return descriptor_; }
  /// Bytes of the file as it is now; 0 for a pipe.
  std::uint64_t size() const;
  /// An error: reading ended early, and why.
  result<void> failure() const;

private:
  input_reader(reader_options options, batch_queue& into);

  struct carry;
  enum class step {
    more,     ///< the chunk is full
    waits,    ///< nothing more is there now
    ended,    ///< nothing more will come
    replaced, ///< another file has the name, and this one was read to its end
    changed,  ///< the file was cut short or rewritten
  };
  /// What stands under the input's name.
  enum class named { this_file, other_file, no_file };
  static bool is_over(step got) { return got == step::replaced or got == step::changed; }
  struct taken {
    step then = step::more;
    std::size_t size = 0;
  };

  void run();
  void begin(carry& rest);
  taken take(const carry& rest, char* to, std::size_t size);
  step fill(carry& rest);
  bool flush(carry& rest, step why);
  step skip_to_line_end(carry& rest);
  bool wait_for_more();
  named name_is() const;
  bool open_other();
  void start_over(carry& rest, step why);
  void leave(carry& rest);
  void fail(std::string sentence);

  reader_options options_;
  batch_queue& into_;
  wire_decoder decoder_;
  read_position from_;
  bool is_file_ = false;
  std::atomic<int> descriptor_{-1};
  int wake_ = -1;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  result<void> failure_;
  std::thread thread_;
};

} // namespace fairuse
