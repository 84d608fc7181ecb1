// Processes that are used again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <systemc>
#include <utility>
#include <vector>

namespace xw::systemc {

/// Starts processes like sc_spawn, in the current evaluation phase; those that have ended wait for more, because making one
/// takes longer than a call of the chip.
class ProcessPool {
 public:
  void start(std::function<void()> body) {
    if (!idle_.empty()) {
      Idle& process = *idle_.back();
      idle_.pop_back();
      process.body = std::move(body);
      process.wake.notify();
      return;
    }
    sc_core::sc_spawn_options options;
    options.set_stack_size(kStackBytes);
    sc_core::sc_spawn([this, first = std::move(body)] { run(first); }, sc_core::sc_gen_unique_name("process"),
                      &options);
  }

 private:
  static constexpr int kStackBytes = 128 * 1024;
  static constexpr std::size_t kMostIdle = 256;
  struct Idle {
    sc_core::sc_event wake;
    std::function<void()> body;
  };

  void run(std::function<void()> body) {
    Idle* self = nullptr;
    for (;; body = std::move(self->body)) {
      body();
      if (self == nullptr) {
        if (known_.size() == kMostIdle) return;
        self = known_.emplace_back(std::make_unique<Idle>()).get();
      }
      idle_.push_back(self);
      sc_core::wait(self->wake);
    }
  }

  std::vector<std::unique_ptr<Idle>> known_;  ///< one per process that does not end
  std::vector<Idle*> idle_;
};

}  // namespace xw::systemc
