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

PcmDevice pcm_like_device(double r) {
  const double log_r = natural_log(std::max(r, pcm::PcmLike::kLeast));
  PcmDevice device;
  device.sigma = static_cast<float>(pcm::PcmLike::kProgramming(r) / pcm::PcmLike::kGMax);
  device.nu_mean = static_cast<float>(pcm::PcmLike::kDriftMean(log_r));
  device.nu_deviation = static_cast<float>(pcm::PcmLike::kDriftDeviation(log_r));
  return device;
}

double pcm_like_read_noise(double r) {
  const auto log2_r = fast_log2(static_cast<float>(std::max(r, pcm::PcmLike::kLeast)));
  const auto power = static_cast<double>(fast_exp2(-static_cast<float>(pcm::PcmLike::kReadPower) * log2_r));
  return std::min(pcm::PcmLike::kRead * power, pcm::PcmLike::kReadMost);
}

CellModel pcm_aihwkit_model() {
  return {"pcm-aihwkit",
          "aihwkit's pairs of phase-change devices with drift and read noise",
          true,
          {},
          [](const ModelSettings& settings) {
            return make_device_pairs(
                {Stream::kPcmAihwkit, pcm_like_device, pcm::PcmLike::kT0, pcm::PcmLike::kReadTime, pcm_like_read_noise},
                settings);
          }};
}

}  // namespace xw::cells
