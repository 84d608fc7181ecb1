// A network before any training.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <set>

#include "host/finetune/network_impl.hpp"

namespace xw::finetune {
namespace {

constexpr double kDeviation = 0.02;

/// Linears whose results are added to something.
std::vector<std::size_t> added_linears(const ir::Graph& graph) {
  std::set<ir::ValueId> added;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kAdd) added.insert(node.inputs.begin(), node.inputs.end());
  }
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].kind == ir::OpKind::kLinear && added.contains(graph.nodes[i].results[0])) found.push_back(i);
  }
  return found;
}

}  // namespace

void Network::initialise_weights(std::uint64_t seed) {
  const torch::NoGradGuard guard;
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (Parameter& parameter : impl_->parameters) {
    switch (parameter.kind) {
      case Parameter::Kind::kMatrix:
      case Parameter::Kind::kEmbedding:
        parameter.value.copy_(at::normal(0.0, kDeviation, parameter.value.sizes(), generator));
        break;
      case Parameter::Kind::kNorm:
        parameter.value.fill_(1);
        break;
      case Parameter::Kind::kVector:
        parameter.value.zero_();
        break;
      case Parameter::Kind::kRange:
        break;
    }
  }
  for (const PreparedNode& node : impl_->nodes) {
    if (node.adds_unit) node.weight.detach().zero_();
  }
  const std::vector<std::size_t> added = added_linears(impl_->graph);
  for (const std::size_t node : added)
    impl_->nodes[node].weight.detach().div_(std::sqrt(static_cast<double>(added.size())));
}

}  // namespace xw::finetune
