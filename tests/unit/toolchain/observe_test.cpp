// What calibration counts: every context from its beginning, without the positions that do not run on the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/observe.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "arch/support/parallel.hpp"
#include "compiler/passes/first_token.hpp"
#include "compiler/passes/select_analog.hpp"
#include "host/finetune/data/data_set.hpp"
#include "host/toolchain/calibration/calibrate.hpp"
#include "host/toolchain/calibration/contexts.hpp"
#include "host/toolchain/checkpoint.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/model.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

class ObserveTest : public test::CompiledModel {
 protected:
  ObserveTest() : opened_(open_checkpoint(checkpoint_, {})), pool_(1), chip_(arch::load_chip("tiny-64")) {}

  CalibrationLayers observed(std::uint32_t digital_positions, const std::vector<std::vector<std::int32_t>>& contexts) {
    ir::Graph graph = opened_.graph;
    const std::vector<std::string> names = passes::select_analog(graph, false, {});
    passes::set_digital_positions(graph, names, digital_positions);
    CalibrationLayers layers = cut_layers(graph, names, chip_);
    observe(layers, opened_.file, graph, contexts, false, pool_);
    return layers;
  }

  /// Inputs of every layer, [tokens of all contexts from position `from` on][features], each context in a session of its own.
  std::map<std::string, std::vector<float>> inputs(std::size_t from,
                                                   const std::vector<std::vector<std::int32_t>>& contexts) {
    std::map<std::string, std::vector<float>> all;
    transformer::Model model(opened_.graph, std::make_shared<CheckpointSource>(opened_.file), nullptr, pool_);
    for (const std::vector<std::int32_t>& tokens : contexts) {
      transformer::Session session(model);
      std::size_t position = 0;
      model.observe([&](const std::string& name, std::span<const float> x, std::uint32_t) {
        if (position >= from) all[name].insert(all[name].end(), x.begin(), x.end());
      });
      for (; position < tokens.size(); ++position)
        (void)session.forward(std::span(tokens).subspan(position, 1), transformer::LogitsOf::kNone);
      model.observe(nullptr);
    }
    return all;
  }

  static std::vector<std::int32_t> tokens(std::size_t count, std::int32_t step) {
    std::vector<std::int32_t> list{1};
    while (list.size() < count) list.push_back(259 + (list.back() * step + 11) % 40);
    return list;
  }

  OpenedCheckpoint opened_;
  ThreadPool pool_;
  arch::ChipDescription chip_;
};

TEST_F(ObserveTest, CountsAndKeepsWhatFlowsIntoTheChip) {
  const std::vector<std::vector<std::int32_t>> contexts{tokens(50, 3), tokens(50, 7), tokens(20, 5)};
  for (const std::uint32_t digital : {0U, 1U, 4U}) {
    SCOPED_TRACE(std::to_string(digital) + " digital positions");
    const CalibrationLayers layers = observed(digital, contexts);
    const auto expected = inputs(digital, contexts);
    ASSERT_FALSE(layers.groups.empty());
    for (const InputGroup& group : layers.groups) {
      SCOPED_TRACE(group.reader);
      const std::vector<float>& x = expected.at(group.reader);
      const std::size_t vectors = x.size() / group.in_features;
      ASSERT_EQ(vectors, 120U - 3 * digital);
      for (const InputSlice& slice : group.slices) {
        EXPECT_EQ(slice.statistics.count(), vectors * (slice.end - slice.begin));
        float largest = 0;
        for (std::size_t v = 0; v < vectors; ++v) {
          for (std::uint32_t i = slice.begin; i < slice.end; ++i)
            largest = std::max(largest, std::abs(x[v * group.in_features + i]));
        }
        EXPECT_EQ(slice.statistics.max_abs(), largest);  // the same bits for every split of tokens
      }
      // 64 of them at most, from all contexts: every one or the other here.
      const std::size_t step = vectors / 64;
      std::vector<float> kept;
      for (std::size_t v = 0; v < vectors && kept.size() < 64 * group.in_features; v += step)
        kept.insert(kept.end(), x.begin() + static_cast<std::ptrdiff_t>(v * group.in_features),
                    x.begin() + static_cast<std::ptrdiff_t>((v + 1) * group.in_features));
      EXPECT_EQ(group.kept, kept);
    }
  }
}

TEST_F(ObserveTest, RefusesTextOfWhichNothingIsLeft) {
  test::expect_error(ErrorCode::kInvalidArgument, "20 positions of every context are digital, which leaves no token",
                     [&] {
                       (void)observed(20, {tokens(20, 3), tokens(10, 3)});
                     });
}

TEST_F(ObserveTest, TokenShardsAreReadSequenceBySequence) {
  const auto id = [](std::uint64_t sequence, std::uint32_t k) { return static_cast<std::int32_t>(sequence * 40 + k); };
  finetune::DataPlan plan{
      .origin = {{"kind", "test"}}, .vocab_size = 300, .length = 40, .shard_sequences = 2, .sequences = 5};
  const auto write = [&](const std::filesystem::path& folder) {
    finetune::write_data(folder, plan, [&](const finetune::ShardTask& task) {
      std::vector<std::int32_t> tokens;
      for (std::uint32_t s = 0; s < task.count; ++s) {
        for (std::uint32_t k = 0; k < plan.length; ++k) tokens.push_back(id(task.first + s, k));
      }
      return tokens;
    });
  };
  CalibrationOptions options;
  options.text = (folder_ / "shards").string();
  write(options.text);
  const auto read = [&](std::uint32_t tokens, std::uint32_t context) {
    options.tokens = tokens;
    options.context = context;
    return calibration_contexts(options, {"not read", 99}, nullptr, opened_.graph);
  };
  const auto all = read(1000, 64);
  ASSERT_EQ(all.size(), 5U);
  for (std::uint64_t sequence = 0; sequence < 5; ++sequence) {
    ASSERT_EQ(all[sequence].size(), 40U);
    for (std::uint32_t k = 0; k < 40; ++k) EXPECT_EQ(all[sequence][k], id(sequence, k));
  }
  const auto cut = read(50, 30);  // 30 of the first, 20 of the second
  ASSERT_EQ(cut.size(), 2U);
  EXPECT_EQ(cut[0].size(), 30U);
  EXPECT_EQ(cut[1].front(), id(1, 0));
  EXPECT_EQ(cut[1].size(), 20U);
  EXPECT_EQ(read(0, 64).size(), 3U) << "99 tokens where the options leave it open; 19 of them in the last";

  plan.vocab_size = 1U << 20;
  options.text = (folder_ / "foreign").string();
  write(options.text);
  test::expect_error(ErrorCode::kInvalidArgument, "calibration text of another model", [&] { (void)read(1000, 64); });
  options.text = folder_.string();
  test::expect_error(ErrorCode::kFileNotFound, "manifest.json", [&] { (void)read(1000, 64); });
}

TEST_F(ObserveTest, LongTextIsReadInContexts) {
  const tokenizer::Tokenizer tokenizer(*opened_.tokenizer);
  CalibrationOptions options;
  options.tokens = 200;
  options.context = 50;
  const auto calibration =
      calibrate(opened_.file, opened_.graph, chip_, {}, options, &tokenizer, pool_);  // the model's context is 128
  // 50 tokens, then three times BOS and 49, the last piece has BOS and 3: too few to count.
  EXPECT_THAT(calibration.description, testing::HasSubstr("on 200 tokens"));
  options.context = 15;
  test::expect_error(ErrorCode::kInvalidArgument, "expected a context of at least 16 tokens, found 15",
                     [&] { (void)calibrate(opened_.file, opened_.graph, chip_, {}, options, &tokenizer, pool_); });
}

}  // namespace
}  // namespace xw::toolchain
