// Sampling many sequences on the host: the bits of each alone, and the model's probabilities.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/host_sampling.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/batch.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::finetune {
namespace {

/// Softmax by its definition, in double.
std::vector<double> softmax(const std::vector<float>& logits) {
  std::vector<double> result(logits.begin(), logits.end());
  double total = 0;
  for (double& value : result) total += value = std::exp(value);
  for (double& value : result) value /= total;
  return result;
}

class SampleTest : public testing::Test {
 protected:
  SampleTest()
      : folder_(std::filesystem::temp_directory_path() / ("xw-sampling-" + std::to_string(::getpid()))), pool_(2) {
    const std::shared_ptr<const checkpoint::Checkpoint> file =
        checkpoint::open_checkpoint(test::write_tiny_model(folder_));
    model_ = std::make_unique<transformer::Model>(checkpoint::import_graph(*file),
                                                  std::make_shared<toolchain::CheckpointSource>(file), nullptr, pool_);
  }
  ~SampleTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  ThreadPool pool_;
  std::unique_ptr<transformer::Model> model_;
};

TEST_F(SampleTest, ABatchHasTheBitsOfItsSequencesAlone) {
  constexpr std::uint32_t kSequences = 5, kLength = 20;
  transformer::Batch batch(*model_, kSequences, kLength);
  std::vector<std::vector<std::int32_t>> tokens(kSequences);
  std::vector<std::vector<float>> logits(kSequences);
  const std::size_t width = model_->num_logits();
  for (std::uint32_t t = 0; t < kLength; ++t) {
    std::vector<std::int32_t> step;
    for (std::uint32_t s = 0; s < kSequences; ++s) {
      tokens[s].push_back(static_cast<std::int32_t>((s * 37 + t * 11 + s * t) % 300));
      step.push_back(tokens[s].back());
    }
    const std::span<const float> out = batch.step(step);
    for (std::uint32_t s = 0; s < kSequences; ++s)
      logits[s].insert(logits[s].end(), out.begin() + static_cast<std::ptrdiff_t>(s * width),
                       out.begin() + static_cast<std::ptrdiff_t>((s + 1) * width));
  }
  for (std::uint32_t s = 0; s < kSequences; ++s) {
    transformer::Session session(*model_);
    EXPECT_EQ(session.forward(tokens[s], transformer::LogitsOf::kAll), logits[s]) << "sequence " << s;
  }
  EXPECT_THROW(static_cast<void>(batch.step(std::vector<std::int32_t>(kSequences))), Error) << "it is full";
}

TEST_F(SampleTest, SequencesDependOnTheirNumberAlone) {
  const SamplingSettings settings{1, 0, 1, 9};
  const auto all = sample_sequences(*model_, pool_, 1, 16, 0, 6, settings);
  const auto last = sample_sequences(*model_, pool_, 1, 16, 4, 2, settings);
  EXPECT_TRUE(std::equal(last.begin(), last.end(), all.begin() + 4 * 16));
  EXPECT_FALSE(std::equal(all.begin(), all.begin() + 16, all.begin() + 16));
  EXPECT_EQ(all[0], 1);
  EXPECT_EQ(all[16], 1);
}

TEST_F(SampleTest, FirstTokensAreDrawnFromTheModelsProbabilities) {
  transformer::Session session(*model_);
  const std::vector<float> logits = session.forward(std::vector<std::int32_t>{1}, transformer::LogitsOf::kLast);
  const std::vector<double> expected = softmax(logits);
  constexpr std::uint32_t kSequences = 8000;
  std::vector<int> counts(logits.size());
  const auto tokens = sample_sequences(*model_, pool_, 1, 2, 0, kSequences, {1, 0, 1, 3});
  for (std::uint32_t s = 0; s < kSequences; ++s) ++counts[static_cast<std::size_t>(tokens[s * 2 + 1])];
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double sigma = std::sqrt(kSequences * expected[i] * (1 - expected[i]));
    EXPECT_NEAR(counts[i], kSequences * expected[i], 5.5 * sigma + 2) << "token " << i;
  }
}

}  // namespace
}  // namespace xw::finetune
