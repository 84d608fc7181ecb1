// The gains of a chip instance's converters, in the images that stand in device memory. Private to the runtime.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compiler/program/program.hpp"
#include "host/device/device.hpp"
#include "host/runtime/placement.hpp"

namespace xw::runtime {

/// A factor for every column of every block; a block without any has 1 everywhere.
using BlockFactors = std::vector<std::vector<double>>;

/// Gains that differ from chip to chip: cells::converter_gain where the columns are. Empty for sigma 0.
[[nodiscard]] BlockFactors converter_mismatch(const program::Program& program, const Placement& placement,
                                              std::uint32_t chip_seed, double sigma);

/// Gives all images the program's gains times `mismatch` times `compensation`, of which either may be empty; returns how many
/// gains are at their limit. Gains of a block share a shift, whatever its images are: results do not depend on how a block is cut.
std::uint64_t write_gains(const program::Program& program, device::Device& device,
                          const device::RunArguments& arguments, const BlockFactors& mismatch,
                          const BlockFactors& compensation);

/// Gives an image other gains, one for each of its columns, and another shift, and seals it again. Throws Error{kDeviceFault} if it is no
/// image of that many columns.
void set_image_gains(std::span<std::byte> image, std::span<const std::uint16_t> gains, std::uint32_t shift);

}  // namespace xw::runtime
