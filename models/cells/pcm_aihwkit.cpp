// aihwkit's phase-change devices in pairs, as cells; docs/numerics.md#pcm-aihwkit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "models/cells/device_pairs.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"

namespace xw::cells {
using programming::Stream;

PcmDevice pcm_like_device(int magnitude, int target_max) {
  const double r = static_cast<double>(magnitude) / target_max;
  const double log_r = natural_log(std::max(r, pcm::PcmLike::kLeast));
  PcmDevice device;
  device.target = static_cast<float>(magnitude) / static_cast<float>(target_max);
  device.sigma = static_cast<float>(pcm::PcmLike::kProgramming(r) / pcm::PcmLike::kGMax);
  device.nu_mean = static_cast<float>(pcm::PcmLike::kDriftMean(log_r));
  device.nu_deviation = static_cast<float>(pcm::PcmLike::kDriftDeviation(log_r));
  return device;
}

CellModel pcm_aihwkit_model() {
  return {"pcm-aihwkit",
          "aihwkit's pairs of phase-change devices with drift and read noise",
          true,
          {},
          [](const ModelSettings& settings) {
            return make_device_pairs(
                {Stream::kPcmAihwkit, pcm_like_device, true, pcm::PcmLike::kT0, pcm::PcmLike::kReadTime, {}}, settings);
          }};
}

}  // namespace xw::cells
