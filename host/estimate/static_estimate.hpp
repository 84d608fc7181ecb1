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
#include "host/estimate/node_cost.hpp"
#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::estimate {

/// One call, per token (vector).
struct CallEstimate {
  std::string name;
  std::uint32_t blocks = 0, tiles = 0;  ///< of one copy
  std::uint32_t copies = 1;      ///< that the chip has, for tokens in turn; counts and energy are those of the first
  std::uint32_t serialised = 0;  ///< most blocks of the call in one tile; they take turns
  std::uint64_t cells = 0;       ///< cells in use = MACs
  std::uint64_t dac_conversions = 0, adc_conversions = 0;
  std::uint64_t x_bytes = 0, y_bytes = 0;  ///< over the links to and from the tiles; a broadcast once per link
  std::uint64_t hop_bytes = 0;             ///< bytes times the routers that they pass; 0 without a mesh
  bool logits = false;                     ///< only for tokens whose logits are wanted
  std::uint32_t digital_positions = 0;     ///< tokens at positions below it are digital work instead
  double tile_ns = 0;                      ///< the busiest tile, all its blocks of this call
  /// Inputs to the tiles and outputs back, what of it is not hidden behind the busiest tile: buffer, links, routers, accumulators.
  double link_ns = 0;
  std::uint32_t chips = 1;  ///< that have blocks of it
  std::uint64_t chip_bytes =
      0;                    ///< over links between chips: inputs to other chips and their sums back, counted per link
  double chip_link_ns = 0;  ///< until the last inputs have arrived, and until the last sums are back
  systemc::Breakdown energy_pj;
  double alone_ns = 0;  ///< until the last sum, on a chip that does nothing else; the parts before overlap in it
  [[nodiscard]] double time_ns() const { return alone_ns; }
};

/// What stays digital on the chip, per token at a context length.
struct DigitalEstimate {
  std::vector<KindWork> kinds;
  systemc::DigitalWork work;        ///< of all kinds
  std::uint32_t operations = 0;     ///< each is started once
  double time_ns = 0;               ///< of one operation after another: the longer of computing and memory
  double memory_ns = 0;             ///< of it, operations for which memory takes longer
  double busiest_chip_ns = 0;       ///< longest that a chip's digital units, or its memory, are busy
  double carry_ns = 0;              ///< moving activations from chip to chip; not in time_ns
  std::uint64_t carried_bytes = 0;  ///< of it, counted per link
  systemc::Breakdown energy_pj;
};

struct TokenEstimate {
  double time_ns = 0;
  systemc::Breakdown energy_pj;
};

/// Writing tiles that take turns, for one pass of all tokens that share it.
struct WriteEstimate {
  std::uint32_t rounds = 0;  ///< written
  std::uint64_t tiles = 0, cells = 0;
  double time_ns = 0;
  systemc::Breakdown energy_pj;  ///< of the cells, and of the bytes from memory
};

/// Everything that can be said without running. Sources of all constants: the chip description.
struct StaticEstimate {
  std::vector<CallEstimate> calls;
  std::uint32_t context = 0;  ///< of the decode estimate
  DigitalEstimate digital;    ///< at that context
  TokenEstimate decode;       ///< one token after another: latency of every layer in turn; of a batch its share
  double stage_ns =
      0;  ///< longest that such a token keeps a part of the chip busy: at least so far apart do tokens come
  std::uint32_t prefill_tokens = 0;
  TokenEstimate prefill_total;     ///< tokens pipelined over the layers, digital units shared
  std::string prefill_bottleneck;  ///< the slowest stage: a call, "digital units" or "memory"
  std::uint32_t batch = 1;         ///< tokens that share what is written, in `decode`
  WriteEstimate writing;           ///< for a pass at that context; part of `decode`, shared by the batch
};

/// Tiles, conversions, bytes, energies of every call; zero where the chip has no constants.
[[nodiscard]] std::vector<CallEstimate> estimate_calls(const systemc::ChipPlan& plan,
                                                       const arch::ChipDescription& chip);

/// Of the plan and the graph of one program; context and prefill_tokens at least 1. The work of a token is that of the
/// simulation, event for event; times are without waiting. Nothing when the chip description has no timing or no energy
/// constants. Of a plan with rounds, `batch` tokens of as many sequences (at least 1) go through them together, one behind the other, and
/// so do those of the prompt; of other plans it does not count. Formulas: docs/report.md.
[[nodiscard]] std::optional<StaticEstimate> static_estimate(const systemc::ChipPlan& plan, const ir::Graph& graph,
                                                            const arch::ChipDescription& chip, std::uint32_t context,
                                                            std::uint32_t prefill_tokens, std::uint32_t batch = 1);

}  // namespace xw::estimate
