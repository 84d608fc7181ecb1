// Descriptions by built-in name or by path.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/description/builtin.hpp"
#include "arch/description/description.hpp"
#include "arch/description/table_reader.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw::arch {

namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 20;

std::vector<std::string> names_with(std::string_view section) {
  std::vector<std::string> names;
  for (const BuiltinDescription& builtin : builtin_descriptions()) {
    if (TableReader(builtin.text, std::string(builtin.name)).has(section)) names.emplace_back(builtin.name);
  }
  return names;
}

bool is_path(const std::string& name_or_path) {
  return name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml");
}

/// Text of a description, and what to call it in messages.
std::string text_of(const std::string& name_or_path, const std::string& kind, const std::vector<std::string>& known) {
  if (is_path(name_or_path)) return read_text_file(name_or_path, kMaxFileBytes);
  for (const BuiltinDescription& builtin : builtin_descriptions()) {
    if (builtin.name == name_or_path) return std::string(builtin.text);
  }
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::kInvalidArgument,
              "unknown " + kind + " '" + name_or_path + "': expected one of " + list + ", or the path of a .toml file");
}

}  // namespace

std::vector<std::string> builtin_chips() {
  return names_with("chip");
}
std::vector<std::string> builtin_emulators() {
  return names_with("emulator");
}

ChipDescription load_chip(const std::string& name_or_path) {
  ChipDescription chip = parse_chip(text_of(name_or_path, "chip", builtin_chips()), name_or_path);
  if (is_path(name_or_path)) chip.folder = std::filesystem::path(name_or_path).parent_path();
  const bool names_a_file = chip.emulator != name_or_path && is_path(chip.emulator);
  if (names_a_file && is_path(name_or_path) && std::filesystem::path(chip.emulator).is_relative()) {
    chip.emulator = (std::filesystem::path(name_or_path).parent_path() / chip.emulator).string();
    if (!is_path(chip.emulator)) chip.emulator = "./" + chip.emulator;
  }
  return chip;
}

ChipDescription with_noise(const ChipDescription& chip, const std::string& noise) {
  const std::string text = replace_text(chip.text, {"chip", "noise"}, noise, chip.name);
  ChipDescription changed = parse_chip(text, chip.name);
  if (changed.noise != noise)
    throw Error(ErrorCode::kInternal, chip.name + ": expected noise '" + noise + "', found '" + changed.noise + "'");
  changed.emulator = chip.emulator;
  changed.folder = chip.folder;
  return changed;
}

EmulatorDescription load_emulator(const std::string& name_or_path) {
  return parse_emulator(text_of(name_or_path, "emulator", builtin_emulators()), name_or_path);
}

}  // namespace xw::arch
