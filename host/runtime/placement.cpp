// Where the tiles and columns of a program are on a chip with faults.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/placement.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "arch/support/error.hpp"

namespace xw::runtime {
namespace {

using cells::Faults;
using cells::Stuck;

/// What a program has in a tile: rows of weights by column.
struct TileUse {
  std::vector<program::BlockRecord> blocks;
  std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, std::uint32_t>>>
      columns;                                  ///< column -> {first row, rows}
  std::map<std::uint32_t, std::uint64_t> rows;  ///< row -> weights
};

std::map<std::uint32_t, TileUse> uses_of(const program::Program& program) {
  std::map<std::uint32_t, TileUse> uses;
  for (const program::BlockRecord& block : program.blocks()) {
    TileUse& use = uses[block.tile];
    use.blocks.push_back(block);
    std::uint64_t used = 0;
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      if (program.columns()[block.column_offset + col].w_max == 0) continue;
      ++used;
      use.columns[block.col0 + col].emplace_back(block.row0, block.rows);
    }
    for (std::uint32_t row = 0; row < block.rows; ++row) use.rows[block.row0 + row] += used;
  }
  return uses;
}

/// Weights of a tile under dead rows of the chip's tile `place`.
std::uint64_t under_dead_rows(const Faults& faults, std::uint32_t place, const TileUse& use) {
  std::uint64_t weights = 0;
  for (const auto& [row, count] : use.rows) weights += faults.row(place, row) ? count : 0;
  return weights;
}

struct StuckCount {
  std::uint64_t low = 0, high = 0;
  void add(Stuck stuck) {
    if (stuck == Stuck::kLowPlus || stuck == Stuck::kLowMinus) ++low;
    if (stuck == Stuck::kHighPlus || stuck == Stuck::kHighMinus) ++high;
  }
};

/// Stuck cells of a column of the chip where a column of the program has weights.
StuckCount stuck_in(const Faults& faults, std::uint32_t tile, std::uint32_t column,
                    const std::vector<std::pair<std::uint32_t, std::uint32_t>>& rows) {
  StuckCount count;
  for (const auto& [first, number] : rows) {
    for (std::uint32_t row = first; row < first + number; ++row) count.add(faults.cell(tile, row, column));
  }
  return count;
}

/// The same for all columns of the program in a tile, where it has them.
std::map<std::uint32_t, StuckCount> stuck_columns(const Faults& faults, std::uint32_t tile, const TileUse& use) {
  std::map<std::uint32_t, StuckCount> counts;
  for (const auto& [column, rows] : use.columns) counts[column] = {};
  for (const program::BlockRecord& block : use.blocks) {
    for (std::uint32_t row = block.row0; row < std::uint32_t{block.row0} + block.rows; ++row) {
      faults.for_stuck(tile, row, block.col0, block.cols, [&](std::uint32_t column, Stuck stuck) {
        if (const auto found = counts.find(column); found != counts.end()) found->second.add(stuck);
      });
    }
  }
  return counts;
}

/// The spares of a kind that live, in order; taken once.
class SpareList {
 public:
  template <typename Dead>
  SpareList(std::uint32_t first, std::uint32_t count, const Dead& dead) {
    for (std::uint32_t i = first; i < first + count; ++i) {
      if (!dead(i)) left_.insert(i);
    }
  }
  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::uint32_t take_first() {
    const std::uint32_t spare = *left_.begin();
    left_.erase(left_.begin());
    return spare;
  }
  /// The first of those with the least damage, if that is below `most`.
  template <typename Damage>
  std::optional<std::uint32_t> take_best(std::uint64_t most, const Damage& damage) {
    std::optional<std::uint32_t> best;
    for (const std::uint32_t spare : left_) {
      const std::uint64_t found = damage(spare);
      if (found >= most) continue;
      most = found;
      best = spare;
    }
    if (best) left_.erase(*best);
    return best;
  }

 private:
  std::set<std::uint32_t> left_;
};

/// Keys of what is damaged, the worst first, of equal ones in order.
std::vector<std::uint32_t> worst_first(const std::map<std::uint32_t, std::uint64_t>& damages) {
  std::vector<std::uint32_t> order;
  for (const auto& [key, damage] : damages) {
    if (damage > 0) order.push_back(key);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return damages.at(a) > damages.at(b); });
  return order;
}

}  // namespace

Spares parse_spares(std::string_view text) {
  Spares spares;
  if (text == "none") return spares;
  const auto refuse = [&] {
    throw Error(ErrorCode::kInvalidArgument,
                "spares: expected none, or columns=N (0.." + std::to_string(kMostSpareColumns) + ") and tiles=N (0.." +
                    std::to_string(kMostSpareTiles) + ") with a comma, found '" + std::string(text) + "'");
  };
  std::set<std::string_view> given;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view name = item.substr(0, equals);
    const std::string_view digits = item.substr(std::min(equals + 1, item.size()));
    if ((name != "columns" && name != "tiles") || !given.insert(name).second) refuse();
    std::uint32_t value = 0;
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || last != digits.data() + digits.size()) refuse();
    if (value > (name == "columns" ? kMostSpareColumns : kMostSpareTiles)) refuse();
    (name == "columns" ? spares.columns : spares.tiles) = value;
  }
  return spares;
}

Placement::Placement(const program::Program& program, std::uint32_t cols, const Faults& faults, const Spares& spares) {
  for (const program::BlockRecord& block : program.blocks()) {
    const std::uint32_t place = program.manifest().rounds.place_of(block.tile);
    if (place != block.tile) tiles_[block.tile] = place;
  }
  if (!faults.any()) return;
  const std::map<std::uint32_t, TileUse> uses = uses_of(program);
  SpareList spare_tiles(program.manifest().num_tiles, spares.tiles, [&](std::uint32_t t) { return faults.tile(t); });
  std::map<std::uint32_t, std::uint64_t> damages;
  const auto move_tile = [&](std::uint32_t from, std::uint32_t to) {
    tiles_[from] = to;
    report_.moved_tiles.emplace_back(from, to);
  };
  for (const auto& [tile, use] : uses) {
    if (!faults.tile(tile)) {
      damages[tile] = under_dead_rows(faults, tile, use);
    } else if (!spare_tiles.empty()) {
      move_tile(tile, spare_tiles.take_first());
    } else {
      report_.lost_tiles.push_back(tile);
    }
  }
  for (const std::uint32_t tile : worst_first(damages)) {
    if (spare_tiles.empty()) break;
    const auto damage = [&](std::uint32_t spare) { return under_dead_rows(faults, spare, uses.at(tile)); };
    if (const auto spare = spare_tiles.take_best(damages.at(tile), damage)) move_tile(tile, *spare);
  }
  std::sort(report_.moved_tiles.begin(), report_.moved_tiles.end());

  for (const auto& [tile, use] : uses) {
    const std::uint32_t place = this->tile(tile);
    if (faults.tile(place)) continue;
    for (const auto& [row, weights] : use.rows) {
      if (weights > 0 && faults.row(place, row)) report_.lost_rows.emplace_back(tile, row);
    }
    SpareList spare_columns(cols, spares.columns, [&](std::uint32_t c) { return faults.column(place, c); });
    std::map<std::uint32_t, StuckCount> counts;
    if (faults.any_stuck()) counts = stuck_columns(faults, place, use);
    std::map<std::uint32_t, std::uint64_t> stuck;
    for (const auto& [column, rows] : use.columns) {
      if (!faults.column(place, column)) {
        stuck[column] = counts[column].low + counts[column].high;
      } else if (spare_columns.empty()) {
        report_.lost_columns.emplace_back(tile, column);
      } else {
        columns_[tile][column] = spare_columns.take_first();
      }
    }
    for (const std::uint32_t column : worst_first(stuck)) {
      if (spare_columns.empty()) break;
      const auto& cells = use.columns.at(column);
      const auto damage = [&](std::uint32_t spare) {
        const StuckCount count = stuck_in(faults, place, spare, cells);
        return count.low + count.high;
      };
      if (const auto spare = spare_columns.take_best(stuck.at(column), damage)) columns_[tile][column] = *spare;
    }
    if (const auto moved = columns_.find(tile); moved != columns_.end()) {
      for (const auto& [column, to] : moved->second) {
        report_.moved_columns.push_back({tile, column, to});
        if (faults.any_stuck()) counts[column] = stuck_in(faults, place, to, use.columns.at(column));
      }
    }
    for (const auto& [column, count] : counts) {
      report_.stuck_low += count.low;
      report_.stuck_high += count.high;
    }
  }
}

std::uint32_t Placement::tile(std::uint32_t tile) const {
  const auto found = tiles_.find(tile);
  return found == tiles_.end() ? tile : found->second;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> Placement::moved(std::uint32_t tile, std::uint32_t column0,
                                                                      std::uint32_t count) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> list;
  const auto found = columns_.find(tile);
  if (found == columns_.end()) return list;
  for (auto it = found->second.lower_bound(column0); it != found->second.end() && it->first < column0 + count; ++it) {
    list.emplace_back(*it);
  }
  return list;
}

}  // namespace xw::runtime
