// The phase-change unit cells of the Hermes chip in aihwkit's fit, as cells; docs/numerics.md#pcm-hermes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "models/cells/device_pairs.hpp"
#include "models/cells/elementary.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"

namespace xw::cells {
namespace {

using pcm::Hermes;

template <typename Fit>
PcmDevice device(double r) {
  const double bounded = std::max(r, Hermes::kLeast);
  const double log_r = natural_log(bounded);
  PcmDevice device;
  device.sigma = static_cast<float>(Fit::kProgramming(r) / Fit::kGMax);
  device.nu_mean = static_cast<float>(bounded < Hermes::kDriftMeanSwitch ? Hermes::kDriftMean(log_r)
                                                                         : Hermes::kDriftMeanAbove(bounded));
  device.nu_deviation = static_cast<float>(bounded < Fit::kDriftDeviationSwitch ? Fit::kDriftDeviation(log_r)
                                                                                : Fit::kDriftDeviationAbove(bounded));
  return device;
}

template <typename Fit>
double read_noise(double r) {
  return r < Fit::kReadSwitch ? Fit::kRead(natural_log(std::max(r, Hermes::kLeast))) : Fit::kReadAbove(r);
}

template <typename Fit>
std::unique_ptr<ProgrammingModel> make(const ModelSettings& settings) {
  return make_device_pairs({programming::Stream::kPcmHermes, device<Fit>, Fit::kT0, Hermes::kReadTime, read_noise<Fit>},
                           settings);
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
