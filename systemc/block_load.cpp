// Block loader of one engine.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/block_load.hpp"

#include <algorithm>
#include <optional>

#include "models/analog/block_image.hpp"
#include "systemc/rtl_timing.hpp"

namespace xw::systemc {
namespace {

using arch::DeviceError;

/// When the loader takes which beat: header, a pause for its check, tables, cells.
class BeatTimes {
 public:
  BeatTimes(std::uint32_t header_beats, std::uint32_t table_beats, Cycles begin)
      : header_(header_beats), tables_(header_beats + table_beats), next_(begin) {}

  /// Takes the beats of a burst; returns the cycle of the last.
  Cycles take(const Burst& burst, std::vector<Context::Arrival>& arrivals) {
    for (std::uint32_t done = 0; done < burst.beats;) {
      const std::uint32_t border = taken_ < header_ ? header_ : taken_ < tables_ ? tables_ : ~0U;
      const std::uint32_t count = std::min(burst.beats - done, border - taken_);
      const Cycles first = std::max(next_, offered(burst, done));
      const Cycles last = std::max(first + count - 1, offered(burst, done + count - 1));
      waited_ += last + 1 - next_ - count;
      next_ = last + 1;
      taken_ += count;
      done += count;
      if (taken_ == header_) next_ = last + rtl::kHeaderCheck;
      if (taken_ == tables_) tables_in_ = last;
      if (taken_ > tables_) {
        if (arrivals.empty()) arrivals.push_back({1, first});
        arrivals.push_back({taken_ - tables_, last});
      }
    }
    return next_ - 1;
  }
  [[nodiscard]] Cycles tables_in() const { return tables_in_; }
  [[nodiscard]] Cycles last() const { return next_ - 1; }
  [[nodiscard]] Cycles waited() const { return waited_; }

 private:
  [[nodiscard]] static Cycles offered(const Burst& burst, std::uint32_t beat) {
    return burst.beats == 1 ? burst.last : burst.first + (burst.last - burst.first) * beat / (burst.beats - 1);
  }
  std::uint32_t header_, tables_;
  std::uint32_t taken_ = 0;
  Cycles next_;
  Cycles tables_in_ = 0, waited_ = 0;
};

}  // namespace

BlockLoad::BlockLoad(const sc_core::sc_module_name& name, std::uint32_t engine, RunControl& control, EngineState& state)
    : sc_core::sc_module(name), engine_(engine), control_(control), state_(state), reader_(control) {
  commands.register_b_transport(this, &BlockLoad::b_transport);
}

void BlockLoad::start() {
  reader_.restart();
  free_ = idle_ = 0;
}

void BlockLoad::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  Command* command = command_of(payload);
  if (command == nullptr) return;
  const Cycles now = control_.clock.now();
  delay = control_.clock.span(load(*command, std::max(now + control_.clock.count(delay), reader_.ready())) - now);
  answer(payload, *command);
}

Fault BlockLoad::check(const program::Instruction& instruction) const {
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  if (instruction.context >= emulator.contexts) return {DeviceError::kBadContext, instruction.context};
  const std::uint64_t largest = analog::image_bytes(emulator.block_rows, emulator.block_cols, emulator.lanes);
  if (instruction.image_length == 0 || instruction.image_length > largest / arch::kMemoryAlignment) {
    return {DeviceError::kBadLength, instruction.image_length};
  }
  return {};
}

Cycles BlockLoad::load(Command& command, Cycles begin) {
  const program::Instruction& instruction = command.instruction;
  command.fault = check(instruction);
  if (command.fault) return begin + 1;

  const std::uint32_t beat_bytes = control_.settings.beat_bytes();
  const std::uint64_t address =
      command.run->image_base[engine_] + std::uint64_t{instruction.image_offset} * arch::kMemoryAlignment;
  const std::uint64_t bytes = std::uint64_t{instruction.image_length} * arch::kMemoryAlignment;
  Context& context = state_.contexts[instruction.context];
  context.valid = false;
  context.arrivals.clear();
  if (context.image.size() < bytes) context.image.resize(bytes);
  std::byte* image = context.image.data();

  const auto beats_of = [&](std::uint64_t count) {
    return static_cast<std::uint32_t>((count + beat_bytes - 1) / beat_bytes);
  };
  const std::uint32_t header_beats = beats_of(arch::kBlockImageHeaderBytes);
  std::optional<BeatTimes> times;
  const auto consume = [&](const Burst& burst) {
    if (!times) {  // the header says how long the tables are
      const auto cols = static_cast<std::uint32_t>(image[arch::kBlockImageHeaderColsOffset]) |
                        static_cast<std::uint32_t>(image[arch::kBlockImageHeaderColsOffset + 1]) << 8U;
      const std::uint64_t tables = analog::cells_offset(cols) - arch::kBlockImageHeaderBytes;
      times.emplace(header_beats, beats_of(tables), std::max(begin + rtl::kLoadStart, free_));
    }
    return times->take(burst, context.arrivals);
  };
  const bool values = control_.settings.values;
  command.fault = reader_.read(*memory.operator->(), begin, address, image, bytes,
                               values ? bytes : arch::kBlockImageHeaderBytes, consume);
  const Cycles end = times ? times->last() : begin + 1;
  // At work from the command to the last cell, but only once where images follow each other closely.
  const Cycles idle = end + rtl::kCellsToIdle;
  command.at_work = idle - std::min(idle, std::max(begin, idle_));
  idle_ = idle;
  free_ = end + rtl::kCellsToStart;
  if (command.fault) return free_;
  control_.counters.block_bytes_read[engine_] += bytes;
  command.memory_stall = times->waited();
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  const std::uint32_t error = analog::open_image({image, bytes}, emulator.block_rows, emulator.block_cols,
                                                 emulator.lanes, values, context.block);
  if (error != 0) {
    command.fault = {DeviceError{error}, address};
    return free_;
  }
  context.valid = true;
  context.loaded = end + rtl::kCellsToIdle;
  return times->tables_in() + rtl::kTablesToDone;
}

}  // namespace xw::systemc
