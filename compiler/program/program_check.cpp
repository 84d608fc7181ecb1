// The checks of a program that need its emulator.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/program_check.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "compiler/program/check.hpp"
#include "compiler/program/image_layout.hpp"
#include "compiler/program/outputs.hpp"
#include "compiler/program/validate.hpp"

namespace xw::program {
namespace {

void check_images(const Tables& tables, const arch::EmulatorDescription& emulator, const std::string& origin) {
  const std::span<const ImageRecord> images = tables.images;
  const auto fail = [&](std::size_t image, const std::string& what) {
    throw Error(ErrorCode::kFormat, origin + ": image " + std::to_string(image) + ": " + what);
  };
  for (std::size_t i = 0; i < images.size(); ++i) {
    const ImageRecord& image = images[i];
    const BlockRecord& block = tables.blocks[image.block];
    if (image.engine >= emulator.num_engines) {
      fail(i, "engine " + std::to_string(image.engine) + " of " + std::to_string(emulator.num_engines));
    }
    if (block.rows > emulator.block_rows || image.cols > emulator.block_cols) {
      fail(i, std::to_string(block.rows) + " x " + std::to_string(image.cols) + " do not fit a context of " +
                  std::to_string(emulator.block_rows) + " x " + std::to_string(emulator.block_cols));
    }
    const std::uint64_t bytes = image_units(block.rows, image.cols, emulator.lanes) * arch::kMemoryAlignment;
    const std::uint64_t found = std::uint64_t{image.image_length} * arch::kMemoryAlignment;
    if (found != bytes) fail(i, "expected " + std::to_string(bytes) + " bytes, found " + std::to_string(found));
  }
  std::vector<std::size_t> order(images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(images[a].engine, images[a].image_offset) < std::pair(images[b].engine, images[b].image_offset);
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const ImageRecord& before = images[order[i - 1]];
    const ImageRecord& after = images[order[i]];
    if (before.engine == after.engine &&
        std::uint64_t{before.image_offset} + before.image_length > after.image_offset) {
      fail(order[i], "overlaps image " + std::to_string(order[i - 1]));
    }
  }
}

void refuse(const std::string& origin, const CallInfo& call, const std::vector<Violation>& violations,
            const char* what) {
  if (violations.empty()) return;
  throw Error(ErrorCode::kFormat, origin + ": call \"" + call.name + "\" " + what + ": instruction " +
                                      std::to_string(violations.front().instruction) + ": " + violations.front().what +
                                      " (" + std::to_string(violations.size()) + " violations)");
}

}  // namespace

void check_code(const Tables& tables, const arch::EmulatorDescription& emulator, const std::string& origin) {
  check_images(tables, emulator, origin);
  const Manifest& manifest = tables.manifest;
  std::vector<CallMemory> memory(manifest.calls.size());
  std::vector<std::vector<std::uint32_t>> images_of(manifest.calls.size());  // gathered once: there may be many calls
  for (std::uint32_t index = 0; index < tables.images.size(); ++index) {
    const ImageRecord& image = tables.images[index];
    images_of[image.call].push_back(index);
    memory[image.call].images.push_back(
        {image.engine, image.image_offset, tables.blocks[image.block].rows, image.cols});
  }
  for (std::size_t i = 0; i < memory.size(); ++i) {
    const CallInfo& call = manifest.calls[i];
    memory[i].x_stride_bytes = call.x_stride_bytes;
    memory[i].y_stride_bytes = call.y_stride_bytes;
    memory[i].image_bytes = manifest.engine_image_bytes;
    refuse(origin, call, check_call(tables.code, call.entry, emulator, memory[i]), "is not safe to run");
    refuse(origin, call,
           check_outputs(tables.code, emulator, {call, manifest.matrices, tables.blocks, tables.images, images_of[i]}),
           "does not compute its outputs");
  }
}

void check_program(const Program& program, const arch::EmulatorDescription& emulator) {
  check_code({program.manifest(), program.code(), program.blocks(), program.images(), program.columns()}, emulator,
             program.path());
}

void check_program(const Program& program) {
  check_program(program, arch::parse_emulator(program.manifest().emulator_toml, program.path() + ": emulator"));
}

}  // namespace xw::program
