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
                                                 source.first_pair + static_cast<std::uint32_t>(i));
    even[i] = random[0];
    odd[i] = random[1];
  }
  for (std::size_t i = 0; i < pairs; ++i) {
    deviates[2 * i] = normal_deviate(source.cubics, even[i]);
    deviates[2 * i + 1] = normal_deviate(source.cubics, odd[i]);
  }
}

void fetch_devices(const PcmDevice* table, const std::int32_t* magnitudes, std::size_t count, PcmDevices& devices) {
  for (std::size_t i = 0; i < count; ++i) {
    const PcmDevice& device = table[magnitudes[i]];
    devices.target[i] = device.target;
    devices.sigma[i] = device.sigma;
    devices.nu_mean[i] = device.nu_mean;
    devices.nu_deviation[i] = device.nu_deviation;
  }
}

}  // namespace

constinit const CellKernels kPortableCellKernels = make_cell_kernels("portable", deviates_portable, fetch_devices);

}  // namespace xw::cells::detail
