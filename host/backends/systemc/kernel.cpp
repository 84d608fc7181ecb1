// The simulation of this process.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/kernel.hpp"

#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "host/backends/systemc/sanitizer_stack.hpp"
#include "host/device/kernel_registers.hpp"

// The library brings a main() that calls sc_main(); programs with a main() of their own do not use it, but the linker
// wants it. A testbench's own definition wins over this one.
extern "C" __attribute__((weak)) int sc_main(int, char**) {
  return 0;
}

namespace xw::systemc {

Slot::Slot(const sc_core::sc_module_name& name, Profile profile)
    : sc_core::sc_module(name),
      emulator_(profile == Profile::kEmulator ? std::make_unique<Accelerator>("accelerator", arch::kMaxEngines)
                                              : nullptr),
      chip(profile == Profile::kChip ? std::make_unique<ChipAccelerator>("chip", arch::kMaxEngines) : nullptr),
      accelerator(chip ? chip->accelerator : *emulator_),
      memory("memory", 1 + arch::kMaxEngines, accelerator.run_control()) {
  SC_HAS_PROCESS(Slot);
  host.bind(accelerator.control);
  accelerator.gmem.bind(memory.ports[0]);
  for (std::uint32_t e = 0; e < arch::kMaxEngines; ++e) accelerator.engine_memory[e].bind(memory.ports[1 + e]);
  SC_METHOD(note_done);
  dont_initialize();
  sensitive << accelerator.done();
}

void Slot::note_done() {
  done = true;
  sc_core::sc_pause();
}

std::uint32_t Slot::access_register(tlm::tlm_command command, std::uint32_t offset, std::uint32_t value) {
  tlm::tlm_generic_payload payload;
  payload.set_command(command);
  payload.set_address(offset);
  payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
  payload.set_data_length(sizeof value);
  payload.set_streaming_width(sizeof value);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  host->b_transport(payload, delay);
  return value;
}

std::uint32_t Slot::read_register(std::uint32_t offset) {
  return access_register(tlm::TLM_READ_COMMAND, offset, 0);
}

void Slot::write_register(std::uint32_t offset, std::uint32_t value) {
  (void)access_register(tlm::TLM_WRITE_COMMAND, offset, value);
}

ChipSlot::ChipSlot(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  SC_HAS_PROCESS(ChipSlot);
  SC_METHOD(note_done);
  dont_initialize();
  sensitive << chip.done();
}

void ChipSlot::note_done() {
  done = true;
  sc_core::sc_pause();
}

Kernel& Kernel::instance() {
  // Never destroyed: the library's own objects may be gone before ours would be.
  static Kernel* const kernel = new Kernel();
  return *kernel;
}

Kernel::Kernel() {
  if (sc_core::sc_get_status() != sc_core::SC_ELABORATION) {
    throw Error(ErrorCode::kDeviceFault,
                "systemc: this process has started a simulation of its own; devices must be opened before that");
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i] = std::make_unique<Slot>(("device_" + std::to_string(i)).c_str(),
                                       i < kNumSlots ? Profile::kEmulator : Profile::kChip);
  }
  chip_ = std::make_unique<ChipSlot>("chip");
  sc_core::sc_start(sc_core::SC_ZERO_TIME);
  restore_sanitizer_stack();
}

Slot& Kernel::acquire(const Settings& settings, Storage& storage, const ChipTarget* chip) {
  const std::lock_guard lock(mutex_);
  for (const auto& slot : slots_) {
    if (slot->in_use || (slot->chip != nullptr) != (chip != nullptr)) continue;
    if (chip != nullptr) {
      slot->chip->configure(settings, chip->description, chip->layout);
    } else {
      slot->accelerator.configure(settings);
    }
    slot->memory.set_storage(&storage);
    slot->in_use = true;
    return *slot;
  }
  throw Error(ErrorCode::kCapacity, "systemc: " + std::to_string(chip != nullptr ? kNumChipSlots : kNumSlots) +
                                        (chip != nullptr ? " chips" : " devices") +
                                        " are open in this process, which is all that there can be");
}

void Kernel::release(Slot& slot) {
  const std::lock_guard lock(mutex_);
  slot.memory.set_storage(nullptr);
  slot.in_use = false;
}

void Kernel::run(Slot& slot, const device::RunArguments& arguments) {
  const std::lock_guard lock(mutex_);
  device::write_arguments(arguments,
                          [&](std::uint32_t offset, std::uint32_t value) { slot.write_register(offset, value); });
  slot.done = false;
  slot.write_register(arch::kRegControl, arch::kRegControlStart);
  sc_core::sc_start();
  restore_sanitizer_stack();
  if (!slot.done) {
    throw Error(ErrorCode::kDeviceTimeout, "systemc: the simulation stands still before the run is done");
  }
}

ChipResult Kernel::run_chip(const ChipPlan& plan, const arch::ChipDescription& chip, const ChipWorkload& workload,
                            const ChipSimulationOptions& options) {
  const std::lock_guard lock(mutex_);
  chip_->chip.configure(plan, chip);
  chip_->done = false;
  throw_if_interrupted();
  chip_->chip.start(workload, options.activities);
  do {  // in slices, so that Ctrl-C ends it; what is left of the simulation is not used again
    sc_core::sc_start(sc_core::sc_time(1, sc_core::SC_MS));
    restore_sanitizer_stack();
    throw_if_interrupted();
  } while (!chip_->done && sc_core::sc_pending_activity());
  if (!chip_->done) {
    throw Error(ErrorCode::kDeviceTimeout, "systemc: the simulation of the chip stands still before it is done");
  }
  return chip_->chip.take_result();
}

ChipResult simulate_chip(const ChipPlan& plan, const arch::ChipDescription& chip, const ChipWorkload& workload,
                         const ChipSimulationOptions& options) {
  const std::uint64_t tokens = std::uint64_t{workload.prompt_tokens} + workload.generated_tokens;
  if (workload.num_sequences > kMostSequences || tokens * workload.num_sequences > kMostTokens ||
      workload.first_position + tokens > kMostPositions) {
    throw Error(ErrorCode::kInvalidArgument,
                "simulation of " + std::to_string(workload.num_sequences) + " sequences of " + std::to_string(tokens) +
                    " tokens from position " + std::to_string(workload.first_position) + ": expected at most " +
                    std::to_string(kMostTokens) + " tokens in all, " + std::to_string(kMostSequences) +
                    " sequences and " + std::to_string(kMostPositions) + " positions of a sequence");
  }
  if (workload.num_sequences == 0 || tokens == 0 || plan.steps.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "chip simulation: expected at least one sequence, one token and one step, found " +
                    std::to_string(workload.num_sequences) + " sequences of " + std::to_string(tokens) + " tokens of " +
                    std::to_string(plan.steps.size()) + " steps");
  }
  if (!plan.rounds.empty() && std::uint64_t{workload.prompt_tokens} * workload.num_sequences > kMostSequences) {
    throw Error(ErrorCode::kInvalidArgument,
                "chip simulation: tokens of prompts go through the rounds together, expected at most " +
                    std::to_string(kMostSequences) + ", found " + std::to_string(workload.prompt_tokens) +
                    " of each of " + std::to_string(workload.num_sequences) + " sequences");
  }
  return Kernel::instance().run_chip(plan, chip, workload, options);
}

}  // namespace xw::systemc
