// How a model is executed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace xw::toolchain {

enum class Mode {
  kAnalog,       ///< a program on a device
  kFp32,         ///< the checkpoint itself
  kInt8,         ///< the checkpoint in fewer bits (transformer::HostPrecision::kInt8)
  kDigitalW8A8,  ///< a program's targets in 8-bit integers, without a chip
  kDigitalW4A8,  ///< likewise with 4-bit weights
};
inline constexpr Mode kModes[] = {Mode::kAnalog, Mode::kFp32, Mode::kInt8, Mode::kDigitalW8A8, Mode::kDigitalW4A8};
[[nodiscard]] const char* name(Mode mode);
/// Whether a mode runs a checkpoint as it is, without compiling it.
[[nodiscard]] constexpr bool runs_checkpoint(Mode mode) {
  return mode == Mode::kFp32 || mode == Mode::kInt8;
}
/// The mode of a name. Throws Error{kInvalidArgument} listing the names.
[[nodiscard]] Mode parse_mode(const std::string& text);

}  // namespace xw::toolchain
