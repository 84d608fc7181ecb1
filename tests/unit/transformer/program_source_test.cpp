// Tensors of programs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/program_source.hpp"

#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/program/program_fixture.hpp"

namespace xw::transformer {
namespace {

using xw::test::expect_error;

/// A program with one constant of every type.
std::shared_ptr<const program::Program> make_program(const test::TemporaryDirectory& directory) {
  test::ProgramParts parts = test::make_parts();
  const std::filesystem::path path = directory / "p.xwp";
  program::ProgramWriter writer(path);
  for (std::size_t i = 0; i < parts.blocks.size(); ++i) {
    const auto stored = writer.add_targets(parts.targets16[i]);
    parts.blocks[i].target_offset = stored.offset;
    parts.blocks[i].target_crc = stored.crc;
  }
  const float floats[] = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F};
  writer.begin_constant("f32", program::ConstantType::kF32, {2, 3});
  writer.add_constant_data(std::as_bytes(std::span(floats)));
  const std::uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x7BFF};  // 1, -2, 2^-24, 65504
  writer.begin_constant("f16", program::ConstantType::kF16, {4});
  writer.add_constant_data(std::as_bytes(std::span(halves)));
  const std::uint16_t brains[] = {0x3F80, 0xC000, 0x4049, 0x0080};  // 1, -2, 3.140625, 2^-126
  writer.begin_constant("bf16", program::ConstantType::kBF16, {4, 1});
  writer.add_constant_data(std::as_bytes(std::span(brains)));
  writer.finish(parts.manifest, parts.graph_text, parts.code, parts.blocks, parts.images, parts.columns,
                parts.tokenizer);
  return program::Program::open(path);
}

TEST(ProgramSource, ReadsConstantsOfEveryType) {
  const test::TemporaryDirectory directory;
  const ProgramSource source(make_program(directory));
  EXPECT_EQ(source.shape("f32"), (std::vector<std::uint64_t>{2, 3}));
  std::vector<float> row(3);
  source.read_rows("f32", 1, 2, row);
  EXPECT_EQ(row, (std::vector<float>{0.4F, 0.5F, 0.6F}));
  std::vector<float> vector(4);
  source.read_rows("f16", 0, 1, vector);  // one dimension is one row
  EXPECT_EQ(vector, (std::vector<float>{1, -2, 0x1p-24F, 65504}));
  source.read_rows("bf16", 0, 4, vector);
  EXPECT_EQ(vector, (std::vector<float>{1, -2, 3.140625F, 0x1p-126F}));
  std::vector<float> two(2);
  source.read_rows("bf16", 1, 3, two);
  EXPECT_EQ(two, (std::vector<float>{-2, 3.140625F}));
  source.read_rows("f32", 1, 1, {});
}

TEST(ProgramSource, RejectsWhatIsNotThere) {
  const test::TemporaryDirectory directory;
  const ProgramSource source(make_program(directory));
  expect_error(ErrorCode::kFormat, "p.xwp: has no constant 'f64'", [&] { static_cast<void>(source.shape("f64")); });
  std::vector<float> row(3);
  expect_error(ErrorCode::kInvalidArgument, "rows 2 to 3 of constant 'f32' (2 rows of 3) into 3 elements",
               [&] { source.read_rows("f32", 2, 3, row); });
  expect_error(ErrorCode::kInvalidArgument, "rows 0 to 2", [&] { source.read_rows("f32", 0, 2, row); });
  expect_error(ErrorCode::kInvalidArgument, "rows 1 to 0", [&] { source.read_rows("f32", 1, 0, row); });
}

}  // namespace
}  // namespace xw::transformer
