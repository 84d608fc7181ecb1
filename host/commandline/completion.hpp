// Completions of shells for the tool.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/commandline/command_help.hpp"

namespace xw::commandline {

enum class Shell : std::uint8_t { kBash, kZsh, kFish };

/// "bash", "zsh", "fish". Throws Error{kInvalidArgument} for others, listing these.
[[nodiscard]] Shell parse_shell(const std::string& text);

/// A script that completes the names of commands, their options, known words as values of options (by long name), and files elsewhere.
[[nodiscard]] std::string completion(Shell shell, const std::vector<CommandHelp>& commands,
                                     const std::map<std::string, std::vector<std::string>>& words);

}  // namespace xw::commandline
