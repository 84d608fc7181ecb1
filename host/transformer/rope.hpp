// Rotary position embedding: frequencies, their scaling for long contexts, and rotation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"

namespace xw::transformer {

enum class RopeStyle { kNone, kHalf, kInterleaved };

/// The rotary attributes of an attention node.
struct RopeConfig {
  RopeStyle style = RopeStyle::kNone;
  std::uint32_t dims = 0;  ///< rotated dimensions of a head, even; the others pass
  double theta = 10000;
  std::string scaling = "none";  ///< "none", "linear", "llama3", "longrope"
  double factor = 1, low_freq_factor = 1, high_freq_factor = 4, attention_factor = 1;
  std::uint32_t original_context = 0;
  std::vector<double> short_factors, long_factors;  ///< longrope, dims / 2 each
  friend bool operator==(const RopeConfig&, const RopeConfig&) = default;
};
/// Throws Error{kFormat} for attributes that do not fit together.
[[nodiscard]] RopeConfig rope_config(const ir::Node& attention);

/// Angle per position of every rotated pair, dims / 2 values.
///
/// none:     w_i = theta^(-2 i / dims)               (Su et al., RoFormer, section 3.2.2)
/// linear:   w_i / factor                            (Chen et al., Position Interpolation)
/// llama3:   w_i for wavelengths 2 pi / w_i below original / high_freq_factor, w_i / factor above
///           original / low_freq_factor, between them (1 - s) w_i / factor + s w_i with
///           s = (original / wavelength - low) / (high - low)   (Llama 3.1 reference code)
/// longrope: w_i / factor / short_factors[i], or long_factors for a sequence longer than the original context
///           (Ding et al., LongRoPE; Phi-3 reference code; `factor` as in GGUF files that have both, otherwise 1)
/// `length`: tokens of the sequence.
[[nodiscard]] std::vector<double> rope_frequencies(const RopeConfig& config, std::uint32_t length);
/// True if sequences of different lengths have different frequencies.
[[nodiscard]] bool depends_on_length(const RopeConfig& config);

/// Cosines and sines of all positions so far, multiplied by the attention factor; grows.
class RopeTable {
 public:
  /// For a sequence of `length` tokens.
  RopeTable(const RopeConfig& config, std::uint32_t length);
  /// Takes the frequencies of a sequence of `length` tokens. True if they are others than before: the table is then
  /// empty, and what was rotated with it is out of date.
  [[nodiscard]] bool set_length(std::uint32_t length);
  [[nodiscard]] const RopeConfig& config() const { return config_; }
  /// Makes positions [0, end) available.
  void extend(std::uint32_t end);
  /// y = rotated x, head_dim elements, x and y may be the same. Thread safe after extend().
  void rotate(const float* x, std::uint32_t head_dim, std::uint32_t position, float* y) const;

 private:
  RopeConfig config_;
  std::vector<double> frequencies_;
  std::vector<float> cosines_, sines_;  ///< [position][dims / 2]
};

}  // namespace xw::transformer
