// Plans of models on chips that are large enough or not.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/model_shape.hpp"
#include "host/toolchain/plan/duplicate.hpp"
#include "host/toolchain/plan/open.hpp"
#include "host/toolchain/plan/report.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/arch/temporary_folder.hpp"
#include "tests/unit/estimate/made_chip.hpp"

namespace xw::toolchain {
namespace {

using ::testing::HasSubstr;

std::string config_text(std::uint32_t hidden, std::uint32_t layers, std::uint32_t heads, std::uint32_t kv_heads,
                        std::uint32_t head_dim, std::uint32_t wide, std::uint32_t vocabulary) {
  const nlohmann::json json = {
      {"model_type", "llama"},       {"hidden_size", hidden},        {"intermediate_size", wide},
      {"num_hidden_layers", layers}, {"num_attention_heads", heads}, {"num_key_value_heads", kv_heads},
      {"head_dim", head_dim},        {"vocab_size", vocabulary},     {"max_position_embeddings", 4096},
      {"rms_norm_eps", 1e-5},        {"rope_theta", 10000.0},        {"hidden_act", "silu"},
      {"tie_word_embeddings", true}};
  return json.dump();
}

ir::Graph graph_of(const std::string& config) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.path() / "config.json") << config;
  return checkpoint::import_graph(*checkpoint::open_shape(folder.path()));
}

arch::ChipDescription with_tiles(std::uint32_t tiles) {
  arch::ChipDescription chip = test::made_chip();
  chip.num_tiles = tiles;
  return chip;
}

const DeploymentPlan* find(const PlanReport& report, PlanKind kind) {
  const auto found = std::find_if(report.plans.begin(), report.plans.end(),
                                  [&](const DeploymentPlan& plan) { return plan.kind == kind; });
  return found == report.plans.end() ? nullptr : &*found;
}

/// What no plan may be; empty: nothing.
std::string problem_of(const PlanReport& report) {
  constexpr double kRounding = 1 + 1e-9;
  std::size_t possible = 0, best = 0, pareto = 0;
  for (const DeploymentPlan& plan : report.plans) {
    if (plan.what.empty() || plan.change.empty()) return "a plan that says nothing";
    if (!plan.possible()) continue;
    ++possible;
    best += plan.best ? 1U : 0U;
    pareto += plan.pareto ? 1U : 0U;
    const std::string of = " of plan '" + plan.what + "'";
    if (plan.bounds.tiles > plan.tiles) return "tiles below their bound" + of;
    if (plan.token_ns && *plan.bounds.token_ns > *plan.token_ns * kRounding) return "time below its bound" + of;
    if (plan.token_pj && *plan.bounds.token_pj > *plan.token_pj * kRounding) return "energy below its bound" + of;
    if (plan.duplicate && plan.duplicate->stage_bound_ns > plan.duplicate->stage_ns * kRounding)
      return "copies better than their bound" + of;
    const bool own_chip = plan.kind != PlanKind::kTileSize;
    if (report.tiles_there != 0 && own_chip && plan.tiles > std::uint64_t{plan.chips} * report.tiles_there)
      return "more tiles than there are" + of;
    if (report.tiles_there != 0 && own_chip && plan.kind != PlanKind::kChips && plan.chips != 1)
      return "several chips" + of;
  }
  if (possible == 0) return "no plan that is possible";
  if (best != 1 || pareto == 0) return "no best plan, or none that is Pareto";
  if (!report.fits && report.impossible.empty() && report.smallest_change.empty()) return "no change that would fit";
  return "";
}

TEST(Plan, EveryModelOnEveryChipHasPlansAboveTheirBounds) {
  test::RandomNumbers pick;
  const std::uint64_t seed = pick.seed();
  constexpr int kShapes = 20, kChips = 25;
  for (int shape = 0; shape < kShapes; ++shape) {
    const std::uint32_t kv = pick(1, 3), head_dim = 2 * pick(1, 8);
    const ir::Graph graph =
        graph_of(config_text(pick(4, 80), pick(1, 3), kv * pick(1, 3), kv, head_dim, pick(4, 120), pick(10, 200)));
    for (int made = 0; made < kChips; ++made) {
      arch::ChipDescription chip = pick(0, 1) == 0 ? test::made_chip() : test::made_chip_with_everything();
      chip.num_tiles = pick(0, 4) == 0 ? pick(0, 3) : pick(1, 60);
      chip.rows = pick(0, 9) == 0 ? pick(1, 3) : pick(4, 96);
      chip.cols = pick(0, 9) == 0 ? pick(1, 3) : pick(4, 96);
      chip.adcs_per_tile = pick(0, 1) == 0 ? chip.cols : 1;
      chip.tiers = pick(0, 3) == 0 ? pick(1, 8) : 1;
      chip.sum_bytes = pick(1, 4);
      chip.links.topology = static_cast<arch::LinkTopology>(pick(0, 2));
      chip.links.mesh_columns = chip.links.topology == arch::LinkTopology::kMesh ? pick(1, 5) : 0;
      if (pick(0, 9) == 0) chip.timing.clear();
      PlanOptions options;
      options.lm_head_analog = pick(0, 1) == 0;
      options.context = pick(1, 100);
      options.prompt_tokens = pick(1, 6);
      options.batch = pick(1, 20);
      options.objective = static_cast<PlanObjective>(pick(0, 2));
      if (pick(0, 3) == 0) options.replicas = {{"all", pick(2, 4)}};
      if (made % 5 != 0) {  // tiles of a few cells make many blocks: not always
        chip.rows = std::max(chip.rows, 4U);
        chip.cols = std::max(chip.cols, 4U);
      }
      const PlanReport report = plan_model(graph, chip, arch::load_emulator("tiny-64"), options);
      ASSERT_EQ(problem_of(report), "") << "seed " << seed << ", shape " << shape << ", chip " << made << "\n"
                                        << to_text(report);
    }
  }
}

/// Tiles above each other take turns; those of different chips do not, each chip has a first tier.
TEST(Plan, TiersOfDifferentChipsWorkAtTheSameTime) {
  const ir::Graph graph = graph_of(config_text(64, 2, 4, 2, 16, 128, 100));
  arch::ChipDescription chip = with_tiles(1);
  chip.rows = chip.cols = 32;
  chip.adcs_per_tile = 1;
  chip.tiers = 64;
  const PlanReport report = plan_model(graph, chip, arch::load_emulator("tiny-64"), {});
  const DeploymentPlan* plan = find(report, PlanKind::kChips);
  ASSERT_NE(plan, nullptr);
  ASSERT_TRUE(plan->possible());
  ASSERT_GT(plan->chips, 16U);  // a call is on several
  EXPECT_LE(*plan->bounds.token_ns, *plan->token_ns);
  EXPECT_LE(*plan->bounds.token_pj, *plan->token_pj);
}

TEST(Plan, AChipThatIsLargeEnoughFits) {
  const ir::Graph graph = graph_of(config_text(64, 2, 4, 2, 16, 128, 100));
  const PlanReport report = plan_model(graph, with_tiles(1000), arch::load_emulator("tiny-64"), {});
  EXPECT_TRUE(report.fits);
  EXPECT_EQ(report.smallest_change, "");
  const DeploymentPlan* plan = find(report, PlanKind::kAsIs);
  ASSERT_NE(plan, nullptr);
  EXPECT_TRUE(plan->possible());
  EXPECT_EQ(plan->tiles, report.tiles_needed);
  EXPECT_EQ(find(report, PlanKind::kChips), nullptr);
  const DeploymentPlan* copies = find(report, PlanKind::kDuplicate);
  if (copies != nullptr) {
    EXPECT_LE(*copies->prompt_ns, *plan->prompt_ns);
  }
}

TEST(Plan, AChipThatIsTooSmallHasEveryOtherPlan) {
  const ir::Graph graph = graph_of(config_text(128, 2, 4, 2, 32, 256, 100));
  PlanOptions options;
  options.replicas = {{"all", 2}};
  const PlanReport whole = plan_model(graph, with_tiles(1000), arch::load_emulator("tiny-64"), options);
  const auto needed = static_cast<std::uint32_t>(whole.tiles_needed);
  const PlanReport report = plan_model(graph, with_tiles(needed - 5), arch::load_emulator("tiny-64"), options);
  EXPECT_FALSE(report.fits);
  EXPECT_EQ(report.tiles_needed, needed);
  EXPECT_THAT(find(report, PlanKind::kAsIs)->reason, HasSubstr("5 tiles missing of " + std::to_string(needed)));
  EXPECT_EQ(find(report, PlanKind::kChips)->chips, 2U);
  EXPECT_EQ(find(report, PlanKind::kFewerCopies)->most_copies, 1U);
  EXPECT_FALSE(find(report, PlanKind::kDigital)->digital.empty());
  EXPECT_GT(find(report, PlanKind::kTileSize)->tile_rows, 64U);
  const ReloadPlan& reload = *find(report, PlanKind::kReload)->reload;
  EXPECT_GT(reload.tiles_written, 0U);
  EXPECT_EQ(report.smallest_change, "at most 1 instead of 2 copies");
}

TEST(Plan, ReloadingIsSharedByTheBatch) {
  const ir::Graph graph = graph_of(config_text(128, 2, 4, 2, 32, 256, 100));
  PlanOptions options;
  const arch::ChipDescription chip = with_tiles(8);
  const PlanReport alone = plan_model(graph, chip, arch::load_emulator("tiny-64"), options);
  options.batch = 100;
  const PlanReport many = plan_model(graph, chip, arch::load_emulator("tiny-64"), options);
  const DeploymentPlan& one = *find(alone, PlanKind::kReload);
  const DeploymentPlan& batch = *find(many, PlanKind::kReload);
  // 64 rows of 20 us and 400 pJ a cell dominate a single token.
  EXPECT_EQ(one.bound_by, "writing cells");
  EXPECT_GT(*one.token_ns, one.reload->write_ns);
  EXPECT_GT(*one.token_ns / *batch.token_ns, 30);
  EXPECT_GT(*one.token_pj / *batch.token_pj, 30);
  // Written by hand: every round writes its rows of 20 us one after the other, all tiles at once.
  EXPECT_LE(one.reload->write_ns, one.reload->rounds * 64 * 20000.0);
  EXPECT_GE(one.reload->write_ns, 20000.0);
}

TEST(Plan, ReloadingSaysHowToCompileIt) {
  const ir::Graph graph = graph_of(config_text(64, 4, 4, 2, 16, 128, 100));
  const PlanReport whole = plan_model(graph, with_tiles(1000), arch::load_emulator("tiny-64"), {});
  const auto tiles = static_cast<std::uint32_t>(whole.tiles_needed / 2);
  const PlanReport report = plan_model(graph, with_tiles(tiles), arch::load_emulator("tiny-64"), {});
  const DeploymentPlan* plan = find(report, PlanKind::kReload);
  ASSERT_NE(plan, nullptr);
  EXPECT_EQ(plan->note, "");
  EXPECT_THAT(plan->change, HasSubstr("--reload=" + std::to_string(plan->reload->areas) + ": "));
  // By hand: rounds behind the last area are written for the token, each in the time of at most 64 rows of 20 us.
  const ReloadPlan& reload = *plan->reload;
  const std::uint32_t written = reload.rounds - (reload.areas - 1);
  EXPECT_GE(written, 2U);
  EXPECT_LE(reload.write_ns, written * 64 * 20000.0);
  EXPECT_GE(reload.write_ns, written * 16 * 20000.0);
  EXPECT_EQ(reload.resident_tiles, (reload.areas - 1) * (tiles / reload.areas));
  EXPECT_EQ(reload.reloaded_tiles, tiles / reload.areas);
  EXPECT_NEAR(reload.batches_to_wear, 1e8 / written, 1);
  EXPECT_GT(*plan->token_ns, reload.write_ns);
  // A call that needs more tiles than there are (4 for gate and up) is cut over rounds, which no program does.
  const PlanReport small = plan_model(graph, with_tiles(3), arch::load_emulator("tiny-64"), {});
  const DeploymentPlan* cut = find(small, PlanKind::kReload);
  ASSERT_NE(cut, nullptr);
  EXPECT_TRUE(cut->possible());
  EXPECT_THAT(
      cut->note,
      HasSubstr("planned, not compiled: reload: 'model.layers.0.mlp.gate_proj' and the 1 that run with it need 4 "
                "tiles of 64 x 64 at the same time, the chip has 3"));
  EXPECT_GT(*cut->token_ns, cut->reload->write_ns);
}

TEST(Plan, AChipWithTilesTooSmallForAnythingSaysWhy) {
  const ir::Graph graph = graph_of(config_text(1024, 2, 16, 4, 64, 4096, 1000));
  arch::ChipDescription chip = with_tiles(7);
  chip.rows = chip.cols = chip.adcs_per_tile = 1;
  const PlanReport report = plan_model(graph, chip, arch::load_emulator("tiny-64"), {});
  EXPECT_THAT(report.impossible, HasSubstr("tiles of 1 x 1 cut the model into"));
  EXPECT_THAT(report.impossible, HasSubstr("the nearest chip has tiles of 16 x 16"));
  EXPECT_EQ(problem_of(report), "");
}

TEST(Plan, LossesChooseTheDigitalLayers) {
  const ir::Graph graph = graph_of(config_text(128, 2, 4, 2, 32, 256, 100));
  PlanOptions options;
  options.objective = PlanObjective::kQuality;
  EXPECT_THROW(static_cast<void>(plan_model(graph, with_tiles(20), arch::load_emulator("tiny-64"), options)), Error);
  const std::string part = R"({"by": "call", "name": "layers.%.o", "alone": {"mean": @}, "noise": {"mean": 0.01}})";
  const auto group = [&](const std::string& layer, const std::string& loss) {
    std::string text = part;
    text.replace(text.find('%'), 1, layer);
    return text.replace(text.find('@'), 1, loss);
  };
  const std::string json = R"({"report": "crossweave sensitivity", "complete": true, "sensitivity": )"
                           R"({"all": {"mean": 0.5}, "ranges": {"mean": 0.1}, "groups": [)" +
                           group("0", "0.001") + ", " + group("1", "0.3") + "]}}";
  options.losses = parse_losses(json, "losses.json");
  EXPECT_DOUBLE_EQ(options.losses->noise, 0.4);
  const PlanReport report = plan_model(graph, with_tiles(20), arch::load_emulator("tiny-64"), options);
  const DeploymentPlan& digital = *find(report, PlanKind::kDigital);
  EXPECT_EQ(digital.digital.front(), "model.layers.1.self_attn.o_proj") << "it loses 300 times as much";
  EXPECT_LE(*digital.loss, 0.5 - 0.3 + 1e-9);
  EXPECT_DOUBLE_EQ(*find(report, PlanKind::kChips)->loss, 0.5);
  EXPECT_THROW(static_cast<void>(parse_losses("{}", "x.json")), Error);
  EXPECT_THROW(static_cast<void>(parse_losses(R"({"groups": [], "all": 1})", "x.json")), Error);
}

TEST(Plan, SmolLm2OnTheBuiltInChips) {
  const ir::Graph graph = graph_of(config_text(576, 30, 9, 3, 64, 1536, 49152));
  for (const char* chip : {"hermes64-1p", "ibm34", "neurram48", "m1076", "buchel3d", "afm-512", "hermes-core"}) {
    const arch::ChipDescription description = arch::load_chip(chip);
    const PlanReport report = plan_model(graph, description, arch::load_emulator(description.emulator), {});
    EXPECT_EQ(problem_of(report), "") << to_text(report);
    if (report.fits) continue;
    const DeploymentPlan& chips = *find(report, PlanKind::kChips);
    const std::uint64_t fewest = (report.tiles_needed - 1) / description.num_tiles + 1;
    // Chips of one tile cannot put rests of layers together.
    EXPECT_LE(chips.chips, description.num_tiles == 1 ? 3 * fewest / 2 : fewest + fewest / 10 + 1) << chip;
  }
}

/// The linear layers of a model of 30 layers on 1,152 tiles: an instant, the same every time, and an answer whatever there is.
TEST(Plan, ThirtyLayersTakeATenthOfASecond) {
  const ir::Graph graph = graph_of(config_text(576, 30, 9, 3, 64, 1536, 49152));
  const arch::EmulatorDescription emulator = arch::load_emulator("alveo-u55c");
  PlanOptions options;
  options.lm_head_analog = false;
  arch::ChipDescription chip = with_tiles(1152);
  chip.rows = chip.cols = 512;
  chip.adcs_per_tile = 512;
  std::string first;
  double fastest = 1e9;
  for (int round = 0; round < 5; ++round) {
    const std::clock_t start = std::clock();
    const PlanReport report = plan_model(graph, chip, emulator, options);
    fastest = std::min(fastest, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    EXPECT_TRUE(report.fits);
    EXPECT_EQ(report.tiles_needed, 405U) << "30 times 3,538,944 weights are 405 tiles exactly";
    EXPECT_EQ(problem_of(report), "");
    const std::string json = to_json(report).dump();
    if (round == 0) first = json;
    EXPECT_EQ(json, first);
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(fastest, 0.1) << "seconds of the processor";
#endif
  for (const std::uint32_t tiles : {1U, 2U, 26U, 404U, 405U, 780U}) {
    chip.num_tiles = tiles;
    const PlanReport report = plan_model(graph, chip, emulator, options);
    EXPECT_EQ(report.fits, tiles >= 405) << tiles;
    EXPECT_EQ(problem_of(report), "") << tiles;
  }
}

TEST(Plan, TextJsonAndCsvHaveEveryPlan) {
  const ir::Graph graph = graph_of(config_text(128, 2, 4, 2, 32, 256, 100));
  const PlanReport report = plan_model(graph, with_tiles(9), arch::load_emulator("tiny-64"), {});
  const nlohmann::ordered_json json = to_json(report);
  EXPECT_EQ(json["kind"], "modelled");
  ASSERT_EQ(json["plans"].size(), report.plans.size());
  const std::string text = to_text(report), csv = to_csv(report);
  for (const DeploymentPlan& plan : report.plans) {
    EXPECT_THAT(text, HasSubstr(plan.what));
    EXPECT_THAT(csv, HasSubstr(plan.what));
  }
  EXPECT_EQ(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')), report.plans.size() + 1);
}

/// Least slowest stage over all choices of copies, tried one by one.
double best_of_all(const std::vector<Stage>& stages, std::size_t from, std::uint64_t budget) {
  if (from == stages.size()) return 0;
  double best = std::numeric_limits<double>::max();
  for (std::uint32_t copies = 1; (copies - 1) * stages[from].tiles <= budget; ++copies) {
    best = std::min(best, std::max(stages[from].loads.front().ns / copies,
                                   best_of_all(stages, from + 1, budget - (copies - 1) * stages[from].tiles)));
  }
  return best;
}

TEST(Duplicate, IsTheBestOfAllChoices) {
  test::RandomNumbers pick;
  const std::uint64_t seed = pick.seed();
  for (int n = 0; n < 500; ++n) {
    std::vector<Stage> stages;
    for (std::uint32_t s = pick(1, 4); s > 0; --s)
      stages.push_back({{{static_cast<std::uint32_t>(stages.size()), static_cast<double>(pick(1, 100))}},
                        std::uint64_t{pick(1, 4)}});
    const std::uint64_t budget = pick(0, 12);
    const Duplication made = duplicate(stages, budget, 0);
    ASSERT_LE(made.tiles, budget);
    ASSERT_NEAR(made.slowest_ns, best_of_all(stages, 0, budget), 1e-9) << "seed " << seed << ", case " << n;
    ASSERT_LE(made.bound_ns, made.slowest_ns * (1 + 1e-9)) << "seed " << seed << ", case " << n;
  }
}

TEST(Duplicate, CountsWhatStagesDoInASharedTile) {
  // Stages 0 and 1 share tile 0, of which both keep 100 ns busy; 2 has 150 in a tile of its own.
  const std::vector<Stage> stages = {{{{0, 100}}, 1}, {{{0, 100}, {1, 20}}, 2}, {{{2, 150}}, 1}, {{}, 1}};
  const Duplication one = duplicate(stages, 1, 0);
  EXPECT_EQ(one.copies, (std::vector<std::uint32_t>{2, 1, 1, 1})) << "as much as stage 1 for one tile instead of two";
  EXPECT_DOUBLE_EQ(one.slowest_ns, 150);
  const Duplication four = duplicate(
      stages, 4, 0);  // 150 -> stage 2 (75); tile 0: 150 -> stage 0 (33 + 100), then stage 1 (33 + 50) does not fit
  EXPECT_EQ(four.tiles, 4U);
  EXPECT_LE(four.slowest_ns, 125);
  EXPECT_LE(four.bound_ns, four.slowest_ns);
  EXPECT_DOUBLE_EQ(duplicate(stages, 100, 90).slowest_ns, 90) << "something else is slower";
}

TEST(PlanFile, AConfigurationIsEnough) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.path() / "config.json") << config_text(128, 2, 4, 2, 32, 256, 100);
  EXPECT_TRUE(checkpoint::is_shape(folder.path()));
  const PlanReport report = plan_file(folder.path(), "tiny-64", "", {});
  EXPECT_EQ(problem_of(report), "");
  EXPECT_EQ(report.weights, 2U * (128U * (128 + 64 + 64 + 128) + 3 * 128 * 256) + 128U * 100);
  EXPECT_THROW(static_cast<void>(plan_file(folder.path() / "none.json", "tiny-64", "", {})), Error);
}

}  // namespace
}  // namespace xw::toolchain
