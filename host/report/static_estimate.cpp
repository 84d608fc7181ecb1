// The static estimate. Formulas: docs/report.md.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/static_estimate.hpp"

#include <algorithm>
#include <map>

namespace xw::report {

namespace {

constexpr std::uint64_t kHalfBytes = 2;  // KV cache and digital weights are fp16 on the chip
constexpr std::uint64_t kWordBytes = 4;  // partial sums travel as int32

double constant(const std::map<std::string, arch::Sourced>& table, const std::string& key) {
  const auto found = table.find(key);
  return found == table.end() ? 0.0 : found->second.value;
}

double tile_time_ns(const arch::ChipDescription& chip, std::uint32_t cols) {
  const std::uint32_t rounds = chip.adcs_per_tile == 0 ? 1 : (cols + chip.adcs_per_tile - 1) / chip.adcs_per_tile;
  return constant(chip.timing, "dac") + chip.read_phases * constant(chip.timing, "mvm") +
         rounds * constant(chip.timing, "adc_round") + cols * constant(chip.timing, "rescale_output");
}

/// Multiply-adds and bytes of the graph's digital nodes for one token that attends to `context` positions.
DigitalEstimate digital_work(const ir::Graph& graph, std::uint32_t context) {
  DigitalEstimate work;
  for (const ir::Node& node : graph.nodes) {
    const auto features = [&](std::size_t input) { return std::uint64_t{graph.values[node.inputs[input]].features}; };
    switch (node.kind) {
      case ir::OpKind::kAttention: {
        const auto window = static_cast<std::uint64_t>(ir::attr_int(node, "window"));
        const std::uint64_t positions = window == 0 ? context : std::min<std::uint64_t>(context, window);
        work.attention_macs += 2 * features(0) * positions;  // q k^T and p v
        work.memory_bytes +=
            kHalfBytes * (features(1) + features(2)) * (positions + 1);  // read the cache, write this token
        ++work.operations;
        break;
      }
      case ir::OpKind::kLinear: {
        const std::uint64_t macs = features(0) * graph.values[node.results[0]].features;
        work.linear_macs += macs;
        work.memory_bytes += kHalfBytes * macs;
        ++work.operations;
        break;
      }
      case ir::OpKind::kRmsNorm:
        work.elementwise_macs += 2 * features(0);
        ++work.operations;
        break;
      case ir::OpKind::kSwiGlu:
        work.elementwise_macs += 4 * features(0);
        ++work.operations;
        break;
      case ir::OpKind::kAdd:
        work.elementwise_macs += features(0);
        ++work.operations;
        break;
      case ir::OpKind::kInput:
      case ir::OpKind::kEmbedding:
      case ir::OpKind::kAimcCall:
      case ir::OpKind::kOutput:
        break;
    }
  }
  return work;
}

void add_digital_time(DigitalEstimate& work, const arch::ChipDescription& chip) {
  const auto macs = static_cast<double>(work.attention_macs + work.linear_macs + work.elementwise_macs);
  const double compute = macs / constant(chip.timing, "digital_mac_rate");
  const double memory = static_cast<double>(work.memory_bytes) / constant(chip.timing, "memory_rate");
  work.time_ns = work.operations * constant(chip.timing, "digital_latency") + std::max(compute, memory);
}

Energy token_energy(const std::vector<CallEstimate>& calls, const DigitalEstimate& digital,
                    const arch::ChipDescription& chip, double time_ns) {
  Energy energy;
  for (const CallEstimate& call : calls) {
    energy.dac += static_cast<double>(call.dac_conversions) * constant(chip.energy, "dac_conversion");
    energy.cells += static_cast<double>(call.cells) * constant(chip.energy, "cell_mac");
    energy.adc += static_cast<double>(call.adc_conversions) * constant(chip.energy, "adc_conversion");
    energy.rescale += static_cast<double>(call.adc_conversions) * constant(chip.energy, "rescale_output");
    energy.link += static_cast<double>(call.x_bytes + call.y_bytes) * constant(chip.energy, "link_byte");
  }
  energy.digital = static_cast<double>(digital.attention_macs + digital.linear_macs + digital.elementwise_macs) *
                   constant(chip.energy, "digital_mac");
  energy.memory = static_cast<double>(digital.memory_bytes) * constant(chip.energy, "memory_byte");
  energy.fixed = constant(chip.energy, "static_power") * time_ns * 1e3;  // W * ns = nJ
  return energy;
}

Energy scaled_sum(Energy sum, const Energy& part, double factor) {
  sum.dac += factor * part.dac;
  sum.cells += factor * part.cells;
  sum.adc += factor * part.adc;
  sum.rescale += factor * part.rescale;
  sum.digital += factor * part.digital;
  sum.link += factor * part.link;
  sum.memory += factor * part.memory;
  sum.fixed += factor * part.fixed;
  return sum;
}

}  // namespace

std::vector<CallEstimate> estimate_calls(const program::Program& program, const arch::ChipDescription& chip) {
  const program::Manifest& manifest = program.manifest();
  std::vector<CallEstimate> calls(manifest.calls.size());
  struct TileUse {
    std::uint32_t blocks = 0, cols = 0;
    double ns = 0;
  };
  std::vector<std::map<std::uint32_t, TileUse>> tiles(calls.size());
  for (const program::BlockRecord& block : program.blocks()) {
    const std::uint32_t index = manifest.matrices[block.matrix].call;
    CallEstimate& call = calls[index];
    ++call.blocks;
    call.cells += std::uint64_t{block.rows} * block.cols;
    call.dac_conversions += block.rows;
    call.adc_conversions += block.cols;
    call.x_bytes += block.rows;
    call.y_bytes += kWordBytes * block.cols;
    TileUse& use = tiles[index][chip.stack_of(block.tile, manifest.num_tiles)];
    ++use.blocks;
    use.cols += block.cols;
    use.ns += tile_time_ns(chip, block.cols);
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].name = manifest.calls[i].name;
    calls[i].tiles = static_cast<std::uint32_t>(tiles[i].size());
    std::uint32_t widest = 0;
    for (const auto& [tile, use] : tiles[i]) {
      calls[i].serialised = std::max(calls[i].serialised, use.blocks);
      calls[i].tile_ns = std::max(calls[i].tile_ns, use.ns);
      widest = std::max(widest, use.cols);
    }
    if (const double rate = constant(chip.timing, "link_rate"); rate > 0) {
      calls[i].link_ns = 2 * constant(chip.timing, "link_latency") +
                         (manifest.calls[i].in_features + static_cast<double>(kWordBytes * widest)) / rate;
    }
  }
  return calls;
}

std::optional<StaticEstimate> estimate(const program::Program& program, const ir::Graph& graph,
                                       const arch::ChipDescription& chip, std::uint32_t context,
                                       std::uint32_t prefill_tokens) {
  if (chip.timing.empty() || chip.energy.empty()) return std::nullopt;
  StaticEstimate result;
  result.calls = estimate_calls(program, chip);
  result.context = context;
  result.digital = digital_work(graph, context);
  add_digital_time(result.digital, chip);

  double calls_ns = 0;
  double slowest_ns = 0;
  for (const CallEstimate& call : result.calls) {
    calls_ns += call.time_ns();
    if (call.time_ns() > slowest_ns) {
      slowest_ns = call.time_ns();
      result.prefill_bottleneck = call.name;
    }
  }
  result.decode.time_ns = calls_ns + result.digital.time_ns;
  result.decode.energy = token_energy(result.calls, result.digital, chip, result.decode.time_ns);

  // Prefill: token t enters a layer while token t-1 is in the next one; the digital units serve all layers, so they are one stage.
  result.prefill_tokens = prefill_tokens;
  double digital_slowest_tokens = 0;
  for (std::uint32_t token = 0; token < prefill_tokens; ++token) {
    DigitalEstimate work = digital_work(graph, token + 1);
    if (token + 1 != prefill_tokens) {  // only the last token's logits are needed
      for (const ir::Node& node : graph.nodes) {
        if (node.kind != ir::OpKind::kLinear) continue;
        if (ir::attr_string(node, "name") != "lm_head") continue;
        const std::uint64_t macs =
            std::uint64_t{graph.values[node.inputs[0]].features} * graph.values[node.results[0]].features;
        work.linear_macs -= macs;
        work.memory_bytes -= kHalfBytes * macs;
        --work.operations;
      }
    }
    add_digital_time(work, chip);
    const bool digital_bound = work.time_ns > slowest_ns;
    if (digital_bound) ++digital_slowest_tokens;
    const double time_ns = token == 0 ? calls_ns + work.time_ns : std::max(slowest_ns, work.time_ns);
    result.prefill_total.time_ns += time_ns;
    result.prefill_total.energy =
        scaled_sum(result.prefill_total.energy, token_energy(result.calls, work, chip, time_ns), 1.0);
  }
  if (2 * digital_slowest_tokens > prefill_tokens) result.prefill_bottleneck = "digital units";
  return result;
}

}  // namespace xw::report
