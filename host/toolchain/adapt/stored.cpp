// Copying tensors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/stored.hpp"

#include <algorithm>
#include <set>
#include <variant>

namespace xw::toolchain {
namespace {

constexpr std::uint64_t kPieceElements = 1U << 20;

}  // namespace

std::vector<std::string> tensors_of(const ir::Graph& graph) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const ir::Node& node : graph.nodes) {
    for (const auto& [key, attribute] : node.attributes) {
      const auto* reference = std::get_if<ir::TensorRef>(&attribute);
      if (reference != nullptr && seen.insert(reference->tensor).second) names.push_back(reference->tensor);
    }
  }
  return names;
}

checkpoint::Dtype stored_dtype(const checkpoint::Tensor& tensor) {
  const bool as_is = checkpoint::is_safetensors_dtype(tensor.dtype) && tensor.bounds == nullptr;
  return as_is ? tensor.dtype : checkpoint::Dtype::kF32;
}

void for_each_piece(const checkpoint::Tensor& tensor, const std::function<void(std::vector<float>&)>& body) {
  const std::uint64_t step = std::max<std::uint64_t>(1, kPieceElements / tensor.row_elements());
  for (std::uint64_t row = 0; row < tensor.rows(); row += step) {
    const std::uint64_t end = std::min(row + step, tensor.rows());
    std::vector<float> values((end - row) * tensor.row_elements());
    checkpoint::read_rows(tensor, row, end, values);
    body(values);
  }
}

void write_as_stored(checkpoint::SafetensorsWriter& writer, const checkpoint::Tensor& tensor) {
  if (stored_dtype(tensor) == tensor.dtype) {
    writer.add(tensor.name, tensor.data);
  } else {
    for_each_piece(tensor, [&](std::vector<float>& values) { writer.add(tensor.name, values); });
  }
}

}  // namespace xw::toolchain
