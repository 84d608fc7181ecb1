// Errors about what the caller asked for: they name the setting, and who has names of his own for settings can say which.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "arch/support/error.hpp"

namespace xw {

/// An error that another value of one setting avoids. The message stands alone: it begins with the setting or says in its own
/// words what would help.
class SettingError : public Error {
 public:
  /// `setting`: "mode", "input ranges", ...; the command has an option for each.
  SettingError(ErrorCode code, std::string setting, const std::string& message)
      : Error(code, message), setting_(std::move(setting)) {}
  [[nodiscard]] const std::string& setting() const noexcept { return setting_; }

 private:
  std::string setting_;
};

}  // namespace xw
