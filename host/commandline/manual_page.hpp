// Manual pages of the tool.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "host/commandline/command_help.hpp"

namespace xw::commandline {

/// The page crossweave-NAME(1) of a command, for man.
[[nodiscard]] std::string manual_page(const CommandHelp& command, const std::string& version);
/// The page crossweave(1), which lists all commands and the exit statuses ("0 success", ...).
[[nodiscard]] std::string overview_page(const std::vector<CommandHelp>& commands, const std::string& version,
                                        const std::vector<std::string>& exit_statuses);

}  // namespace xw::commandline
