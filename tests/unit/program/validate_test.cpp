// Every cross reference of a program, broken one by one in a file whose checksums are right.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/validate.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "arch/support/error.hpp"
#include "compiler/program/container.hpp"
#include "tests/unit/program/program_fixture.hpp"

namespace xw::program {
namespace {

using test::make_parts;
using test::ProgramParts;

constexpr std::uint64_t kBulkBytes = 1 << 20;

void check(const ProgramParts& parts) {
  validate({parts.manifest, parts.code, parts.blocks, parts.images, parts.columns, kBulkBytes}, "p.xwp");
}

void expect_broken(const std::string& what, const std::function<void(ProgramParts&)>& change) {
  ProgramParts parts = make_parts();
  change(parts);
  try {
    check(parts);
    ADD_FAILURE() << "accepted: " << what;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFormat);
    EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what() << "\n  expected: " << what;
  }
}

TEST(Validate, AcceptsAConsistentProgram) {
  EXPECT_NO_THROW(check(make_parts()));
}

TEST(Validate, Code) {
  expect_broken("instruction 0: illegal_opcode", [](auto& p) { p.code[0][0] = 15; });
  expect_broken("instruction 2: illegal_field", [](auto& p) { p.code[2] = {7, 1, 0, 0}; });
}

TEST(Validate, Matrices) {
  expect_broken("matrix 1: has no inputs or outputs", [](auto& p) { p.manifest.matrices[1].out_features = 0; });
  expect_broken("matrix 1: its call does not exist", [](auto& p) { p.manifest.matrices[1].call = 2; });
  expect_broken("matrix 1: its call does not list it", [](auto& p) { p.manifest.matrices[1].call = 1; });
  expect_broken("matrix 0: its call does not list it exactly once", [](auto& p) {
    p.manifest.calls[0].matrices = {0, 0, 1};
  });
  expect_broken("matrix 0: input ranges are not a partition",
                [](auto& p) { p.manifest.matrices[0].input_ranges[0].begin = 1; });
  expect_broken("matrix 0: input ranges are not a partition",
                [](auto& p) { p.manifest.matrices[0].input_ranges[0].end = 0; });
  expect_broken("matrix 0: an input range is not positive",
                [](auto& p) { p.manifest.matrices[0].input_ranges[0].beta = 0; });
  expect_broken("matrix 0: input ranges do not end with",
                [](auto& p) { p.manifest.matrices[0].input_ranges[0].end = 39; });
  expect_broken("matrix 0: input ranges do not end with", [](auto& p) { p.manifest.matrices[0].input_ranges.clear(); });
}

TEST(Validate, CopiesOfCalls) {
  // Call 1 as one more of call 0, which it is not.
  expect_broken("call 1 (\"", [](auto& p) { p.manifest.calls[1].copy_of = 0; });
  expect_broken("copy_of: expected a call before it that is no copy, found 1",
                [](auto& p) { p.manifest.calls[1].copy_of = 1; });
  expect_broken("copy_of: expected a call before it that is no copy, found 0",
                [](auto& p) { p.manifest.calls[0].copy_of = 0; });
  expect_broken("copy_of: expected a call before it that is no copy, found 7",
                [](auto& p) { p.manifest.calls[1].copy_of = 7; });
}

TEST(Validate, Calls) {
  expect_broken("call 1: the code of the calls does not follow", [](auto& p) { ++p.manifest.calls[1].entry; });
  expect_broken("call 1: the code of the calls does not follow",
                [](auto& p) { p.manifest.calls[1].num_instructions = 0; });
  expect_broken("call 1: its code is beyond", [](auto& p) { p.manifest.calls[1].num_instructions = 0xFFFFFFFF; });
  expect_broken("call 1: its code does not end with", [](auto& p) { --p.manifest.calls[1].num_instructions; });
  expect_broken("call 0: its code does not end with", [](auto& p) { p.code[0] = {7, 0, 0, 0}; });
  expect_broken("calls: expected code of", [](auto& p) { p.code.push_back({7, 0, 0, 0}); });
  expect_broken("call 0: a stride is not", [](auto& p) { p.manifest.calls[0].x_stride_bytes += 1; });
  expect_broken("call 0: a stride is not", [](auto& p) { p.manifest.calls[0].y_stride_bytes += 1; });
  expect_broken("call 0: the X stride is shorter", [](auto& p) { p.manifest.calls[0].x_stride_bytes = 0; });
  expect_broken("call 0: it names a matrix that does not exist",
                [](auto& p) { p.manifest.calls[0].matrices.push_back(3); });
  expect_broken("call 0: it names a matrix of another call",
                [](auto& p) { p.manifest.calls[0].matrices.push_back(2); });
  expect_broken("call 0: a matrix has other inputs", [](auto& p) { ++p.manifest.calls[0].in_features; });
  expect_broken("call 0: an output segment names a matrix of another call",
                [](auto& p) { p.manifest.calls[0].outputs[0].matrix = 2; });
  expect_broken("call 0: an output segment names a matrix of another call",
                [](auto& p) { p.manifest.calls[0].outputs[0].matrix = 0xFFFFFFFF; });
  expect_broken("call 0: an output segment is beyond the outputs",
                [](auto& p) { p.manifest.calls[0].outputs[0].out_begin = 0xFFFFFFFF; });
  expect_broken("call 0: an output segment is beyond the outputs",
                [](auto& p) { p.manifest.calls[0].outputs[0].length = 0; });
  expect_broken("call 0: an output segment is beyond the Y vector",
                [](auto& p) { p.manifest.calls[0].outputs[0].y_word = 0xFFFFFFF0; });
  expect_broken("call 0: output segments do not give every output",
                [](auto& p) { --p.manifest.calls[0].outputs[0].length; });
}

TEST(Validate, CallWithoutMatrix) {
  expect_broken("call 2: it has no matrix", [](auto& p) {
    CallInfo empty = p.manifest.calls[1];
    empty.entry += empty.num_instructions;
    empty.num_instructions = 1;
    empty.matrices.clear();
    empty.outputs.clear();
    p.code.push_back({7, 0, 0, 0});
    p.manifest.calls.push_back(empty);
  });
}

TEST(Validate, Blocks) {
  expect_broken("block 1: its matrix does not exist", [](auto& p) { p.blocks[1].matrix = 3; });
  expect_broken("block 1: it is empty", [](auto& p) { p.blocks[1].rows = 0; });
  expect_broken("block 1: it is empty", [](auto& p) { p.blocks[1].cols = 0; });
  expect_broken("block 1: it is beyond the largest tile", [](auto& p) { p.blocks[1].row0 = 1020; });
  expect_broken("block 1: it is beyond the largest tile", [](auto& p) { p.blocks[1].col0 = 0xFFFF; });
  expect_broken("block 1: its rows are beyond", [](auto& p) { p.blocks[1].in_begin = 0xFFFFFFFF; });
  expect_broken("block 1: its columns are beyond the outputs", [](auto& p) { p.blocks[1].out_begin = 0xFFFFFFF8; });
  expect_broken("block 1: its tile does not exist", [](auto& p) { p.blocks[1].tile = 100; });
  expect_broken("block 1: its input range does not exist", [](auto& p) { p.blocks[1].input_slice = 1; });
  expect_broken("block 0: it is not inside its input range", [](auto& p) {
    p.manifest.matrices[0].input_ranges = {{0, 10, 1.0F}, {10, 40, 1.0F}};
  });
  expect_broken("block 1: its targets are not aligned", [](auto& p) { p.blocks[1].target_offset = 32; });
  expect_broken("block 1: its targets are beyond", [](auto& p) { p.blocks[1].target_offset = kBulkBytes - 64; });
  expect_broken("block 1: its targets are beyond", [](auto& p) { p.blocks[1].target_offset = ~std::uint64_t{63}; });
  expect_broken("block 1: its columns are beyond the column table",
                [](auto& p) { p.blocks[1].column_offset = 0xFFFFFFFF; });
  expect_broken("block 1: its ADC shift is impossible", [](auto& p) { p.blocks[1].adc_shift = 0; });
  expect_broken("block 1: its ADC shift is impossible", [](auto& p) { p.blocks[1].adc_shift = 41; });
  expect_broken("block 1: its ADC resolution is impossible", [](auto& p) { p.blocks[1].adc_bits = 3; });
  expect_broken("block 1: its ADC resolution is impossible", [](auto& p) { p.blocks[1].adc_bits = 13; });
  expect_broken("block 1: reserved words", [](auto& p) { p.blocks[1].reserved[2] = 1; });
  expect_broken("column 1: its w_max", [](auto& p) { p.columns[1].w_max = -1; });
  expect_broken("column 1: its w_max", [](auto& p) { p.columns[1].w_max = std::numeric_limits<float>::infinity(); });
  expect_broken("column 1: its w_max", [](auto& p) { p.columns[1].w_max = std::numeric_limits<float>::quiet_NaN(); });
  expect_broken("column 1: reserved bits", [](auto& p) { p.columns[1].reserved = 1; });
}

TEST(Validate, Chips) {
  ProgramParts parts = make_parts();  // 100 tiles
  parts.manifest.tiles_per_chip = 99;
  EXPECT_NO_THROW(check(parts));
  expect_broken("tiles_per_chip: expected fewer than the 100 tiles", [](auto& p) { p.manifest.tiles_per_chip = 100; });
  expect_broken("at most 65536 chips, found 1", [](auto& p) {
    p.manifest.num_tiles = 65537;
    p.manifest.tiles_per_chip = 1;
  });
}

TEST(Validate, Rounds) {
  const auto set = [](std::uint32_t tiles_per_round, std::uint32_t areas) {
    return [=](ProgramParts& p) { p.manifest.rounds = {tiles_per_round, areas}; };
  };
  ProgramParts parts = make_parts();  // 100 tiles; call 0 is in tiles 94 to 99, call 1 in 92 and 93
  set(94, 1)(parts);
  EXPECT_NO_THROW(check(parts));
  set(47, 2)(parts);
  EXPECT_NO_THROW(check(parts)) << "rounds 1 and 2 in the second area";
  expect_broken("areas: expected at least 1 and fewer than the 2 rounds, found 0", set(94, 0));
  expect_broken("areas: expected at least 1 and fewer than the 2 rounds, found 2", set(94, 2));
  expect_broken("areas: expected at least 1 and fewer than the 2 rounds, found 4294967295", set(94, 0xFFFFFFFF));
  expect_broken("fewer than the 1 rounds, found 1", set(100, 1));
  expect_broken("fewer than the 1 rounds, found 1", set(0xFFFFFFFF, 1));
  expect_broken("block 3: it is in round 0, block 0 of the same call in round 1", set(97, 1));
  expect_broken("tiles_per_round: expected one chip, found tiles_per_chip 50", [](auto& p) {
    p.manifest.tiles_per_chip = 50;
    p.manifest.rounds = {94, 1};
  });
  expect_broken("tiles_per_round: expected at most 65536 rounds, found 65537 of 1 tiles", [](auto& p) {
    p.manifest.num_tiles = 65537;
    p.manifest.rounds = {1, 1};
  });
}

TEST(Validate, Copies) {
  expect_broken("matrix 0: its number of copies is impossible", [](auto& p) { p.manifest.matrices[0].replicas = 0; });
  expect_broken("matrix 0: its number of copies is impossible", [](auto& p) { p.manifest.matrices[0].replicas = 65; });
  expect_broken("block 1: it is a copy beyond those of its matrix", [](auto& p) { p.blocks[1].replica = 1; });
  expect_broken("block 1: it is no copy of the block before it", [](auto& p) {
    p.manifest.matrices[0].replicas = 2;
    p.blocks[1].replica = 1;
  });
  expect_broken("block 0: it is no copy of the block before it", [](auto& p) {
    p.manifest.matrices[0].replicas = 2;
    p.blocks[0].replica = 1;
  });
  expect_broken("matrix 0: its blocks hold", [](auto& p) { p.manifest.matrices[0].replicas = 2; });
  // A copy with another scale, other targets or the cells of the first.
  const auto copied = [](auto& p) {
    p.manifest.matrices[0].replicas = 2;
    BlockRecord copy = p.blocks[0];
    copy.replica = 1;
    copy.tile = 50;
    copy.column_offset = static_cast<std::uint32_t>(p.columns.size());
    for (std::uint32_t c = 0; c < copy.cols; ++c)
      p.columns.push_back(ColumnRecord(p.columns[p.blocks[0].column_offset + c]));
    for (ImageRecord& image : p.images) image.block += image.block >= 1 ? 1 : 0;
    p.blocks.insert(p.blocks.begin() + 1, copy);
  };
  expect_broken("matrix 0: its blocks hold", copied);  // of the other blocks there is no copy
  expect_broken("block 1: it is no copy of the block before it", [&](auto& p) {
    copied(p);
    p.columns.back().out_scale ^= 1;
  });
  expect_broken("block 1: it is no copy of the block before it", [&](auto& p) {
    copied(p);
    p.blocks[1].target_offset = p.blocks[2].target_offset + 64;
  });
  expect_broken("block 1: it is no copy of the block before it", [&](auto& p) {
    copied(p);
    p.blocks[1].adc_gain ^= 1;
  });
}

TEST(Validate, Images) {
  expect_broken("more engines", [](auto& p) { p.manifest.engine_image_bytes.resize(9); });
  expect_broken("image 1: its block does not exist", [](auto& p) { p.images[1].block = 0xFFFFFFFF; });
  expect_broken("image 1: its columns are beyond", [](auto& p) { p.images[1].cols = 0; });
  expect_broken("image 1: its columns are beyond", [](auto& p) { p.images[1].col_begin = 0xFFFF; });
  expect_broken("image 1: its call is not", [](auto& p) { p.images[1].call = 1; });
  expect_broken("image 1: its engine does not exist", [](auto& p) { p.images[1].engine = 2; });
  expect_broken("image 1: it is beyond the image memory", [](auto& p) { p.images[1].image_length = 0; });
  expect_broken("image 1: it is beyond the image memory", [](auto& p) { p.images[1].image_length = 0xFFFFFFFF; });
  expect_broken("image 1: it is beyond the image memory", [](auto& p) { p.images[1].image_offset = 0xFFFFFFFF; });
}

TEST(Validate, OutputsStandOnceEachInWordsOfTheirOwn) {
  // As many outputs as there are, one of them twice and another one never.
  expect_broken("call 0: output segments do not give every output once", [](auto& p) {
    OutputSegment tail = p.manifest.calls[0].outputs[0];
    p.manifest.calls[0].outputs[0].length -= 1;
    tail.length = 1;
    tail.y_word += p.manifest.calls[0].outputs[0].length;
    p.manifest.calls[0].outputs.push_back(tail);
  });
  expect_broken("call 0: two output segments stand in the same words of Y",
                [](auto& p) { p.manifest.calls[0].outputs[1].y_word = p.manifest.calls[0].outputs[0].y_word; });
}

TEST(Validate, BlocksArePartitionsOfTheirMatrices) {
  expect_broken("hold the same weights", [](auto& p) { p.blocks[1].in_begin = p.blocks[0].in_begin; });
  expect_broken("matrix 0: its blocks hold", [](auto& p) { p.blocks[0].rows -= 1; });
  expect_broken("stand in the same cells", [](auto& p) { p.blocks[1].tile = p.blocks[0].tile; });
}

TEST(Validate, ImagesArePartitionsOfTheirBlocks) {
  expect_broken("has columns of its block that image 0 has too", [](auto& p) {
    p.images.push_back(p.images[0]);
    p.images.back().image_offset = 0;
  });
  expect_broken("images hold", [](auto& p) { p.images.pop_back(); });
  expect_broken("columns", [](auto& p) { p.images[0].cols -= 1; });
}

}  // namespace
}  // namespace xw::program
