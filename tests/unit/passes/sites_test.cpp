// Which values the chip's layers read, where scales fold, and that the rewritten graph is well formed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/sites.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/passes/rewrite_sites.hpp"
#include "compiler/passes/select_analog.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::passes {
namespace {

using ::testing::ElementsAre;

transformer::test::TinyConfig config_of(std::uint32_t layers, bool biases) {
  transformer::test::TinyConfig config;
  config.layers = layers;
  config.biases = biases;
  return config;
}

std::vector<Site> sites_of(const ir::Graph& graph) {
  return find_sites(graph, select_analog(graph, false, {}));
}

TEST(Sites, FoldsAreFoundInALayer) {
  const transformer::test::TinyModel tiny(config_of(1, false));
  const ir::Graph graph = tiny.graph();
  const std::vector<Site> sites = sites_of(graph);
  std::vector<FoldKind> folds;
  std::vector<std::size_t> readers;
  for (const Site& site : sites) {
    folds.push_back(site.fold);
    readers.push_back(site.readers.size());
  }
  EXPECT_THAT(folds,
              ElementsAre(FoldKind::kNorm, FoldKind::kAttention, FoldKind::kNorm, FoldKind::kProduct, FoldKind::kNorm));
  EXPECT_THAT(readers, ElementsAre(3, 1, 2, 1, 1));
  // 4 query heads share 2 value heads of 8: query heads 0 and 1 have the scales of value head 0.
  const Site& heads = sites[1];
  EXPECT_EQ(heads.num_scales, 16U);
  EXPECT_EQ(heads.scale_of[3], 3U);
  EXPECT_EQ(heads.scale_of[8 + 3], 3U);
  EXPECT_EQ(heads.scale_of[16 + 3], 8U + 3U);
  EXPECT_EQ(heads.scale_of[24 + 3], 8U + 3U);
  std::vector<float> scales(16);
  for (std::size_t k = 0; k < scales.size(); ++k) scales[k] = static_cast<float>(k);
  EXPECT_EQ(spread(heads, scales)[24 + 3], 11.0F);
}

TEST(Sites, GeluGatesFoldAsSiluGatesDoAndNormsOfGroupsFoldNothing) {
  transformer::test::TinyConfig config = config_of(1, false);
  config.gelu = config.head_norms = true;
  const transformer::test::TinyModel tiny(config);
  ir::Graph graph = tiny.graph();
  const auto folds = [&] {
    std::vector<FoldKind> kinds;
    for (const Site& site : sites_of(graph)) kinds.push_back(site.fold);
    return kinds;
  };
  EXPECT_THAT(folds(),
              ElementsAre(FoldKind::kNorm, FoldKind::kAttention, FoldKind::kNorm, FoldKind::kProduct, FoldKind::kNorm));
  for (ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kRmsNorm) node.attributes["groups"] = std::int64_t{2};
  }
  EXPECT_THAT(folds(),
              ElementsAre(FoldKind::kNone, FoldKind::kAttention, FoldKind::kNone, FoldKind::kProduct, FoldKind::kNone));
}

TEST(Sites, NothingFoldsIntoAValueThatOthersRead) {
  const transformer::test::TinyModel tiny(config_of(1, false));
  ir::Graph graph = tiny.graph();
  std::vector<std::string> names = select_analog(graph, false, {});
  std::erase(names, "l0.q");  // stays digital and reads the norm as it was
  EXPECT_EQ(find_sites(graph, names)[0].fold, FoldKind::kNone);
}

TEST(Sites, RewrittenGraphsAreWellFormed) {
  const transformer::test::TinyModel tiny(config_of(2, true));
  const ir::Graph graph = tiny.graph();
  const std::vector<Site> sites = sites_of(graph);
  for (const SiteForm form : {SiteForm{false, 0}, SiteForm{true, 0}, SiteForm{false, 3}, SiteForm{true, 3}}) {
    const std::vector<SiteForm> forms(sites.size(), form);
    const ir::Graph rewritten = rewrite_sites(graph, sites, forms);
    EXPECT_NO_THROW(ir::verify(rewritten));
    // What was analog still is, and nothing else.
    EXPECT_EQ(select_analog(rewritten, false, {}), select_analog(graph, false, {}));
    EXPECT_EQ(ir::parse(ir::print(rewritten), "printed"), rewritten);
  }
}

}  // namespace
}  // namespace xw::passes
