// Orders of a model's features.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/reorder.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

using ShapeOf = std::function<std::vector<std::uint64_t>(const std::string&)>;

/// Sets of values that have one order, while they are found.
class OrderSets {
 public:
  explicit OrderSets(std::size_t values) : parent_(values), fixed_(values) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  [[nodiscard]] std::size_t find(std::size_t value) {
    while (parent_[value] != value) value = parent_[value] = parent_[parent_[value]];
    return value;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    if (a == b) return;
    parent_[b] = a;
    fixed_[a] = fixed_[a] || fixed_[b];
  }
  void fix(std::size_t value) { fixed_[find(value)] = true; }
  [[nodiscard]] bool is_fixed(std::size_t value) { return fixed_[find(value)]; }

 private:
  std::vector<std::size_t> parent_;
  std::vector<bool> fixed_;
};

/// A tensor, or rows of it, read by a node: which value's order its rows and its columns have.
struct TensorUse {
  std::string tensor;
  ir::RowRange range;
  std::optional<ir::ValueId> rows, columns;
};

/// How the tensors of a node follow the orders of its values.
std::vector<TensorUse> uses_of(const ir::Node& node, const ShapeOf& shape_of) {
  std::vector<TensorUse> uses;
  const auto add = [&](const char* key, std::optional<ir::ValueId> rows, std::optional<ir::ValueId> columns) {
    if (!ir::has_attr(node, key)) return;
    const ir::TensorRef& reference = ir::attr_tensor(node, key);
    const std::vector<std::uint64_t> shape = shape_of(reference.tensor);
    uses.push_back({reference.tensor, reference.rows(shape.empty() ? 1 : shape[0]), rows, columns});
  };
  switch (node.kind) {
    case ir::OpKind::kEmbedding:
      add("weight", std::nullopt, node.results[0]);
      break;
    case ir::OpKind::kRmsNorm:
      // Groups have one vector for all of them, and their values are fixed.
      add("weight", ir::has_attr(node, "groups") ? std::nullopt : std::optional(node.results[0]), std::nullopt);
      break;
    case ir::OpKind::kLinear:
      add("weight", node.results[0], node.inputs[0]);
      add("bias", node.results[0], std::nullopt);
      break;
    case ir::OpKind::kShift:
      add("vector", node.results[0], std::nullopt);
      break;
    default:
      break;
  }
  return uses;
}

void join_values(const ir::Node& node, OrderSets& sets) {
  switch (node.kind) {
    case ir::OpKind::kEmbedding:
    case ir::OpKind::kLinear:
      break;  // inputs and results are independent
    case ir::OpKind::kRmsNorm:
      sets.join(node.inputs[0], node.results[0]);
      if (ir::has_attr(node, "groups")) sets.fix(node.inputs[0]);
      break;
    case ir::OpKind::kSwiGlu:
    case ir::OpKind::kGeGlu:
    case ir::OpKind::kAdd:
    case ir::OpKind::kShift:
      for (const ir::ValueId id : node.inputs) sets.join(node.results[0], id);
      break;
    default:
      for (const ir::ValueId id : node.inputs) sets.fix(id);
      for (const ir::ValueId id : node.results) sets.fix(id);
      break;
  }
}

/// Fixes what would need a tensor in two orders. True if something was fixed.
bool fix_conflicts(const std::vector<TensorUse>& uses, OrderSets& sets) {
  const auto state = [&](const std::optional<ir::ValueId>& value) {
    if (!value || sets.is_fixed(*value)) return std::optional<std::size_t>();
    return std::optional(sets.find(*value));
  };
  bool changed = false;
  const auto fix = [&](const std::optional<ir::ValueId>& value) {
    if (!state(value)) return;
    sets.fix(*value);
    changed = true;
  };
  for (std::size_t a = 0; a < uses.size(); ++a) {
    for (std::size_t b = a + 1; b < uses.size() && uses[b].tensor == uses[a].tensor; ++b) {
      if (state(uses[a].columns) != state(uses[b].columns)) {
        fix(uses[a].columns);
        fix(uses[b].columns);
      }
      const bool overlap = uses[a].range.begin < uses[b].range.end && uses[b].range.begin < uses[a].range.end;
      const bool same = uses[a].range == uses[b].range && state(uses[a].rows) == state(uses[b].rows);
      if (overlap && !same) {
        fix(uses[a].rows);
        fix(uses[b].rows);
      }
    }
  }
  return changed;
}

std::vector<TensorUse> all_uses(const ir::Graph& graph, const ShapeOf& shape_of) {
  std::vector<TensorUse> uses;
  for (const ir::Node& node : graph.nodes) {
    for (TensorUse& use : uses_of(node, shape_of)) uses.push_back(std::move(use));
  }
  std::ranges::stable_sort(uses, {}, &TensorUse::tensor);
  return uses;
}

}  // namespace

FreeOrders find_free_orders(const ir::Graph& graph, const ShapeOf& shape_of) {
  OrderSets sets(graph.values.size());
  for (const ir::Node& node : graph.nodes) join_values(node, sets);
  const std::vector<TensorUse> uses = all_uses(graph, shape_of);
  while (fix_conflicts(uses, sets)) {
  }
  FreeOrders free;
  free.group_of.assign(graph.values.size(), FreeOrders::kFixed);
  std::map<std::size_t, std::uint32_t> numbers;
  for (std::size_t value = 0; value < graph.values.size(); ++value) {
    if (sets.is_fixed(value)) continue;
    const auto [found, is_new] =
        numbers.try_emplace(sets.find(value), static_cast<std::uint32_t>(free.features.size()));
    if (is_new) free.features.push_back(graph.values[value].features);
    free.group_of[value] = found->second;
  }
  return free;
}

std::map<std::string, TensorOrder> tensor_orders(const ir::Graph& graph, const FreeOrders& free, const Orders& orders,
                                                 const ShapeOf& shape_of) {
  if (orders.size() != free.features.size())
    throw Error(ErrorCode::kInternal, "orders: expected one for every group of features");
  const auto order_of = [&](const std::optional<ir::ValueId>& value) -> const std::vector<std::uint32_t>* {
    if (!value || free.group_of[*value] == FreeOrders::kFixed) return nullptr;
    const std::vector<std::uint32_t>& order = orders[free.group_of[*value]];
    return order.empty() ? nullptr : &order;
  };
  std::map<std::string, TensorOrder> result;
  for (const TensorUse& use : all_uses(graph, shape_of)) {
    const std::vector<std::uint32_t>* const rows = order_of(use.rows);
    const std::vector<std::uint32_t>* const columns = order_of(use.columns);
    if (rows == nullptr && columns == nullptr) continue;
    TensorOrder& order = result[use.tensor];
    if (columns != nullptr) order.columns = *columns;
    if (rows == nullptr) continue;
    if (order.rows.empty()) {
      const std::vector<std::uint64_t> shape = shape_of(use.tensor);
      order.rows.resize(shape.empty() ? 1 : shape[0]);
      std::iota(order.rows.begin(), order.rows.end(), 0U);
    }
    for (std::size_t i = 0; i < rows->size(); ++i)
      order.rows[use.range.begin + i] = static_cast<std::uint32_t>(use.range.begin) + (*rows)[i];
  }
  return result;
}

std::vector<double> row_scores(std::span<const Matrix> weights) {
  std::vector<float> largest(weights[0].cols);
  for (const Matrix& matrix : weights) {
    for (std::size_t o = 0; o < matrix.rows; ++o) {
      const std::span<const float> row = matrix.row(o);
      for (std::size_t i = 0; i < row.size(); ++i) largest[i] = std::max(largest[i], std::abs(row[i]));
    }
  }
  std::vector<float> sorted = largest;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2));
  const double median = std::max(1e-30, static_cast<double>(sorted[sorted.size() / 2]));
  std::vector<double> scores;
  scores.reserve(largest.size());
  for (const float value : largest) scores.push_back(std::log(std::max(1e-30, static_cast<double>(value)) / median));
  return scores;
}

std::vector<std::uint32_t> rising(std::span<const double> scores) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return scores[i]; });
  return order;
}

double error_in_order(const Matrix& weights, std::span<const float> power, std::span<const std::uint32_t> order,
                      const RowBlocks& blocks, std::span<const InputConverter> converters, const ChipErrors& chip) {
  std::vector<float> row(weights.cols), ordered_power(power.begin(), power.end());
  for (std::size_t i = 0; i < order.size(); ++i) ordered_power[i] = power[order[i]];
  double error = 0;
  for (std::size_t o = 0; o < weights.rows; ++o) {
    const std::span<const float> old = weights.row(o);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = order.empty() ? old[i] : old[order[i]];
    error += output_error(row, blocks, ordered_power, converters, chip);
  }
  return error;
}

Matrix columns_in_order(const Matrix& matrix, std::span<const std::uint32_t> order) {
  Matrix result = matrix;
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    for (std::size_t j = 0; j < order.size(); ++j) result(r, j) = matrix(r, order[j]);
  }
  return result;
}

}  // namespace xw::passes
