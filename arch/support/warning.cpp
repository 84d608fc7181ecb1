// Warnings.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/warning.hpp"

#include <cstdio>
#include <mutex>
#include <utility>

#include "arch/support/printable.hpp"

namespace xw {
namespace {

std::mutex& mutex() {
  static std::mutex instance;
  return instance;
}

WarningHandler& handler() {
  static WarningHandler instance;
  return instance;
}

}  // namespace

void warn(const std::string& message) {
  const std::lock_guard lock(mutex());
  if (handler()) {
    handler()(message);
  } else {
    std::fprintf(stderr, "crossweave: warning: %s\n", printable(message).c_str());
  }
}

WarningHandler set_warning_handler(WarningHandler next) {
  const std::lock_guard lock(mutex());
  return std::exchange(handler(), std::move(next));
}

}  // namespace xw
