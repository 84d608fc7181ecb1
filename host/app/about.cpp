// What the tool tells of itself: versions, lists, help, completions, manual pages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "arch/generated/xw_arch.hpp"
#include "host/app/options.hpp"
#include "host/commandline/completion.hpp"
#include "host/commandline/manual_page.hpp"
#include "host/toolchain/listing.hpp"
#include "host/toolchain/version.hpp"

namespace xw::app {
namespace {

const std::vector<std::string>& exit_statuses() {
  static const std::vector<std::string> list = {"0 success",        "2 wrong usage",    "3 bad input",
                                                "4 chip too small", "5 device failure", "70 defect",
                                                "130 interrupted"};
  return list;
}

void print_help(std::ostream& out) {
  out << "crossweave " << toolchain::kVersion
      << " - from transformer checkpoints to analog in-memory-computing hardware and back to tokens\n\n"
      << "Usage: crossweave COMMAND [options]\n\nCommands:\n";
  for (const Command& command : commands()) {
    out << "  " << command.name << std::string(15 - std::string(command.name).size(), ' ') << command.summary << '\n';
  }
  out << "\n`crossweave COMMAND --help` explains the options of a command and gives examples, `crossweave help "
         "COMMAND` does the same;\n"
         "`crossweave man COMMAND` is the manual page, `crossweave completion bash|zsh|fish` a script for the shell, "
         "`crossweave version`\n"
         "the version. --list-chips, --list-devices, --list-models and --list-noise tell what there is.\n\n"
      << "Example:\n"
      << "  crossweave compile SmolLM2-135M-Instruct.Q4_1.gguf --chip afm-512 -o smollm2.xwp\n"
      << "  crossweave run smollm2.xwp --noise pcm-afm --chip-seed 7 --chat \"What is a crossbar?\"\n"
      << "  crossweave report smollm2.xwp\n\n"
      << "Exit status:";
  for (const std::string& status : exit_statuses()) out << (status[0] == '0' ? " " : ", ") << status;
  out << ".\n";
}

[[nodiscard]] commandline::CommandHelp help_of(const Command& command) {
  commandline::CommandHelp help = commandline::describe([&] { static_cast<void>(command.main({})); });
  help.summary = command.summary;
  return help;
}

[[nodiscard]] std::vector<commandline::CommandHelp> all_help() {
  std::vector<commandline::CommandHelp> all;
  for (const Command& command : commands()) all.push_back(help_of(command));
  return all;
}

[[nodiscard]] const Command& command_named(const std::string& name) {
  const std::vector<Command>& all = commands();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Command& command) { return command.name == name; });
  if (found == all.end()) throw_unknown_command(name);
  return *found;
}

[[nodiscard]] std::string list_of(const std::string& option) {
  if (option == "--list-chips") return toolchain::chip_list();
  if (option == "--list-devices") return toolchain::device_list();
  if (option == "--list-models") return toolchain::family_list();
  if (option == "--list-noise") return toolchain::noise_list();
  throw Error(ErrorCode::kInvalidArgument,
              option + ": expected --list-chips, --list-devices, --list-models or --list-noise");
}

void print_manual(const std::vector<std::string>& arguments) {
  std::cout << (arguments.size() == 1
                    ? commandline::overview_page(all_help(), toolchain::kVersion, exit_statuses())
                    : commandline::manual_page(help_of(command_named(arguments[1])), toolchain::kVersion));
}

}  // namespace

void throw_unknown_command(const std::string& name) {
  std::string known;
  for (const Command& command : commands()) known += std::string(known.empty() ? "" : ", ") + command.name;
  throw Error(ErrorCode::kInvalidArgument, "unknown command '" + name + "'; known: " + known);
}

std::optional<int> about(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    print_help(std::cerr);
    return exit_status(ErrorCode::kInvalidArgument);
  }
  const std::string& first = arguments[0];
  const auto at_most = [&](std::size_t count) {
    if (arguments.size() > count)
      throw Error(ErrorCode::kInvalidArgument, first + ": expected nothing more, found '" + arguments[count] + "'");
  };
  if (first == "help" && arguments.size() > 1) {
    at_most(2);
    std::cout << commandline::help_text(help_of(command_named(arguments[1])), commandline::help_columns());
  } else if (first == "--help" || first == "-h" || first == "help") {
    print_help(std::cout);
  } else if (first == "--version" || first == "-V" || first == "version") {
    at_most(1);
    std::cout << "crossweave " << toolchain::kVersion << " (contract " << arch::kContractHashText << ")\n";
  } else if (first == "man") {
    at_most(2);
    print_manual(arguments);
  } else if (first == "completion") {
    at_most(2);
    const std::string shell = arguments.size() > 1 ? arguments[1] : "";
    std::cout << commandline::completion(commandline::parse_shell(shell), all_help(), toolchain::option_words());
  } else if (first.starts_with("--list-")) {
    at_most(1);
    std::cout << list_of(first);
  } else {
    return std::nullopt;
  }
  return 0;
}

}  // namespace xw::app
