// Data for calibration: the fp32 model reads a text.
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

/// What an input group has seen.
struct Seen {
  InputGroup* group = nullptr;
  std::size_t expected = 0, vectors = 0;
};

/// Adds vectors [n][in_features].
void add(Seen& seen, std::span<const float> x) {
  InputGroup& group = *seen.group;
  const std::size_t in_features = group.in_features;
  for (InputSlice& slice : group.slices) {
    for (std::size_t v = 0; v < x.size(); v += in_features)
      slice.statistics.add(x.subspan(v + slice.begin, slice.end - slice.begin));
  }
  const std::size_t step = std::max<std::size_t>(1, seen.expected / kKeptVectors);
  for (std::size_t v = 0; v < x.size(); v += in_features, ++seen.vectors) {
    if (seen.vectors % step != 0 || group.kept.size() >= kKeptVectors * in_features) continue;
    const auto row = x.subspan(v, in_features);
    group.kept.insert(group.kept.end(), row.begin(), row.end());
  }
}

}  // namespace

void observe(CalibrationLayers& layers, const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
             const ir::Graph& graph, std::span<const std::vector<std::int32_t>> contexts, bool all_logits,
             ThreadPool& pool) {
  std::unordered_map<std::string, Seen> by_reader;
  for (InputGroup& group : layers.groups) {
    Seen& seen = by_reader[group.reader];
    seen.group = &group;
    for (const std::vector<std::int32_t>& tokens : contexts)
      seen.expected += tokens.size() - std::min<std::size_t>(tokens.size(), group.digital_positions);
    if (seen.expected != 0) continue;
    throw Error(ErrorCode::kInvalidArgument, "calibration of " + group.reader + ": " +
                                                 std::to_string(group.digital_positions) +
                                                 " positions of every context are digital, which leaves no token");
  }
  transformer::Model model(graph, std::make_shared<CheckpointSource>(checkpoint), nullptr, pool);
  transformer::Session session(model);
  model.observe([&](const std::string& name, std::span<const float> x, std::uint32_t in_features) {
    const auto found = by_reader.find(name);
    if (found == by_reader.end()) return;
    // While a model is observed every row of a pass is there: the first has the session's position.
    const std::uint32_t digital = found->second.group->digital_positions;
    const std::size_t left_out = digital > session.position() ? digital - session.position() : 0;
    if (left_out * in_features >= x.size()) return;
    try {
      add(found->second, x.subspan(left_out * in_features));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFinite) throw;
      blame(*checkpoint, name);
    }
  });
  for (const std::vector<std::int32_t>& tokens : contexts) {
    session.reset(0, static_cast<std::uint32_t>(tokens.size()));
    (void)session.forward(tokens, all_logits ? transformer::LogitsOf::kAll : transformer::LogitsOf::kNone);
  }
}

}  // namespace xw::toolchain
