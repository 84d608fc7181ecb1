// Lines from standard input that Ctrl-C can interrupt.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace xw {

/// Reads a file descriptor line by line, waiting in steps so that an interrupt ends the wait.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}
  /// The next line without its end; false at the end of the input. A last line without newline counts.
  /// Throws Error{kInterrupted} after Ctrl-C, Error{kIo}.
  [[nodiscard]] bool next(std::string& line);

 private:
  int descriptor_;
  bool ended_ = false;
  std::string pending_;
};

}  // namespace xw
