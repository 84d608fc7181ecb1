// Tensors from checkpoints and programs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/sources.hpp"

#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "tests/unit/program/program_fixture.hpp"

namespace xw::transformer {
namespace {

template <class F>
void expect_error(ErrorCode code, const std::string& text, F&& f) {
  try {
    f();
    FAIL() << "expected an error with: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

class FakeCheckpoint : public checkpoint::Checkpoint {
 public:
  FakeCheckpoint() {
    checkpoint::Tensor matrix;
    matrix.name = "matrix";
    matrix.shape = {3, 2};
    matrix.data = std::as_bytes(std::span(values_));
    tensors_["matrix"] = matrix;
  }
  [[nodiscard]] const checkpoint::ModelConfig& config() const override { return config_; }
  [[nodiscard]] const std::map<std::string, checkpoint::Tensor>& tensors() const override { return tensors_; }
  [[nodiscard]] std::filesystem::path path() const override { return "fake.bin"; }
  [[nodiscard]] std::string format() const override { return "fake"; }
  [[nodiscard]] std::optional<ir::TensorRef> resolve(const std::string&) const override { return std::nullopt; }
  void release(const checkpoint::Tensor& tensor) const override { released.push_back(tensor.name); }

  mutable std::vector<std::string> released;

 private:
  checkpoint::ModelConfig config_;
  std::vector<float> values_{1, 2, 3, 4, 5, 6};
  std::map<std::string, checkpoint::Tensor> tensors_;
};

TEST(CheckpointSource, ReadsRowsOfStoredTensors) {
  const auto file = std::make_shared<FakeCheckpoint>();
  const CheckpointSource source(file);
  EXPECT_EQ(source.shape("matrix"), (std::vector<std::uint64_t>{3, 2}));
  std::vector<float> rows(4);
  source.read_rows("matrix", 1, 3, rows);
  EXPECT_EQ(rows, (std::vector<float>{3, 4, 5, 6}));
  source.release("matrix");
  EXPECT_EQ(file->released, std::vector<std::string>{"matrix"});
}

TEST(CheckpointSource, NamesTheFileAndTheMissingTensor) {
  const CheckpointSource source(std::make_shared<FakeCheckpoint>());
  expect_error(ErrorCode::kFormat, "fake.bin: has no tensor 'other'",
               [&] { static_cast<void>(source.shape("other")); });
  std::vector<float> rows(2);
  expect_error(ErrorCode::kFormat, "'other'", [&] { source.read_rows("other", 0, 1, rows); });
}

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
