// What an adaptation did, for people and scripts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "host/toolchain/adapt/adapt.hpp"

namespace xw::toolchain {

/// Layers of a kind (q_proj, down_proj, ...) together.
struct AdaptedKind {
  std::string name;
  double noise_before_db = 0, noise_after_db = 0;  ///< of the mean noise over signal
  double change_db = 0;                            ///< by clipping; -infinity for none
  double clip_level = 1;
};
/// In the order of their first layer.
[[nodiscard]] std::vector<AdaptedKind> by_kind(const AdaptSummary& summary);

/// Version 1.
[[nodiscard]] nlohmann::ordered_json adapt_json(const AdaptSummary& summary, const std::filesystem::path& output);

}  // namespace xw::toolchain
