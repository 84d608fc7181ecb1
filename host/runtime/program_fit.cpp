// Whether a program, a chip and a device belong together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/program_fit.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "compiler/program/check.hpp"
#include "models/analog/block_image.hpp"

namespace xw::runtime {
namespace {

[[nodiscard]] std::string hex(const std::array<std::uint8_t, 16>& hash) {
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void check_images(const program::Program& program, const arch::EmulatorDescription& emulator) {
  const std::span<const program::ImageRecord> images = program.images();
  const auto fail = [&](std::size_t image, const std::string& what) {
    throw Error(ErrorCode::kFormat, program.path() + ": image " + std::to_string(image) + ": " + what);
  };
  for (std::size_t i = 0; i < images.size(); ++i) {
    const program::ImageRecord& image = images[i];
    const program::BlockRecord& block = program.blocks()[image.block];
    if (image.engine >= emulator.num_engines) {
      fail(i, "engine " + std::to_string(image.engine) + " of " + std::to_string(emulator.num_engines));
    }
    if (block.rows > emulator.block_rows || image.cols > emulator.block_cols) {
      fail(i, std::to_string(block.rows) + " x " + std::to_string(image.cols) + " do not fit a context of " +
                  std::to_string(emulator.block_rows) + " x " + std::to_string(emulator.block_cols));
    }
    const std::uint64_t bytes = analog::image_bytes(block.rows, image.cols, emulator.lanes);
    const std::uint64_t found = std::uint64_t{image.image_length} * arch::kMemoryAlignment;
    if (found != bytes) fail(i, "expected " + std::to_string(bytes) + " bytes, found " + std::to_string(found));
  }
  std::vector<std::size_t> order(images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(images[a].engine, images[a].image_offset) < std::pair(images[b].engine, images[b].image_offset);
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const program::ImageRecord& before = images[order[i - 1]];
    const program::ImageRecord& after = images[order[i]];
    if (before.engine == after.engine &&
        std::uint64_t{before.image_offset} + before.image_length > after.image_offset) {
      fail(order[i], "overlaps image " + std::to_string(order[i - 1]));
    }
  }
}

}  // namespace

void check_device(const program::Program& program, const device::DeviceInfo& device) {
  if (device.contract_hash != arch::kContractHash) {
    throw Error(ErrorCode::kContractMismatch, "device " + device.name + ": contract " + hex(device.contract_hash) +
                                                  ", program and host have " + hex(arch::kContractHash));
  }
  const arch::EmulatorDescription expected =
      arch::parse_emulator(program.manifest().emulator_toml, program.path() + ": emulator description");
  const arch::EmulatorDescription& found = device.emulator;
  std::string differences;
  const auto compare = [&](const char* key, std::uint64_t want, std::uint64_t have) {
    if (want == have) return;
    differences += std::string(differences.empty() ? "" : ", ") + key + " " + std::to_string(want) + " (device " +
                   std::to_string(have) + ")";
  };
  compare("num_engines", expected.num_engines, found.num_engines);
  compare("lanes", expected.lanes, found.lanes);
  compare("block_rows", expected.block_rows, found.block_rows);
  compare("block_cols", expected.block_cols, found.block_cols);
  compare("contexts", expected.contexts, found.contexts);
  compare("xbuf_bytes", expected.xbuf_bytes, found.xbuf_bytes);
  compare("ybuf_words", expected.ybuf_words, found.ybuf_words);
  compare("max_batch", expected.max_batch, found.max_batch);
  compare("adc_columns_per_cycle", expected.adc_columns_per_cycle, found.adc_columns_per_cycle);
  compare("data_width_bits", expected.data_width_bits, found.data_width_bits);
  if (differences.empty()) return;
  throw Error(ErrorCode::kContractMismatch, program.path() + ": compiled for emulator \"" + expected.name +
                                                "\", the device is a \"" + found.name + "\": " + differences);
}

void check_code(const program::Program& program, const arch::EmulatorDescription& emulator) {
  check_images(program, emulator);
  const program::Manifest& manifest = program.manifest();
  std::vector<program::CallMemory> memory(manifest.calls.size());
  for (const program::ImageRecord& image : program.images()) {
    memory[image.call].images.push_back(
        {image.engine, image.image_offset, program.blocks()[image.block].rows, image.cols});
  }
  for (std::size_t i = 0; i < memory.size(); ++i) {
    const program::CallInfo& call = manifest.calls[i];
    memory[i].x_stride_bytes = call.x_stride_bytes;
    memory[i].y_stride_bytes = call.y_stride_bytes;
    memory[i].image_bytes = manifest.engine_image_bytes;
    const auto violations = program::check_call(program.code(), call.entry, emulator, memory[i]);
    if (violations.empty()) continue;
    throw Error(ErrorCode::kFormat, program.path() + ": call \"" + call.name + "\" is not safe to run: instruction " +
                                        std::to_string(violations.front().instruction) + ": " +
                                        violations.front().what + " (" + std::to_string(violations.size()) +
                                        " violations)");
  }
}

}  // namespace xw::runtime
