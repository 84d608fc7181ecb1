// The flag that Ctrl-C sets.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw {

namespace {

// Signal handlers have no parameters: the flag is process-wide.
std::atomic<int> signals_seen{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal_number) {
  if (signals_seen.fetch_add(1) > 0) {
    remove_open_temporaries();
    ::_exit(128 + signal_number);
  }
}

void on_signal_in_scope(int) {
  signals_seen.store(1);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a prompt that waits for input must end
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupt_requested() noexcept {
  return signals_seen.load(std::memory_order_relaxed) > 0;
}

void throw_if_interrupted() {
  if (interrupt_requested()) throw Error(ErrorCode::kInterrupted, "interrupted");
}

struct InterruptScope::Before {
  struct sigaction action {};
};

InterruptScope::InterruptScope() : before_(std::make_unique<Before>()) {
  struct sigaction action {};
  action.sa_handler = on_signal_in_scope;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &before_->action);
}

InterruptScope::~InterruptScope() {
  ::sigaction(SIGINT, &before_->action, nullptr);
  signals_seen.store(0);
}

}  // namespace xw
