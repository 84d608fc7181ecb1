// The resistive memory of Wan et al. 2022 in aihwkit's fit, as cells; docs/numerics.md#reram-wan2022.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>

#include "models/cells/device_pairs.hpp"
#include "models/cells/model_list.hpp"
#include "models/cells/pcm_constants.hpp"

namespace xw::cells {
namespace {

using pcm::ReramWan2022;

template <std::size_t kTime>
PcmDevice device(double r) {
  PcmDevice device;
  device.sigma = static_cast<float>(ReramWan2022::kSigma[kTime](r) / ReramWan2022::kGMax);
  return device;
}

constexpr std::array kDevices = {device<0>, device<1>, device<2>};

}  // namespace

CellModel reram_wan2022_model() {
  return {
      "reram-wan2022",
      "pairs of resistive devices after relaxation, as measured by Wan et al. 2022; nothing between the three times",
      false,
      {{.name = "days",
        .meaning = "since programming; 0: one second",
        .unit = "days",
        .fallback = 0,
        .lowest = 0,
        .highest = 2,
        .whole = true}},
      [](const ModelSettings& settings) {
        return make_device_pairs({programming::Stream::kReramWan2022,
                                  kDevices[static_cast<std::size_t>(settings.parameters.front())],
                                  0,
                                  0,
                                  {}},
                                 settings);
      }};
}

}  // namespace xw::cells
