// What the chip has to do for one token: calls of tiles and digital steps, in order. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/description/writing.hpp"

namespace xw::systemc {

/// A block of a tile that takes part in a call.
struct BlockWork {
  std::uint32_t tile = 0;
  std::uint32_t rows = 0, cols = 0;
  std::uint32_t in_begin = 0;  ///< first input of the call; blocks with equal in_begin and rows need the same bytes
  std::uint32_t out_begin =
      0;  ///< first output of the call; a chip adds up its blocks of equal outputs before it sends them
  friend bool operator==(const BlockWork&, const BlockWork&) = default;
};

/// No round: a call's tiles hold the same all the time.
inline constexpr std::uint32_t kNoRound = UINT32_MAX;

/// What calls need in tiles that others need, too: it is written before the first of them.
struct RoundWork {
  std::vector<std::uint32_t> tiles;  ///< of the chip, ascending
  arch::TileWriting writing;
  friend bool operator==(const RoundWork&, const RoundWork&) = default;
};

struct CallWork {
  std::string name;
  std::uint32_t in_features = 0, out_features = 0;
  std::vector<BlockWork> blocks;
  std::uint32_t chip = 0;                           ///< that has the inputs and wants the outputs
  std::uint32_t round = kNoRound;                   ///< index into ChipPlan::rounds: what has to be in the tiles
  std::vector<std::vector<BlockWork>> copies = {};  ///< blocks of further copies, in the order of `blocks`
  [[nodiscard]] std::uint32_t num_copies() const { return static_cast<std::uint32_t>(copies.size()) + 1; }
  /// Blocks of one of the copies, 0: the first. Tokens take them in turn.
  [[nodiscard]] const std::vector<BlockWork>& blocks_of(std::uint32_t copy) const {
    return copy == 0 ? blocks : copies[copy - 1];
  }
  friend bool operator==(const CallWork&, const CallWork&) = default;
};

/// Work of the digital units.
struct DigitalWork {
  std::uint64_t macs = 0, exps = 0;
  std::uint64_t memory_bytes = 0;  ///< KV cache, digital weights, embeddings: off-chip memory
  DigitalWork& operator+=(const DigitalWork& other) {
    macs += other.macs;
    exps += other.exps;
    memory_bytes += other.memory_bytes;
    return *this;
  }
  friend DigitalWork operator*(std::uint64_t times, const DigitalWork& work) {
    return {times * work.macs, times * work.exps, times * work.memory_bytes};
  }
  friend bool operator==(const DigitalWork&, const DigitalWork&) = default;
};

enum class StepKind : std::uint8_t {
  kCall,       ///< MVMs in tiles
  kDigital,    ///< norms, activations, residual sums, embedding, digital linear layers, sampling
  kAttention,  ///< with work per position attended to
};

/// Positions that attention looks at: `positions` are there, the token's own included; window 0: all of them.
[[nodiscard]] constexpr std::uint64_t attended(std::uint64_t positions, std::uint32_t window) {
  return window != 0 && window < positions ? window : positions;
}

/// Activations of a token: values as they are computed with, and sums of calls, whose width is the chip's.
struct Activations {
  std::uint64_t value_bytes = 0;
  std::uint64_t sums = 0;
  [[nodiscard]] std::uint64_t bytes(std::uint32_t sum_bytes) const { return value_bytes + sums * sum_bytes; }
  Activations& operator+=(const Activations& more) {
    value_bytes += more.value_bytes;
    sums += more.sums;
    return *this;
  }
  friend bool operator==(const Activations&, const Activations&) = default;
};

/// One step of a token. Steps follow each other.
struct Step {
  StepKind kind = StepKind::kDigital;
  std::string name;
  std::uint32_t layer = 0;
  std::uint32_t call = 0;    ///< kCall: index into ChipPlan::calls
  DigitalWork work;          ///< per token
  DigitalWork per_position;  ///< times the positions attended to, the token's own included
  std::uint32_t window = 0;  ///< most positions attended to; 0: all
  /// kCall: tokens at positions below it do `work` in the digital units and leave the tiles alone.
  std::uint32_t digital_positions = 0;
  bool logits = false;     ///< only for tokens whose logits are wanted
  Activations live;        ///< what of the token the buffer holds during the step
  std::uint32_t chip = 0;  ///< whose digital side does the step, or sends and collects for the call
  Activations carried;     ///< what comes from the chip of the step before, if that is another one
  /// Whether tiles do it for a token with `positions` positions, its own included.
  [[nodiscard]] bool in_tiles(std::uint64_t positions) const {
    return kind == StepKind::kCall && positions > digital_positions;
  }
  /// Of the digital units for a token with `positions` positions, its own included.
  [[nodiscard]] DigitalWork digital(std::uint64_t positions) const {
    if (in_tiles(positions)) return {};
    DigitalWork sum = work;
    return sum += attended(positions, window) * per_position;
  }
  friend bool operator==(const Step&, const Step&) = default;
};

struct ChipPlan {
  std::uint32_t num_tiles = 0, num_layers = 0;
  std::uint32_t num_chips = 1;  ///< linked as the description says
  std::uint32_t tiles_per_chip =
      0;  ///< tile t is tile t % tiles_per_chip of chip t / tiles_per_chip; 0: there is one chip
  std::vector<CallWork> calls;
  std::vector<Step> steps;
  /// Take turns in the same tiles; only on one chip. Tokens go through a round together: the tiles are written when all that are on their way have
  /// done with what is in them.
  std::vector<RoundWork> rounds;
  /// By step: whether it is a call of another round than the last call before it that has one.
  [[nodiscard]] std::vector<bool> borders() const {
    std::vector<bool> begins(steps.size(), false);
    std::uint32_t last = kNoRound;
    for (std::size_t s = 0; s < steps.size(); ++s) {
      const std::uint32_t round = steps[s].kind == StepKind::kCall ? calls[steps[s].call].round : kNoRound;
      begins[s] = round != kNoRound && round != last;
      if (begins[s]) last = round;
    }
    return begins;
  }
  friend bool operator==(const ChipPlan&, const ChipPlan&) = default;
};

/// What runs on the chip: each sequence reads its prompt, its tokens pipelined over the layers, then generates tokens one
/// after another.
struct ChipWorkload {
  std::uint32_t num_sequences = 1;
  std::uint32_t first_position = 0;    ///< positions that are in the KV cache before
  std::uint32_t prompt_tokens = 0;     ///< the last one gives the first generated token
  std::uint32_t generated_tokens = 1;  ///< without prompt: decode steps from first_position on
  /// Digital steps take no time of the chip; inputs and outputs of calls cross the link to the host.
  bool digital_on_host = false;
  friend bool operator==(const ChipWorkload&, const ChipWorkload&) = default;
};

}  // namespace xw::systemc
