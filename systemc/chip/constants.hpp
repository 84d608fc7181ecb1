// Constants of a chip description.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "arch/description/description.hpp"

namespace xw::systemc {

/// The value of a constant, or `absent`.
[[nodiscard]] inline double constant(const std::map<std::string, arch::Sourced>& table, const std::string& key,
                                     double absent) {
  const auto found = table.find(key);
  return found == table.end() ? absent : found->second.value;
}

}  // namespace xw::systemc
