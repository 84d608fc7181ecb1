// Simulations of the chip as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_run_text.hpp"

#include <string>

#include "host/report/chip_pace.hpp"
#include "host/report/text_format.hpp"

namespace xw::report {
namespace {

using systemc::ChipPlan;
using systemc::ChipResult;
using systemc::ChipWorkload;
using systemc::Component;

[[nodiscard]] std::string duration(double ns) {
  return scaled(ns * 1e-9, "s");
}

void write_breakdown(std::ostream& out, const ChipResult& result) {
  line(out, "\n%-30s %12s %7s %12s %7s", "component", "time", "", "energy", "");
  const double time = result.critical_path_ns.total();
  const double energy = result.energy_pj.total();
  for (std::size_t c = 0; c < systemc::kNumComponents; ++c) {
    const auto component = static_cast<Component>(c);
    const double ns = result.critical_path_ns[component];
    const double pj = result.energy_pj[component];
    if (ns == 0 && pj == 0) continue;
    line(out, "%-30s %12s %6.1f%% %12s %6.1f%%", std::string(systemc::name(component)).c_str(), duration(ns).c_str(),
         100 * ns / time, scaled(pj * 1e-12, "J").c_str(), 100 * pj / energy);
  }
}

/// Whether the activations fit.
void write_buffer(std::ostream& out, const ChipResult& result) {
  const double peak = static_cast<double>(result.buffer_peak_bytes) * 1e-3;
  const double capacity = static_cast<double>(result.buffer_capacity_bytes) * 1e-3;
  if (result.buffer_capacity_bytes == 0) {
    line(out, "buffer      at most %.1f kB of activations at a time, no capacity described", peak);
  } else if (result.spilled_bytes == 0) {
    line(out, "buffer      at most %.1f of %.1f kB of activations at a time: they fit", peak, capacity);
  } else {
    line(out, "buffer      at most %.1f kB of activations at a time do not fit %.1f kB: %.1f kB to memory and back",
         peak, capacity, static_cast<double>(result.spilled_bytes) * 1e-3);
  }
}

}  // namespace

void write_chip_run(std::ostream& out, const ChipPlan& plan, const arch::ChipDescription& chip,
                    const ChipRun& simulated, bool layers) {
  const ChipResult& result = simulated.result;
  const ChipWorkload& workload = simulated.workload;
  line(out, "simulated   %s, %u tiles%s; %u sequence%s from position %u, %u tokens of prompt, %u generated",
       chip.name.c_str(), plan.num_tiles,
       workload.digital_on_host ? ", without the digital side, which is on the host" : "", workload.num_sequences,
       workload.num_sequences == 1 ? "" : "s", workload.first_position, workload.prompt_tokens,
       workload.generated_tokens);
  const auto tokens = static_cast<double>(generated_tokens(workload));
  std::string time = duration(result.total_ns), energy = scaled(result.energy_pj.total() * 1e-12, "J");
  if (tokens > 0) {  // a figure per generated token needs one
    time += ", " + scaled(tokens / result.total_ns * 1e9, "tokens/s") + " generated";
    energy += ", " + scaled(result.energy_pj.total() * 1e-12 / tokens, "J") + " per generated token";
  }
  line(out, "time        %s", time.c_str());
  const ChipPace pace = pace_of(workload, result);
  if (pace.first_token_ns) {
    const std::string next =
        pace.next_token_ns ? ", then one every " + duration(*pace.next_token_ns) + " and sequence" : std::string();
    line(out, "pace        first token after %s%s", duration(*pace.first_token_ns).c_str(), next.c_str());
  }
  line(out, "energy      %s, %s", energy.c_str(),
       scaled(result.energy_pj.total() / result.total_ns * 1e-3, "W").c_str());
  line(out, "rate        %.3f TOPS, %.3f TOPS/W (2 operations per multiply-add)", tops(result), tops_per_watt(result));
  if (const double area = result.tiles_mm2 + result.digital_mm2; area > 0) {
    line(out, "area        %.2f mm2: tiles %.2f, digital %.2f", area, result.tiles_mm2, result.digital_mm2);
  }
  const ChipUtilisation busy = utilisation_of(result);
  line(out, "busy        tiles %.2f %% (mean), %.2f %% (most), digital units %.1f %%, memory %.1f %%",
       100 * busy.tiles_mean, 100 * busy.tiles_largest, 100 * busy.digital_units, 100 * busy.memory);
  line(out, "moved       %.1f kB over links, %.1f kB x hops", static_cast<double>(result.link_bytes) * 1e-3,
       static_cast<double>(result.hop_bytes) * 1e-3);
  if (!plan.rounds.empty())
    line(out, "written     %llu rounds, %.3f M cells", static_cast<unsigned long long>(result.rounds_written),
         static_cast<double>(result.cells_written) * 1e-6);
  if (!workload.digital_on_host) write_buffer(out, result);
  line(out, "measured    %s on this machine, %.1f million simulated ns/s", duration(simulated.host_ms * 1e6).c_str(),
       result.total_ns / simulated.host_ms * 1e-3);
  write_breakdown(out, result);
  if (!layers) return;
  line(out, "\n%-10s %12s %12s   %s", "layer", "time", "energy", "most time in");
  for (std::size_t layer = 0; layer < result.layers.size(); ++layer) {
    const systemc::Share& share = result.layers[layer];
    const std::string label = layer + 1 == result.layers.size() ? "output" : std::to_string(layer);
    line(out, "%-10s %12s %12s   %s", label.c_str(), duration(share.critical_path_ns.total()).c_str(),
         scaled(share.energy_pj.total() * 1e-12, "J").c_str(),
         std::string(systemc::name(largest_of(share.critical_path_ns))).c_str());
  }
}

void write_chip_sweep(std::ostream& out, const ChipPlan& plan, const std::vector<ChipRun>& sweep) {
  line(out, "%10s %12s %12s %12s %11s   %s", "context", "time/token", "tokens/s", "energy/token", "attention",
       "most time in");
  for (const ChipRun& point : sweep) {
    const ChipResult& result = point.result;
    line(out, "%10u %12s %12.0f %12s %10.1f%%   %s", point.workload.first_position + 1,
         duration(result.total_ns).c_str(), 1e9 / result.total_ns,
         scaled(result.energy_pj.total() * 1e-12, "J").c_str(),
         100 * attention_ns(plan, result) / result.critical_path_ns.total(),
         std::string(systemc::name(largest_of(result.critical_path_ns))).c_str());
  }
}

}  // namespace xw::report
