// For which hardware a model was trained: the configuration of aihwkit-lightning.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace xw::checkpoint {

/// What of a TorchInferenceRPUConfig counts when the trained model is used. Steps are those of the whole range
/// (254: 8 bits); 0 where nothing is quantised.
struct AnalogTraining {
  std::string origin;       ///< path, for messages
  std::string text;         ///< what was read
  bool is_pickled = false;  ///< only the pickled object was found: nothing else here is known
  double input_steps = 0;   ///< forward.inp_res: DAC
  double output_steps = 0;  ///< forward.out_res: ADC
  double output_bound = 0;  ///< forward.out_bound: ADC range in units of input range times largest weight; 0: none
  std::string clip_type;    ///< clip.type: "None", "LayerGaussian", "LayerGaussianPerChannel", "LearnablePerChannel"
  std::string weight_rounding;       ///< modifier.quantization_type: "None", "Discretize", "DiscretizePerChannel"
  double weight_steps = 0;           ///< modifier.res, if weights are rounded
  std::int64_t max_input_size = -1;  ///< mapping.max_input_size: inputs of a tile; below 1: all in one
  bool is_dynamic = false;           ///< pre_post.input_range.dynamic: ranges are found anew for every vector

  /// The "largest weight" of output_bound is that of each output, not of the whole tile.
  [[nodiscard]] bool has_bound_per_output() const {
    return clip_type == "LayerGaussianPerChannel" || clip_type == "LearnablePerChannel";
  }
};

/// Reads an rpu_config.json as scripts/convert_lightning.py writes it. Absent fields have lightning's defaults.
/// Throws Error{kFormat | kUnsupported} naming `origin` and the field.
[[nodiscard]] AnalogTraining parse_rpu_config(std::string_view text, const std::string& origin);

/// The configuration beside the weights of a model: rpu_config.json or, not readable here, the pickled rpu_config.
[[nodiscard]] std::optional<AnalogTraining> find_analog_training(const std::filesystem::path& directory);

}  // namespace xw::checkpoint
