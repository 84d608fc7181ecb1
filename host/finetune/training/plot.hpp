// The loss of a run as a picture.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace xw::finetune {

struct LossPoint {
  double tokens = 0, loss = 0;
};

/// SVG: loss over tokens, both axes labelled; empty axes without points.
[[nodiscard]] std::string loss_svg(const std::vector<LossPoint>& points, const std::string& title);

/// The points of a metrics file; lines that are none are passed over.
[[nodiscard]] std::vector<LossPoint> read_loss_points(const std::filesystem::path& metrics);

}  // namespace xw::finetune
