// How a model can be put on a chip that need not be large enough for it: what each way takes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/passes/replicas.hpp"

namespace xw::toolchain {

enum class PlanKind {
  kAsIs,         ///< the chip as it is
  kChips,        ///< several of them
  kReload,       ///< one, whose tiles are written anew between layers
  kDigital,      ///< one, with layers in the digital units
  kFewerCopies,  ///< one, with fewer copies of layers than were asked for
  kTileSize,     ///< one with as many tiles of another size
  kDuplicate,    ///< one, its free tiles holding further copies that work at the same time
  kSpread,       ///< one, blocks that shared tiles apart in free ones
};
[[nodiscard]] const char* name(PlanKind kind);  ///< "as it is", "chips", "reload", ...

enum class PlanObjective { kLatency, kEnergy, kTiles, kQuality };
/// "latency", "energy", "tiles", "quality"; throws Error{kInvalidArgument} listing them.
[[nodiscard]] PlanObjective parse_plan_objective(const std::string& word);
[[nodiscard]] const char* name(PlanObjective objective);

/// What a part of a model loses on the chip, from a report of `crossweave sensitivity`.
struct PartLoss {
  std::string by, name;  ///< "call", "layer", "kind"; "layers.3.qkv", "layers.3", "qkv"
  double alone = 0;      ///< nats per token with only this on the chip
  double noise = 0;      ///< of it what the cells' noise does
};
struct ModelLosses {
  double all = 0;    ///< nats per token with everything on the chip
  double noise = 0;  ///< of it what the cells' noise does
  std::vector<PartLoss> parts;
};
/// Throws Error{kFormat} naming `origin` for what is no such report.
[[nodiscard]] ModelLosses parse_losses(const std::string& json, const std::string& origin);

struct PlanOptions {
  bool lm_head_analog = true;
  std::vector<std::string> digital;           ///< linear layers that are digital in every plan
  std::vector<passes::ReplicaRule> replicas;  ///< copies that are wanted
  mapping::RowCuts row_cuts = mapping::RowCuts::kFewestTiles;
  /// Of copy_rules: further tiles for blocks that share one, 0: all free ones (CompileOptions::spread_tiles).
  std::optional<std::uint32_t> spread_tiles;
  std::uint32_t context = 512;       ///< positions of the token whose time and energy are told
  std::uint32_t prompt_tokens = 64;  ///< of the prompt whose time is told
  std::uint32_t batch = 1;           ///< tokens that share what is written when tiles are reloaded
  PlanObjective objective = PlanObjective::kLatency;
  std::optional<ModelLosses> losses;
};

/// What nothing can go below that keeps the plan's layers, copies and tiles.
struct PlanBounds {
  std::uint64_t tiles = 0;
  std::string tiles_reason;
  std::optional<double> token_ns, token_pj;
};

/// Tiles that are written anew for every batch.
struct ReloadPlan {
  std::uint32_t areas = 0;                               ///< of the chip; all but the last hold a round each for good
  std::uint32_t rounds = 0;                              ///< parts of the model that take turns in the same tiles
  std::uint32_t resident_tiles = 0, reloaded_tiles = 0;  ///< of the chip: written once, written every round
  std::uint64_t tiles_written = 0;                       ///< per batch
  double write_ns = 0, write_pj = 0;                     ///< per batch
  double batches_to_wear = 0;                            ///< until a cell has been written as often as it endures
  double seconds_to_wear = 0;                            ///< the same at full speed
};

/// Copies of calls that take different tokens.
struct DuplicatePlan {
  std::uint32_t copies = 0;                                  ///< beside the first ones, of all calls
  double stage_ns = 0;                                       ///< the slowest call with its copies
  double stage_bound_ns = 0;                                 ///< no way to spend the free tiles makes it faster
  std::vector<std::pair<std::string, std::uint32_t>> calls;  ///< that have copies, with their number in all
};

struct DeploymentPlan {
  PlanKind kind = PlanKind::kAsIs;
  std::string what;    ///< "12 chips", "tiles of 640 x 640"
  std::string reason;  ///< why it is impossible; empty: it is possible
  std::string change;  ///< to the chip or the model as they were given
  std::string note;    ///< what to know about it
  std::uint32_t chips = 1, tiles_per_chip = 0;
  std::uint64_t tiles = 0;  ///< in use, of all chips
  std::uint32_t tile_rows = 0, tile_cols = 0;
  std::vector<std::string> digital;  ///< layers that are digital beside those that were asked for
  std::uint32_t most_copies = 1;
  std::uint64_t digital_macs = 0;  ///< of a token, digital layers only
  // Nothing of these where the description has no constants.
  std::optional<double> token_ns, token_pj;  ///< of one generated token
  std::optional<double> prompt_ns;           ///< per token of a prompt
  double program_ns = 0, program_pj = 0;     ///< writing everything once
  std::string bound_by;                      ///< what most of the token's time is
  PlanBounds bounds;
  std::optional<double> loss;  ///< nats per token that are expected
  std::optional<ReloadPlan> reload;
  std::optional<DuplicatePlan> duplicate;
  bool pareto = false;  ///< no other possible plan is as good in everything and better in something
  bool best = false;    ///< of the possible ones, by the objective
  [[nodiscard]] bool possible() const { return reason.empty(); }
};

struct PlanReport {
  std::string model, chip;
  std::uint64_t weights = 0;       ///< of the layers that are to be analog, one copy
  std::uint64_t tiles_needed = 0;  ///< one chip of as many tiles as needed; 0: not laid out
  std::uint32_t tiles_there = 0;   ///< of the chip; 0: as many as needed
  std::uint32_t tile_rows = 0, tile_cols = 0;
  bool fits = false;
  std::string impossible;  ///< why no plan with the chip's own tiles can be laid out, and the nearest chip that can
  std::string smallest_change;  ///< that makes it fit; empty if it fits
  PlanOptions options;
  std::vector<DeploymentPlan> plans;  ///< possible ones first, by the objective
};

/// All plans of a model, as import_graph() gives it, on a chip. Never throws for a chip or a model that is too large or too small for anything: what cannot be
/// laid out is a plan with a reason, or PlanReport::impossible. Costs are those of the static estimate, lower bounds hold for every mapping. Throws Error{kInvalidArgument} for options that
/// name no layer, and for a graph without linear layers.
[[nodiscard]] PlanReport plan_model(const ir::Graph& graph, const arch::ChipDescription& chip,
                                    const arch::EmulatorDescription& emulator, const PlanOptions& options);

}  // namespace xw::toolchain
