// How a model is executed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/mode.hpp"
#include "arch/support/setting_error.hpp"

namespace xw::toolchain {

const char* name(Mode mode) {
  switch (mode) {
    case Mode::kAnalog:
      return "analog";
    case Mode::kFp32:
      return "fp32";
    case Mode::kInt8:
      return "int8";
    case Mode::kDigitalW8A8:
      return "digital-w8a8";
    case Mode::kDigitalW4A8:
      return "digital-w4a8";
  }
  return "?";
}

Mode parse_mode(const std::string& text) {
  for (const Mode mode : kModes) {
    if (text == name(mode)) return mode;
  }
  throw SettingError(ErrorCode::kInvalidArgument, "mode",
                     "mode: expected analog, fp32, int8, digital-w8a8 or digital-w4a8, found '" + text + "'");
}

}  // namespace xw::toolchain
