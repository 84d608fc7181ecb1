// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/data/sampling.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/split_mix.hpp"

namespace xw::finetune {
namespace {

constexpr std::size_t kBlock = 256;  ///< weights that are summed before the place of a draw is looked for

/// exp(x) for x <= 0, to 3e-7, by operations that compilers make vectors of and that have the same bits everywhere; 0 below -80.
inline float fast_exp(float x) {
  const float clamped = x < -80.0F ? -80.0F : x;
  const float n = static_cast<float>(static_cast<std::int32_t>(clamped * 1.44269504F - 0.5F));
  const float r = (clamped - n * 0.693145752F) - n * 1.42860677e-6F;
  float p = 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const float scale = std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
  return x < -80.0F ? 0.0F : p * scale;
}

/// The k-th largest value. `scratch` is overwritten.
float kth_largest(std::span<const float> values, std::size_t k, std::vector<float>& scratch) {
  scratch.assign(values.begin(), values.end());
  const auto place = scratch.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(scratch.begin(), place, scratch.end(), std::greater<>());
  return *place;
}

/// The smallest weight that is kept so that the kept ones hold `mass` (the nucleus; all ties of the last stay).
float nucleus_bound(std::span<const float> weights, double mass) {
  std::vector<float> sorted;
  for (const float weight : weights) {
    if (weight > 0) sorted.push_back(weight);
  }
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double total = 0;
  for (const float weight : sorted) {
    total += static_cast<double>(weight);
    if (total >= mass) return weight;
  }
  return 0;
}

}  // namespace

void check(const SamplingSettings& settings) {
  const auto refuse = [](const std::string& what, double found) {
    throw Error(ErrorCode::kInvalidArgument, what + ", found " + std::to_string(found));
  };
  if (!(settings.temperature > 0) || std::isinf(settings.temperature))
    refuse("the temperature must be a positive number", settings.temperature);
  if (!(settings.top_p > 0) || settings.top_p > 1) refuse("top-p must be above 0 and at most 1", settings.top_p);
}

std::uint64_t sequence_seed(std::uint64_t seed, std::uint64_t sequence) {
  return split_mix(split_mix(seed + kSplitMixStep) ^ (sequence + 1) * kSplitMixStep);
}

double uniform(std::uint64_t seed, std::uint64_t n) {
  return static_cast<double>(split_mix(seed + (n + 1) * kSplitMixStep) >> 11) * 0x1p-53;
}

std::int32_t choose_token(std::span<const float> logits, const SamplingSettings& settings, double draw,
                          std::vector<float>& scratch) {
  float highest = logits[0];
  bool are_numbers = true;
  for (const float logit : logits) {
    highest = logit > highest ? logit : highest;
    are_numbers = are_numbers && logit == logit;
  }
  if (!are_numbers) throw Error(ErrorCode::kNotFinite, "a logit is not a number");
  if (!std::isfinite(highest)) throw Error(ErrorCode::kNotFinite, "the largest logit is not a finite number");
  float lowest = -INFINITY;
  if (settings.top_k != 0 && settings.top_k < logits.size()) lowest = kth_largest(logits, settings.top_k, scratch);
  scratch.resize(logits.size());
  const auto factor = static_cast<float>(1.0 / settings.temperature);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float weight = fast_exp((logits[i] - highest) * factor);
    scratch[i] = logits[i] >= lowest ? weight : 0.0F;
  }
  std::vector<double> sums((scratch.size() + kBlock - 1) / kBlock);
  double total = 0;
  const auto sum_up = [&] {
    total = 0;
    for (std::size_t block = 0; block < sums.size(); ++block) {
      float lanes[16] = {};
      const std::size_t begin = block * kBlock, end = std::min(begin + kBlock, scratch.size());
      for (std::size_t i = begin; i < end; ++i) lanes[i % 16] += scratch[i];
      sums[block] = 0;
      for (const float lane : lanes) sums[block] += static_cast<double>(lane);
      total += sums[block];
    }
  };
  sum_up();
  if (settings.top_p < 1) {
    const float bound = nucleus_bound(scratch, settings.top_p * total);
    for (float& weight : scratch) weight = weight >= bound ? weight : 0.0F;
    sum_up();
  }
  double left = draw * total;
  std::size_t block = 0;
  while (block + 1 < sums.size() && left >= sums[block]) left -= sums[block++];
  std::size_t chosen = scratch.size();
  for (std::size_t i = block * kBlock; i < scratch.size(); ++i) {
    if (scratch[i] == 0) continue;
    chosen = i;
    left -= static_cast<double>(scratch[i]);
    if (left < 0) break;
  }
  if (chosen == scratch.size()) {  // rounding left the draw behind the last weight
    while (scratch[--chosen] == 0) {
    }
  }
  return static_cast<std::int32_t>(chosen);
}

}  // namespace xw::finetune
