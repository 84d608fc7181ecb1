// The graph of an adapted model: what is taken digitally stands beside the layers of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"
#include "compiler/passes/sites.hpp"

namespace xw::passes {

/// What becomes of a site. Tensors of a site have its name in front: "layers.0.qkv.directions".
struct SiteForm {
  bool centred = false;    ///< the mean of what is left is subtracted and comes back as a bias
  std::uint32_t rank = 0;  ///< directions that are taken digitally
};

/// Names of the tensors that the rewritten graph reads.
[[nodiscard]] std::string norm_tensor(const Site& site);             ///< [features], where the scales fold into a norm
[[nodiscard]] std::string directions_tensor(const Site& site);       ///< V [rank][features]
[[nodiscard]] std::string removal_tensor(const Site& site);          ///< -V^T [features][rank]
[[nodiscard]] std::string shift_tensor(const Site& site);            ///< minus the mean of what is left, [features]
[[nodiscard]] std::string weight_tensor(const std::string& linear);  ///< [out][in]
[[nodiscard]] std::string bias_tensor(const std::string& linear);    ///< [out]
[[nodiscard]] std::string bypass_tensor(const std::string& linear);  ///< W V^T [out][rank]

/// Rewrites a graph: y = W x + b of every reader becomes
///   t = V x,  r = x - V^T t - mu,  y = (W r + b + W mu) + (W V^T) t
/// with the parts that the site's form has. Readers, and the linears and norms that scales fold into, read tensors under the
/// names above; everything else stays. Results keep their names.
[[nodiscard]] ir::Graph rewrite_sites(const ir::Graph& graph, std::span<const Site> sites,
                                      std::span<const SiteForm> forms);

}  // namespace xw::passes
