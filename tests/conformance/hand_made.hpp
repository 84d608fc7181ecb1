// A device with a small program written by hand, to be broken in one place at a time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/instruction.hpp"
#include "host/device/device.hpp"
#include "models/analog/block_image.hpp"
#include "tests/conformance/backends.hpp"

namespace xw::test {

/// tests/conformance/emulators/hand-made.toml
[[nodiscard]] arch::EmulatorDescription hand_made_emulator();

/// A call with two vectors: engine 0 and 1 each multiply a 40 x 24 block, Y is the sum of both banks.
struct HandMade {
  static constexpr std::uint32_t kRows = 40, kCols = 24, kVectors = 2;
  static constexpr std::uint32_t kStride = 128;  ///< of x and y vectors, bytes
  /// Index of each instruction in `code`.
  enum Index : std::uint32_t {
    kLoadX0,
    kLoadX1,
    kLoadBlock0,
    kLoadBlock1,
    kMvm0,
    kMvm1,
    kSync,
    kStoreY,
    kFence,
    kHalt
  };

  explicit HandMade(const Backend& backend);

  /// Writes program, images and x vectors to the device.
  void load();
  /// Writes only words of `bytes` at image `engine` + `offset`.
  void poke_image(std::uint32_t engine, std::uint32_t offset, std::span<const std::byte> bytes);
  /// Y words of the first kCols columns, [kVectors][kCols].
  [[nodiscard]] std::vector<std::int32_t> read_y();
  /// What Y must be.
  [[nodiscard]] std::vector<std::int32_t> expected_y() const;
  /// The completion record in device memory.
  [[nodiscard]] device::RunStats read_completion();

  std::unique_ptr<device::Device> device;
  std::vector<program::Instruction> code;
  std::vector<program::EncodedInstruction> raw;  ///< if not empty, loaded instead of `code`
  std::array<std::vector<std::byte>, 2> images;
  std::array<analog::ImageHeader, 2> headers;
  std::vector<std::int8_t> x;  ///< [kVectors][kRows]
  device::RunArguments arguments;
  std::uint32_t num_instructions_override = 0;  ///< if not 0, written to the header
};

}  // namespace xw::test
