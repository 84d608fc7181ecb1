// Calibration of a chip instance: its answers to known inputs, read through its device, and factors in its converters. Private to the runtime.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/codegen/calibration.hpp"
#include "compiler/program/program.hpp"
#include "host/device/device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/runtime/device_buffer.hpp"
#include "models/cells/compensation.hpp"

namespace xw::runtime {

/// Gives an image other gains, one for each of its columns, and another shift, and seals it again. Throws Error{kDeviceFault} if it is no
/// image of that many columns.
void set_image_gains(std::span<std::byte> image, std::span<const std::uint16_t> gains, std::uint32_t shift);

/// Works on the images that the chip instance has put into device memory. Not thread safe.
class Calibration {
 public:
  /// Allocates memory for inputs and answers. Throws what codegen::make_calibration and Device::allocate throw.
  Calibration(std::shared_ptr<const program::Program> program, device::Device& device,
              const cells::Compensation& compensation, const arch::ChipDescription& chip);

  /// The instructions that stand behind the program's.
  [[nodiscard]] const std::vector<program::EncodedInstruction>& code() const { return plan_.code; }
  /// Where the program, its completion record and its images are.
  void set_arguments(const device::RunArguments& arguments) { arguments_ = arguments; }

  /// Reads the answers that later ones are compared with. The images have the program's gains.
  void measure_reference();
  /// Reads the answers of now (the images have the program's gains) and finds the factors. `seconds` since programming.
  void measure(double seconds);
  /// Multiplies the gains of the images, which are those of the program, by the factors found last; nothing without any.
  void apply();
  void forget() { factors_ = {}; }

  [[nodiscard]] const CalibrationStats& stats() const { return stats_; }

 private:
  /// Sums of magnitudes of ADC codes over the known inputs, for every column of every image, in order of the entries.
  [[nodiscard]] std::vector<std::uint64_t> answers(std::uint32_t vector_base);
  void add_answers(const codegen::CalibrationEntry& entry, std::uint32_t vectors, std::uint64_t* sums);

  std::shared_ptr<const program::Program> program_;
  device::Device& device_;
  cells::Compensation compensation_;
  std::vector<int> amplitudes_;  ///< of the known inputs, by call
  codegen::CalibrationCode plan_;
  DeviceBuffer x_buffer_, y_buffer_;
  device::RunArguments arguments_;
  std::vector<cells::ColumnAnswers> columns_;  ///< in order of the entries
  cells::CompensationFactors factors_;
  std::vector<std::int32_t> words_;
  CalibrationStats stats_;
};

}  // namespace xw::runtime
