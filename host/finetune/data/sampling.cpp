// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/data/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/split_mix.hpp"
#include "host/transformer/kernels.hpp"

namespace xw::finetune {
namespace {

constexpr std::size_t kLanes = 16;   ///< of Kernels
constexpr std::size_t kBlock = 256;  ///< weights that are summed before the place of a draw is looked for

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

void refuse_not_numbers(std::span<const float> logits) {
  if (std::any_of(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); }))
    throw Error(ErrorCode::kNotFinite, "a logit is not a number");
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
  // Orders need numbers; where there is none the sum of the weights tells.
  if (settings.top_k != 0 || settings.temperature != 1) refuse_not_numbers(logits);
  float lowest = -INFINITY;
  if (settings.top_k != 0 && settings.top_k < logits.size()) lowest = kth_largest(logits, settings.top_k, scratch);
  const auto factor = static_cast<float>(1.0 / settings.temperature);
  // The largest is subtracted first so that low temperatures do not overflow.
  const float highest = settings.temperature == 1 ? 0.0F : *std::max_element(logits.begin(), logits.end());
  scratch.resize((logits.size() + kLanes - 1) / kLanes * kLanes);
  for (std::size_t i = 0; i < logits.size(); ++i)
    scratch[i] = logits[i] < lowest ? -INFINITY : (logits[i] - highest) * factor;
  const float sum = transformer::kernels().softmax(scratch.data(), 0, logits.size(), scratch.size());
  if (!std::isfinite(sum)) {
    refuse_not_numbers(logits);
    throw Error(ErrorCode::kNotFinite, "the largest logit is not a finite number");
  }
  scratch.resize(logits.size());
  std::vector<double> sums((scratch.size() + kBlock - 1) / kBlock);
  double total = 0;
  const auto sum_up = [&] {
    total = 0;
    for (std::size_t block = 0; block < sums.size(); ++block) {
      float lanes[kLanes] = {};
      const std::size_t begin = block * kBlock, end = std::min(begin + kBlock, scratch.size());
      std::size_t i = begin;
      for (; i + kLanes <= end; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += scratch[i + lane];
      }
      for (; i < end; ++i) lanes[i % kLanes] += scratch[i];
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
