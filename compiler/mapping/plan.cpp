// Choosing cuts, packing, placing: from matrices to a plan.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/plan.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "arch/support/error.hpp"
#include "compiler/mapping/assign.hpp"
#include "compiler/mapping/bounds.hpp"
#include "compiler/mapping/cuts.hpp"
#include "compiler/mapping/packing.hpp"
#include "compiler/mapping/planner.hpp"
#include "compiler/mapping/stacks.hpp"

namespace xw::mapping {
namespace {

constexpr std::size_t kMaxExhaustiveClasses = 4;  ///< kinds of input ranges whose rules are tried in all combinations

/// A cutting and its packing, before blocks have places.
struct Candidate {
  Cutting cutting;
  Packing packing;  ///< kind 0 .. num_kinds, full tiles included
  std::vector<std::vector<std::uint32_t>> items_of_kind;
  std::uint64_t tiles = 0;
};

/// Nothing if the cutting provably needs at least `too_many` tiles.
std::optional<Candidate> pack_cutting(Cutting cutting, const TileShape& tile, std::uint64_t lower_bound,
                                      std::uint64_t too_many) {
  Candidate candidate;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> index;
  std::vector<Kind> kinds;
  for (std::uint32_t i = 0; i < cutting.items.size(); ++i) {
    const Item& item = cutting.items[i];
    const auto [found, is_new] = index.try_emplace({item.rows, item.cols}, static_cast<std::uint32_t>(kinds.size()));
    if (is_new) {
      kinds.push_back({item.rows, item.cols, 0});
      candidate.items_of_kind.emplace_back();
    }
    ++kinds[found->second].count;
    candidate.items_of_kind[found->second].push_back(i);
  }
  // Items as large as a tile need no thought.
  std::uint64_t full = 0;
  std::vector<Kind> rest = kinds;
  for (std::uint32_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k].rows != tile.rows || kinds[k].cols != tile.cols) continue;
    candidate.packing.push_back({{{k, 0, 0}}, kinds[k].count});
    full = kinds[k].count;
    rest[k].count = 0;
  }
  const BinShape bin{tile.rows, tile.cols};
  std::vector<Kind> to_pack;
  std::vector<std::uint32_t> kind_of;
  for (std::uint32_t k = 0; k < rest.size(); ++k) {
    if (rest[k].count == 0) continue;
    to_pack.push_back(rest[k]);
    kind_of.push_back(k);
  }
  const std::uint64_t rest_bound =
      std::max(lower_bound > full ? lower_bound - full : 0, rectangles_bound(to_pack, bin));
  if (full + rest_bound >= too_many) return std::nullopt;
  Packing packed = pack(to_pack, bin, rest_bound);
  for (Bin& b : packed) {
    for (Slot& slot : b.slots) slot.kind = kind_of[slot.kind];
    candidate.packing.push_back(std::move(b));
  }
  candidate.tiles = num_bins(candidate.packing);
  candidate.cutting = std::move(cutting);
  return candidate;
}

/// Searches the rules of cutting for the fewest tiles, then the fewest blocks, then the first (equal cuts come first).
class Search {
 public:
  Search(std::span<const MatrixShape> matrices, const TileShape& tile, std::uint64_t lower_bound)
      : matrices_(matrices), tile_(tile), lower_bound_(lower_bound) {
    const std::uint32_t limit = block_limit(tile).rows;
    std::map<std::vector<std::uint32_t>, std::size_t> classes;
    for (const MatrixShape& matrix : matrices) {
      const auto [found, is_new] = classes.try_emplace(input_ranges(matrix), classes.size());
      class_of_.push_back(found->second);
      if (is_new)
        has_choice_.push_back(row_pieces(matrix, limit, CutRule::kEqual) != row_pieces(matrix, limit, CutRule::kFull));
    }
  }

  /// Equal pieces only.
  void try_equal_pieces() { static_cast<void>(try_rules(std::vector<CutRule>(has_choice_.size(), CutRule::kEqual))); }
  /// Rules with the fewest input pieces.
  void try_fewest_pieces() {
    std::vector<std::size_t> choices;
    for (std::size_t c = 0; c < has_choice_.size(); ++c) {
      if (has_choice_[c]) choices.push_back(c);
    }
    std::vector<CutRule> rules(has_choice_.size(), CutRule::kEqual);
    if (choices.size() <= kMaxExhaustiveClasses) {
      for (std::uint32_t bits = 0; bits < (1U << choices.size()); ++bits) {
        for (std::size_t i = 0; i < choices.size(); ++i)
          rules[choices[i]] = (bits >> i) % 2 == 0 ? CutRule::kEqual : CutRule::kFull;
        if (try_rules(rules)) return;
      }
      return;
    }
    if (try_rules(rules)) return;
    for (const std::size_t c : choices) rules[c] = CutRule::kFull;
    if (try_rules(rules)) return;
    for (const std::size_t c : choices) {  // one class after the other back to equal cuts
      rules[c] = CutRule::kEqual;
      const std::uint64_t before = best_->tiles;
      if (try_rules(rules)) return;
      if (best_->tiles >= before) rules[c] = CutRule::kFull;
    }
  }
  /// More input pieces than needed.
  void try_fine(std::uint64_t lower_bound) {
    lower_bound_ = lower_bound;
    static_cast<void>(try_rules(std::vector<CutRule>(has_choice_.size(), CutRule::kFine)));
  }

  Candidate take_best() { return std::move(*best_); }
  std::uint64_t tiles() const { return best_->tiles; }

 private:
  /// True if no better result is possible.
  bool try_rules(const std::vector<CutRule>& class_rules) {
    std::vector<CutRule> rules;
    for (const std::size_t c : class_of_) rules.push_back(class_rules[c]);
    for (const CutRule col_rule : {CutRule::kEqual, CutRule::kFull, CutRule::kBands}) {
      Cutting cutting = cut_matrices(matrices_, tile_, rules, col_rule);
      // As many tiles as the best are of use only with fewer blocks.
      const bool fewer_blocks = !best_ || cutting.blocks.size() < best_->cutting.blocks.size();
      const std::uint64_t too_many = best_ ? best_->tiles + (fewer_blocks ? 1 : 0) : UINT64_MAX;
      std::optional<Candidate> candidate = pack_cutting(std::move(cutting), tile_, lower_bound_, too_many);
      if (candidate && candidate->tiles < too_many) best_ = std::move(candidate);
      if (best_->tiles <= lower_bound_) return true;
    }
    return false;
  }

  std::span<const MatrixShape> matrices_;
  const TileShape& tile_;
  std::uint64_t lower_bound_;
  std::vector<std::size_t> class_of_;  ///< per matrix: kind of input ranges
  std::vector<bool> has_choice_;       ///< per class: do the rules differ
  std::optional<Candidate> best_;
};

void check_arguments(std::span<const MatrixShape> matrices, const TileShape& tile) {
  if (tile.rows == 0 || tile.cols == 0) {
    throw Error(ErrorCode::kInvalidArgument, "mapping: expected tiles of at least 1 x 1, found " +
                                                 std::to_string(tile.rows) + " x " + std::to_string(tile.cols));
  }
  if (matrices.empty()) throw Error(ErrorCode::kInvalidArgument, "mapping: expected at least one matrix");
  for (const MatrixShape& matrix : matrices) {
    if (matrix.in_features == 0 || matrix.out_features == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "matrix '" + matrix.name + "': expected at least one input and output, found " +
                      std::to_string(matrix.out_features) + " x " + std::to_string(matrix.in_features));
    }
    if (matrix.replicas == 0)
      throw Error(ErrorCode::kInvalidArgument, "matrix '" + matrix.name + "': expected at least one copy, found none");
  }
}

}  // namespace

Plan best_plan(std::span<const MatrixShape> matrices, const TileShape& tile) {
  TileBound bound = fewest_pieces_bound(matrices, tile);
  Search search(matrices, tile, bound.tiles);
  if (tile.row_cuts == RowCuts::kEqual) {
    search.try_equal_pieces();
  } else {
    search.try_fewest_pieces();
  }
  if (tile.max_tiles != 0 && search.tiles() > tile.max_tiles && tile.row_cuts == RowCuts::kFewestTiles) {
    const std::uint64_t before = search.tiles();
    TileBound area = area_bound(matrices, tile);
    search.try_fine(area.tiles);
    if (search.tiles() < before) bound = std::move(area);
  }
  Candidate best = search.take_best();
  if (best.tiles > UINT32_MAX)
    throw Error(ErrorCode::kCapacity,
                "mapping: " + std::to_string(best.tiles) + " tiles are more than a program can number");
  assign_places(best.packing, best.items_of_kind, matrices, 0, best.cutting);

  Plan plan;
  plan.blocks = std::move(best.cutting.blocks);
  std::sort(plan.blocks.begin(), plan.blocks.end(), [](const PlacedBlock& a, const PlacedBlock& b) {
    return std::tie(a.matrix, a.out_begin, a.in_begin, a.replica) <
           std::tie(b.matrix, b.out_begin, b.in_begin, b.replica);
  });
  plan.num_tiles = static_cast<std::uint32_t>(best.tiles);
  plan.tiles_lower_bound = static_cast<std::uint32_t>(bound.tiles);
  plan.lower_bound_reason = bound.reason;
  for (const PlacedBlock& block : plan.blocks) plan.cells_used += std::uint64_t{block.rows} * block.cols;
  return plan;
}

Plan make_plan(std::span<const MatrixShape> matrices, const TileShape& tile) {
  check_arguments(matrices, tile);
  Plan plan = best_plan(matrices, tile);
  if (tile.max_tiles != 0 && plan.num_tiles > tile.max_tiles)
    throw Error(ErrorCode::kCapacity, explain_capacity(matrices, tile, plan));
  if (tile.stacks != 0 && tile.stacks < plan.num_tiles) spread_over_stacks(plan, matrices, tile.stacks);
  return plan;
}

std::vector<std::uint32_t> serialisation(const Plan& plan, std::span<const MatrixShape> matrices) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> count;  // tile, group
  std::uint32_t groups = 0;
  for (const MatrixShape& matrix : matrices) groups = std::max(groups, matrix.group);
  std::vector<std::uint32_t> most(std::size_t{groups} + 1, 0);
  for (const PlacedBlock& block : plan.blocks) {
    const std::uint32_t group = matrices[block.matrix].group;
    if (group != 0) most[group] = std::max(most[group], ++count[{block.tile, group}]);
  }
  return most;
}

std::uint32_t max_serialisation(const Plan& plan, std::span<const MatrixShape> matrices) {
  const std::vector<std::uint32_t> most = serialisation(plan, matrices);
  return std::max(1U, *std::max_element(most.begin(), most.end()));
}

}  // namespace xw::mapping
