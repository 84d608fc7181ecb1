// What a model keeps ready for its sessions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <tuple>

#include "host/transformer/attention.hpp"
#include "host/transformer/host_matrix.hpp"
#include "host/transformer/model.hpp"

namespace xw::transformer {

/// A node with everything that does not change between runs.
struct PreparedNode {
  bool late = false;  ///< its results reach only the output: rows without logits need not be computed
  std::shared_ptr<const HostMatrix> matrix;  ///< kLinear
  AlignedBuffer<float> vector;               ///< kRmsNorm: weight; kLinear: bias; kShift: vector
  ir::RowRange rows;                         ///< kEmbedding
  float number = 0;                          ///< kRmsNorm: eps; kEmbedding: scale
  std::uint32_t index = 0;  ///< kAimcCall: call; kAttention: index into caches; kRmsNorm: features of a group
  std::uint32_t digital_positions = 0;  ///< kAimcCall
  std::uint32_t rope = 0;               ///< kAttention: index into ropes plus one, 0: none
  AttentionConfig attention;
  std::string name;  ///< for observers
};

struct Model::Impl {
  Impl(ir::Graph source_graph, std::shared_ptr<const TensorSource> source, CallBackend* backend, ThreadPool& threads,
       HostPrecision host_precision);

  ir::Graph graph;
  std::shared_ptr<const TensorSource> tensors;
  CallBackend* calls;
  ThreadPool& pool;
  HostPrecision precision;
  std::uint32_t vocab_size = 0, context_length = 0;
  std::uint32_t num_logits = 0;     ///< columns of the output
  std::vector<PreparedNode> nodes;  ///< parallel to graph.nodes
  std::vector<RopeConfig> ropes;
  std::vector<std::uint32_t> attentions;  ///< nodes with a cache
  std::vector<std::uint32_t> slot_of;     ///< buffer of every value; values that live at different times share one
  std::uint32_t num_slots = 0;
  std::vector<bool> late_value;
  ir::ValueId output = 0;
  InputObserver input_observer;

 private:
  using MatrixKey = std::tuple<std::string, std::uint64_t, std::uint64_t>;
  std::map<MatrixKey, std::shared_ptr<const HostMatrix>> matrices_;

  void prepare(const ir::Node& node, PreparedNode& prepared);
  void find_late_nodes();
  void assign_slots();
};

}  // namespace xw::transformer
