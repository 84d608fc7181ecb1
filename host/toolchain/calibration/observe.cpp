// Data for calibration: one pass of the fp32 model over a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/observe.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>
#include <vector>

#include "arch/support/error.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/model.hpp"

namespace xw::toolchain {
namespace {

/// Vectors kept per group for choosing the ADC range.
constexpr std::size_t kKeptVectors = 64;

/// Names the first weight that is not finite, if that is why activations are not.
[[noreturn]] void blame(const checkpoint::Checkpoint& checkpoint, const std::string& layer) {
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::vector<float> values = checkpoint::read_all(tensor);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw Error(ErrorCode::kNotFinite, checkpoint.path().string() + ": tensor '" + name + "', row " +
                                             std::to_string(i / tensor.row_elements()) + ", column " +
                                             std::to_string(i % tensor.row_elements()) +
                                             ": expected a finite weight, found " + std::to_string(values[i]));
    }
  }
  throw Error(ErrorCode::kNotFinite,
              checkpoint.path().string() + ": the input of " + layer + " is not finite on the calibration text");
}

/// Adds vectors [n][in_features].
void add(InputGroup& group, std::span<const float> x) {
  const std::size_t in_features = group.in_features;
  for (InputSlice& slice : group.slices) {
    for (std::size_t v = 0; v < x.size(); v += in_features)
      slice.statistics.add(x.subspan(v + slice.begin, slice.end - slice.begin));
  }
  const std::size_t vectors = x.size() / in_features;
  const std::size_t step = std::max<std::size_t>(1, vectors / kKeptVectors);
  for (std::size_t v = 0; v < vectors && group.kept.size() < kKeptVectors * in_features; v += step) {
    const auto row = x.subspan(v * in_features, in_features);
    group.kept.insert(group.kept.end(), row.begin(), row.end());
  }
}

}  // namespace

void observe(CalibrationLayers& layers, const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
             const ir::Graph& graph, std::span<const std::int32_t> tokens, bool all_logits, ThreadPool& pool) {
  std::unordered_map<std::string, InputGroup*> by_reader;
  for (InputGroup& group : layers.groups) by_reader[group.reader] = &group;
  transformer::Model model(graph, std::make_shared<CheckpointSource>(checkpoint), nullptr, pool);
  model.observe([&](const std::string& name, std::span<const float> x, std::uint32_t) {
    const auto found = by_reader.find(name);
    if (found == by_reader.end()) return;
    try {
      add(*found->second, x);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFinite) throw;
      blame(*checkpoint, name);
    }
  });
  transformer::Session session(model);
  (void)session.forward(tokens, all_logits ? transformer::LogitsOf::kAll : transformer::LogitsOf::kNone);
}

}  // namespace xw::toolchain
