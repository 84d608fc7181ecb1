// The accelerator in the `chip` profile.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/chip_accelerator.hpp"

#include <algorithm>

#include "systemc/chip/tile_mvm.hpp"

namespace xw::systemc {
namespace {

constexpr double kFrontEndMhz = 1e6;             // of instructions: a picosecond each
constexpr std::uint64_t kMostTiles = 1U << 24U;  // of any chip description

}  // namespace

ChipAccelerator::ChipAccelerator(const sc_core::sc_module_name& name, std::uint32_t max_engines)
    : sc_core::sc_module(name),
      accelerator("accelerator", max_engines, [this](const char* child, RunControl& control, EngineState& state) {
        auto unit = std::make_unique<TileMvm>(child, control, state, record_);
        unit->tile.bind(chip.tiles.work);
        return unit;
      }) {
  accelerator.dispatch.on_halt([this] { play(); });
  accelerator.dispatch.on_begin([this] {
    record_.start();
    result_ = {};
    problem_.clear();
  });
}

void ChipAccelerator::configure(const Settings& settings, const arch::ChipDescription& description,
                                const ChipLayout& layout) {
  Settings front_end = settings;
  front_end.emulator.clock_mhz = kFrontEndMhz;
  accelerator.configure(front_end);
  description_ = description;
  layout_tiles_ = layout.num_tiles;
  record_.set_layout(layout);
  plan_ = {};
  rounds_ = layout.rounds;
  writings_ = layout.writings;
  loaded_ = kNoRound;
  plan_.num_tiles = std::max(1U, rounds_.places(layout.num_tiles));
  plan_.tiles_per_chip = layout.tiles_per_chip;
  if (layout.tiles_per_chip != 0) plan_.num_chips = (plan_.num_tiles - 1) / layout.tiles_per_chip + 1;
  plan_.calls.emplace_back();
  Step step;
  step.kind = StepKind::kCall;
  plan_.steps.push_back(step);
  chip.configure(plan_, description_);
}

bool ChipAccelerator::place_on_chip(CallWork& call) {
  plan_.rounds.clear();
  if (!rounds_.any()) return true;
  std::uint32_t needed = kNoRound;
  for (BlockWork& block : call.blocks) {
    if (rounds_.is_reloaded(block.tile)) {
      const std::uint32_t round = rounds_.round_of(block.tile) - rounds_.first_reloaded();
      if (needed != kNoRound && needed != round) {
        problem_ = "a run uses tiles of rounds " + std::to_string(needed + rounds_.first_reloaded()) + " and " +
                   std::to_string(round + rounds_.first_reloaded()) + ", which are never on the chip together";
        return false;
      }
      needed = round;
    }
    block.tile = rounds_.place_of(block.tile);
  }
  if (needed == kNoRound || needed == loaded_) return true;
  loaded_ = needed;
  plan_.rounds = {writings_[needed]};
  call.round = 0;
  return true;
}

void ChipAccelerator::play() {
  const RunControl& control = accelerator.run_control();
  const std::uint64_t most = layout_tiles_ != 0            ? layout_tiles_
                             : description_.num_tiles != 0 ? description_.num_tiles
                                                           : kMostTiles;
  if (record_.num_tiles() > most) {
    problem_ = "an image is of tile " + std::to_string(record_.num_tiles() - 1) + ", " +
               (layout_tiles_ != 0 ? "the program" : "chip " + description_.name) + " has " + std::to_string(most) +
               " tiles";
    return;
  }
  const std::uint32_t vectors = control.arguments.num_vectors;
  if (!rounds_.any())
    plan_.num_tiles = static_cast<std::uint32_t>(std::max<std::uint64_t>(plan_.num_tiles, record_.num_tiles()));
  plan_.calls.front() = record_.call(static_cast<std::uint32_t>(control.counters.x_bytes_read / vectors),
                                     static_cast<std::uint32_t>(control.counters.y_bytes_written / 4 / vectors));
  if (!place_on_chip(plan_.calls.front())) return;
  chip.configure(plan_, description_);
  ChipWorkload workload;
  workload.num_sequences = vectors;
  workload.digital_on_host = true;
  chip.start(workload, false);
  wait(chip.done());
  result_ = chip.take_result();
}

}  // namespace xw::systemc
