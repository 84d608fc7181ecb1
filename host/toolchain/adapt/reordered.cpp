// Writing a checkpoint with its features in other orders.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/reordered.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "compiler/checkpoint/adapted.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"
#include "compiler/pipeline/targets.hpp"
#include "host/toolchain/adapt/stored.hpp"

namespace xw::toolchain {
namespace {

using Permutation = std::vector<std::uint32_t>;

/// Columns of `rows` rows, in place.
void reorder_columns(std::vector<float>& values, std::size_t columns, const Permutation& order) {
  if (order.empty()) return;
  std::vector<float> old(columns);
  for (std::size_t begin = 0; begin < values.size(); begin += columns) {
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(begin), columns, old.begin());
    for (std::size_t j = 0; j < columns; ++j) values[begin + j] = old[order[j]];
  }
}

void write_in_order(checkpoint::SafetensorsWriter& writer, const checkpoint::Tensor& tensor,
                    const passes::TensorOrder& order) {
  if (order.rows.empty()) {
    for_each_piece(tensor, [&](std::vector<float>& values) {
      reorder_columns(values, tensor.row_elements(), order.columns);
      writer.add(tensor.name, values);
    });
    return;
  }
  // Rows move: a layer's matrix, or a vector, whole.
  const std::vector<float> all = checkpoint::read_all(tensor);
  const std::size_t columns = all.size() / order.rows.size();
  std::vector<float> row(columns);
  for (const std::uint32_t old : order.rows) {
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(old * columns), columns, row.begin());
    reorder_columns(row, columns, order.columns);
    writer.add(tensor.name, row);
  }
}

}  // namespace

std::vector<std::uint64_t> tensor_shape(const OpenedCheckpoint& opened, const std::string& tensor) {
  return compiler::find_tensor(*opened.file, {tensor, 0, 0}).shape;
}

void write_reordered(const OpenedCheckpoint& opened, const std::map<std::string, passes::TensorOrder>& orders,
                     const std::filesystem::path& output) {
  using checkpoint::Dtype;
  std::vector<checkpoint::TensorSpec> specs;
  std::vector<const checkpoint::Tensor*> tensors;
  for (const std::string& name : tensors_of(opened.graph)) {
    const checkpoint::Tensor& tensor = compiler::find_tensor(*opened.file, {name, 0, 0});
    tensors.push_back(&tensor);
    specs.push_back({name, orders.contains(name) ? Dtype::kF32 : stored_dtype(tensor), tensor.shape});
  }
  const std::string graph = ir::print(opened.graph);
  specs.push_back({checkpoint::kGraphTensor, Dtype::kU8, {graph.size()}});
  checkpoint::SafetensorsWriter writer(output, std::move(specs), {{"format", "crossweave adapted checkpoint"}});
  for (const checkpoint::Tensor* tensor : tensors) {
    const auto found = orders.find(tensor->name);
    if (found == orders.end()) {
      write_as_stored(writer, *tensor);
    } else {
      write_in_order(writer, *tensor, found->second);
    }
    opened.file->release(*tensor);
  }
  writer.add(checkpoint::kGraphTensor, std::as_bytes(std::span(graph)));
  writer.commit();
}

}  // namespace xw::toolchain
