// Calibration of a chip instance.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/calibration.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/runtime/image_builder.hpp"
#include "models/analog/block_image.hpp"
#include "models/cells/converter.hpp"

namespace xw::runtime {
namespace {

/// Vector indices of known inputs: beyond those of any text, and others for every time.
constexpr std::uint32_t kReferenceVectors = 0x80000000U, kOffsetVectors = 0xA0000000U;

std::uint32_t vectors_at(double seconds) {
  return kReferenceVectors | (crc32(std::as_bytes(std::span(&seconds, 1))) & 0x3FFFF000U) | 0x40000000U;
}

}  // namespace

Calibration::Calibration(std::shared_ptr<const program::Program> program, device::Device& device,
                         const cells::Compensation& compensation, const arch::ChipDescription& chip)
    : program_(std::move(program)),
      device_(device),
      compensation_(compensation),
      amplitudes_(program_->manifest().calls.size(), chip.dac_max()),
      plan_(codegen::make_calibration(*program_, device.info().emulator)) {
  std::uint64_t x_stride = arch::kMemoryAlignment, y_stride = arch::kMemoryAlignment;
  for (const codegen::CalibrationEntry& entry : plan_.entries) {
    x_stride = std::max<std::uint64_t>(x_stride, program_->manifest().calls[entry.call].x_stride_bytes);
    y_stride = std::max<std::uint64_t>(y_stride, entry.y_stride_bytes);
    for (const codegen::CalibrationImage& one : entry.images) {
      const program::ImageRecord& image = program_->images()[one.image];
      const program::BlockRecord& block = program_->blocks()[image.block];
      cells::ColumnAnswers column;
      column.tile = block.tile;
      column.weight = std::ldexp(1.0, block.adc_shift) / block.adc_gain;
      const int adc_max = (1 << (block.adc_bits - 1)) - 1;
      amplitudes_[entry.call] =
          std::min(amplitudes_[entry.call],
                   cells::calibration_amplitude(adc_max * column.weight, block.rows, chip.g_unit, chip.dac_max()));
      for (std::uint32_t col = 0; col < image.cols; ++col) {
        column.used = program_->columns()[block.column_offset + image.col_begin + col].out_scale != 0;
        columns_.push_back(column);
      }
    }
  }
  const std::uint32_t batch = std::min(num_inputs(Reading::kOffsets), device_.info().emulator.max_batch);
  x_buffer_ = DeviceBuffer(device_, x_stride * batch, device::MemoryPort{});
  y_buffer_ = DeviceBuffer(device_, y_stride * batch, device::MemoryPort{});
  stats_.vectors = compensation_.vectors;
  stats_.columns = columns_.size();
}

void Calibration::measure_offsets() {
  const std::vector<std::int64_t> sums = answers(Reading::kOffsets, kOffsetVectors);
  stats_.offset_vectors = num_inputs(Reading::kOffsets);
  corrections_.clear();
  for (const codegen::CalibrationEntry& entry : plan_.entries) {
    for (const codegen::CalibrationImage& one : entry.images) {
      const program::ImageRecord& image = program_->images()[one.image];
      const program::BlockRecord& block = program_->blocks()[image.block];
      for (std::uint32_t col = 0; col < image.cols; ++col) {
        const double codes = static_cast<double>(sums[corrections_.size()]) / stats_.offset_vectors;
        corrections_.push_back(
            cells::offset_word(-codes, block.adc_gain, block.adc_shift, (1 << (block.adc_bits - 1)) - 1));
      }
    }
  }
}

void Calibration::measure_reference() {
  const std::vector<std::int64_t> sums = answers(Reading::kMagnitudes, kReferenceVectors);
  ++stats_.runs;
  for (std::size_t i = 0; i < sums.size(); ++i) columns_[i].reference = static_cast<std::uint64_t>(sums[i]);
}

void Calibration::measure(double seconds) {
  const std::vector<std::int64_t> sums = answers(Reading::kMagnitudes, vectors_at(seconds));
  ++stats_.runs;
  for (std::size_t i = 0; i < sums.size(); ++i) columns_[i].now = static_cast<std::uint64_t>(sums[i]);
  factors_ = cells::compensation_factors(compensation_.kind, columns_, compensation_.vectors);
  stats_.too_small = factors_.too_small;
  stats_.limited = factors_.limited;
}

std::uint32_t Calibration::num_inputs(Reading reading) const {
  return reading == Reading::kMagnitudes ? compensation_.vectors : (compensation_.vectors + 1) / 2 * 2;
}

std::vector<std::int64_t> Calibration::answers(Reading reading, std::uint32_t vector_base) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::int64_t> sums(columns_.size());
  std::int64_t* place = sums.data();
  const std::uint32_t inputs = num_inputs(reading);
  const std::uint32_t batch = std::min(inputs, device_.info().emulator.max_batch);
  for (const codegen::CalibrationEntry& entry : plan_.entries) {
    for (std::uint32_t first = 0; first < inputs; first += batch) {
      const std::uint32_t count = std::min(batch, inputs - first);
      const std::vector<std::int8_t> codes = known_inputs(entry, reading, first, count);
      device_.write(x_buffer_.address(), std::as_bytes(std::span(codes)));
      device::RunArguments arguments = arguments_;
      arguments.entry = entry.entry;
      arguments.num_vectors = count;
      arguments.vector_base = vector_base + first;
      arguments.x_base = x_buffer_.address();
      arguments.y_base = y_buffer_.address();
      stats_.device += device_.run(arguments);
      add_answers(entry, reading, count, place);
    }
    for (const codegen::CalibrationImage& one : entry.images) place += program_->images()[one.image].cols;
  }
  stats_.host_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return sums;
}

std::vector<std::int8_t> Calibration::known_inputs(const codegen::CalibrationEntry& entry, Reading reading,
                                                   std::uint32_t first, std::uint32_t count) const {
  const program::CallInfo& call = program_->manifest().calls[entry.call];
  std::vector<std::int8_t> codes(std::size_t{count} * call.x_stride_bytes);
  for (std::uint32_t v = 0; v < count; ++v) {
    const std::uint32_t input = first + v;
    const std::uint32_t known = reading == Reading::kMagnitudes ? input : input / 2;
    const bool negative = reading == Reading::kOffsets && input % 2 != 0;
    const int amplitude = negative ? -amplitudes_[entry.call] : amplitudes_[entry.call];
    for (std::uint32_t row = 0; row < call.in_features; ++row)
      codes[std::size_t{v} * call.x_stride_bytes + row] = cells::calibration_code(known, row, amplitude);
  }
  return codes;
}

void Calibration::add_answers(const codegen::CalibrationEntry& entry, Reading reading, std::uint32_t inputs,
                              std::int64_t* sums) {
  const std::size_t y_words = entry.y_stride_bytes / 4;
  words_.resize(y_words * inputs);
  device_.read(y_buffer_.address(), std::as_writable_bytes(std::span(words_)));
  for (const codegen::CalibrationImage& one : entry.images) {
    const program::ImageRecord& image = program_->images()[one.image];
    add_codes(image, reading, inputs, words_.data() + one.y_word, y_words, sums);
    sums += image.cols;
  }
}

void Calibration::add_codes(const program::ImageRecord& image, Reading reading, std::uint32_t inputs,
                            const std::int32_t* words, std::size_t stride, std::int64_t* sums) const {
  const program::BlockRecord& block = program_->blocks()[image.block];
  const std::span<const program::ColumnRecord> columns =
      program_->columns().subspan(block.column_offset + image.col_begin, image.cols);
  for (std::uint32_t v = 0; v < inputs; ++v) {
    for (std::uint32_t col = 0; col < image.cols; ++col) {
      const std::int32_t scale = columns[col].out_scale;
      if (scale == 0) continue;
      const std::int32_t code = words[v * stride + col] / scale;
      sums[col] += reading == Reading::kMagnitudes ? std::abs(code) : code;
    }
  }
}

template <typename Number>
std::vector<std::vector<Number>> Calibration::by_block(const std::vector<Number>& numbers) const {
  if (numbers.empty()) return {};
  std::vector<std::vector<Number>> blocks(program_->blocks().size());
  const Number* number = numbers.data();
  for (const codegen::CalibrationEntry& entry : plan_.entries) {
    for (const codegen::CalibrationImage& one : entry.images) {
      const program::ImageRecord& image = program_->images()[one.image];
      std::vector<Number>& block = blocks[image.block];
      block.resize(program_->blocks()[image.block].cols);
      std::copy_n(number, image.cols, block.begin() + image.col_begin);
      number += image.cols;
    }
  }
  return blocks;
}

BlockFactors Calibration::factors() const {
  return by_block(factors_.factors);
}

BlockOffsets Calibration::corrections() const {
  return by_block(corrections_);
}

void Calibration::compute_reference(const cells::ProgrammingModel& ideal, ThreadPool& pool) {
  const std::uint32_t lanes = device_.info().emulator.lanes;
  std::size_t place = 0;
  for (const codegen::CalibrationEntry& entry : plan_.entries) {
    const std::size_t stride = program_->manifest().calls[entry.call].x_stride_bytes;
    const std::vector<std::int8_t> codes = known_inputs(entry, Reading::kMagnitudes, 0, compensation_.vectors);
    std::vector<std::size_t> places;
    for (const codegen::CalibrationImage& one : entry.images) {
      places.push_back(place);
      place += program_->images()[one.image].cols;
    }
    pool.for_each(entry.images.size(), [&](std::size_t i) {
      const program::ImageRecord& image = program_->images()[entry.images[i].image];
      const program::BlockRecord& block = program_->blocks()[image.block];
      std::vector<std::byte> bytes(std::size_t{image.image_length} * arch::kMemoryAlignment);
      ImageSettings settings;
      settings.model = &ideal;
      settings.lanes = lanes;
      build_image(*program_, image, settings, bytes);
      analog::BlockView view;
      if (analog::open_image(bytes, arch::kMaxRows, arch::kMaxCols, lanes, false, view) != 0)
        throw Error(ErrorCode::kInternal, "calibration: an image that was built does not open");
      std::vector<std::int32_t> words(std::size_t{compensation_.vectors} * image.cols);
      analog::MvmBatch batch;
      batch.x = codes.data() + block.in_begin;
      batch.x_stride = stride;
      batch.y = words.data();
      batch.y_stride = image.cols;
      batch.num_vectors = compensation_.vectors;
      analog::tile_mvm(view, batch);
      std::vector<std::int64_t> sums(image.cols);
      add_codes(image, Reading::kMagnitudes, compensation_.vectors, words.data(), image.cols, sums.data());
      for (std::uint32_t col = 0; col < image.cols; ++col)
        columns_[places[i] + col].reference = static_cast<std::uint64_t>(sums[col]);
    });
  }
}

}  // namespace xw::runtime
