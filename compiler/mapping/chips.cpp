// Filling one chip after the other.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/chips.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/mapping/bounds.hpp"
#include "compiler/mapping/cuts.hpp"
#include "compiler/mapping/planner.hpp"

namespace xw::mapping {
namespace {

constexpr std::uint32_t kNarrowStep = 16;  ///< outputs of a part narrower than a block are a multiple of it
constexpr int kSplitTries = 4;             ///< widths that are tried at the end of a chip
constexpr std::size_t kMostKept = 4096;    ///< packings that are remembered

/// Outputs [out_begin, out_begin + outs) of a matrix, all inputs and copies.
struct Part {
  std::uint32_t matrix = 0, out_begin = 0, outs = 0;
};

/// Packs the parts of a chip; chips that hold the same shapes are packed once.
class Packer {
 public:
  Packer(std::span<const MatrixShape> matrices, const TileShape& tile) : matrices_(matrices), tile_(tile.unlimited()) {}

  /// Blocks of the parts, `matrix` being the index of the part.
  std::shared_ptr<const Plan> pack(const std::vector<Part>& parts) {
    std::vector<std::uint32_t> key;
    std::vector<MatrixShape> shapes;
    std::map<std::uint32_t, std::uint32_t> groups;
    for (const Part& part : parts) {
      MatrixShape shape = matrices_[part.matrix];
      shape.out_features = part.outs;
      shape.name.clear();
      // Groups count from 1 in every chip, so that equal chips have equal keys.
      if (shape.group != 0)
        shape.group = groups.try_emplace(shape.group, static_cast<std::uint32_t>(groups.size() + 1)).first->second;
      key.insert(key.end(), {shape.in_features, shape.out_features, shape.group, shape.replicas,
                             static_cast<std::uint32_t>(shape.input_cuts.size())});
      key.insert(key.end(), shape.input_cuts.begin(), shape.input_cuts.end());
      shapes.push_back(std::move(shape));
    }
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    auto packed = std::make_shared<const Plan>(best_plan(shapes, tile_));
    if (known_.size() < kMostKept) known_.emplace(std::move(key), packed);
    return packed;
  }

 private:
  std::span<const MatrixShape> matrices_;
  TileShape tile_;
  std::map<std::vector<std::uint32_t>, std::shared_ptr<const Plan>> known_;
};

struct Filled {
  std::uint32_t num_chips = 0;
  std::vector<PlacedBlock> blocks;
};

class ChipFiller {
 public:
  ChipFiller(std::span<const MatrixShape> matrices, const TileShape& tile, std::uint32_t tiles_per_chip,
             bool split_calls, Packer& packer)
      : matrices_(matrices),
        tile_(tile),
        limit_(block_limit(tile)),
        tiles_(tiles_per_chip),
        split_calls_(split_calls),
        packer_(packer) {
    for (std::uint32_t m = 0; m < matrices.size(); ++m) {
      const bool joins = m > 0 && matrices[m].group != 0 && matrices[m].group == matrices[m - 1].group;
      if (!joins) calls_.emplace_back();
      calls_.back().push_back({m, 0, matrices[m].out_features});
    }
    std::reverse(calls_.begin(), calls_.end());  // the next one is the last
  }

  Filled run() {
    while (!calls_.empty()) {
      fill_with_calls();
      if (!calls_.empty() && (split_calls_ || parts_.empty())) fill_with_parts();
      if (parts_.empty() && !calls_.empty()) place_one_by_one();
      close();
    }
    return {chip_, std::move(blocks_)};
  }

 private:
  [[nodiscard]] std::uint64_t cells_of(const Part& part) const {
    const MatrixShape& matrix = matrices_[part.matrix];
    return std::uint64_t{matrix.in_features} * part.outs * matrix.replicas;
  }
  [[nodiscard]] std::uint64_t cells_per_chip() const { return std::uint64_t{tile_.rows} * tile_.cols * tiles_; }
  [[nodiscard]] std::uint64_t cells_of(const std::vector<Part>& parts) const {
    std::uint64_t cells = 0;
    for (const Part& part : parts) cells += cells_of(part);
    return cells;
  }
  [[nodiscard]] bool fits(const std::vector<Part>& parts) const {
    return cells_of(parts) <= cells_per_chip() && packer_.pack(parts)->num_tiles <= tiles_;
  }

  /// As many whole calls as fit.
  void fill_with_calls() {
    std::uint64_t cells = 0;
    std::size_t most = 0;  // whose cells there is room for
    while (most < calls_.size()) {
      cells += cells_of(calls_[calls_.size() - 1 - most]);
      if (cells > cells_per_chip()) break;
      ++most;
    }
    const auto first = [&](std::size_t count) {
      std::vector<Part> parts;
      for (std::size_t c = 0; c < count; ++c) {
        const std::vector<Part>& call = calls_[calls_.size() - 1 - c];
        parts.insert(parts.end(), call.begin(), call.end());
      }
      return parts;
    };
    // Mostly all of them fit, or all but one: look from there in growing steps, then between two.
    std::size_t good = 0, bad = most + 1;
    for (std::size_t step = 1; good == 0 && bad > 1; step *= 2) {
      const std::size_t next = bad > step ? bad - step : 1;
      (fits(first(next)) ? good : bad) = next;
    }
    while (good + 1 < bad) {
      const std::size_t middle = good + (bad - good) / 2;
      (fits(first(middle)) ? good : bad) = middle;
    }
    parts_ = first(good);
    calls_.resize(calls_.size() - good);
  }

  /// What still fits of the next call.
  void fill_with_parts() {
    std::vector<Part>& call = calls_.back();
    while (!call.empty()) {
      Part& next = call.front();
      parts_.push_back(next);
      if (fits(parts_)) {
        call.erase(call.begin());
        continue;
      }
      parts_.pop_back();
      if (const std::uint32_t outs = widest(next); outs != 0) {
        parts_.push_back({next.matrix, next.out_begin, outs});
        next.out_begin += outs;
        next.outs -= outs;
      }
      break;
    }
    if (call.empty()) calls_.pop_back();
  }

  /// Outputs of the part that fit beside what is there, less than all; 0: none.
  [[nodiscard]] std::uint32_t widest(const Part& part) const {
    const MatrixShape& matrix = matrices_[part.matrix];
    const std::uint64_t column_cells = std::uint64_t{matrix.in_features} * matrix.replicas;
    const std::uint64_t room = cells_per_chip() - std::min(cells_per_chip(), cells_of(parts_));
    std::uint64_t outs = std::min<std::uint64_t>(room / column_cells, part.outs - 1);
    std::vector<Part> parts = parts_;
    parts.push_back(part);
    const auto round = [&](std::uint64_t width) {
      const std::uint64_t step = width >= limit_.cols ? limit_.cols : kNarrowStep;
      return width / step * step;
    };
    outs = round(outs);
    for (int n = 0; n < kSplitTries && outs != 0; ++n) {
      parts.back().outs = static_cast<std::uint32_t>(outs);
      if (fits(parts)) return parts.back().outs;
      outs = round(outs > limit_.cols ? outs - limit_.cols : outs - 1);
    }
    if (!parts_.empty()) return 0;
    // An empty chip holds a block per tile at least.
    std::uint64_t pieces = 0;
    for (const std::uint32_t length : input_ranges(matrix)) pieces += (length - 1) / limit_.rows + 1;
    outs = std::min<std::uint64_t>(tiles_ / (pieces * matrix.replicas) * limit_.cols, part.outs - 1);
    parts.back().outs = static_cast<std::uint32_t>(outs);
    return outs != 0 && fits(parts) ? parts.back().outs : 0;
  }

  /// A column of blocks that no chip holds: a block per tile, over as many chips as it takes.
  void place_one_by_one() {
    std::vector<Part>& call = calls_.back();
    Part& next = call.front();
    const MatrixShape& matrix = matrices_[next.matrix];
    const std::uint32_t outs = std::min(limit_.cols, next.outs);
    std::uint32_t in_begin = 0, used = 0;
    for (const std::uint32_t rows : row_pieces(matrix, limit_.rows, CutRule::kFull)) {
      for (std::uint32_t replica = 0; replica < matrix.replicas; ++replica) {
        if (used == tiles_) {
          ++chip_;
          used = 0;
        }
        blocks_.push_back({next.matrix, in_begin, rows, next.out_begin, outs, tile_number(used++), 0, 0, replica});
      }
      in_begin += rows;
    }
    next.out_begin += outs;
    next.outs -= outs;
    if (next.outs == 0) call.erase(call.begin());
    if (call.empty()) calls_.pop_back();
  }

  void close() {
    if (!parts_.empty()) {
      for (PlacedBlock block : packer_.pack(parts_)->blocks) {
        const Part& part = parts_[block.matrix];
        block.matrix = part.matrix;
        block.out_begin += part.out_begin;
        block.tile = tile_number(block.tile);
        blocks_.push_back(block);
      }
    }
    parts_.clear();
    ++chip_;
  }

  [[nodiscard]] std::uint32_t tile_number(std::uint32_t of_chip) const {
    const std::uint64_t number = std::uint64_t{chip_} * tiles_ + of_chip;
    if (number >= UINT32_MAX)
      throw Error(ErrorCode::kCapacity,
                  "mapping: more tiles than a program can number, on chips of " + std::to_string(tiles_) + " tiles");
    return static_cast<std::uint32_t>(number);
  }

  std::span<const MatrixShape> matrices_;
  const TileShape& tile_;
  BlockLimit limit_;
  std::uint32_t tiles_;
  bool split_calls_;
  Packer& packer_;
  std::vector<std::vector<Part>> calls_;  ///< that have no place yet, the next one last
  std::vector<Part> parts_;               ///< of the chip that is being filled
  std::uint32_t chip_ = 0;
  std::vector<PlacedBlock> blocks_;
};

class ChipsPlanner {
 public:
  ChipsPlanner(std::span<const MatrixShape> matrices, const TileShape& tile)
      : matrices_(matrices), tile_(tile), bound_(fewest_pieces_bound(matrices, tile)), packer_(matrices, tile) {}

  [[nodiscard]] Filled fill(std::uint32_t tiles_per_chip, ChipBorders borders) {
    const auto filled = [&](bool split) { return ChipFiller(matrices_, tile_, tiles_per_chip, split, packer_).run(); };
    Filled best = filled(borders == ChipBorders::kAnywhere);
    const std::uint64_t fewest = (bound_.tiles + tiles_per_chip - 1) / tiles_per_chip;
    if (borders != ChipBorders::kFewest || best.num_chips <= fewest) return best;
    Filled dense = filled(true);
    return dense.num_chips < best.num_chips ? std::move(dense) : std::move(best);
  }

  /// The fewest tiles that a chip needs if there are to be so many chips.
  [[nodiscard]] std::uint32_t level(std::uint32_t num_chips, const ChipsShape& chips) {
    std::uint64_t good = chips.tiles_per_chip, bad = (bound_.tiles - 1) / num_chips;
    while (bad + 1 < good) {
      const std::uint64_t middle = bad + (good - bad) / 2;
      const bool fits = fill(static_cast<std::uint32_t>(middle), chips.borders).num_chips <= num_chips;
      (fits ? good : bad) = middle;
    }
    return static_cast<std::uint32_t>(good);
  }

  [[nodiscard]] Plan plan_of(std::vector<PlacedBlock> blocks, std::uint32_t from, std::uint32_t to) const {
    Plan plan;
    plan.blocks = std::move(blocks);
    std::sort(plan.blocks.begin(), plan.blocks.end(), [](const PlacedBlock& a, const PlacedBlock& b) {
      return std::tie(a.matrix, a.out_begin, a.in_begin, a.replica) <
             std::tie(b.matrix, b.out_begin, b.in_begin, b.replica);
    });
    for (PlacedBlock& block : plan.blocks) {
      block.tile = block.tile / from * to + block.tile % from;  // tiles that stay empty are behind those of their chip
      plan.num_tiles = std::max(plan.num_tiles, block.tile + 1);
      plan.cells_used += std::uint64_t{block.rows} * block.cols;
    }
    plan.tiles_per_chip = to;
    plan.tiles_lower_bound = static_cast<std::uint32_t>(std::min<std::uint64_t>(bound_.tiles, UINT32_MAX));
    plan.lower_bound_reason = bound_.reason;
    return plan;
  }

 private:
  std::span<const MatrixShape> matrices_;
  const TileShape& tile_;
  TileBound bound_;
  Packer packer_;
};

}  // namespace

Plan make_chips_plan(std::span<const MatrixShape> matrices, const TileShape& tile, const ChipsShape& chips) {
  if (chips.tiles_per_chip == 0)
    throw Error(ErrorCode::kInvalidArgument, "mapping: expected chips of at least 1 tile, found 0");
  const TileShape whole = tile.unlimited();
  const std::uint64_t area = area_bound(matrices, tile).tiles;
  if (chips.num_chips <= 1 && area <= chips.tiles_per_chip) {
    Plan single = make_plan(matrices, whole);
    if (single.num_tiles <= chips.tiles_per_chip) return single;
  } else if (area == 0) {
    return make_plan(matrices, whole);  // which complains
  }
  ChipsPlanner planner(matrices, whole);
  Filled filled = planner.fill(chips.tiles_per_chip, chips.borders);
  std::uint32_t level = chips.tiles_per_chip;
  if (chips.num_chips != 0) {
    if (filled.num_chips > chips.num_chips) {
      throw Error(ErrorCode::kCapacity, "chips too few: the matrices need " + std::to_string(filled.num_chips) +
                                            " chips of " + std::to_string(chips.tiles_per_chip) + " tiles of " +
                                            std::to_string(tile.rows) + " x " + std::to_string(tile.cols) +
                                            ", there are to be " + std::to_string(chips.num_chips));
    }
    level = planner.level(chips.num_chips, chips);
    if (level != chips.tiles_per_chip) filled = planner.fill(level, chips.borders);
  }
  Plan plan = planner.plan_of(std::move(filled.blocks), level, chips.tiles_per_chip);
  if (plan.num_chips() == 1) plan.tiles_per_chip = 0;
  return plan;
}

std::uint32_t tiles_used(const Plan& plan) {
  std::vector<bool> used(plan.num_tiles, false);
  for (const PlacedBlock& block : plan.blocks) used[block.tile] = true;
  return static_cast<std::uint32_t>(std::count(used.begin(), used.end(), true));
}

}  // namespace xw::mapping
