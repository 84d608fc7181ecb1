// Orders of a model's features: rows of a crossbar whose weights are alike stand in one block. Exact, and free at run time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"
#include "compiler/passes/layer_error.hpp"
#include "compiler/passes/matrix.hpp"

namespace xw::passes {

/// Values of a graph whose features may stand in any order, as long as all of a group have the same: the stream that layers read
/// and add to, and what flows between the layers of a gated MLP. Heads, logits and what calls make stay as they are.
struct FreeOrders {
  static constexpr std::uint32_t kFixed = ~std::uint32_t{0};
  std::vector<std::uint32_t> group_of;  ///< per value: its group, or kFixed
  std::vector<std::uint32_t> features;  ///< per group
};

/// The order of every group: feature i is what was feature order[i]. Empty: as it was.
using Orders = std::vector<std::vector<std::uint32_t>>;

/// Finds them. `shape_of`: of a tensor. Tensors that are used in several places (tied embeddings) must have one order everywhere;
/// groups that would want two stay as they are.
[[nodiscard]] FreeOrders find_free_orders(
    const ir::Graph& graph, const std::function<std::vector<std::uint64_t>(const std::string&)>& shape_of);

/// How a tensor has to be stored for such orders. New row i is old row rows[i], new column j old column columns[j]; empty: as it was. The only
/// dimension of a vector is its rows.
struct TensorOrder {
  std::vector<std::uint32_t> rows, columns;
};
/// Of all tensors that change. The graph stays the same.
[[nodiscard]] std::map<std::string, TensorOrder> tensor_orders(
    const ir::Graph& graph, const FreeOrders& free, const Orders& orders,
    const std::function<std::vector<std::uint64_t>(const std::string&)>& shape_of);

/// Per input how large its weights are among those of the readers: the logarithm of its largest magnitude over the median of these.
/// `weights`: of readers, [out][in], at least one.
[[nodiscard]] std::vector<double> row_scores(std::span<const Matrix> weights);
/// Inputs by rising score; of equal ones the first.
[[nodiscard]] std::vector<std::uint32_t> rising(std::span<const double> scores);

/// What a chip adds to all outputs of a layer whose inputs stand in an order (output_error()). `power`: E[x^2] per input, in the old
/// order; `converters`: of the blocks of the new one; `order` may be empty.
[[nodiscard]] double error_in_order(const Matrix& weights, std::span<const float> power,
                                    std::span<const std::uint32_t> order, const RowBlocks& blocks,
                                    std::span<const InputConverter> converters, const ChipErrors& chip);
/// Columns in an order; as they are for an empty one.
[[nodiscard]] Matrix columns_in_order(const Matrix& matrix, std::span<const std::uint32_t> order);

}  // namespace xw::passes
