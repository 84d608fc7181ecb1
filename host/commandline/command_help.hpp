// What a command of the tool says of itself: its options as data, for help, completions and manual pages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace xw::commandline {

struct OptionHelp {
  std::string long_name;   ///< without dashes
  std::string short_name;  ///< one letter; empty: none
  std::string description;
  std::string fallback;  ///< text of the value that it has when it is not given; empty: none
  bool takes_value = true;
  bool value_may_miss = false;  ///< "--json" beside "--json=FILE"
};

struct OptionGroup {
  std::string caption;
  std::vector<OptionHelp> options;
};

struct CommandHelp {
  std::string name, summary;
  std::string usage;     ///< what stands behind the name: "PROGRAM [options]"
  std::string examples;  ///< lines
  std::vector<OptionGroup> groups;
  /// Of all groups.
  [[nodiscard]] std::vector<OptionHelp> options() const;
};

/// Columns that help may take: those of the terminal that standard output is, between 60 and 120; 80 where it is none. COLUMNS, if it is a
/// number, comes first.
[[nodiscard]] unsigned help_columns();

/// Lines of at most `columns`, broken at spaces; lines after the first begin with `indent` spaces, which count. Words that are longer stay whole.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t columns, std::size_t indent);

/// The text of `crossweave NAME --help`.
[[nodiscard]] std::string help_text(const CommandHelp& command, std::size_t columns);

}  // namespace xw::commandline
