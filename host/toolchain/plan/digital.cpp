// The order in which layers leave the tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/digital.hpp"

#include <algorithm>
#include <tuple>

namespace xw::toolchain {

std::vector<std::string> digital_order(const PlannedLayers& layers, const mapping::TileShape& tile,
                                       const std::map<std::string, LayerLoss>& losses) {
  const bool laid_out = blocks_at_least(layers.shapes, tile) <= kMostBlocks;
  // Layers of equal shape save equally many tiles.
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, std::vector<mapping::MatrixShape>> alike;
  for (const mapping::MatrixShape& shape : layers.shapes)
    alike[{shape.in_features, shape.out_features, shape.replicas}].push_back(shape);
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, double> tiles_of;
  for (const auto& [kind, shapes] : alike) {
    const double area = static_cast<double>(std::get<0>(kind)) * std::get<1>(kind) * std::get<2>(kind) /
                        (static_cast<double>(tile.rows) * tile.cols);
    tiles_of[kind] = laid_out ? static_cast<double>(mapping::make_plan(shapes, tile.unlimited()).num_tiles) /
                                    static_cast<double>(shapes.size())
                              : area;
  }
  struct Layer {
    std::size_t index = 0;
    double tiles = 0, loss = 0, score = 0;  ///< per multiply-add
  };
  std::vector<Layer> order;
  double tiles = 0, loss = 0;
  for (std::size_t m = 0; m < layers.shapes.size(); ++m) {
    const mapping::MatrixShape& shape = layers.shapes[m];
    const double macs = static_cast<double>(shape.in_features) * shape.out_features;
    const auto known = losses.find(shape.name);
    order.push_back({m, tiles_of[{shape.in_features, shape.out_features, shape.replicas}] / macs,
                     known == losses.end() ? 0 : std::max(0.0, known->second.alone) / macs, 0});
    tiles += order.back().tiles;
    loss += order.back().loss;
  }
  for (Layer& layer : order) layer.score = layer.tiles / tiles + (loss > 0 ? layer.loss / loss : 0);
  std::stable_sort(order.begin(), order.end(), [](const Layer& a, const Layer& b) {
    return a.score != b.score ? a.score > b.score : a.index > b.index;
  });
  std::vector<std::string> names;
  names.reserve(order.size());
  for (const Layer& layer : order) names.push_back(layers.shapes[layer.index].name);
  return names;
}

}  // namespace xw::toolchain
