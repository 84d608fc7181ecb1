// Where a chip's layers read.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/sites.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "compiler/passes/group_calls.hpp"

namespace xw::passes {
namespace {

class SiteFinder {
 public:
  explicit SiteFinder(const ir::Graph& graph) : graph_(graph), maker_(graph.values.size()), uses_(graph.values.size()) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const ir::ValueId id : graph.nodes[n].results) maker_[id] = n;
      for (const ir::ValueId id : graph.nodes[n].inputs) ++uses_[id];
    }
  }

  void find_fold(Site& site) const {
    site.scale_of.resize(site.features);
    std::iota(site.scale_of.begin(), site.scale_of.end(), 0U);
    site.num_scales = site.features;
    if (uses_[site.value] != site.readers.size()) return;  // somebody else reads it, too
    const std::size_t made = maker_[site.value];
    const ir::Node& node = graph_.nodes[made];
    if (node.kind == ir::OpKind::kRmsNorm && !ir::has_attr(node, "groups")) {  // groups share their weights
      site.fold = FoldKind::kNorm;
      site.folds_into = made;
    } else if (node.kind == ir::OpKind::kSwiGlu || node.kind == ir::OpKind::kGeGlu) {
      fold_into_linear(site, node.inputs[1], FoldKind::kProduct);
    } else if (node.kind == ir::OpKind::kAttention) {
      fold_into_linear(site, node.inputs[2], FoldKind::kAttention);
      if (site.fold != FoldKind::kNone) share_heads(site, node);
    }
  }

 private:
  void fold_into_linear(Site& site, ir::ValueId value, FoldKind kind) const {
    if (uses_[value] != 1 || graph_.nodes[maker_[value]].kind != ir::OpKind::kLinear) return;
    site.fold = kind;
    site.folds_into = maker_[value];
  }

  /// Query head h reads key-value head h / (heads / kv_heads).
  static void share_heads(Site& site, const ir::Node& attention) {
    const auto dim = static_cast<std::uint32_t>(ir::attr_int(attention, "head_dim"));
    const auto kv_heads = static_cast<std::uint32_t>(ir::attr_int(attention, "num_kv_heads"));
    const auto group = static_cast<std::uint32_t>(ir::attr_int(attention, "num_heads")) / kv_heads;
    for (std::uint32_t i = 0; i < site.features; ++i) site.scale_of[i] = i / dim / group * dim + i % dim;
    site.num_scales = kv_heads * dim;
  }

  const ir::Graph& graph_;
  std::vector<std::size_t> maker_;  ///< node that defines a value
  std::vector<std::size_t> uses_;
};

}  // namespace

std::vector<Site> find_sites(const ir::Graph& graph, std::span<const std::string> analog) {
  (void)linear_nodes(graph, analog);  // all names are there
  const std::set<std::string> wanted(analog.begin(), analog.end());
  std::vector<Site> sites;
  std::map<ir::ValueId, std::size_t> site_of;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    if (node.kind != ir::OpKind::kLinear || !wanted.contains(ir::attr_string(node, "name"))) continue;
    const auto [found, is_new] = site_of.try_emplace(node.inputs[0], sites.size());
    if (is_new) {
      sites.emplace_back();
      sites.back().value = node.inputs[0];
      sites.back().features = graph.values[node.inputs[0]].features;
    }
    sites[found->second].readers.push_back(n);
  }
  const SiteFinder finder(graph);
  std::set<std::string> taken;
  for (Site& site : sites) {
    std::vector<std::string> names;
    for (const std::size_t reader : site.readers) names.push_back(ir::attr_string(graph.nodes[reader], "name"));
    site.name = call_name(names);
    if (!taken.insert(site.name).second)
      site.name = names.front();  // names without layers may give one call name twice
    finder.find_fold(site);
  }
  return sites;
}

std::vector<float> spread(const Site& site, std::span<const float> scales) {
  std::vector<float> s(site.features);
  for (std::size_t i = 0; i < s.size(); ++i) s[i] = scales[site.scale_of[i]];
  return s;
}

}  // namespace xw::passes
