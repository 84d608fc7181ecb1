// Completions of bash, zsh and fish.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/commandline/completion.hpp"

#include <algorithm>

#include "arch/support/error.hpp"

namespace xw::commandline {
namespace {

using Words = std::map<std::string, std::vector<std::string>>;

/// For single quotes of all three shells.
[[nodiscard]] std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

template <typename Range, typename Text>
[[nodiscard]] std::string joined(const Range& range, Text text) {
  std::string result;
  for (const auto& item : range) result += (result.empty() ? "" : " ") + text(item);
  return result;
}

[[nodiscard]] std::string names_of(const std::vector<std::string>& words) {
  return joined(words, [](const std::string& word) { return word; });
}

/// Up to the first end of a sentence or part of it: completions are lists.
[[nodiscard]] std::string in_short(const std::string& description) {
  constexpr std::size_t kMost = 72;
  std::string text = description.substr(0, description.find_first_of(";:("));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text.size() <= kMost ? text : text.substr(0, text.rfind(' ', kMost));
}

[[nodiscard]] std::string bash(const std::vector<CommandHelp>& commands, const Words& words) {
  std::string text =
      "# bash completion of crossweave\n_crossweave() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} options=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    COMPREPLY=($(compgen -W " +
      quoted(joined(commands, [](const CommandHelp& c) { return c.name; })) +
      " -- \"$current\"))\n    return\n  fi\n"
      "  # The shell takes \"--option=value\" for three words.\n"
      "  if [ \"$current\" = = ]; then current=; elif [ \"$previous\" = = ]; then "
      "previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
      "  case $previous in\n";
  for (const auto& [option, values] : words)
    text += "    --" + option + ") COMPREPLY=($(compgen -W " + quoted(names_of(values)) +
            " -- \"$current\") $(compgen -f -- \"$current\")); return ;;\n";
  text += "  esac\n  case ${COMP_WORDS[1]} in\n";
  for (const CommandHelp& command : commands) {
    text += "    " + command.name +
            ") options=" + quoted(joined(command.options(), [](const OptionHelp& o) { return "--" + o.long_name; })) +
            " ;;\n";
  }
  return text +
         "  esac\n  if [ \"${current#-}\" != \"$current\" ]; then\n    COMPREPLY=($(compgen -W \"$options\" -- "
         "\"$current\"))\n  else\n"
         "    COMPREPLY=($(compgen -f -- \"$current\"))\n  fi\n}\ncomplete -o filenames -F _crossweave crossweave\n";
}

/// In the brackets of _arguments.
[[nodiscard]] std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : in_short(text))
    result += c == '[' || c == ']' || c == ':' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return result;
}

[[nodiscard]] std::string zsh(const std::vector<CommandHelp>& commands, const Words& words) {
  std::string text = "#compdef crossweave\n_crossweave() {\n  local -a commands\n  commands=(\n";
  for (const CommandHelp& command : commands)
    text += "    " + quoted(command.name + ":" + zsh_text(command.summary)) + "\n";
  text +=
      "  )\n  if (( CURRENT == 2 )); then\n    _describe command commands\n    return\n  fi\n  local "
      "command=$words[2]\n  shift words\n"
      "  (( CURRENT-- ))\n  case $command in\n";
  for (const CommandHelp& command : commands) {
    text += "    " + command.name + ")\n      _arguments";
    for (const OptionHelp& option : command.options()) {
      std::string value;
      const auto known = words.find(option.long_name);
      if (option.takes_value)
        value = known == words.end() ? ":value:_files" : ":value:(" + names_of(known->second) + ")";
      text += " \\\n        " +
              quoted("--" + option.long_name + (option.takes_value ? (option.value_may_miss ? "=-" : "=") : "") + "[" +
                     zsh_text(option.description) + "]" + (option.value_may_miss ? ":" + value : value));
    }
    text += " \\\n        '*:file:_files'\n      ;;\n";
  }
  return text +
         "  esac\n}\nif [ \"$funcstack[1]\" = _crossweave ]; then _crossweave \"$@\"; else compdef _crossweave "
         "crossweave; fi\n";
}

[[nodiscard]] std::string fish(const std::vector<CommandHelp>& commands, const Words& words) {
  std::string text = "# fish completion of crossweave\n";
  for (const CommandHelp& command : commands) {
    text += "complete -c crossweave -n __fish_use_subcommand -f -a " + command.name + " -d " +
            quoted(in_short(command.summary)) + "\n";
  }
  for (const CommandHelp& command : commands) {
    for (const OptionHelp& option : command.options()) {
      text += "complete -c crossweave -n '__fish_seen_subcommand_from " + command.name + "' -l " + option.long_name;
      if (!option.short_name.empty()) text += " -s " + option.short_name;
      if (option.takes_value && !option.value_may_miss) text += " -r";
      if (const auto known = words.find(option.long_name); known != words.end())
        text += " -a " + quoted(names_of(known->second));
      text += " -d " + quoted(in_short(option.description)) + "\n";
    }
  }
  return text;
}

}  // namespace

Shell parse_shell(const std::string& text) {
  if (text == "bash") return Shell::kBash;
  if (text == "zsh") return Shell::kZsh;
  if (text == "fish") return Shell::kFish;
  throw Error(ErrorCode::kInvalidArgument, "expected a shell, bash, zsh or fish, found '" + text + "'");
}

std::string completion(Shell shell, const std::vector<CommandHelp>& commands, const Words& words) {
  switch (shell) {
    case Shell::kBash:
      return bash(commands, words);
    case Shell::kZsh:
      return zsh(commands, words);
    case Shell::kFish:
      return fish(commands, words);
  }
  return {};
}

}  // namespace xw::commandline
