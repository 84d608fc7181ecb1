// Gains and offsets of a chip instance's converters, in the images that stand in device memory. Private to the runtime.
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

/// An offset for every column of every block, in units of the sum; a block without any has 0 everywhere.
using BlockOffsets = std::vector<std::vector<std::int32_t>>;

/// Offsets that differ from chip to chip: cells::converter_offset where the columns are. Empty for sigma 0 (in codes).
[[nodiscard]] BlockOffsets converter_offsets(const program::Program& program, const Placement& placement,
                                             std::uint32_t chip_seed, double sigma);

/// What the converters of a chip are, and what calibrations have written into them; each may be empty.
struct ConverterState {
  BlockFactors mismatch, compensation;  ///< factors of the program's gains
  BlockOffsets offsets, corrections;    ///< added
};

/// Gives all images their gains and offsets; returns how many gains are at their limit. Gains of a block share a shift, whatever its images
/// are: results do not depend on how a block is cut.
std::uint64_t write_converters(const program::Program& program, device::Device& device,
                               const device::RunArguments& arguments, const ConverterState& state);

/// Gives an image other gains and offsets, one for each of its columns, and another shift, and seals it again. Throws
/// Error{kDeviceFault} if it is no image of that many columns.
void set_image_converters(std::span<std::byte> image, std::span<const std::uint16_t> gains,
                          std::span<const std::int32_t> offsets, std::uint32_t shift);

}  // namespace xw::runtime
