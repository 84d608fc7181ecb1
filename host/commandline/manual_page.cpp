// Manual pages in the man macros of roff.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/commandline/manual_page.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace xw::commandline {
namespace {

/// Text of a line: backslashes and dashes as they are, no request at the beginning.
[[nodiscard]] std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  if (!result.empty() && (result[0] == '.' || result[0] == '\'')) result.insert(0, "\\&");
  return result;
}

[[nodiscard]] std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

[[nodiscard]] std::string title(const std::string& name, const std::string& version) {
  return ".TH \"" + roff(upper(name)) + "\" 1 \"\" \"crossweave " + roff(version) + "\" \"Crossweave\"\n";
}

[[nodiscard]] std::string term(const OptionHelp& option) {
  std::string text = ".TP\n";
  if (!option.short_name.empty()) text += "\\fB\\-" + option.short_name + "\\fR, ";
  text += "\\fB" + roff("--" + option.long_name) + "\\fR";
  if (option.value_may_miss) {
    text += "[=\\fIARG\\fR]";
  } else if (option.takes_value) {
    text += " \\fIARG\\fR";
  }
  text += "\n" + roff(option.description);
  if (!option.fallback.empty() && option.description.find("(default") == std::string::npos)
    text += " (default: " + roff(option.fallback) + ")";
  return text + "\n";
}

}  // namespace

std::string manual_page(const CommandHelp& command, const std::string& version) {
  const std::string name = "crossweave-" + command.name;
  std::string text = title(name, version) + ".SH NAME\n" + roff(name) + " \\- " + roff(command.summary) +
                     "\n.SH SYNOPSIS\n.B crossweave " + roff(command.name) + "\n" + roff(command.usage) +
                     "\n.SH OPTIONS\n";
  for (const OptionGroup& group : command.groups) {
    if (!group.caption.empty()) text += ".SS " + roff(group.caption) + "\n";
    for (const OptionHelp& option : group.options) text += term(option);
  }
  text += ".SH EXAMPLES\n.nf\n";
  std::istringstream lines(command.examples);
  for (std::string line; std::getline(lines, line);) text += roff(line) + "\n";
  return text + ".fi\n.SH SEE ALSO\n.BR crossweave (1)\n";
}

std::string overview_page(const std::vector<CommandHelp>& commands, const std::string& version,
                          const std::vector<std::string>& exit_statuses) {
  std::string text = title("crossweave", version) +
                     ".SH NAME\ncrossweave \\- from transformer checkpoints to analog in\\-memory\\-computing hardware "
                     "and back to tokens\n"
                     ".SH SYNOPSIS\n.B crossweave\n\\fICOMMAND\\fR [options]\n.SH COMMANDS\n";
  for (const CommandHelp& command : commands)
    text += ".TP\n.BR " + roff("crossweave-" + command.name) + " (1)\n" + roff(command.summary) + "\n";
  text += ".SH EXIT STATUS\n";
  for (const std::string& status : exit_statuses) {
    const std::size_t space = status.find(' ');
    text += ".TP\n.B " + status.substr(0, space) + "\n" + roff(status.substr(space + 1)) + "\n";
  }
  return text;
}

}  // namespace xw::commandline
