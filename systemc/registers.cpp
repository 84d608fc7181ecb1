// The register window.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/registers.hpp"

#include <cstring>

namespace xw::systemc {

RunArguments Registers::arguments() const {
  const auto word = [&](std::uint32_t offset) { return words_[offset / 4]; };
  const auto wide = [&](std::uint32_t offset) { return word(offset) | std::uint64_t{word(offset + 4)} << 32U; };
  RunArguments run;
  run.program_base = wide(arch::kArgProgramBase);
  run.entry = word(arch::kArgEntry);
  run.num_vectors = word(arch::kArgNumVectors);
  run.x_base = wide(arch::kArgXBase);
  run.y_base = wide(arch::kArgYBase);
  run.completion_base = wide(arch::kArgCompletionBase);
  run.vector_base = word(arch::kArgVectorBase);
  run.chip_seed = word(arch::kArgChipSeed);
  run.watchdog_cycles = word(arch::kArgWatchdogCycles);
  for (std::uint32_t engine = 0; engine < arch::kMaxEngines; ++engine) {
    run.image_base[engine] = wide(arch::kArgImageBase + 8 * engine);
  }
  return run;
}

std::uint32_t Registers::read(std::uint32_t offset) {
  if (offset == arch::kRegControl) {
    std::uint32_t value = words_[0] & arch::kRegControlAutoRestart;
    if (done_) value |= arch::kRegControlDone | arch::kRegControlReady;
    if (!busy_) value |= arch::kRegControlIdle;
    if (busy_) value |= arch::kRegControlStart;
    done_ = false;
    return value;
  }
  return offset / 4 < words_.size() ? words_[offset / 4] : read_status(offset);
}

std::uint32_t Registers::read_status(std::uint32_t offset) const {
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  const RunFault fault = control_.fault.value_or(RunFault{});
  const Cycles cycles = busy_ ? control_.clock.now() : cycles_;
  const auto half = [](std::uint64_t value, std::uint32_t word) {
    return static_cast<std::uint32_t>(value >> 32U * word);
  };
  if (offset >= arch::kRegContractHash && offset < arch::kRegContractHash + sizeof arch::kContractHash) {
    std::uint32_t word = 0;
    std::memcpy(&word, arch::kContractHash.data() + (offset - arch::kRegContractHash), sizeof word);
    return word;
  }
  switch (offset) {
    case arch::kRegVersion:
      return arch::kIsaVersion;
    case arch::kRegNumEngines:
      return emulator.num_engines;
    case arch::kRegLanes:
      return emulator.lanes;
    case arch::kRegBlockRows:
      return emulator.block_rows;
    case arch::kRegBlockCols:
      return emulator.block_cols;
    case arch::kRegContexts:
      return emulator.contexts;
    case arch::kRegXbufBytes:
      return emulator.xbuf_bytes;
    case arch::kRegYbufWords:
      return emulator.ybuf_words;
    case arch::kRegMaxBatch:
      return emulator.max_batch;
    case arch::kRegAdcColumnsPerCycle:
      return emulator.adc_columns_per_cycle;
    case arch::kRegDataWidth:
      return emulator.data_width_bits;
    case arch::kRegErrorCode:
      return static_cast<std::uint32_t>(fault.fault.code);
    case arch::kRegErrorUnit:
      return fault.unit;
    case arch::kRegErrorInstruction:
      return fault.instruction;
    case arch::kRegErrorDetail:
    case arch::kRegErrorDetail + 4:
      return half(fault.fault.detail, (offset - arch::kRegErrorDetail) / 4);
    case arch::kRegCycles:
    case arch::kRegCycles + 4:
      return half(cycles, (offset - arch::kRegCycles) / 4);
    case arch::kRegInstructions:
      return static_cast<std::uint32_t>(control_.counters.instructions);
    case arch::kRegMvms:
      return static_cast<std::uint32_t>(control_.counters.mvms);
    default:
      return 0;
  }
}

bool Registers::write(std::uint32_t offset, std::uint32_t value) {
  if (offset == arch::kRegControl) {
    words_[0] = value & arch::kRegControlAutoRestart;
    return (value & arch::kRegControlStart) != 0 && !busy_;
  }
  if (offset == arch::kRegInterruptStatus) {
    words_[offset / 4] ^= value & (arch::kRegInterruptStatusDone | arch::kRegInterruptStatusReady);
  } else if (offset / 4 < words_.size()) {
    words_[offset / 4] = value;
  }
  return false;
}

void Registers::run_started() {
  busy_ = true;
  done_ = false;
}

bool Registers::run_ended(Cycles cycles) {
  busy_ = false;
  done_ = true;
  cycles_ = cycles;
  words_[arch::kRegInterruptStatus / 4] |= words_[arch::kRegInterruptEnable / 4];
  return (words_[0] & arch::kRegControlAutoRestart) != 0;
}

bool Registers::interrupt() const {
  return (words_[arch::kRegInterruptGlobal / 4] & arch::kRegInterruptGlobalEnable) != 0 &&
         words_[arch::kRegInterruptStatus / 4] != 0;
}

}  // namespace xw::systemc
