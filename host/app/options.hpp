// Command-line options that several sub-commands share.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file_roles.hpp"
#include "arch/support/setting_error.hpp"
#include "host/commandline/parse.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/options.hpp"

namespace xw::app {

/// The message of an error with the command's option for the setting: in its place at the beginning, else behind the message.
[[nodiscard]] std::string with_option(const SettingError& error);

/// They write into the structure as they are parsed; texts that mean nothing are refused then.
[[nodiscard]] boost::program_options::options_description compile_options(toolchain::CompileOptions& compile);
[[nodiscard]] boost::program_options::options_description run_options(toolchain::RunOptions& run);
/// "0,1h,1d" in seconds, of the option --times of a command that also has run_options(); nothing for an empty text. Throws
/// Error{kInvalidArgument} naming --times, also if --time was given.
[[nodiscard]] std::vector<double> times_of(const boost::program_options::variables_map& values,
                                           const std::string& text);
/// "--top-k", "--top-p", "--seed" of a command that chooses tokens; its temperature has a default and a meaning of its own.
void add_sampler_options(boost::program_options::options_description_easy_init& add, std::uint32_t& top_k,
                         double& top_p, std::uint64_t& seed);
/// "--threads": 0 is one per core; at most kMaxThreads.
[[nodiscard]] boost::program_options::options_description thread_options(unsigned& threads);
using commandline::kMaxThreads;
/// The value of an option that is a path: any bytes. `option` names it in messages.
[[nodiscard]] boost::program_options::typed_value<std::string>* path_value(std::filesystem::path& path,
                                                                           const std::string& option);
/// "--json[=FILE]": without a file the JSON goes to standard output (path "-"), and nothing else does.
[[nodiscard]] boost::program_options::options_description json_options(std::filesystem::path& path);
/// Who asks for an output; its checksums are only computed where it is written.
struct Asked {
  const char* command;
  const std::vector<std::string>& arguments;
  const FileRoles& roles;
  [[nodiscard]] nlohmann::ordered_json about() const;
};
/// Writes `json`, with what made it before it ("about"), to the file, or to standard output for "-"; nothing if `path` is empty.
void write_json(const std::filesystem::path& path, const Asked& asked, const nlohmann::ordered_json& json,
                int indent = 2);
/// Where a result goes; empty: nowhere. Outputs of a command's FileRoles.
struct ResultFiles {
  std::filesystem::path json, html;
  void add_to(FileRoles& roles) const;
  [[nodiscard]] bool any() const { return !json.empty() || !html.empty(); }
  /// The page of a record with its key "about", if one is wanted.
  void write_page(const nlohmann::ordered_json& record) const;
};
/// json_options(), and "--html FILE": the same as a page. Throws Error{kUnsupported} while it is parsed if this build has no pages.
[[nodiscard]] boost::program_options::options_description result_options(ResultFiles& files);
/// write_json(), and the same with what made it as a page (report::html_page()).
void write_result(const ResultFiles& files, const Asked& asked, const nlohmann::ordered_json& json);
/// Inputs of `roles` that a model brings with it, and outputs of its device. `run` may be null.
void add_model_files(FileRoles& roles, const std::filesystem::path& model, const toolchain::CompileOptions& compile,
                     const toolchain::RunOptions* run);
/// Descriptions that are files.
void add_description(FileRoles& roles, const std::string& option, const std::string& name_or_path);
/// What the device of a URI writes.
void add_device_outputs(FileRoles& roles, const std::string& uri);
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

/// Throws Error{kInvalidArgument} with the names of all commands.
[[noreturn]] void throw_unknown_command(const std::string& name);

/// What is not about a model: "version", "help [COMMAND]", "man [COMMAND]", "completion SHELL", "--list-chips" and the like. Nothing if
/// `arguments` are none of these, else the exit status.
[[nodiscard]] std::optional<int> about(const std::vector<std::string>& arguments);

using commandline::parse_command_line;

int adapt_main(const std::vector<std::string>& arguments);
int assemble_main(const std::vector<std::string>& arguments);
int compile_main(const std::vector<std::string>& arguments);
int plan_main(const std::vector<std::string>& arguments);
int run_main(const std::vector<std::string>& arguments);
int serve_main(const std::vector<std::string>& arguments);
int doctor_main(const std::vector<std::string>& arguments);
int eval_main(const std::vector<std::string>& arguments);
int export_main(const std::vector<std::string>& arguments);
int sensitivity_main(const std::vector<std::string>& arguments);
int inspect_main(const std::vector<std::string>& arguments);
int report_main(const std::vector<std::string>& arguments);
int compare_main(const std::vector<std::string>& arguments);
int simulate_main(const std::vector<std::string>& arguments);
int sweep_main(const std::vector<std::string>& arguments);
int replay_main(const std::vector<std::string>& arguments);
int bench_main(const std::vector<std::string>& arguments);
int generate_data_main(const std::vector<std::string>& arguments);
int finetune_main(const std::vector<std::string>& arguments);

}  // namespace xw::app
