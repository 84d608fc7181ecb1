// Chip time and energy of a program from the constants of its chip description: a static estimate, no simulation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/program/program.hpp"

namespace xw::report {

/// Energy of one token by component, pJ.
struct Energy {
  double dac = 0, cells = 0, adc = 0, rescale = 0, digital = 0, link = 0, memory = 0, fixed = 0;
  [[nodiscard]] double total() const { return dac + cells + adc + rescale + digital + link + memory + fixed; }
};

/// One call, per token (vector).
struct CallEstimate {
  std::string name;
  std::uint32_t blocks = 0, tiles = 0;
  std::uint32_t serialised = 0;  ///< most blocks of the call in one tile; they take turns
  std::uint64_t cells = 0;       ///< cells in use = MACs
  std::uint64_t dac_conversions = 0, adc_conversions = 0;
  std::uint64_t x_bytes = 0, y_bytes = 0;  ///< on-chip transfers
  double tile_ns = 0;                      ///< the slowest tile, all its blocks of this call
  double link_ns = 0;                      ///< inputs to the tiles and outputs back
  [[nodiscard]] double time_ns() const { return tile_ns + link_ns; }
};

/// What stays digital on the chip, per token at a context length.
struct DigitalEstimate {
  std::uint64_t attention_macs = 0, linear_macs = 0, elementwise_macs = 0;
  std::uint64_t memory_bytes = 0;  ///< KV cache and digital weights, fp16
  std::uint32_t operations = 0;
  double time_ns = 0;
};

struct TokenEstimate {
  double time_ns = 0;
  Energy energy;
};

/// Everything that can be said without running. Sources of all constants: the chip description.
struct StaticEstimate {
  std::vector<CallEstimate> calls;
  std::uint32_t context = 0;  ///< of the decode estimate
  DigitalEstimate digital;    ///< at that context
  TokenEstimate decode;       ///< one token after another: latency of every layer in turn
  std::uint32_t prefill_tokens = 0;
  TokenEstimate prefill_total;     ///< tokens pipelined over the layers, digital units shared
  std::string prefill_bottleneck;  ///< the slowest stage
};

/// Tiles, conversions and bytes of every call; times are zero when the chip has no timing table.
[[nodiscard]] std::vector<CallEstimate> estimate_calls(const program::Program& program,
                                                       const arch::ChipDescription& chip);

/// Nothing when the chip description has no timing or no energy constants. Formulas: docs/report.md.
[[nodiscard]] std::optional<StaticEstimate> estimate(const program::Program& program, const ir::Graph& graph,
                                                     const arch::ChipDescription& chip, std::uint32_t context,
                                                     std::uint32_t prefill_tokens);

}  // namespace xw::report
