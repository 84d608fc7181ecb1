// Choosing tokens of training text: settings, seeds, and the choice on the host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace xw::finetune {

/// How tokens are chosen: softmax(logits / temperature), of the top_k most probable, of the fewest that hold top_p.
struct SamplingSettings {
  double temperature = 1;
  std::uint32_t top_k = 0;  ///< 0: all
  double top_p = 1;         ///< 1: all
  std::uint64_t seed = 1;
};
/// Throws Error{kInvalidArgument} for impossible settings.
void check(const SamplingSettings& settings);

/// Seed of a sequence of a data set; sequences with different numbers are independent.
[[nodiscard]] std::uint64_t sequence_seed(std::uint64_t seed, std::uint64_t sequence);
/// Draw number n of a seed, in [0, 1).
[[nodiscard]] double uniform(std::uint64_t seed, std::uint64_t n);

/// Version of choose_token(): other versions choose another token where a draw lies within rounding of its border.
inline constexpr int kDrawsVersion = 2;
/// Chooses a token. `scratch` is working memory. Throws Error{kNotFinite} for logits that are not finite at their largest.
[[nodiscard]] std::int32_t choose_token(std::span<const float> logits, const SamplingSettings& settings, double uniform,
                                        std::vector<float>& scratch);

}  // namespace xw::finetune
