// Lower bounds from dual feasible functions, in exact integers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapping/bounds.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/mapping/cuts.hpp"

namespace xw::mapping {
namespace {

constexpr std::uint32_t kMaxSteps = 12;     ///< k of the rounding functions
constexpr std::size_t kMaxThresholds = 24;  ///< epsilon of the threshold functions
constexpr std::uint64_t kMaxPairEffort = 2'000'000;

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
  return a == 0 ? 0 : (a - 1) / b + 1;
}

/// A dual feasible function on lengths 0..full: any set of lengths with sum <= full has values with sum <= scale.
struct DualFunction {
  std::uint32_t full = 0;
  std::uint32_t epsilon = 0;  ///< threshold function if steps == 0 (epsilon 0: identity)
  std::uint32_t steps = 0;    ///< rounding function otherwise

  std::uint64_t scale() const { return std::uint64_t{full} * std::max(steps, 1U); }
  std::uint64_t operator()(std::uint32_t length) const {
    if (steps == 0) {  // u(eps): long lengths count as full, short ones as nothing
      if (length > full - epsilon) return full;
      return length < epsilon ? 0 : length;
    }
    const std::uint64_t scaled = std::uint64_t{steps + 1} * length;  // u_k
    return scaled % full == 0 ? std::uint64_t{length} * steps : scaled / full * full;
  }
};

std::vector<DualFunction> functions(std::uint32_t full, const std::set<std::uint32_t>& lengths) {
  std::vector<DualFunction> list{{full, 0, 0}};
  std::set<std::uint32_t> thresholds;
  for (const std::uint32_t length : lengths) {
    // Useful thresholds: just above what is dropped, just enough to count a length as full.
    for (const std::uint32_t epsilon : {length, full - length + 1}) {
      if (epsilon >= 1 && 2 * epsilon <= full) thresholds.insert(epsilon);
    }
  }
  if (full >= 2) thresholds.insert(full / 2);
  for (const std::uint32_t epsilon : thresholds) {
    if (list.size() > kMaxThresholds) break;
    list.push_back({full, epsilon, 0});
  }
  for (std::uint32_t k = 1; k <= kMaxSteps; ++k) list.push_back({full, 0, k});
  return list;
}

/// Least sum of f over the pieces of `total` in ceil(total / limit) pieces of 1..limit: a shortest path over the
/// deficits.
std::uint64_t least_value(const DualFunction& f, std::uint32_t total, std::uint32_t limit) {
  const std::uint32_t pieces = (total - 1) / limit + 1;
  const std::uint64_t deficit = std::uint64_t{pieces} * limit - total;  // < limit
  if (pieces == 1) return f(total);
  if (deficit == 0) return f(limit) * pieces;
  std::vector<std::uint64_t> one(deficit + 1);
  for (std::uint32_t d = 0; d <= deficit; ++d) one[d] = f(limit - d);
  const auto combine = [&](const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
    std::vector<std::uint64_t> sum(deficit + 1, UINT64_MAX);
    for (std::size_t i = 0; i <= deficit; ++i) {
      for (std::size_t j = 0; i + j <= deficit; ++j) sum[i + j] = std::min(sum[i + j], a[i] + b[j]);
    }
    return sum;
  };
  std::vector<std::uint64_t> result;
  std::vector<std::uint64_t> power = one;
  for (std::uint32_t n = pieces; n > 0; n /= 2) {
    if (n % 2 == 1) result = result.empty() ? power : combine(result, power);
    if (n > 1) power = combine(power, power);
  }
  return result[deficit];
}

std::uint64_t num_cells(std::span<const MatrixShape> matrices) {
  std::uint64_t cells = 0;
  for (const MatrixShape& matrix : matrices)
    cells += std::uint64_t{matrix.in_features} * matrix.out_features * matrix.replicas;
  return cells;
}

}  // namespace

std::uint64_t rectangles_bound(std::span<const Kind> kinds, const BinShape& bin) {
  std::set<std::uint32_t> row_lengths, col_lengths;
  for (const Kind& kind : kinds) {
    row_lengths.insert(kind.rows);
    col_lengths.insert(kind.cols);
  }
  std::vector<DualFunction> row_functions = functions(bin.rows, row_lengths);
  std::vector<DualFunction> col_functions = functions(bin.cols, col_lengths);
  if (row_functions.size() * col_functions.size() * kinds.size() > kMaxPairEffort) {
    row_functions.resize(1);
    col_functions.resize(1);
  }
  std::uint64_t best = 0;
  for (const DualFunction& f : row_functions) {
    for (const DualFunction& g : col_functions) {
      std::uint64_t sum = 0;
      for (const Kind& kind : kinds) sum += f(kind.rows) * g(kind.cols) * kind.count;
      best = std::max(best, ceil_div(sum, f.scale() * g.scale()));
    }
  }
  return best;
}

TileBound area_bound(std::span<const MatrixShape> matrices, const TileShape& tile) {
  const std::uint64_t cells = num_cells(matrices);
  const std::uint64_t per_tile = std::uint64_t{tile.rows} * tile.cols;
  return {ceil_div(cells, per_tile),
          "area: " + std::to_string(cells) + " cells / " + std::to_string(per_tile) + ", for any cuts"};
}

TileBound fewest_pieces_bound(std::span<const MatrixShape> matrices, const TileShape& tile) {
  TileBound best = area_bound(matrices, tile);
  const std::uint32_t limit = block_limit(tile).rows;
  std::map<std::uint32_t, std::uint64_t> outputs;  // by length of input range
  std::set<std::uint32_t> lengths;
  for (const MatrixShape& matrix : matrices) {
    for (const std::uint32_t length : input_ranges(matrix)) {
      outputs[length] += std::uint64_t{matrix.out_features} * matrix.replicas;
      for (const CutRule rule : {CutRule::kEqual, CutRule::kFull}) {
        for (const std::uint32_t piece : cut_length(length, limit, rule)) lengths.insert(piece);
      }
    }
  }
  for (const DualFunction& f : functions(tile.rows, lengths)) {
    std::uint64_t sum = 0;
    for (const auto& [length, cols] : outputs) sum += least_value(f, length, limit) * cols;
    const std::uint64_t tiles = ceil_div(sum, f.scale() * tile.cols);
    if (tiles <= best.tiles) continue;
    best.tiles = tiles;
    best.reason = f.steps == 0
                      ? "rows: pieces above " + std::to_string(tile.rows - f.epsilon) + " rows fill a tile's height"
                      : "rows: dual feasible rounding to 1/" + std::to_string(f.steps) + " of a tile's height";
    best.reason += ", for inputs cut into the fewest pieces; " + area_bound(matrices, tile).reason;
  }
  return best;
}

}  // namespace xw::mapping
