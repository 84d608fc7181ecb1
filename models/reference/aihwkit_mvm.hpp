// The analog matrix-vector product of aihwkit with its noise and bound management. For studies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "models/reference/afm_float.hpp"

namespace xw::reference::aihwkit {

/// Scale of the input vector before the DAC.
enum class NoiseManagement { kNone, kAbsMax, kConstant };
/// What happens when the ADC clips: nothing, or the vector is scaled down by two until it does not.
enum class BoundManagement { kNone, kIterative };

struct IoParameters {
  float inp_bound = 1.0F;
  float inp_res = 1.0F / 126.0F;  ///< DAC step in units of the full range
  float out_bound = 12.0F;
  float out_res = 1.0F / 510.0F;  ///< ADC step in units of the full range
  NoiseManagement noise_management = NoiseManagement::kAbsMax;
  float nm_thres = 1.0F;  ///< the constant of kConstant
  BoundManagement bound_management = BoundManagement::kIterative;
  float max_bm_factor = 1000.0F;
  float max_bm_res = 0.25F;
};

/// y [out] of one vector x [in] with weight [out][in]: converters and management in fp32, in the order of the original, without
/// its stochastic terms. Throws Error{kShapeMismatch}.
[[nodiscard]] std::vector<float> analog_mvm(const afm::MatrixView& weight, std::span<const float> x,
                                            const IoParameters& io);

}  // namespace xw::reference::aihwkit
