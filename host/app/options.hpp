// Command-line options that several sub-commands share.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/options.hpp"

namespace xw::app {

/// They write into the structure as they are parsed; texts that mean nothing are refused then.
[[nodiscard]] boost::program_options::options_description compile_options(toolchain::CompileOptions& compile);
[[nodiscard]] boost::program_options::options_description run_options(toolchain::RunOptions& run);
/// "--threads": 0 is one per core; at most kMaxThreads.
[[nodiscard]] boost::program_options::options_description thread_options(unsigned& threads);
inline constexpr unsigned kMaxThreads = 1024;
/// "--json[=FILE]": without a file the JSON goes to standard output (path "-").
[[nodiscard]] boost::program_options::options_description json_options(std::filesystem::path& path);
/// Writes `text` to the file, or to standard output for "-".
void write_json(const std::filesystem::path& path, const std::string& text);
/// Throws Error{kInvalidArgument} naming the first option of `options` that the user gave, with the reason why it cannot apply.
void refuse_options(const boost::program_options::variables_map& values,
                    const boost::program_options::options_description& options, const std::string& reason);

/// Throws Error{kInvalidArgument} for given options of `run` and `compile` (as from run_options and compile_options) that
/// cannot apply to this model and mode.
void refuse_unused(const boost::program_options::variables_map& values, const toolchain::OpenedModel& opened,
                   const boost::program_options::options_description& run,
                   const boost::program_options::options_description& compile);

/// A sub-command: its options, one positional, help text with examples.
struct Command {
  const char* name;
  const char* summary;
  int (*main)(const std::vector<std::string>& arguments);
};
[[nodiscard]] const std::vector<Command>& commands();

/// Parses (a composing option named `positional` takes any number of arguments); prints help to stdout and returns nothing when --help is given. Throws Error{kInvalidArgument} for unknown or
/// malformed options (naming the option and the command's help).
[[nodiscard]] std::optional<boost::program_options::variables_map> parse_command_line(
    const char* command, const std::vector<std::string>& arguments,
    const boost::program_options::options_description& options, const char* positional, const char* usage,
    const char* examples);

int compile_main(const std::vector<std::string>& arguments);
int run_main(const std::vector<std::string>& arguments);
int eval_main(const std::vector<std::string>& arguments);
int inspect_main(const std::vector<std::string>& arguments);
int report_main(const std::vector<std::string>& arguments);
int compare_main(const std::vector<std::string>& arguments);
int simulate_main(const std::vector<std::string>& arguments);
int replay_main(const std::vector<std::string>& arguments);
int bench_main(const std::vector<std::string>& arguments);

}  // namespace xw::app
