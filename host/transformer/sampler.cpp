// Choosing the next token.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/split_mix.hpp"

namespace xw::transformer {
namespace {

/// Draw number n of a seed: uniform in [0, 1), multiples of 2^-53.
double uniform(std::uint64_t seed, std::uint64_t n) {
  return static_cast<double>(split_mix(split_mix(seed + kSplitMixStep) + (n + 1) * kSplitMixStep) >> 11) * 0x1p-53;
}

/// exp(x) for x <= 0 by additions and multiplications only, so that it has the same bits on every platform (the
/// library's exp need not). Reduction by ln 2, Taylor polynomial of degree 13 (remainder below 1e-17); 0 below -700.
double portable_exp(double x) {
  if (!(x > -700.0)) return 0.0;
  const double n = std::floor(x * 1.4426950408889634 + 0.5);
  const double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double p = 1.0;
  for (int k = 13; k >= 1; --k) p = 1.0 + p * r / k;
  return p * std::bit_cast<double>(static_cast<std::uint64_t>(static_cast<std::int64_t>(n) + 1023) << 52);
}

struct Candidate {
  float logit = 0;
  std::int32_t id = 0;
  /// Larger logits first, smaller ids first among equals.
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  }
};

std::int32_t argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]))
      throw Error(ErrorCode::kNotFinite, "the logit of token " + std::to_string(i) + " is not a number");
    if (logits[i] > logits[best]) best = i;
  }
  return static_cast<std::int32_t>(best);
}

}  // namespace

Sampler::Sampler(const SamplerOptions& options) : options_(options) {
  const auto impossible = [](const std::string& what, double found) {
    throw Error(ErrorCode::kInvalidArgument, what + ", found " + std::to_string(found));
  };
  if (!(options.temperature >= 0) || std::isinf(options.temperature)) {
    impossible("temperature must be zero or a positive number", options.temperature);
  }
  if (!(options.top_p > 0) || options.top_p > 1) impossible("top_p must be above 0 and at most 1", options.top_p);
}

std::int32_t Sampler::sample(std::span<const float> logits) {
  if (logits.empty()) throw Error(ErrorCode::kInvalidArgument, "no logits to sample from");
  const std::int32_t best = argmax(logits);
  if (options_.temperature == 0) return best;
  const float highest = logits[static_cast<std::size_t>(best)];
  if (std::isinf(highest))
    throw Error(ErrorCode::kNotFinite, "the logit of token " + std::to_string(best) + " is infinite");

  std::vector<Candidate> candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) candidates[i] = {logits[i], static_cast<std::int32_t>(i)};
  if (options_.top_k != 0 && options_.top_k < candidates.size()) {
    const auto end = candidates.begin() + options_.top_k;
    std::nth_element(candidates.begin(), end - 1, candidates.end());
    candidates.erase(end, candidates.end());
    std::sort(candidates.begin(), candidates.end());
  }
  const auto weight = [&](const Candidate& candidate) {
    return portable_exp((static_cast<double>(candidate.logit) - static_cast<double>(highest)) / options_.temperature);
  };
  double total = 0;
  for (const Candidate& candidate : candidates) total += weight(candidate);
  std::size_t kept = candidates.size();
  if (options_.top_p < 1) {
    // Nucleus (Holtzman et al., The Curious Case of Neural Text Degeneration, eq. 2): the fewest most probable tokens
    // that hold the mass. A heap gives them in order without sorting the rest.
    const auto lower = [](const Candidate& a, const Candidate& b) { return b < a; };
    std::make_heap(candidates.begin(), candidates.end(), lower);
    const double mass = options_.top_p * total;
    auto heap_end = candidates.end();
    total = 0;
    kept = 0;
    while (heap_end != candidates.begin() && (kept == 0 || total < mass)) {
      std::pop_heap(candidates.begin(), heap_end, lower);
      --heap_end;
      total += weight(*heap_end);
      ++kept;
    }
    std::reverse(heap_end, candidates.end());
    candidates.erase(candidates.begin(), heap_end);
  }
  double left = uniform(options_.seed, draws_++) * total;
  std::int32_t chosen = best;
  for (std::size_t i = 0; i < kept; ++i) {
    const double mass = weight(candidates[i]);
    if (mass == 0) continue;
    chosen = candidates[i].id;
    left -= mass;
    if (left < 0) break;
  }
  return chosen;
}

}  // namespace xw::transformer
