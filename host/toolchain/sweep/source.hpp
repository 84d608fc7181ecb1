// Results of studies, wherever they are.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

namespace xw::toolchain {

/// Where results of a study are unless another folder is named: its file without .toml, with .sweep.
[[nodiscard]] std::filesystem::path default_folder(const std::filesystem::path& study);

struct SweepSource {
  std::size_t points = 0;                       ///< of the study; without one, of those that are there
  std::vector<nlohmann::ordered_json> records;  ///< one for each point that has one
  std::filesystem::path place;                  ///< folder or table that they are in
};

/// What all workers have so far: of a study (`folder`: where its results are, empty: the default), of a folder of results, or of a table that
/// to_sqlite() made. Throws Error{kInvalidArgument} for a folder with several measurements, and what reading throws.
[[nodiscard]] SweepSource read_source(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace xw::toolchain
