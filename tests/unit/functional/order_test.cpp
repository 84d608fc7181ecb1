// Any program, however its instructions depend on each other, has the effect of program order on any number of threads.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/program/instruction.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/device_program.hpp"
#include "models/analog/block_image.hpp"

namespace xw::functional {
namespace {

using program::Instruction;
using program::Opcode;

constexpr std::uint32_t kEngines = 3, kLanes = 32, kContexts = 4, kXbufBytes = 512, kYbufWords = 320, kMaxBatch = 80;
constexpr std::uint32_t kImages = 3;  ///< per engine
constexpr std::uint32_t kDataBytes = 1U << 20U;

[[nodiscard]] arch::EmulatorDescription emulator() {
  arch::EmulatorDescription e;
  e.name = "order";
  e.num_engines = kEngines;
  e.lanes = kLanes;
  e.block_rows = e.block_cols = 256;
  e.contexts = kContexts;
  e.xbuf_bytes = kXbufBytes;
  e.ybuf_words = kYbufWords;
  e.max_batch = kMaxBatch;
  e.memory_bytes = 64U << 20U;
  return e;
}

/// A random program without semaphores, with its images and data memory.
struct RandomProgram {
  explicit RandomProgram(std::uint32_t seed) : random(seed) {
    for (std::uint32_t i = 0; i < kEngines * kImages; ++i) images.push_back(make_image());
    for (std::uint32_t engine = 0; engine < kEngines; ++engine) {
      for (std::uint8_t context = 0; context < kImages; ++context) code.push_back(load_block(engine, context));
    }
    const std::uint32_t count = pick(5, 40);
    for (std::uint32_t i = 0; i < count; ++i) code.push_back(pick_instruction());
    code.push_back({});
    code.back().opcode = Opcode::kHalt;
    data.resize(kDataBytes);
    for (std::byte& byte : data) byte = static_cast<std::byte>(random() & 0xFFU);
    num_vectors = pick(0, 2) == 0 ? pick(1, 3) : pick(4, kMaxBatch);
    // Sometimes the results land where inputs are read.
    x_offset = 64 * pick(0, 10);
    y_offset = pick(0, 2) == 0 ? 64 * pick(0, 200) : kDataBytes / 2;
  }

  [[nodiscard]] std::uint32_t pick(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  }

  [[nodiscard]] std::vector<std::byte> make_image() {
    analog::ImageHeader h;
    h.rows = pick(1, 256);
    h.cols = pick(1, 256);
    h.tile_uid = pick(0, 100);
    h.adc_shift = 26;
    h.adc_bits = 10;
    h.lanes = kLanes;
    h.read_sigma_q = pick(0, 1) * 1000000;
    std::vector<std::byte> image(analog::image_bytes(h.rows, h.cols, kLanes));
    for (std::uint32_t col = 0; col < h.cols; ++col) {
      const std::uint16_t entry[2] = {static_cast<std::uint16_t>(pick(1, 65535)),
                                      static_cast<std::uint16_t>(pick(1, 999))};
      std::memcpy(image.data() + 64 + 4 * col, entry, 4);
      for (std::uint32_t row = 0; row < h.rows; ++row) {
        image[analog::cells_offset(h.cols) + (col / kLanes * h.rows + row) * kLanes + col % kLanes] =
            static_cast<std::byte>(static_cast<int>(pick(0, 254)) - 127);
      }
    }
    analog::seal_image(image, h);
    headers.push_back(h);
    return image;
  }

  [[nodiscard]] Instruction load_block(std::uint32_t engine, std::uint8_t context) {
    Instruction i;
    i.opcode = Opcode::kLoadBlock;
    i.engine = static_cast<std::uint8_t>(engine);
    i.context = context;
    i.image_offset = context * 2048;
    i.image_length = static_cast<std::uint32_t>(images[engine * kImages + context].size() / 64);
    loaded[engine][context] = context;
    return i;
  }

  [[nodiscard]] Instruction pick_instruction() {
    Instruction i;
    const std::uint32_t kind = pick(0, 9);
    if (kind <= 1) {
      i.opcode = Opcode::kLoadX;
      i.xbuf_offset = static_cast<std::uint16_t>(pick(0, kXbufBytes - 1));
      i.length = static_cast<std::uint16_t>(pick(1, kXbufBytes - i.xbuf_offset));
      i.x_offset = 64 * pick(0, 20);
      i.stride = static_cast<std::uint16_t>(pick(0, 20));
    } else if (kind <= 7) {
      i.opcode = Opcode::kMvm;
      i.engine = static_cast<std::uint8_t>(pick(0, kEngines - 1));
      i.context = static_cast<std::uint8_t>(pick(0, kImages - 1));
      const analog::ImageHeader& h = headers[i.engine * kImages + loaded[i.engine][i.context]];
      i.rows = static_cast<std::uint16_t>(h.rows);
      i.cols = static_cast<std::uint16_t>(h.cols);
      i.xbuf_offset = static_cast<std::uint16_t>(pick(0, kXbufBytes - h.rows));
      i.ybuf_offset = static_cast<std::uint16_t>(16 * pick(0, (kYbufWords - h.cols) / 16));
      if (pick(0, 1) == 0) i.ybuf_offset = i.ybuf_offset / kLanes * kLanes;
      i.accumulate = pick(0, 1) == 0;
    } else {
      i.opcode = Opcode::kStoreY;
      i.engine_mask = static_cast<std::uint16_t>(pick(1, (1U << kEngines) - 1));
      i.ybuf_offset = static_cast<std::uint16_t>(16 * pick(0, kYbufWords / 16 - 1));
      i.length = static_cast<std::uint16_t>(pick(1, kYbufWords - i.ybuf_offset));
      i.y_offset = 64 * pick(0, 30);
      // Sometimes vectors overlap in memory.
      i.stride = static_cast<std::uint16_t>(pick(0, 1) == 0 ? 60 : pick(0, 60));
    }
    return i;
  }

  std::mt19937 random;
  std::vector<analog::ImageHeader> headers;
  std::vector<std::vector<std::byte>> images;
  std::uint8_t loaded[kEngines][kContexts] = {};
  std::vector<Instruction> code;
  std::vector<std::byte> data;
  std::uint32_t num_vectors = 0;
  std::uint64_t x_offset = 0, y_offset = 0;
};

/// Data memory and counters after a run.
struct Outcome {
  std::vector<std::byte> data;
  device::RunStats stats;
};

[[nodiscard]] Outcome execute(const RandomProgram& program, unsigned num_threads) {
  ThreadPool pool(num_threads);
  FunctionalDevice device(emulator(), pool);
  std::vector<program::EncodedInstruction> encoded;
  for (const Instruction& instruction : program.code) encoded.push_back(program::encode(instruction));
  device::RunArguments arguments;
  arguments.program_base = device.allocate(64 * 1024, {});
  arguments.completion_base = device.allocate(arch::kCompletionBytes, {});
  const device::Address data = device.allocate(kDataBytes, {});
  device.write(arguments.program_base, runtime::device_program(encoded));
  device.write(data, program.data);
  for (std::uint32_t engine = 0; engine < kEngines; ++engine) {
    arguments.image_base[engine] = device.allocate(std::uint64_t{kImages} * 2048 * 64, {static_cast<int>(engine)});
    for (std::uint32_t i = 0; i < kImages; ++i) {
      device.write(arguments.image_base[engine] + std::uint64_t{i} * 2048 * 64, program.images[engine * kImages + i]);
    }
  }
  arguments.x_base = data + program.x_offset;
  arguments.y_base = data + program.y_offset;
  arguments.num_vectors = program.num_vectors;
  arguments.vector_base = 5;
  arguments.chip_seed = 3;
  Outcome outcome;
  outcome.stats = device.run(arguments);
  outcome.data.resize(kDataBytes);
  device.read(data, outcome.data);
  return outcome;
}

TEST(Order, ThreadsDoNotChangeWhatDependentInstructionsDo) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomProgram program(seed);
    const Outcome expected = execute(program, 1);
    EXPECT_NE(expected.stats.instructions, 0U);
    for (const unsigned threads : {2U, 3U, 4U, 7U}) {
      const Outcome found = execute(program, threads);
      EXPECT_EQ(found.stats, expected.stats) << threads << " threads";
      EXPECT_TRUE(found.data == expected.data) << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace xw::functional
