// The first input ranges, from what the layers read.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <span>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/passes/calibration.hpp"
#include "host/finetune/network_impl.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;

/// Inputs that one range covers; layers that read the same value share what is known of them.
using Place =
    std::pair<ir::ValueId, std::vector<std::int64_t>>;  // value, first inputs of the ranges and positions left out

struct Known {
  std::vector<passes::RangeStatistics> statistics;
  std::vector<double> deviations;  ///< sums over batches
  std::int64_t batches = 0;
};

}  // namespace

void Network::initialise_ranges(const std::vector<Tensor>& batches, const RangeRule& rule) {
  const torch::NoGradGuard guard;
  Impl& impl = *impl_;
  if (impl.converters.dac_max == 0) return;
  if (batches.empty()) throw Error(ErrorCode::kInvalidArgument, "input ranges: expected at least one batch of text");
  const auto place_of = [&](std::size_t node) {
    const AnalogLayer& layer = *impl.nodes[node].analog;
    Place place{impl.graph.nodes[node].inputs[0], layer.range_cuts};
    place.second.push_back(layer.digital_positions);
    return place;
  };
  std::map<Place, Known> known;
  std::map<Place, std::int64_t> seen;  // batch that was counted last
  std::int64_t batch = 0;
  impl.observer = [&](std::size_t node, const Tensor& x) {
    const AnalogLayer& layer = *impl.nodes[node].analog;
    const Place place = place_of(node);
    if (std::exchange(seen[place], batch) == batch) return;
    Known& entry = known[place];
    entry.statistics.resize(layer.num_ranges());
    entry.deviations.resize(layer.num_ranges());
    ++entry.batches;
    const Tensor analog = layer.digital_positions > 0 ? x.slice(1, layer.digital_positions) : x;
    for (std::size_t r = 0; r < layer.num_ranges(); ++r) {
      const Tensor part =
          analog.slice(-1, layer.range_cuts[r], layer.range_cuts[r + 1]).to(torch::kCPU, torch::kFloat32).contiguous();
      if (rule.method == RangeRule::Method::kStd) {
        entry.deviations[r] += part.std().item<double>();
      } else {
        entry.statistics[r].add({part.const_data_ptr<float>(), static_cast<std::size_t>(part.numel())});
      }
    }
  };
  try {
    for (const Tensor& ids : batches) {
      ++batch;
      const Tensor last = hidden(ids, Mode::kDigital);
      if (impl.nodes[impl.head_node].analog != nullptr) static_cast<void>(head(last, Mode::kDigital));
    }
  } catch (...) {
    impl.observer = nullptr;
    throw;
  }
  impl.observer = nullptr;
  for (std::size_t node = 0; node < impl.nodes.size(); ++node) {
    if (impl.nodes[node].analog == nullptr) continue;
    const Known& entry = known.at(place_of(node));
    std::vector<float> ranges;
    for (std::size_t r = 0; r < entry.statistics.size(); ++r) {
      const auto deviation = static_cast<float>(rule.kappa * entry.deviations[r] / static_cast<double>(entry.batches));
      const bool is_std = rule.method == RangeRule::Method::kStd;
      const float range = is_std ? deviation : entry.statistics[r].mse_range(impl.converters.dac_max);
      ranges.push_back(range > 0 ? range : 1.0F);  // inputs that are always zero
    }
    impl.set_ranges(node, ranges);
  }
}

}  // namespace xw::finetune
