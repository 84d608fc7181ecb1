// scripts/make_random_model.py writes models that open, of every family.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "compiler/checkpoint/checkpoint.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

int make_random_model(const std::filesystem::path& out, const std::string& options) {
  const std::string command = std::string(XW_PYTHON) + " '" + xw::test::source_dir().string() +
                              "/scripts/make_random_model.py' --out '" + out.string() + "' " + options + " > /dev/null";
  return std::system(command.c_str());
}

class RandomModel : public testing::TestWithParam<const char*> {};

TEST_P(RandomModel, OpensInShardsWithInputRanges) {
  const test::TemporaryDirectory directory;
  ASSERT_EQ(make_random_model(directory.path() / "m",
                              std::string("--shard-bytes 60000 --lightning 32 --untie --family ") + GetParam()),
            0);
  EXPECT_TRUE(std::filesystem::exists(directory.path() / "m" / "model.safetensors.index.json"));
  const auto checkpoint = open_checkpoint(directory.path() / "m");
  EXPECT_EQ(checkpoint->config().family, GetParam());
  EXPECT_FALSE(checkpoint->config().tied_embeddings);
  EXPECT_NO_THROW(ir::verify(import_graph(*checkpoint)));
  const auto ranges = stored_input_ranges(*checkpoint);
  EXPECT_EQ(ranges.size(), 2U * 7 + 1);
  EXPECT_EQ(ranges.at("model.layers.1.mlp.down_proj"), std::vector<float>(4, 3.0F));  // 128 inputs in tiles of 32
}

INSTANTIATE_TEST_SUITE_P(Families, RandomModel,
                         testing::Values("gemma3", "llama", "mistral", "phi3", "qwen2", "qwen3"));

TEST(RandomModelValues, AreNormalOfDeviation002AndFollowTheSeed) {
  const test::TemporaryDirectory directory;
  for (const char* name : {"a", "b"}) ASSERT_EQ(make_random_model(directory.path() / name, "--seed 7"), 0);
  ASSERT_EQ(make_random_model(directory.path() / "c", "--seed 8"), 0);
  const auto embedding = [&](const char* name) {
    return read_all(open_checkpoint(directory.path() / name)->tensors().at("model.embed_tokens.weight"));
  };
  const std::vector<float> values = embedding("a");
  double sum = 0;
  double sum_of_squares = 0;
  for (const float value : values) {
    sum += value;
    sum_of_squares += static_cast<double>(value) * value;
  }
  const auto count = static_cast<double>(values.size());  // 16384 values: five standard errors
  EXPECT_NEAR(sum / count, 0, 5 * 0.02 / std::sqrt(count));
  EXPECT_NEAR(std::sqrt(sum_of_squares / count), 0.02, 5 * 0.02 / std::sqrt(2 * count));
  EXPECT_EQ(values, embedding("b"));
  EXPECT_NE(values, embedding("c"));
}

}  // namespace
}  // namespace xw::checkpoint
