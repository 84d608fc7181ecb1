// The inner loops of programming in plain C++: the reference for all others, and what other processors run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "models/analog/threefry.hpp"
#include "models/cells/cell_kernels_impl.hpp"

namespace xw::cells::detail {
namespace {

float normal_deviate(const float* cubics, std::uint32_t bits) {
  const std::uint32_t odd = (bits << 1) | 1U;
  const int octave = std::countl_zero(odd);
  const std::uint32_t normalized = odd << octave;
  const std::uint32_t segment =
      static_cast<std::uint32_t>(octave) * kCubicSegments + ((normalized >> kCubicFractionBits) % kCubicSegments);
  const float* c = cubics + std::size_t{segment} * kCubicCoefficients;
  const auto fraction = static_cast<std::int32_t>(normalized % (1U << kCubicFractionBits));
  const float t = static_cast<float>(fraction) * (1.0F / (1U << kCubicFractionBits));
  const float magnitude = ((c[3] * t + c[2]) * t + c[1]) * t + c[0];
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) ^ (bits & 0x80000000U));
}

void deviates_portable(const DeviateSource& source, std::size_t pairs, float* deviates) {
  std::uint32_t even[kChunk / 2 + 1];
  std::uint32_t odd[kChunk / 2 + 1];
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto random = analog::threefry2x32<20>(source.key0, source.key1, source.row,
                                                 source.first_call + static_cast<std::uint32_t>(i));
    even[i] = random[0];
    odd[i] = random[1];
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    deviates[2 * i] = normal_deviate(source.cubics, even[i]);
    deviates[2 * i + 1] = normal_deviate(source.cubics, odd[i]);
  }
}

/// Both deviates of a word: the sum and the difference of its halves.
void store_deviates(std::uint32_t word, float* sum, float* difference) {
  const auto half = [&](unsigned shift) {
    const auto term = [&](unsigned place) -> std::int32_t {
      return kDeviateTerms[(word >> place) % kDeviateTermCount];
    };
    return term(shift) + term(shift + 5) + term(shift + 10);
  };
  const std::int32_t low = half(0);
  const std::int32_t high = half(16);
  *sum = static_cast<float>(low + high) * kDeviateUnit;
  *difference = static_cast<float>(low - high) * kDeviateUnit;
}

void deviate_pairs(const DeviateSource& source, std::size_t groups, float* sums, float* differences) {
  for (std::size_t call = 0; call < groups * kCallGroup; ++call) {
    const auto random = analog::threefry2x32<kDeviateRounds>(source.key0, source.key1, source.row,
                                                             source.first_call + static_cast<std::uint32_t>(call));
    const std::size_t to = call / kCallGroup * kPairColumns + call % kCallGroup;
    store_deviates(random[0], sums + to, differences + to);
    store_deviates(random[1], sums + to + kCallGroup, differences + to + kCallGroup);
  }
}

void deviate_singles(const DeviateSource& source, std::size_t groups, float* deviates) {
  for (std::size_t call = 0; call < groups * kCallGroup; ++call) {
    const auto random = analog::threefry2x32<kDeviateRounds>(source.key0, source.key1, source.row,
                                                             source.first_call + static_cast<std::uint32_t>(call));
    float* const to = deviates + call / kCallGroup * kSingleColumns + call % kCallGroup;
    store_deviates(random[0], to, to + kCallGroup);
    store_deviates(random[1], to + 2 * kCallGroup, to + 3 * kCallGroup);
  }
}

float greatest(float a, float b) {
  return a > b ? a : b;
}

float least(float a, float b) {
  return a < b ? a : b;
}

void program_pairs(const DeviceEntry* entries, unsigned shift, float unit, float idle_sigma, std::size_t count,
                   const float* noise, const float* idle_noise, Pairs& pairs) {
  for (std::size_t i = 0; i < count; ++i) {
    const DeviceEntry& entry = entries[pairs.magnitudes[i] >> shift];
    pairs.exponents[i] = entry.exponents;
    pairs.conductance[i] = greatest(static_cast<float>(pairs.magnitudes[i]) * unit + entry.sigma * noise[i], 0.0F);
    pairs.idle[i] = greatest(idle_sigma * idle_noise[i], 0.0F);
  }
}

float on_curve(const QuadraticCurve& curve, float conductance) {
  const float g = least(greatest(conductance, kCurveLeast), kCurveMost);
  const std::size_t segment = (std::bit_cast<std::uint32_t>(g) >> 21U) % kSegments;
  return (curve.coefficients[2][segment] * g + curve.coefficients[1][segment]) * g + curve.coefficients[0][segment];
}

float on_line(const LogLine& line, float log) {
  return least(greatest(log * line.slope + line.offset, line.lowest), line.highest);
}

void read_coefficients(const ReadCurves& curves, const float* idle_noise, std::size_t count, Pairs& pairs) {
  for (std::size_t i = 0; i < count; ++i) {
    pairs.coefficients[i] = on_curve(curves.loaded, pairs.conductance[i]);
    const float place = least(greatest(idle_noise[i] * (1 / kIdleReadStep), 0.0F), static_cast<float>(kSegments - 1));
    const auto segment = static_cast<std::int32_t>(place);
    const float beyond = place - static_cast<float>(segment);
    pairs.idle_coefficients[i] = curves.idle[0][segment] + curves.idle[1][segment] * beyond;
  }
}

void drift_of_weights(const DriftLines& lines, const float* weights, std::size_t count, float* means,
                      float* deviations) {
  for (std::size_t i = 0; i < count; ++i) {
    const float log = on_curve(lines.log2, __builtin_fabsf(weights[i]));
    means[i] = on_line(lines.mean, log);
    deviations[i] = on_line(lines.deviation, log);
  }
}

void curve_of_weights(const QuadraticCurve& curve, const float* weights, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = on_curve(curve, __builtin_fabsf(weights[i]));
}

}  // namespace

constinit const CellKernels kPortableCellKernels =
    make_cell_kernels("portable", {deviates_portable, deviate_pairs, deviate_singles, program_pairs, read_coefficients,
                                   drift_of_weights, curve_of_weights});

}  // namespace xw::cells::detail
