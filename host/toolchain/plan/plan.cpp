// All plans of a model on a chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/mapping/bounds.hpp"
#include "compiler/mapping/chips.hpp"
#include "compiler/pipeline/free_tiles.hpp"
#include "host/toolchain/plan/candidate.hpp"
#include "host/toolchain/plan/copies.hpp"
#include "host/toolchain/plan/digital.hpp"
#include "host/toolchain/plan/losses.hpp"
#include "host/toolchain/plan/rank.hpp"
#include "host/toolchain/plan/reload.hpp"

namespace xw::toolchain {
namespace {

constexpr std::uint32_t kSideStep = 16, kMostSide = 1024;  ///< of tiles that are suggested
constexpr std::uint32_t kAllCopies = UINT32_MAX;
constexpr int kComebacks = 12;  ///< layers that are tried to become analog again

constexpr std::array<std::pair<PlanObjective, const char*>, 4> kObjectives = {{{PlanObjective::kLatency, "latency"},
                                                                               {PlanObjective::kEnergy, "energy"},
                                                                               {PlanObjective::kTiles, "tiles"},
                                                                               {PlanObjective::kQuality, "quality"}}};

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

class ModelPlanner {
 public:
  ModelPlanner(const ir::Graph& graph, const arch::ChipDescription& chip, const arch::EmulatorDescription& emulator,
               const PlanOptions& options)
      : graph_(graph),
        chip_(chip),
        options_(options),
        tile_(tile_shape(chip, emulator, options.row_cuts)),
        wanted_(plan_layers(graph, options, {}, kAllCopies)) {
    if (wanted_.shapes.empty())
      throw Error(ErrorCode::kInvalidArgument,
                  "graph '" + graph.name + "': expected at least one linear layer that may be analog, found none");
    if (options.losses) losses_ = layer_losses(*options.losses, wanted_);
  }

  PlanReport run() {
    report_.model = graph_.name;
    report_.chip = chip_.name;
    report_.tiles_there = chip_.num_tiles;
    report_.tile_rows = chip_.rows;
    report_.tile_cols = chip_.cols;
    report_.options = options_;
    for (const mapping::MatrixShape& shape : wanted_.shapes)
      report_.weights += std::uint64_t{shape.in_features} * shape.out_features;
    if (const std::uint64_t blocks = blocks_at_least(wanted_.shapes, tile_); blocks > kMostBlocks) {
      too_small_tiles(blocks);
    } else {
      lay_out();
    }
    tile_size();
    rank(report_);
    return std::move(report_);
  }

 private:
  void lay_out() {
    as_is();
    if (chip_.num_tiles != 0 && !report_.fits) {
      chips();
      reload();
      fewer_copies();
    } else {
      free_tiles();
    }
    digital();
  }

  /// Tiles that are so small that nobody can lay out the model: why, and what is nearest.
  void too_small_tiles(std::uint64_t blocks) {
    std::uint32_t side = std::max(chip_.rows, chip_.cols);
    mapping::TileShape larger = tile_;
    do {
      side = std::min(kMostSide, side + kSideStep) / kSideStep * kSideStep;
      larger.rows = larger.cols = side;
      larger.block_rows = larger.block_cols = 0;
    } while (side < kMostSide && blocks_at_least(wanted_.shapes, larger) > kMostBlocks);
    const std::uint64_t then = blocks_at_least(wanted_.shapes, larger);
    report_.impossible = "tiles of " + std::to_string(tile_.rows) + " x " + std::to_string(tile_.cols) +
                         " cut the model into " + std::to_string(blocks) + " blocks at least, more than the " +
                         std::to_string(kMostBlocks) + " that are laid out; ";
    report_.impossible += then <= kMostBlocks ? "the nearest chip has tiles of " + std::to_string(side) + " x " +
                                                    std::to_string(side) + " (" + std::to_string(then) + " blocks)"
                                              : "no chip has tiles that are large enough (" +
                                                    std::to_string(kMostSide) + " x " + std::to_string(kMostSide) + ")";
    digital();
  }

  DeploymentPlan& add(DeploymentPlan plan, const PlannedLayers& layers) {
    if (options_.losses && plan.possible()) plan.loss = expected_loss(*options_.losses, losses_, layers);
    report_.plans.push_back(std::move(plan));
    return report_.plans.back();
  }

  void as_is() {
    DeploymentPlan plan;
    plan.kind = PlanKind::kAsIs;
    plan.what = "as it is";
    whole_ = mapping::make_plan(wanted_.shapes, tile_.unlimited());
    if (chip_.num_tiles != 0 && whole_.num_tiles > chip_.num_tiles &&
        mapping::area_bound(wanted_.shapes, tile_).tiles <= chip_.num_tiles) {
      try {  // finer pieces of inputs may still fit
        whole_ = mapping::make_plan(wanted_.shapes, tile_);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kCapacity) throw;
      }
    }
    report_.tiles_needed = whole_.num_tiles;
    report_.fits = chip_.num_tiles == 0 || whole_.num_tiles <= chip_.num_tiles;
    if (report_.fits) {
      fill_costs(plan, wanted_, whole_, chip_, options_);
      plan.change = "none";
    } else {
      plan.chips = 1;
      plan.tiles_per_chip = chip_.num_tiles;
      plan.bounds.tiles = whole_.tiles_lower_bound;
      plan.bounds.tiles_reason = whole_.lower_bound_reason;
      plan.reason =
          counted(whole_.num_tiles - chip_.num_tiles, "tile") + " missing of " + std::to_string(whole_.num_tiles);
      plan.change = "a chip of " + counted(whole_.num_tiles, "tile");
    }
    add(std::move(plan), wanted_);
  }

  void chips() {
    DeploymentPlan plan;
    plan.kind = PlanKind::kChips;
    const mapping::Plan placed = mapping::make_chips_plan(wanted_.shapes, tile_.unlimited(), {chip_.num_tiles});
    plan.chips = placed.num_chips();
    plan.what = counted(plan.chips, "chip");
    plan.change = counted(plan.chips - 1, "more chip");
    if (plan.chips > program::kMaxChips) {
      plan.tiles_per_chip = chip_.num_tiles;
      plan.reason = "a program is spread over at most " + std::to_string(program::kMaxChips) + " chips";
    } else {
      fill_costs(plan, wanted_, placed, chip_, options_);
      const double most = static_cast<double>(plan.chips) * chip_.num_tiles;
      plan.note = std::to_string(plan.tiles) + " of " + std::to_string(static_cast<std::uint64_t>(most)) +
                  " tiles in use, linked as a " + name(chip_.links.topology);
    }
    add(std::move(plan), wanted_);
  }

  void reload() {
    if (auto plan = reload_plan(wanted_, chip_, tile_, options_)) add(*std::move(plan), wanted_);
  }

  /// The most copies of every layer that fit, if more were asked for.
  void fewer_copies() {
    std::uint32_t most = 1;
    for (const mapping::MatrixShape& shape : wanted_.shapes) most = std::max(most, shape.replicas);
    for (std::uint32_t copies = most - 1; copies >= 1; --copies) {
      const PlannedLayers layers = plan_layers(graph_, options_, {}, copies);
      mapping::Plan placed;
      if (!try_fit(layers, placed)) continue;
      DeploymentPlan plan;
      plan.kind = PlanKind::kFewerCopies;
      plan.what = copies == 1 ? "one copy of every layer" : "at most " + std::to_string(copies) + " copies of a layer";
      plan.change = "at most " + std::to_string(copies) + " instead of " + std::to_string(most) + " copies";
      fill_costs(plan, layers, placed, chip_, options_);
      add(std::move(plan), layers);
      return;
    }
  }

  bool try_fit(const PlannedLayers& layers, mapping::Plan& placed) const {
    if (mapping::area_bound(layers.shapes, tile_).tiles > chip_.num_tiles) return false;
    placed = mapping::make_plan(layers.shapes, tile_.unlimited());
    return placed.num_tiles <= chip_.num_tiles;
  }

  void digital() {
    if (report_.fits && options_.losses == std::nullopt) return;
    const std::vector<std::string> order = digital_order(wanted_, tile_, losses_);
    DeploymentPlan plan;
    plan.kind = PlanKind::kDigital;
    if (report_.fits) {  // what the most sensitive layer is worth
      plan.digital = {order.front()};
    } else {
      plan.digital = fewest_digital(order);
    }
    const PlannedLayers layers = plan_layers(graph_, options_, plan.digital, kAllCopies);
    mapping::Plan placed;
    if (!layers.shapes.empty()) static_cast<void>(try_fit_or_unlimited(layers, placed));
    const std::size_t analog = layers.shapes.size();
    plan.what = counted(plan.digital.size(), "digital layer");
    plan.change =
        "--digital for " + counted(plan.digital.size(), "layer") + " of " + std::to_string(wanted_.shapes.size());
    fill_costs(plan, layers, placed, chip_, options_);
    plan.chips = 1;
    if (analog == 0) plan.note = "nothing is left on the tiles";
    add(std::move(plan), layers);
  }
  bool try_fit_or_unlimited(const PlannedLayers& layers, mapping::Plan& placed) const {
    if (chip_.num_tiles != 0) return try_fit(layers, placed);
    placed = mapping::make_plan(layers.shapes, tile_);
    return true;
  }
  /// The shortest beginning of the order without which the rest fits.
  std::vector<std::string> fewest_digital(const std::vector<std::string>& order) const {
    std::size_t bad = 0, good = order.size();
    while (bad + 1 < good) {
      const std::size_t middle = bad + (good - bad) / 2;
      const PlannedLayers layers = plan_layers(
          graph_, options_, {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(middle)}, kAllCopies);
      mapping::Plan placed;
      const bool fits = blocks_at_least(layers.shapes, tile_) <= kMostBlocks && try_fit_or_unlimited(layers, placed);
      (fits ? good : bad) = middle;
    }
    std::vector<std::string> chosen(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(good));
    // The last step may have made more room than it needed: layers come back while they fit, the least worth first.
    int tries = kComebacks;
    for (std::size_t i = chosen.size(); i-- > 0 && tries > 0;) {
      std::vector<std::string> fewer = chosen;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      const PlannedLayers layers = plan_layers(graph_, options_, fewer, kAllCopies);
      if (mapping::area_bound(layers.shapes, tile_).tiles > chip_.num_tiles ||
          blocks_at_least(layers.shapes, tile_) > kMostBlocks)
        continue;
      --tries;
      mapping::Plan placed;
      if (try_fit_or_unlimited(layers, placed)) chosen = std::move(fewer);
    }
    return chosen;
  }

  /// The smallest square tiles of which as many hold the model.
  void tile_size() {
    if (report_.fits || chip_.num_tiles == 0) return;
    DeploymentPlan plan;
    plan.kind = PlanKind::kTileSize;
    const auto sized = [&](std::uint32_t side) {
      mapping::TileShape shape = tile_;
      shape.rows = shape.cols = side;
      shape.block_rows = shape.block_cols = 0;  // an emulator of other blocks
      return shape;
    };
    const auto fits = [&](std::uint32_t side) {
      const mapping::TileShape shape = sized(side);
      if (mapping::area_bound(wanted_.shapes, shape).tiles > shape.max_tiles) return false;
      return mapping::make_plan(wanted_.shapes, shape.unlimited()).num_tiles <= chip_.num_tiles;
    };
    if (!fits(kMostSide)) {
      plan.what = "larger tiles";
      plan.tile_rows = plan.tile_cols = kMostSide;
      plan.tiles_per_chip = chip_.num_tiles;
      plan.bounds.tiles = mapping::area_bound(wanted_.shapes, sized(kMostSide)).tiles;
      plan.bounds.tiles_reason = "area";
      plan.reason = counted(plan.bounds.tiles, "tile") + " of " + std::to_string(kMostSide) + " x " +
                    std::to_string(kMostSide) + " are needed at least, the largest that there are";
      plan.change = "no size of tiles is enough";
      add(std::move(plan), wanted_);
      return;
    }
    std::uint32_t bad = std::min(chip_.rows, chip_.cols) / kSideStep, good = kMostSide / kSideStep;
    while (bad + 1 < good) {
      const std::uint32_t middle = bad + (good - bad) / 2;
      (fits(middle * kSideStep) ? good : bad) = middle;
    }
    arch::ChipDescription larger = chip_;
    const std::uint32_t side = good * kSideStep;
    larger.rows = larger.cols = side;
    // As many columns share a converter as before.
    larger.adcs_per_tile = std::max(1U, side / std::max(1U, chip_.cols / std::max(1U, chip_.adcs_per_tile)));
    fill_costs(plan, wanted_, mapping::make_plan(wanted_.shapes, sized(side).unlimited()), larger, options_);
    plan.what = "tiles of " + std::to_string(side) + " x " + std::to_string(side);
    plan.change = "tiles of " + std::to_string(side) + " x " + std::to_string(side) + " instead of " +
                  std::to_string(chip_.rows) + " x " + std::to_string(chip_.cols);
    plan.note = "an MVM takes as long as before, columns share converters as before";
    add(std::move(plan), wanted_);
  }

  /// What free tiles can do for speed: blocks that would take turns side by side, copies of calls, and both.
  void free_tiles() {
    if (chip_.num_tiles == 0 || chip_.tiers > 1 || chip_.timing.empty() || chip_.energy.empty()) return;
    duplicates(whole_, "");
    mapping::Plan apart = whole_;
    compiler::spread_blocks(apart, wanted_.shapes, chip_, 0);
    if (apart.num_tiles == whole_.num_tiles) return;
    DeploymentPlan plan;
    plan.kind = PlanKind::kSpread;
    fill_costs(plan, wanted_, apart, chip_, options_);
    plan.what = "blocks side by side";
    plan.change = "--spread: blocks that share a tile, and take turns, get free tiles of their own";
    add(std::move(plan), wanted_);
    duplicates(apart, "--spread ");
  }

  /// Copies of calls in the tiles that a placement leaves free.
  void duplicates(mapping::Plan placed, const std::string& with) {
    const Duplication made = choose_copies(wanted_, placed, chip_, options_, chip_.num_tiles - placed.num_tiles);
    if (made.tiles == 0) return;
    PlannedLayers layers = wanted_;
    add_copies(layers, placed, made.copies);
    DeploymentPlan plan;
    plan.kind = PlanKind::kDuplicate;
    fill_costs(plan, layers, placed, chip_, options_);
    DuplicatePlan& further = plan.duplicate.emplace();
    for (std::size_t call = 0; call < made.copies.size(); ++call) {
      if (made.copies[call] == 1) continue;
      further.copies += made.copies[call] - 1;
      further.calls.emplace_back(wanted_.manifest.calls[call].name, made.copies[call]);
    }
    further.stage_ns = made.slowest_ns;
    further.stage_bound_ns = made.bound_ns;
    plan.what = (with.empty() ? "" : "side by side, ") +
                (further.copies == 1 ? std::string("1 further copy of a call")
                                     : std::to_string(further.copies) + " further copies of calls");
    plan.change = with + "--duplicate: free tiles hold copies that take different tokens";
    plan.note = "for prompts and batches";
    add(std::move(plan), wanted_);
  }

  const ir::Graph& graph_;
  const arch::ChipDescription& chip_;
  const PlanOptions& options_;
  mapping::TileShape tile_;
  PlannedLayers wanted_;
  std::map<std::string, LayerLoss> losses_;
  mapping::Plan whole_;  ///< on one chip of as many tiles as needed
  PlanReport report_;
};

}  // namespace

const char* name(PlanKind kind) {
  switch (kind) {
    case PlanKind::kAsIs:
      return "as it is";
    case PlanKind::kChips:
      return "chips";
    case PlanKind::kReload:
      return "reload";
    case PlanKind::kDigital:
      return "digital";
    case PlanKind::kFewerCopies:
      return "fewer copies";
    case PlanKind::kTileSize:
      return "tile size";
    case PlanKind::kDuplicate:
      return "duplicate";
    case PlanKind::kSpread:
      return "spread";
  }
  return "?";
}

PlanObjective parse_plan_objective(const std::string& word) {
  for (const auto& [objective, text] : kObjectives) {
    if (word == text) return objective;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "objective: expected latency, energy, tiles or quality, found '" + word + "'");
}

const char* name(PlanObjective objective) {
  return kObjectives.at(static_cast<std::size_t>(objective)).second;
}

PlanReport plan_model(const ir::Graph& graph, const arch::ChipDescription& chip,
                      const arch::EmulatorDescription& emulator, const PlanOptions& options) {
  if (options.context == 0 || options.prompt_tokens == 0 || options.batch == 0)
    throw Error(ErrorCode::kInvalidArgument, "plan: expected a context, a prompt and a batch of at least 1 token");
  if (options.objective == PlanObjective::kQuality && !options.losses)
    throw Error(
        ErrorCode::kInvalidArgument,
        "objective quality: expected a report of `crossweave sensitivity` to tell the quality from, found none");
  return ModelPlanner(graph, chip, emulator, options).run();
}

}  // namespace xw::toolchain
