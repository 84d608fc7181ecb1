// Balance, sizes, determinism and errors of code generation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/codegen.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "arch/support/error.hpp"
#include "compiler/program/check.hpp"
#include "compiler/program/image_layout.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/codegen/model_fixture.hpp"

namespace xw {
namespace {

using test::make_emulator;
using test::Model;

/// Cycles of every engine for one vector of a call: one per row and column group, plus `overhead` per image.
std::vector<std::uint64_t> engine_cycles(const Model& model, const codegen::Output& output, std::uint32_t call,
                                         const arch::EmulatorDescription& emulator, std::uint64_t overhead) {
  std::vector<std::uint64_t> cycles(emulator.num_engines, 0);
  for (const auto& image : output.images) {
    if (image.call != call) continue;
    const std::uint64_t groups = (image.cols + emulator.lanes - 1) / emulator.lanes;
    cycles[image.engine] += groups * model.blocks[image.block].rows + overhead;
  }
  return cycles;
}

struct BalanceCase {
  const char* name;
  std::uint32_t in_features;
  std::vector<std::uint32_t> outs;
  std::uint32_t tile;
  std::uint32_t unit_cycles;  // one column group of the tallest block
};

class Balance : public ::testing::TestWithParam<BalanceCase> {};

TEST_P(Balance, SlowestEngineIsWithinOneColumnGroupOfTheMean) {
  const BalanceCase& shape = GetParam();
  for (std::uint32_t engines = 1; engines <= 8; ++engines) {
    const auto emulator = make_emulator(engines, 64, 512, 512, 4, 16384, 2048);
    Model model;
    model.add_call(shape.in_features, shape.outs, shape.tile, shape.tile);
    const codegen::Output output = codegen::generate(model.input(), emulator);
    const auto cycles = engine_cycles(model, output, 0, emulator, 12);
    const std::uint64_t slowest = *std::max_element(cycles.begin(), cycles.end());
    const std::uint64_t sum = std::accumulate(cycles.begin(), cycles.end(), std::uint64_t{0});
    EXPECT_LE(slowest, (sum + engines - 1) / engines + shape.unit_cycles + 64U) << engines << " engines";
    const auto macs = engine_cycles(model, output, 0, emulator, 0);
    const std::uint64_t macs_cycles = std::accumulate(macs.begin(), macs.end(), std::uint64_t{0});
    const double utilisation = static_cast<double>(macs_cycles) / (static_cast<double>(slowest) * engines);
    EXPECT_GT(utilisation, 0.75) << engines << " engines";
    std::printf("%-22s %u engines: %3zu images, %4zu instructions, utilisation %.3f\n", shape.name, engines,
                output.images.size(), output.code.size(), utilisation);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Balance,
                         ::testing::Values(BalanceCase{"smollm-135m qkv", 576, {576, 192, 192}, 512, 288},
                                           BalanceCase{"smollm-135m o", 576, {576}, 512, 288},
                                           BalanceCase{"smollm-135m gate_up", 576, {1536, 1536}, 512, 288},
                                           BalanceCase{"smollm-135m down", 1536, {576}, 512, 512},
                                           BalanceCase{"llama-1b qkv", 2048, {2048, 512, 512}, 512, 512},
                                           BalanceCase{"llama-1b gate_up", 2048, {8192, 8192}, 512, 512},
                                           BalanceCase{"llama-1b down", 8192, {2048}, 512, 512},
                                           BalanceCase{"hermes 256", 576, {576, 192, 192}, 256, 192}),
                         [](const auto& shape) {
                           std::string name = shape.param.name;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

/// All analog layers of a decoder: qkv, o, gate_up, down per layer.
Model decoder(std::uint32_t layers, std::uint32_t hidden, std::uint32_t kv, std::uint32_t intermediate,
              std::uint32_t tile) {
  Model model;
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    model.add_call(hidden, {hidden, kv, kv}, tile, tile);
    model.add_call(hidden, {hidden}, tile, tile);
    model.add_call(hidden, {intermediate, intermediate}, tile, tile);
    model.add_call(intermediate, {hidden}, tile, tile);
  }
  return model;
}

TEST(Codegen, IsDeterministic) {
  const auto emulator = make_emulator(4, 64, 512, 512, 4, 16384, 2048);
  const Model model = decoder(2, 576, 192, 1536, 512);
  const codegen::Output a = codegen::generate(model.input(), emulator);
  const codegen::Output b = codegen::generate(model.input(), emulator);
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.images, b.images);
  EXPECT_EQ(a.calls, b.calls);
}

TEST(Codegen, HandlesABillionWeights) {
  const auto emulator = make_emulator(4, 64, 512, 512, 4, 16384, 2048);
  Model model = decoder(16, 2048, 512, 8192, 512);
  model.add_call(2048, {128256}, 512, 512);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  // 4 calls per layer and the output layer; every 512 x 512 block has an image, or several where engines share it.
  EXPECT_EQ(output.calls.size(), 65U);
  EXPECT_GE(output.images.size(), 16U * (4 * 6 + 4 * 4 + 4 * 32 + 16 * 4) + 4 * 251);
}

TEST(Codegen, CallsFollowEachOtherAndEndWithHalt) {
  const auto emulator = make_emulator(2, 16, 64, 64, 2, 1024, 256);
  const Model model = decoder(2, 96, 32, 200, 64);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  std::uint32_t next = 0;
  for (const auto& call : output.calls) {
    EXPECT_EQ(call.entry, next);
    next += call.num_instructions;
    for (std::uint32_t i = call.entry; i < next; ++i) {
      EXPECT_EQ(program::decode(output.code[i]).instruction.opcode == program::Opcode::kHalt, i + 1 == next);
    }
  }
  EXPECT_EQ(next, output.code.size());
}

/// Y of every matrix starts on 64 bytes, is inside the stride and overlaps no other.
TEST(Codegen, OutputSegmentsDoNotOverlap) {
  const auto emulator = make_emulator(3, 16, 64, 64, 2, 1024, 256);
  Model model;
  model.add_call(100, {33, 7, 150}, 64, 50);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  std::vector<int> used(output.calls[0].y_stride_bytes / 4, 0);
  for (const auto& segment : output.calls[0].outputs) {
    EXPECT_EQ(segment.y_word % 16, 0U);
    for (std::uint32_t i = 0; i < segment.length; ++i) ++used.at(segment.y_word + i);
  }
  for (const int count : used) EXPECT_LE(count, 1);
}

TEST(Codegen, MatricesOfWholeUnitsAreOneSegment) {
  const auto emulator = make_emulator(4, 64, 512, 512, 4, 16384, 2048);
  Model model;
  model.add_call(576, {576, 192, 192}, 512, 512);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  EXPECT_EQ(output.calls[0].outputs.size(), 3U);
}

/// An engine that has all of its outputs in one lap of YBUF never waits for a store.
TEST(Codegen, NoYWaitsWhenYFits) {
  const auto emulator = make_emulator(2, 16, 64, 64, 2, 1024, 1024);
  Model model;
  model.add_call(64, {256}, 64, 64);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  for (const auto& words : output.code) {
    const auto instruction = program::decode(words).instruction;
    if (instruction.opcode == program::Opcode::kStoreY) {
      EXPECT_FALSE(instruction.signal);
    }
  }
}

/// Six column groups of two blocks each on four engines: twelve units, so groups are divided and their sums meet in STORE_Y.
TEST(Codegen, DividedGroupsAreSummedByStore) {
  const auto emulator = make_emulator(4, 16, 64, 64, 2, 1024, 256);
  Model model;
  model.add_call(128, {96}, 64, 96);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  int summed = 0;
  for (const auto& words : output.code) {
    const auto instruction = program::decode(words).instruction;
    if (instruction.opcode == program::Opcode::kStoreY && std::popcount(instruction.engine_mask) > 1) ++summed;
  }
  EXPECT_GT(summed, 0);
  const auto cycles = engine_cycles(model, output, 0, emulator, 0);
  EXPECT_EQ(cycles, (std::vector<std::uint64_t>(4, 3 * 64)));
}

/// A call with more words of Y than YBUF has reuses words, and then waits for their stores.
TEST(Codegen, ReusedYbufWordsWaitForTheirStore) {
  const auto emulator = make_emulator(1, 16, 64, 64, 2, 1024, 128);
  Model model;
  model.add_call(64, {256}, 64, 64);
  const codegen::Output output = codegen::generate(model.input(), emulator);
  int signalling_stores = 0;
  for (const auto& words : output.code) {
    const auto instruction = program::decode(words).instruction;
    if (instruction.opcode == program::Opcode::kStoreY && instruction.signal) ++signalling_stores;
  }
  EXPECT_EQ(signalling_stores, 2);  // four panels of 64 words, two fit: the last two wait for the first two
}

template <typename Change>
void expect_refused(ErrorCode code, const test::Parts& texts, Change&& change) {
  auto emulator = make_emulator(2, 16, 64, 64, 2, 256, 256);
  Model model;
  model.add_call(128, {100}, 64, 64);
  change(model, emulator);
  test::expect_error(code, texts, [&] { (void)codegen::generate(model.input(), emulator); });
}

TEST(CodegenErrors, XbufTooSmall) {
  expect_refused(ErrorCode::kCapacity, {"XBUF", "300", "256"}, [](Model& model, auto&) {
    model = {};
    model.add_call(300, {100}, 64, 64);
  });
}

TEST(CodegenErrors, BlockTooTall) {
  expect_refused(ErrorCode::kCapacity, {"block_rows", "128", "64"}, [](Model& model, auto&) {
    model = {};
    model.add_call(128, {100}, 128, 64);
  });
}

TEST(CodegenErrors, YbufTooSmall) {
  expect_refused(ErrorCode::kCapacity, {"YBUF", "16", "8"}, [](Model&, auto& emulator) { emulator.ybuf_words = 8; });
}

TEST(CodegenErrors, ContextTooNarrow) {
  expect_refused(ErrorCode::kCapacity, {"block_cols", "16", "8"},
                 [](Model&, auto& emulator) { emulator.block_cols = 8; });
}

TEST(CodegenErrors, YVectorTooLong) {
  expect_refused(ErrorCode::kCapacity, {"Y per vector", "STORE_Y"}, [](Model& model, auto&) {
    model = {};
    model.add_call(1, {1'100'000}, 64, 64);
  });
}

TEST(CodegenErrors, ImpossibleEmulators) {
  expect_refused(ErrorCode::kInvalidArgument, {"engines"}, [](Model&, auto& emulator) { emulator.num_engines = 9; });
  expect_refused(ErrorCode::kInvalidArgument, {"engines"}, [](Model&, auto& emulator) { emulator.num_engines = 0; });
  expect_refused(ErrorCode::kInvalidArgument, {"contexts"}, [](Model&, auto& emulator) { emulator.contexts = 1; });
}

TEST(CodegenErrors, BadCalls) {
  expect_refused(ErrorCode::kInvalidArgument, {"name"}, [](Model& model, auto&) { model.call_names.clear(); });
  expect_refused(ErrorCode::kInvalidArgument, {"no matrix"}, [](Model& model, auto&) { model.calls[0].clear(); });
  expect_refused(ErrorCode::kInvalidArgument, {"does not exist"}, [](Model& model, auto&) { model.calls[0] = {7}; });
  expect_refused(ErrorCode::kInvalidArgument, {"sorted"}, [](Model& model, auto&) { model.blocks.front().matrix = 3; });
  expect_refused(ErrorCode::kInvalidArgument, {"inputs"}, [](Model& model, auto&) {
    model.add_call(64, {64}, 64, 64);
    model.calls[0].push_back(1);
  });
}

TEST(CodegenErrors, BlocksAreNotAGrid) {
  const auto expect = [](const char* text, auto&& change) {
    expect_refused(ErrorCode::kInvalidArgument, {"m0", "grid", text},
                   [&](Model& model, auto&) { change(model.blocks); });
  };
  expect("columns differ", [](auto& blocks) { blocks[0].cols = 1; });
  expect("inputs from 64", [](auto& blocks) { blocks[1].in_begin = 65; });
  expect("inputs end at 127", [](auto& blocks) { blocks[1].rows = 63; });
  expect("outputs from 50", [](auto& blocks) { blocks[2].out_begin = blocks[3].out_begin = 51; });
  expect("outputs end at 99", [](auto& blocks) { blocks[2].cols = blocks[3].cols = 49; });
  expect("outputs end at 50", [](auto& blocks) { blocks.resize(2); });
}

}  // namespace
}  // namespace xw
