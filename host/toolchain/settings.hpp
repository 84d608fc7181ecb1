// Options by name and text: what the command's options, studies and other languages have in common.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "host/toolchain/options.hpp"

namespace xw::toolchain {

/// Names of what set() takes, sorted: those of the command's options without dashes in front.
[[nodiscard]] const std::vector<std::string>& compile_settings();
[[nodiscard]] const std::vector<std::string>& run_settings();

/// Sets what the command's option of this name sets, from the same text: set(options, "adapt", "clip"), set(options, "time", "1d").
/// Those that may be given several times ("digital", "replicate") add to what there is. Throws SettingError{kInvalidArgument} for a name that
/// there is not, listing those that there are, and for a text that means nothing; some texts are only understood when they are used.
void set(CompileOptions& options, const std::string& name, const std::string& text);
void set(RunOptions& options, const std::string& name, const std::string& text);

/// A time as options tell it: seconds, or a number with a unit (s, min, h, d, w, y). Throws SettingError{kInvalidArgument} naming `name`.
[[nodiscard]] double seconds_of(const std::string& name, const std::string& text);

}  // namespace xw::toolchain
