// Paths between chips.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/chip_links.hpp"

#include <utility>

namespace xw::systemc {
namespace {

enum Direction : std::uint32_t { kRight, kLeft, kDown, kUp, kNumDirections };

/// From `at` to another chip of its row, then of its column, or the other way round.
class MeshWalk {
 public:
  MeshWalk(std::uint32_t columns, std::uint32_t at) : columns_(columns), at_(at) {}

  void to_column(std::uint32_t column) {
    while (at_ % columns_ < column) step(kRight, at_ + 1);
    while (at_ % columns_ > column) step(kLeft, at_ - 1);
  }
  void to_row(std::uint32_t row) {
    while (at_ / columns_ < row) step(kDown, at_ + columns_);
    while (at_ / columns_ > row) step(kUp, at_ - columns_);
  }
  [[nodiscard]] std::vector<std::uint32_t> take() { return std::move(path_); }

 private:
  void step(Direction direction, std::uint32_t next) {
    path_.push_back(kNumDirections * at_ + direction);
    at_ = next;
  }

  std::uint32_t columns_, at_;
  std::vector<std::uint32_t> path_;
};

}  // namespace

std::uint32_t num_chip_links(const arch::ChipLinks& links, std::uint32_t num_chips) {
  switch (links.topology) {
    case arch::LinkTopology::kStar:
      return 2 * num_chips;
    case arch::LinkTopology::kMesh:
      return kNumDirections * num_chips;
    case arch::LinkTopology::kChain:
      break;
  }
  return 2 * (num_chips - 1);
}

std::vector<std::uint32_t> chip_path(const arch::ChipLinks& links, std::uint32_t num_chips, std::uint32_t from,
                                     std::uint32_t to) {
  if (from == to) return {};
  if (links.topology == arch::LinkTopology::kStar) return {from, num_chips + to};
  if (links.topology == arch::LinkTopology::kMesh) {
    const std::uint32_t columns = links.mesh_columns;
    MeshWalk walk(columns, from);
    const bool corner_exists = std::uint64_t{from / columns} * columns + to % columns < num_chips;
    if (!corner_exists) walk.to_row(to / columns);
    walk.to_column(to % columns);
    walk.to_row(to / columns);
    return walk.take();
  }
  std::vector<std::uint32_t> path;
  for (std::uint32_t at = from; at < to; ++at) path.push_back(at);                        // to the next chip
  for (std::uint32_t at = from; at > to; --at) path.push_back(num_chips - 1 + (at - 1));  // to the one before
  return path;
}

}  // namespace xw::systemc
