// Collects the warnings of a test.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "arch/support/warning.hpp"

namespace xw::test {

/// While it lives, warnings go to `text`, one a line, and not to standard error.
class Warnings {
 public:
  Warnings() : before_(set_warning_handler([this](const std::string& message) { text += message + "\n"; })) {}
  ~Warnings() { set_warning_handler(std::move(before_)); }
  Warnings(const Warnings&) = delete;
  Warnings& operator=(const Warnings&) = delete;
  [[nodiscard]] bool has(const std::string& part) const { return text.find(part) != std::string::npos; }

  std::string text;

 private:
  WarningHandler before_;
};

}  // namespace xw::test
