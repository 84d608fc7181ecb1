// Cells that are the difference of two devices with programming noise, drift and frozen read noise, whatever their fit. Private to the models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "models/cells/cell_kernels.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/programming_base.hpp"

namespace xw::cells {

/// Numbers of the draws of one cell: each device of the pair has one of every kind. docs/numerics.md#pairs-of-devices.
enum class PcmDraw : std::uint32_t {
  kProgrammingPlus = 0,
  kProgrammingMinus = 1,
  kDriftPlus = 2,
  kDriftMinus = 3,
  kReadPlus = 4,
  kReadMinus = 5,
};

/// What devices of one kind do; conductances in units of g_max.
struct PairFit {
  programming::Stream stream = programming::Stream::kPcmAihwkit;  ///< of the deviates
  /// Of a device that is programmed to magnitude / target_max.
  std::function<PcmDevice(int magnitude, int target_max)> device;
  bool reads = false;             ///< has read noise
  double t_0 = 0, t_read = 0;     ///< seconds: when drift begins, of one read; for models that drift or read
  std::vector<float> read_noise;  ///< [kReadEntries] coefficients of the read noise; empty: those of PcmLike
};

/// A device of aihwkit's PCMLikeNoiseModel that is programmed to magnitude / target_max.
[[nodiscard]] PcmDevice pcm_like_device(int magnitude, int target_max);

/// A model of such pairs. Its age is settings.seconds + t_0.
[[nodiscard]] std::unique_ptr<ProgrammingModel> make_device_pairs(const PairFit& fit, const ModelSettings& settings);

}  // namespace xw::cells
