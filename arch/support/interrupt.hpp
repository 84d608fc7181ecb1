// Ctrl-C: the first signal asks long work to end, the second ends the process.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace xw {

/// Installs a SIGINT/SIGTERM handler: the first signal sets a flag, the second removes temporaries and exits.
void install_interrupt_handler();
/// True after the first signal.
[[nodiscard]] bool interrupt_requested() noexcept;
/// Throws Error{kInterrupted} if interrupt_requested().
void throw_if_interrupted();

/// For a process that has a SIGINT handler of its own, as an interpreter: while it lives, SIGINT sets the flag and does nothing else,
/// however often it comes; afterwards the handler before is back and the flag is down. One at a time, of the thread that signals go to.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  struct Before;
  std::unique_ptr<Before> before_;
};

}  // namespace xw
