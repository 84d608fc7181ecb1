// Choosing the next token.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace xw::transformer {

struct SamplerOptions {
  double temperature = 0;   ///< 0: greedy
  std::uint32_t top_k = 0;  ///< 0: all
  double top_p = 1;         ///< 1: all
  std::uint64_t seed = 0;
  friend bool operator==(const SamplerOptions&, const SamplerOptions&) = default;
};

/// Deterministic for a seed on every platform (own counter-based uniform numbers; ties go to the smaller id).
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options);  ///< throws Error{kInvalidArgument} for impossible options
  [[nodiscard]] std::int32_t sample(std::span<const float> logits);

 private:
  SamplerOptions options_;
  std::uint64_t draws_ = 0;
};

}  // namespace xw::transformer
