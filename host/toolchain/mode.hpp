// How a model is executed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace xw::toolchain {

enum class Mode {
  kAnalog,       ///< a program on a device
  kFp32,         ///< the checkpoint itself
  kDigitalW8A8,  ///< a program's targets in 8-bit integers, without a chip
  kDigitalW4A8,  ///< likewise with 4-bit weights
};
[[nodiscard]] const char* name(Mode mode);
/// The mode of a name. Throws Error{kInvalidArgument} listing the names.
[[nodiscard]] Mode parse_mode(const std::string& text);

}  // namespace xw::toolchain
