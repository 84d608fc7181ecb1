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
#include "host/runtime/converters.hpp"
#include "host/runtime/device_buffer.hpp"
#include "models/cells/compensation.hpp"
#include "models/cells/programming.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::runtime {

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

  /// Reads every known input and its negative: half the sum of two answers is a converter's offset, whatever the cells are. The offsets
  /// found are in corrections(), with their sign changed, from then on.
  void measure_offsets();
  /// Reads the answers that later ones are compared with. The images have gains without compensation, here and in measure().
  void measure_reference();
  /// Computes them instead, from cells that hold their targets.
  void compute_reference(const cells::ProgrammingModel& ideal, ThreadPool& pool);
  /// Reads the answers of now and finds the factors. `seconds` since programming.
  void measure(double seconds);
  /// The factors found last; empty without any.
  [[nodiscard]] BlockFactors factors() const;
  /// What is to be added to the offsets of converters; empty before measure_offsets().
  [[nodiscard]] BlockOffsets corrections() const;
  void forget() { factors_ = {}; }
  void count_limited(std::uint64_t gains) { stats_.limited = factors_.limited + gains; }

  [[nodiscard]] const CalibrationStats& stats() const { return stats_; }

 private:
  /// What is read: for factors the known inputs, whose answers count with their magnitudes, for offsets each known input and its
  /// negative, whose answers count with their signs.
  enum class Reading : std::uint8_t { kMagnitudes, kOffsets };
  /// Sums of ADC codes over the inputs of a reading, for every column of every image, in order of the entries.
  [[nodiscard]] std::vector<std::int64_t> answers(Reading reading, std::uint32_t vector_base);
  [[nodiscard]] std::uint32_t num_inputs(Reading reading) const;
  /// Codes of inputs [first, + count), x_stride_bytes apart.
  [[nodiscard]] std::vector<std::int8_t> known_inputs(const codegen::CalibrationEntry& entry, Reading reading,
                                                      std::uint32_t first, std::uint32_t count) const;
  /// Adds an image's codes to `sums`, one per column; input v stands at words + v * stride.
  void add_codes(const program::ImageRecord& image, Reading reading, std::uint32_t inputs, const std::int32_t* words,
                 std::size_t stride, std::int64_t* sums) const;
  void add_answers(const codegen::CalibrationEntry& entry, Reading reading, std::uint32_t inputs, std::int64_t* sums);
  /// Numbers of columns in order of the entries, by block.
  template <typename Number>
  [[nodiscard]] std::vector<std::vector<Number>> by_block(const std::vector<Number>& numbers) const;

  std::shared_ptr<const program::Program> program_;
  device::Device& device_;
  cells::Compensation compensation_;
  std::vector<int> amplitudes_;  ///< of the known inputs, by call
  codegen::CalibrationCode plan_;
  DeviceBuffer x_buffer_, y_buffer_;
  device::RunArguments arguments_;
  std::vector<cells::ColumnAnswers> columns_;  ///< in order of the entries
  cells::CompensationFactors factors_;
  std::vector<std::int32_t> corrections_;  ///< in order of the entries
  std::vector<std::int32_t> words_;
  CalibrationStats stats_;
};

}  // namespace xw::runtime
