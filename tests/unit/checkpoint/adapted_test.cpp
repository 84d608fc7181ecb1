// Writing safetensors files, and checkpoints that carry their graph.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/adapted.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/checkpoint/safetensors.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::checkpoint {
namespace {

using xw::test::expect_error;

class AdaptedTest : public testing::Test {
 protected:
  AdaptedTest() { std::filesystem::create_directories(folder_); }
  ~AdaptedTest() override { std::filesystem::remove_all(folder_); }

  /// An embedding and a linear layer, as an adapted checkpoint with this graph.
  std::filesystem::path write(const std::string& graph) {
    const std::filesystem::path path = folder_ / "adapted.safetensors";
    const std::vector<float> embedding{1, 2, 3, 4};
    const std::vector<float> weight{5, 6};
    SafetensorsWriter writer(
        path, {{"w", Dtype::kF32, {1, 2}}, {"e", Dtype::kF32, {2, 2}}, {kGraphTensor, Dtype::kU8, {graph.size()}}},
        {{"format", "test"}});
    writer.add("w", weight);
    writer.add("e", std::span(embedding).first(2));
    writer.add("e", std::span(embedding).subspan(2));
    writer.add(kGraphTensor, std::as_bytes(std::span(graph)));
    writer.commit();
    return path;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("xw-adapted-" + std::to_string(::getpid()));
  const std::string meta_ =
      "graph \"g\" {\n  meta vocab_size = 2\n  meta context_length = 8\n  meta hidden_size = 2\n  meta num_layers = 1\n"
      "  %t = input() : 1\n  %x = embedding(%t) {weight = @e} : 2\n";
  const std::string end_ = "  output(%y)\n}\n";
};

TEST_F(AdaptedTest, GoesRoundWithItsGraph) {
  const std::filesystem::path path = write(meta_ + "  %y = linear(%x) {name = \"l\", weight = @w} : 1\n" + end_);
  const std::unique_ptr<Checkpoint> opened = open_checkpoint(path);
  EXPECT_EQ(opened->format(), kAdaptedFormat);
  EXPECT_EQ(opened->config().vocab_size, 2U);
  EXPECT_EQ(read_all(opened->tensors().at("e")), (std::vector<float>{1, 2, 3, 4}));
  const ir::Graph graph = import_graph(*opened);
  EXPECT_EQ(graph.nodes.size(), 4U);
  EXPECT_TRUE(stored_bytes(*opened, kTokenizerTensor).empty());
}

TEST_F(AdaptedTest, RefusesGraphsThatDoNotFit) {
  const auto error = [&](const std::string& line, ErrorCode code, const std::string& text) {
    const std::filesystem::path path = write(meta_ + line + end_);
    expect_error(code, text, [&] { (void)import_graph(*open_checkpoint(path)); });
  };
  error("  %y = linear(%x) {name = \"l\", weight = @other} : 1\n", ErrorCode::kFormat, "none of that name");
  error("  %y = linear(%x) {name = \"l\", weight = @w[0:5]} : 5\n", ErrorCode::kShapeMismatch,
        "expected rows up to 5, found 1");
  error("  %y = aimc_call(%x) {call = 0} : 1\n", ErrorCode::kFormat, "found a call of a chip");
  error("  %y = conv(%x) : 1\n", ErrorCode::kFormat, "expected an operation");
  const std::filesystem::path path = write("graph \"g\" {\n  %t = input() : 1\n  output(%t)\n}\n");
  expect_error(ErrorCode::kFormat, "meta 'vocab_size'", [&] { (void)open_checkpoint(path); });
}

TEST_F(AdaptedTest, WritersRefuseWhatIsOutOfTurn) {
  const std::vector<float> two{1, 2};
  SafetensorsWriter writer(folder_ / "x.safetensors", {{"a", Dtype::kF32, {2}}, {"b", Dtype::kF32, {2}}}, {});
  expect_error(ErrorCode::kInternal, "expected data of 'a'", [&] { writer.add("b", two); });
  writer.add("a", two);
  expect_error(ErrorCode::kInternal, "'b' has not all", [&] { writer.commit(); });
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.safetensors"));
  expect_error(ErrorCode::kInvalidArgument, "found it twice", [&] {
    SafetensorsWriter(folder_ / "y.safetensors", {{"a", Dtype::kF32, {2}}, {"a", Dtype::kF32, {2}}}, {});
  });
  expect_error(ErrorCode::kInvalidArgument, "no element type", [&] {
    SafetensorsWriter(folder_ / "y.safetensors", {{"a", Dtype::kQ4_1, {32}}}, {});
  });
}

}  // namespace
}  // namespace xw::checkpoint
