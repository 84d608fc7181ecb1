// Where a chip's layers read: the places that adaptation works on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"

namespace xw::passes {

/// What may take a scale of a site's inputs, so that x / s flows instead of x.
enum class FoldKind {
  kNone,       ///< nothing: the value is also read by others, or comes from an operation that is not linear in anything
  kNorm,       ///< the weight of a norm
  kProduct,    ///< the rows of the layer that makes the linear factor of a gated product (up_proj)
  kAttention,  ///< the rows of the layer that makes the values; heads that share a value share its scales
};

/// A value that layers of the chip read.
struct Site {
  std::string name;  ///< of the call that they become, "layers.0.qkv", or of the first reader; unique
  ir::ValueId value = 0;
  std::uint32_t features = 0;
  std::vector<std::size_t> readers;  ///< nodes of the linears, in graph order
  FoldKind fold = FoldKind::kNone;
  std::size_t folds_into = 0;  ///< node: norm or linear; meaningless without fold
  /// Per input the number of its scale: inputs of one number have one scale; 0, 1, ... without fold kAttention. With kProduct and
  /// kAttention it is also the row of `folds_into`.
  std::vector<std::uint32_t> scale_of;
  std::uint32_t num_scales = 0;
};

/// The sites of the linears `analog`, in graph order. Throws Error{kInvalidArgument} if a name is no linear of the graph.
[[nodiscard]] std::vector<Site> find_sites(const ir::Graph& graph, std::span<const std::string> analog);

/// A scale per input from one per number: s[scale_of[i]].
[[nodiscard]] std::vector<float> spread(const Site& site, std::span<const float> scales);

}  // namespace xw::passes
