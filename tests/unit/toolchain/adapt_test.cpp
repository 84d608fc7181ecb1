// Adaptation of a checkpoint: what is exact stays exact, every device executes it, and noise falls.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/adapt.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/passes/select_analog.hpp"
#include "compiler/passes/sites.hpp"
#include "host/toolchain/adapt/adapt_json.hpp"
#include "host/toolchain/adapt/search.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/opened_model.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

using xw::test::expect_error;

class AdaptTest : public test::CompiledModel {
 protected:
  static std::vector<float> logits(const std::filesystem::path& model, const RunOptions& run,
                                   const CompileOptions& compile) {
    OpenedModel opened(model, run, compile, 2);
    transformer::Session session(opened.model());
    std::vector<std::int32_t> tokens = opened.tokenizer().encode(general_text().substr(0, 400), true, false);
    tokens.resize(60);
    return session.forward(tokens, transformer::LogitsOf::kAll);
  }
  static double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    double scale = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
      scale += std::pow(static_cast<double>(b[i]), 2);
    }
    return std::sqrt(sum / scale);
  }
  static AdaptOptions small(const AdaptPasses& passes) {
    AdaptOptions options;
    options.passes = passes;
    options.tokens = 1024;
    options.context = 64;
    return options;
  }
  static AdaptSummary adapt_to(const std::filesystem::path& output, const AdaptOptions& options, unsigned threads = 2) {
    ThreadPool pool(threads);
    return adapt_checkpoint(checkpoint_, options_, options, output, pool);
  }
};

TEST_F(AdaptTest, ExactPassesKeepTheLogits) {
  const std::vector<float> expected = logits(checkpoint_, {}, {});
  AdaptPasses equalise{.equalise = true};
  AdaptPasses centre{.centre = true};
  AdaptPasses first{.first_token = true};
  AdaptPasses bypass{.rank = 5};
  AdaptPasses all{.equalise = true, .centre = true, .first_token = true, .rank = 5};
  for (const AdaptPasses& passes : {equalise, centre, first, bypass, all}) {
    const std::filesystem::path output = folder_ / "exact.safetensors";
    const AdaptSummary summary = adapt_to(output, small(passes));
    EXPECT_LT(distance(logits(output, {}, {}), expected), 2e-6)
        << passes.equalise << passes.centre << passes.first_token << passes.rank;
    EXPECT_EQ(summary.digital_macs == 0, passes.rank == 0);
  }
}

TEST_F(AdaptTest, SortedRowsKeepTheLogitsAndLowerTheExpectedNoise) {
  const std::filesystem::path folder = folder_ / "loud";
  const std::filesystem::path loud = test::write_tiny_model(folder, -1, {.loud = 6});
  const std::vector<float> expected = logits(loud, {}, {});
  const auto noise = [](const AdaptSummary& summary) {
    double sum = 0;
    for (const AdaptedSite& site : summary.sites) {
      for (const AdaptedLayer& layer : site.layers) sum += layer.noise_after;
    }
    return sum;
  };
  for (const AdaptPasses& passes :
       {AdaptPasses{}, AdaptPasses{.equalise = true, .centre = true, .first_token = true, .rank = 5}}) {
    AdaptOptions options = small(passes);
    options.noise = "pcm-afm";
    const std::filesystem::path output = folder / "sorted.safetensors";
    ThreadPool pool(2);
    const AdaptSummary as_it_is = adapt_checkpoint(loud, options_, options, output, pool);
    EXPECT_TRUE(as_it_is.sorted.empty());
    options.passes.sort_rows = true;
    const AdaptSummary sorted = adapt_checkpoint(loud, options_, options, output, pool);
    EXPECT_LT(distance(logits(output, {}, {}), expected), 5e-6);
    ASSERT_EQ(sorted.sorted.size(), 3U) << "the stream, and the inside of both MLPs";
    EXPECT_EQ(sorted.sorted[0].features, 96U);
    EXPECT_EQ(sorted.sorted[0].sites, 5U) << "two of every layer, and the output layer";
    for (const SortedFeatures& group : sorted.sorted) EXPECT_LT(group.noise_after, group.noise_before);
    EXPECT_LT(noise(sorted), noise(as_it_is));
    if (passes.rank == 0) {  // what is expected of the order is what the layers then have
      double gain = 0;
      for (const SortedFeatures& group : sorted.sorted) gain += group.noise_before - group.noise_after;
      EXPECT_NEAR(noise(as_it_is) - noise(sorted), gain, 1e-3 * gain);
      EXPECT_GT(gain, 0.05 * noise(as_it_is));
    }
    const std::string bytes = read_text_file(output);
    ThreadPool other(3);
    static_cast<void>(adapt_checkpoint(loud, options_, options, output, other));
    EXPECT_EQ(read_text_file(output), bytes) << "whatever the number of threads";
    EXPECT_EQ(adapt_json(sorted, output).at("sorted_rows").size(), 3U);
  }
}

/// Random weights have neither a mean nor directions that would be worth much: what is seen must not grow, what is expected falls.
/// How much a real model gains: docs/results.md.
TEST_F(AdaptTest, LevelsLowerTheExpectedNoise) {
  const std::vector<float> fp32 = logits(checkpoint_, {}, {});
  const auto seen = [&](const std::string& level) {
    CompileOptions compile = options_;
    compile.calibration.tokens = 256;
    compile.calibration.context = 64;
    if (level != "none") {
      compile.adapt = small(adapt_level(level));
      compile.adapt->passes.rank = std::min<std::uint32_t>(compile.adapt->passes.rank, 6);
    }
    double total = 0;
    for (std::uint32_t seed = 0; seed < 6; ++seed) {
      RunOptions run;
      run.mode = Mode::kAnalog;
      run.chip.noise = "pcm-afm";
      run.chip.chip_seed = seed;
      total += std::pow(distance(logits(checkpoint_, run, compile), fp32), 2);
    }
    return std::sqrt(total / 6);
  };
  const double none = seen("none");
  const double bypass = seen("bypass");
  EXPECT_LT(bypass, 1.05 * none);
  EXPECT_LT(seen("clip"), 1.05 * none);
  const AdaptSummary summary = adapt_to(folder_ / "noise.safetensors", small(adapt_level("bypass")));
  for (const AdaptedKind& kind : by_kind(summary)) EXPECT_LT(kind.noise_after_db, kind.noise_before_db) << kind.name;
}

TEST_F(AdaptTest, CopiesThatAreAskedForAreExpectedAndKept) {
  const AdaptOptions options = small(adapt_level("clip"));
  const std::filesystem::path output = folder_ / "copies.safetensors";
  const AdaptSummary once = adapt_to(output, options);
  CompileOptions compile = options_;
  compile.replicas = passes::parse_replica_rules("*.down_proj=3");
  ThreadPool pool(2);
  const AdaptSummary summary = adapt_checkpoint(checkpoint_, compile, options, output, pool);
  const OpenedCheckpoint opened = open_checkpoint(output, {});
  std::size_t copied = 0;
  for (const ir::Node& node : opened.graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    const bool is_down = ir::attr_string(node, "name").ends_with(".down_proj");
    EXPECT_EQ(ir::replicas(node), is_down ? 3U : 1U) << ir::attr_string(node, "name");
  }
  ASSERT_EQ(summary.sites.size(), once.sites.size());
  for (std::size_t s = 0; s < once.sites.size(); ++s) {
    const AdaptedLayer &before = once.sites[s].layers[0], &after = summary.sites[s].layers[0];
    if (summary.sites[s].replicas == 1) {
      EXPECT_EQ(after.noise_after, before.noise_after) << before.name;
      continue;
    }
    ++copied;
    // A third of the noise, and a little more for less clipping.
    EXPECT_GE(after.noise_after, before.noise_after / 3 * 0.999);
    EXPECT_LT(after.noise_after, before.noise_after);
    EXPECT_LE(after.change, before.change);
    EXPECT_GE(after.clip_level, before.clip_level);
  }
  EXPECT_GT(copied, 0U);
  AdaptOptions budget = options;
  budget.search.emplace();
  expect_error(ErrorCode::kInvalidArgument, "a budget decides about copies of layers",
               [&] { (void)adapt_checkpoint(checkpoint_, compile, budget, output, pool); });
}

TEST_F(AdaptTest, ASearchSpendsItsBudgetWhereLossesAreAndStaysExact) {
  const std::vector<float> expected = logits(checkpoint_, {}, {});
  AdaptOptions options = small({.equalise = true, .centre = true, .first_token = true});
  options.search.emplace();
  options.search->tokens = 128;
  options.search->digital_macs = 0.2;
  options.search->extra_tiles = 6;
  const std::filesystem::path output = folder_ / "searched.safetensors";
  const AdaptSummary summary = adapt_to(output, options);
  EXPECT_LT(distance(logits(output, {}, {}), expected), 2e-6);
  ASSERT_FALSE(summary.search.empty());
  EXPECT_LE(summary.search.back().macs, 0.2 * static_cast<double>(summary.analog_macs));
  EXPECT_LE(summary.search.back().tiles, 6);
  EXPECT_DOUBLE_EQ(summary.search.back().macs, static_cast<double>(summary.digital_macs));
  std::map<std::string, std::uint32_t> replicas;
  for (const AdaptedSite& site : summary.sites) replicas[site.name] = site.replicas;
  const OpenedCheckpoint opened = open_checkpoint(output, {});
  std::uint32_t most = 1;
  for (const passes::Site& site : passes::find_sites(opened.graph, passes::select_analog(opened.graph, false, {}))) {
    for (const std::size_t reader : site.readers)
      EXPECT_EQ(ir::replicas(opened.graph.nodes[reader]), replicas.at(site.name)) << site.name;
    most = std::max(most, replicas.at(site.name));
  }
  EXPECT_GT(most, 1U);
  // One site loses everything: it gets everything that it can use.
  options.search->losses = {};
  for (const AdaptedSite& site : summary.sites) options.search->losses[site.name] = 0;
  options.search->losses[summary.sites[1].name] = 1;
  const AdaptSummary one = adapt_to(output, options);
  for (const AdaptedSite& site : one.sites) {
    if (site.name == summary.sites[1].name) continue;
    EXPECT_EQ(site.rank + site.replicas, 1U) << site.name;
  }
  EXPECT_GT(one.sites[1].rank + one.sites[1].replicas, 1U);
  options.search->losses.erase(summary.sites[1].name);
  expect_error(ErrorCode::kInvalidArgument, "no loss is known of \"" + summary.sites[1].name,
               [&] { (void)adapt_to(output, options); });
}

TEST_F(AdaptTest, LossesAreReadFromASensitivityByCall) {
  const std::filesystem::path file = folder_ / "losses.json";
  const auto text = [](const char* complete, const char* by) {
    return std::string(R"({"report": "crossweave sensitivity", "complete": )") + complete +
           R"(, "sensitivity": {"groups": [{"by": ")" + by + R"(", "name": "layers.0.qkv", "alone": {"mean": 0.5}}]}})";
  };
  write_text_file(file, text("true", "call"));
  EXPECT_EQ(read_losses(file), (std::map<std::string, double>{{"layers.0.qkv", 0.5}}));
  for (const std::string& bad :
       {text("false", "call"), text("true", "kind"), std::string("{}"), std::string("[1"),
        std::string(R"({"report": "crossweave sensitivity", "complete": true, "sensitivity": []})")}) {
    write_text_file(file, bad);
    expect_error(ErrorCode::kFormat, "losses.json", [&] { (void)read_losses(file); });
  }
}

TEST_F(AdaptTest, TheFileDoesNotDependOnThreadsOrMemory) {
  AdaptOptions options = small(adapt_level("clip"));
  options.passes.rank = 4;
  adapt_to(folder_ / "a.safetensors", options, 1);
  options.memory = 1;  // every site in a pass of its own
  adapt_to(folder_ / "b.safetensors", options, 3);
  const auto bytes = [&](const char* name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(bytes("a.safetensors"), bytes("b.safetensors"));
}

TEST_F(AdaptTest, AnAdaptedCheckpointBringsGraphAndTokenizer) {
  const std::filesystem::path output = folder_ / "whole.safetensors";
  adapt_to(output, small(adapt_level("bypass")));
  const OpenedCheckpoint opened = open_checkpoint(output, {});
  EXPECT_EQ(opened.file->format(), checkpoint::kAdaptedFormat);
  ASSERT_TRUE(opened.tokenizer.has_value());
  EXPECT_EQ(*opened.tokenizer, *open_checkpoint(checkpoint_, {}).tokenizer);
  ThreadPool pool(1);
  expect_error(ErrorCode::kUnsupported, "is adapted already",
               [&] { adapt_checkpoint(output, options_, small({}), folder_ / "twice.safetensors", pool); });
}

TEST_F(AdaptTest, JsonHasEverySite) {
  const AdaptSummary summary = adapt_to(folder_ / "json.safetensors", small(adapt_level("centre")));
  const nlohmann::ordered_json json = adapt_json(summary, "out");
  EXPECT_EQ(json["crossweave_adaptation"], 1);
  ASSERT_EQ(json["sites"].size(), 9U);  // two layers of four, and the output layer
  EXPECT_EQ(json["sites"][0]["layers"].size(), 3U);
  EXPECT_EQ(json["macs"]["digital"], 0);
}

TEST(AdaptLevel, OthersAreListed) {
  expect_error(ErrorCode::kInvalidArgument, "none, fold, centre, bypass, clip", [] { (void)adapt_level("best"); });
  EXPECT_TRUE(adapt_level("clip").clip);
  EXPECT_EQ(adapt_level("centre").rank, 0U);
}

}  // namespace
}  // namespace xw::toolchain
