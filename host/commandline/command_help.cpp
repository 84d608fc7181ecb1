// Help texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/commandline/command_help.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace xw::commandline {
namespace {

constexpr unsigned kFewestColumns = 60, kMostColumns = 120, kColumns = 80;

[[nodiscard]] std::string left_side(const OptionHelp& option) {
  std::string text = "  ";
  if (!option.short_name.empty()) text += "-" + option.short_name + ", ";
  text += "--" + option.long_name;
  if (option.value_may_miss) return text + "[=ARG]";
  return option.takes_value ? text + " ARG" : text;
}

}  // namespace

std::vector<OptionHelp> CommandHelp::options() const {
  std::vector<OptionHelp> all;
  for (const OptionGroup& group : groups) all.insert(all.end(), group.options.begin(), group.options.end());
  return all;
}

unsigned help_columns() {
  unsigned columns = 0;
  if (const char* text = std::getenv("COLUMNS"); text != nullptr) {
    const char* end = text + std::strlen(text);
    if (std::from_chars(text, end, columns).ptr != end) columns = 0;
  }
  winsize size{};
  if (columns == 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return columns == 0 ? kColumns : std::clamp(columns, kFewestColumns, kMostColumns);
}

std::string wrapped(const std::string& text, std::size_t columns, std::size_t indent) {
  std::string result;
  std::size_t used = indent;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (used > indent && used + 1 + length > columns) {
      result += "\n" + std::string(indent, ' ');
      used = indent;
    } else if (used > indent) {
      result += ' ';
      ++used;
    }
    result.append(text, begin, length);
    used += length;
    begin = end + 1;
  }
  return result;
}

std::string help_text(const CommandHelp& command, std::size_t columns) {
  std::string text = "Usage: crossweave " + command.name + " " + command.usage + "\n";
  std::size_t side = 0;
  for (const OptionHelp& option : command.options()) side = std::max(side, left_side(option).size());
  side = std::min<std::size_t>(side, 26) + 2;
  for (const OptionGroup& group : command.groups) {
    text += "\n" + (group.caption.empty() ? std::string() : group.caption + ":\n");
    for (const OptionHelp& option : group.options) {
      std::string line = left_side(option);
      line += line.size() + 2 > side ? "\n" + std::string(side, ' ') : std::string(side - line.size(), ' ');
      const std::string more = option.fallback.empty() ? "" : " (default: " + option.fallback + ")";
      // Some descriptions tell the default better than its value does.
      const bool is_told = option.description.find("(default") != std::string::npos;
      text += line + wrapped(option.description + (is_told ? "" : more), columns, side) + "\n";
    }
  }
  return text + "\nExamples:\n" + command.examples;
}

}  // namespace xw::commandline
