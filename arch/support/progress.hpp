// Progress of long work with rate and time left: a line that changes on a terminal, lines now and then elsewhere.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace xw {

/// Draws one line on stderr ("compile  42 % |####    | 1.2k/2.9k tiles  310 tiles/s  0:05 left"), on a terminal at most ten times a
/// second; destruction clears it. Where stderr is no terminal (the log of a job), such a line is written after every `log_interval`
/// that the work goes on, so that short work says nothing. Thread safe.
/// `advance` throws Error{kInterrupted} after Ctrl-C (arch/support/interrupt.hpp).
class Progress {
 public:
  /// Where the line is drawn: on a line of its own, or behind the text that the cursor stands after, which stays as it
  /// is (for work that goes on while text or another progress line is being printed; only on a terminal).
  enum class Place { kOwnLine, kAfterText };
  Progress(std::string what, std::uint64_t total, std::string unit, Place place = Place::kOwnLine,
           std::chrono::milliseconds log_interval = std::chrono::seconds(30));
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(std::uint64_t count = 1);
  void clear();                     ///< removes the line until it is drawn again; call before printing after it
  void set_note(std::string note);  ///< e.g. a running perplexity, shown at the end of the line

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace xw
