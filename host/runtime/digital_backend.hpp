// Digital references: the calls of a program in exact integer arithmetic on 8- or 4-bit weights, without analog
// effects.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "compiler/program/program.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::runtime {

/// docs/numerics.md#reference-modes. Weights are requantised per block column from the program's targets w = target /
/// target_max: kW8A8: rne(w * 127) / 127, kW4A8: clamp(rne(w * 7), -7, 7) / 7. Inputs are the program's DAC codes.
enum class DigitalMode { kW8A8, kW4A8 };
[[nodiscard]] const char* name(DigitalMode mode);  ///< "digital-w8a8", "digital-w4a8"
/// Throws Error{kInvalidArgument} listing the modes.
[[nodiscard]] DigitalMode digital_mode_from(const std::string& name);

/// y = sum over blocks of (integer sum) * (beta / dac_max * w_max / q_max) + bias, blocks in the order of their inputs,
/// fp32. No device, no noise, no ADC. Results do not depend on threads or batches. Not thread safe.
class DigitalBackend {
 public:
  /// Requantises all weights in parallel, progress shown. Throws Error{kFormat} for corrupt programs.
  DigitalBackend(std::shared_ptr<const program::Program> program, DigitalMode mode, ThreadPool& pool);
  ~DigitalBackend();

  [[nodiscard]] const program::Program& program() const;
  [[nodiscard]] DigitalMode mode() const;
  /// As ChipInstance::run_call; `vector_base` makes no difference.
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::runtime
