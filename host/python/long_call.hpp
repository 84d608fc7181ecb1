// Calls that take long: without the interpreter's lock, ended by Ctrl-C.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <optional>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"

namespace xw::python {

/// Makes Error of the toolchain an exception of crossweave.errors, by exit status: the same kinds that the command tells apart.
void register_errors();

/// True in the thread that Python's signals go to, if Python takes SIGINT there.
[[nodiscard]] bool takes_interrupts();

/// While it lives Ctrl-C sets the toolchain's flag; end() hands what came over to Python.
class InterruptGuard {
 public:
  InterruptGuard() {
    if (takes_interrupts()) scope_.emplace();
  }
  /// Once, with the interpreter's lock.
  void end() {
    const bool seen = scope_.has_value() && interrupt_requested();
    scope_.reset();
    if (seen) PyErr_SetInterrupt();
  }

 private:
  std::optional<InterruptScope> scope_;
};

/// Runs `body` without the interpreter's lock and returns what it returns. Ctrl-C ends it as it ends a command; then Python's own
/// handler runs, which raises KeyboardInterrupt unless it was replaced. Files that changed under `body` are an error.
template <class Body>
auto long_call(const Body& body) {
  InterruptGuard guard;
  try {
    auto result = [&] {
      const pybind11::gil_scoped_release released;
      auto value = body();
      check_mapped_files();
      return value;
    }();
    guard.end();
    return result;
  } catch (const Error& error) {
    guard.end();
    if (error.code() == ErrorCode::kInterrupted && PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
    throw;
  } catch (...) {
    guard.end();
    throw;
  }
}

}  // namespace xw::python
