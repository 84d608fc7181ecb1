// Which layers share ranges, and where ranges may begin.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/layers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "arch/support/error.hpp"
#include "compiler/pipeline/row_cuts.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/sample_graph.hpp"

namespace xw::toolchain {
namespace {

using testing::ElementsAre;

arch::ChipDescription chip_of(std::uint32_t rows, std::uint32_t cols) {
  arch::ChipDescription chip = arch::load_chip("tiny-64");
  chip.rows = rows;
  chip.cols = cols;
  return chip;
}

std::vector<std::uint32_t> begins(const InputGroup& group) {
  std::vector<std::uint32_t> result;
  std::uint32_t end = 0;
  for (const InputSlice& slice : group.slices) {
    EXPECT_EQ(slice.begin, end);  // a partition
    result.push_back(slice.begin);
    end = slice.end;
  }
  EXPECT_EQ(end, group.in_features);
  return result;
}

TEST(CutLayers, LayersThatReadTheSameValueAreOneGroup) {
  const CalibrationLayers layers = cut_layers(test::sample_graph(), {"q", "k", "o"}, chip_of(64, 64));
  ASSERT_EQ(layers.layers.size(), 3U);
  ASSERT_EQ(layers.groups.size(), 2U);
  EXPECT_EQ(layers.layers[0].linear.name, "q");
  EXPECT_EQ(layers.layers[0].group, layers.layers[1].group);
  EXPECT_NE(layers.layers[0].group, layers.layers[2].group);
  EXPECT_EQ(layers.groups[0].reader, "q");
  for (const InputGroup& group : layers.groups) EXPECT_GE(begins(group).size(), 2U);  // 100 inputs on 64 rows
}

TEST(CutLayers, SlicesBeginWhereAnyLayerOfTheGroupIsCut) {
  const auto nodes = passes::linear_nodes(test::sample_graph(), std::vector<std::string>{"q", "k"});
  const auto cuts = compiler::row_cuts(nodes, chip_of(48, 64));
  std::set<std::uint32_t> expected;
  for (const auto& of_layer : cuts) {
    EXPECT_EQ(of_layer.front(), 0U);
    expected.insert(of_layer.begin(), of_layer.end());
  }
  const CalibrationLayers layers = cut_layers(test::sample_graph(), {"q", "k"}, chip_of(48, 64));
  EXPECT_THAT(begins(layers.groups.at(0)), testing::ElementsAreArray(expected));
}

TEST(CutLayers, OneTileIsOneSlice) {
  const CalibrationLayers layers = cut_layers(test::sample_graph(), {"q"}, chip_of(128, 128));
  EXPECT_THAT(begins(layers.groups.at(0)), ElementsAre(0U));
}

TEST(CutLayers, RefusesNamesThatAreNoLayers) {
  test::expect_error(ErrorCode::kInvalidArgument, "expected 2 linear layers, found 1", [] {
    (void)cut_layers(test::sample_graph(), {"q", "w"}, chip_of(64, 64));
  });
}

TEST(LayersWithRanges, EveryLayerKeepsItsOwnRangesThoughItSharesAnInput) {
  compiler::Calibration known;
  known.layers["q"].inputs = {{0, 50, 1.0F}, {50, 100, 2.0F}};
  known.layers["k"].inputs = {{0, 100, 3.0F}};
  const CalibrationLayers layers = layers_with_ranges(test::sample_graph(), {"q", "k"}, known);
  ASSERT_EQ(layers.groups.size(), 2U);
  EXPECT_THAT(begins(layers.groups[0]), ElementsAre(0U, 50U));
  EXPECT_EQ(layers.groups[0].slices[1].beta, 2.0F);
  EXPECT_EQ(layers.layers[1].group, 1U);
  EXPECT_EQ(layers.groups[1].reader, "k");
  ASSERT_EQ(layers.groups[1].slices.size(), 1U);
  EXPECT_EQ(layers.groups[1].slices[0].beta, 3.0F);
}

}  // namespace
}  // namespace xw::toolchain
