// Tensors of checkpoints.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/checkpoint_source.hpp"

#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::toolchain {
namespace {

using xw::test::expect_error;

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

}  // namespace
}  // namespace xw::toolchain
