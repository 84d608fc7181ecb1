// Warnings: what the user should know although the work goes on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace xw {

using WarningHandler = std::function<void(const std::string& message)>;

/// Tells `message` (one line: where, what is odd, what is done about it) to the handler: at first one that prints
/// "crossweave: warning: ..." on standard error, escaped (printable.hpp). Thread safe.
void warn(const std::string& message);
/// Replaces the handler, returns the one before. An empty one stands for the handler at first.
WarningHandler set_warning_handler(WarningHandler handler);

}  // namespace xw
