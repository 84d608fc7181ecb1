// The parser of options.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/commandline/parse.hpp"

#include <cmath>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <utility>

#include "arch/support/error.hpp"

namespace xw::commandline {

namespace po = boost::program_options;

namespace {

/// The few real numbers that users give are never negative, infinite or no number.
void refuse_impossible_numbers(const po::variables_map& values) {
  for (const char* name : {"read-sigma", "temperature"}) {
    if (const auto found = values.find(name); found != values.end() && !found->second.defaulted()) {
      const double value = found->second.as<double>();
      if (!(value >= 0) || !std::isfinite(value))
        throw Error(ErrorCode::kInvalidArgument,
                    std::string("--") + name + ": expected a number of at least 0, found " + std::to_string(value));
    }
  }
  if (const auto threads = values.find("threads");
      threads != values.end() && threads->second.as<unsigned>() > kMaxThreads) {
    throw Error(ErrorCode::kInvalidArgument, "--threads: expected at most " + std::to_string(kMaxThreads) + ", found " +
                                                 std::to_string(threads->second.as<unsigned>()));
  }
}

[[nodiscard]] bool is_count(const po::value_semantic& value) {
  return dynamic_cast<const po::typed_value<std::uint32_t>*>(&value) != nullptr ||
         dynamic_cast<const po::typed_value<std::uint64_t>*>(&value) != nullptr;
}

/// "-5" where a count is wanted: an unsigned type would take it for a large number.
void refuse_negative_counts(const po::parsed_options& parsed, const po::options_description& options) {
  for (const auto& option : parsed.options) {
    const po::option_description* known = options.find_nothrow(option.string_key, false);
    if (known == nullptr || !is_count(*known->semantic())) continue;
    if (!option.value.empty() && option.value[0].starts_with('-')) {
      throw Error(ErrorCode::kInvalidArgument,
                  "--" + option.string_key + ": expected a number of at least 0, found " + option.value[0]);
    }
  }
}

/// "--json" alone means standard output, "--reload" alone as many areas as are best, "--spread" and "--duplicate" alone all free tiles: the argument after it is never its value.
std::vector<std::string> with_implicit_values(std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == "--json") argument = "--json=-";
    if (argument == "--reload") argument = "--reload=auto";
    if (argument == "--spread") argument = "--spread=auto";
    if (argument == "--duplicate") argument = "--duplicate=auto";
  }
  return arguments;
}

/// A text without the names of option and argument that boost puts around it: "=arg (=4)" is "4".
[[nodiscard]] std::string fallback_of(const std::string& parameter) {
  const std::size_t begin = parameter.rfind("(=");
  if (begin == std::string::npos || !parameter.ends_with(')')) return {};
  return parameter.substr(begin + 2, parameter.size() - begin - 3);
}

[[nodiscard]] OptionHelp option_help(const po::option_description& option) {
  OptionHelp help;
  help.long_name = option.long_name();
  const std::string both = option.format_name();  // "-h [ --help ]" or "--help"
  if (both.size() > 2 && both[0] == '-' && both[1] != '-') help.short_name = both.substr(1, 1);
  help.description = option.description();
  help.takes_value = option.semantic()->max_tokens() > 0;
  help.value_may_miss = help.takes_value && option.semantic()->min_tokens() == 0;
  if (!help.value_may_miss) help.fallback = fallback_of(option.format_parameter());
  return help;
}

/// Boost tells its groups only in the text that it prints: captions at the beginning of lines, options behind two spaces.
[[nodiscard]] CommandHelp help_of(const char* command, const po::options_description& all, const char* usage,
                                  const char* examples) {
  CommandHelp help{command, "", usage, examples, {}};
  std::ostringstream printed;
  printed << all;
  std::istringstream lines(printed.str());
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || help.groups.empty()) help.groups.push_back({});
    if (!line.empty() && line[0] != ' ') help.groups.back().caption = line.substr(0, line.rfind(':'));
    const std::size_t name = line.find("--");
    if (!line.starts_with("  -") || name == std::string::npos) continue;
    const std::size_t end = line.find_first_of(" [=]", name);
    help.groups.back().options.push_back(option_help(all.find(line.substr(name + 2, end - name - 2), false)));
  }
  std::erase_if(help.groups, [](const OptionGroup& group) { return group.options.empty(); });
  return help;
}

CommandHelp* described = nullptr;  ///< where describe() wants it

}  // namespace

CommandHelp describe(const std::function<void()>& run) {
  CommandHelp help;
  described = &help;
  try {
    run();
  } catch (...) {
    described = nullptr;
    throw;
  }
  if (std::exchange(described, nullptr) != nullptr)
    throw Error(ErrorCode::kInternal, "a command that parses no options");
  return help;
}

std::optional<po::variables_map> parse_command_line(const char* command, const std::vector<std::string>& arguments,
                                                    const po::options_description& options, const char* positional,
                                                    const char* usage, const char* examples) {
  po::options_description all;
  all.add(options);
  po::options_description general("General");
  general.add_options()("help,h", "this text");
  all.add(general);
  if (described != nullptr) {
    *described = help_of(command, all, usage, examples);
    described = nullptr;
    return std::nullopt;
  }
  po::positional_options_description places;
  if (positional != nullptr)
    places.add(positional, options.find(positional, false).semantic()->is_composing() ? -1 : 1);
  po::variables_map values;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(with_implicit_values(arguments))
            .options(all)
            .positional(places)
            .style(po::command_line_style::unix_style ^ po::command_line_style::allow_guessing)
            .run();
    refuse_negative_counts(parsed, all);
    po::store(parsed, values);
    if (values.count("help") != 0) {
      std::cout << help_text(help_of(command, all, usage, examples), help_columns());
      return std::nullopt;
    }
    po::notify(values);
    refuse_impossible_numbers(values);
  } catch (const po::error& error) {
    throw Error(ErrorCode::kInvalidArgument, std::string(error.what()) + " (see `crossweave " + command + " --help`)");
  }
  return values;
}

}  // namespace xw::commandline
