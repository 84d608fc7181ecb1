// The constants of a chip's static estimate: which keys exist, in which unit, what they may be.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "arch/description/description.hpp"
#include "arch/description/table_reader.hpp"

namespace xw::arch {

/// A key of [chip.timing], [chip.energy], [chip.area], [chip.links] or [chip.programming] (docs/chip-description.md).
struct ConstantKey {
  std::string_view name;
  std::string_view unit;
  bool positive = false;  ///< zero is impossible, e.g. a rate
  bool optional = false;  ///< may be left out of a table; docs/chip-description.md says what that means
};

[[nodiscard]] std::span<const ConstantKey> timing_keys();
[[nodiscard]] std::span<const ConstantKey> energy_keys();
[[nodiscard]] std::span<const ConstantKey> area_keys();
[[nodiscard]] std::span<const ConstantKey> link_keys();
[[nodiscard]] std::span<const ConstantKey> programming_keys();

/// Reads table `name` of a chip with exactly `keys`; an absent table gives an empty map, an absent optional key no
/// entry.
[[nodiscard]] std::map<std::string, Sourced> read_constants(TableReader& chip, std::string_view name,
                                                            std::span<const ConstantKey> keys);

/// [chip.links] and [chip.programming]; what an absent table means are the defaults of docs/chip-description.md, with their sources.
[[nodiscard]] ChipLinks read_links(TableReader& chip);
[[nodiscard]] std::map<std::string, Sourced> read_programming(TableReader& chip);

}  // namespace xw::arch
