// The phase-change unit cells of the Hermes chip in aihwkit's fit, as cells; docs/numerics.md#pcm-hermes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "models/cells/device_pairs.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"

namespace xw::cells {
namespace {

using pcm::Hermes;

template <typename Fit>
PcmDevice device(int magnitude, int target_max) {
  const double r = static_cast<double>(magnitude) / target_max;
  const double bounded = std::max(r, Hermes::kLeast);
  const double log_r = natural_log(bounded);
  PcmDevice device;
  device.target = static_cast<float>(magnitude) / static_cast<float>(target_max);
  device.sigma = static_cast<float>(Fit::kProgramming(r) / Fit::kGMax);
  device.nu_mean = static_cast<float>(bounded < Hermes::kDriftMeanSwitch ? Hermes::kDriftMean(log_r)
                                                                         : Hermes::kDriftMeanAbove(bounded));
  device.nu_deviation = static_cast<float>(bounded < Fit::kDriftDeviationSwitch ? Fit::kDriftDeviation(log_r)
                                                                                : Fit::kDriftDeviationAbove(bounded));
  return device;
}

template <typename Fit>
std::unique_ptr<ProgrammingModel> make(const ModelSettings& settings) {
  PairFit fit{programming::Stream::kPcmHermes, device<Fit>, true, Fit::kT0, Hermes::kReadTime,
              std::vector<float>(kReadEntries)};
  for (std::size_t i = 0; i < kReadEntries; ++i) {
    const double r = static_cast<double>(i) / kReadSteps;
    const double q = r < Fit::kReadSwitch ? Fit::kRead(natural_log(std::max(r, Hermes::kLeast))) : Fit::kReadAbove(r);
    fit.read_noise[i] = static_cast<float>(q);
  }
  return make_device_pairs(fit, settings);
}

}  // namespace

CellModel pcm_hermes_model() {
  return {"pcm-hermes",
          "aihwkit's unit cells of the Hermes chip: pairs of one or two phase-change devices with drift and read noise",
          true,
          {{.name = "devices",
            .meaning = "phase-change devices per conductance",
            .unit = "devices",
            .fallback = 2,
            .lowest = 1,
            .highest = 2,
            .whole = true}},
          [](const ModelSettings& settings) {
            return settings.parameters.front() < 1.5 ? make<pcm::HermesOne>(settings) : make<pcm::HermesTwo>(settings);
          }};
}

}  // namespace xw::cells
