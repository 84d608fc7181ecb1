// Parses the options of a command, or describes them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "host/commandline/command_help.hpp"

namespace xw::commandline {

inline constexpr unsigned kMaxThreads = 1024;  ///< of an option "threads"

/// Parses (a composing option named `positional` takes any number of arguments); prints help to stdout and returns nothing when --help
/// is given, or inside describe(). Throws Error{kInvalidArgument} for unknown or malformed options (naming the option and the command's
/// help), for negative counts, and for numbers of "temperature" and "read-sigma" that are no numbers of at least 0.
[[nodiscard]] std::optional<boost::program_options::variables_map> parse_command_line(
    const char* command, const std::vector<std::string>& arguments,
    const boost::program_options::options_description& options, const char* positional, const char* usage,
    const char* examples);

/// What the command whose main function is called by `run` passes to parse_command_line: nothing else of it happens. Not for several
/// threads at once. Throws Error{kInternal} if it does not parse.
[[nodiscard]] CommandHelp describe(const std::function<void()>& run);

}  // namespace xw::commandline
