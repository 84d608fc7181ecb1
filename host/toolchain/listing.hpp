// What there is to choose from: chips, devices, families of models, cell models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

namespace xw::toolchain {

/// A line for each: name, tiles, converters, cells.
[[nodiscard]] std::string chip_list();
/// A line for each form of each device, with those that this build lacks.
[[nodiscard]] std::string device_list();
/// A line for each family of models.
[[nodiscard]] std::string family_list();
/// A line for each cell model, as `--noise` takes it.
[[nodiscard]] std::string noise_list();

/// Known values of options, by the option's name without dashes.
[[nodiscard]] std::map<std::string, std::vector<std::string>> option_words();

}  // namespace xw::toolchain
