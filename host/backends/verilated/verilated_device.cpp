// The Verilated device: the RTL of the accelerator, cycle by cycle, with memory on its ports.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/verilated_device.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "host/backends/verilated/kernel.hpp"
#include "host/device/device_memory.hpp"
#include "host/device/kernel_registers.hpp"
#include "host/device/run_capture.hpp"

namespace xw::verilated {
namespace {

using device::RunArguments;
using device::RunStats;

constexpr unsigned kChunkCycles = 4096;  ///< between looks at the world outside

const ModelEntry& choose_model(const arch::EmulatorDescription& emulator, const Options& options,
                               std::span<const ModelEntry> models) {
  if (models.empty()) {
    throw Error(ErrorCode::kUnsupported,
                "device verilated: this crossweave was built without Verilator; install it and configure with "
                "-DXW_WITH_VERILATOR=ON");
  }
  const ModelEntry* entry = find_model(models, shape_of(emulator));
  std::string built;
  for (const ModelEntry& model : models) {
    if (!options.trace.empty() && entry != nullptr && model.make_traced == nullptr) continue;
    built += std::string(built.empty() ? "" : ", ") + std::string(model.name);
  }
  if (entry == nullptr) {
    throw Error(ErrorCode::kUnsupported, "device verilated: no model of emulator " + emulator.name +
                                             " was built; built: " + built +
                                             " (CMake variable XW_RTL_BUILDS, a list of emulator descriptions)");
  }
  if (!options.trace.empty() && entry->make_traced == nullptr) {
    throw Error(ErrorCode::kUnsupported, "device verilated: emulator " + emulator.name +
                                             " was built without waveforms; built with them: " +
                                             (built.empty() ? "none" : built) + " (CMake variable XW_RTL_TRACE)");
  }
  return *entry;
}

}  // namespace

struct VerilatedDevice::Impl {
  Impl(const device::DeviceInfo& the_info, const device::DeviceMemory& the_memory, const Options& the_options,
       const ModelEntry& entry)
      : info(the_info), options(the_options), memory(the_memory), kernel(entry, info.emulator, options, memory) {
    if (!options.save.empty()) const OutputFile tried(options.save);  // now, not after hours; leaves nothing
  }

  /// Writes a register unless it holds the value already.
  void set_register(std::uint32_t offset, std::uint32_t value);
  void set_arguments(const RunArguments& arguments);
  /// Clocks until the interrupt pin rises. Kernels end every run (their watchdog sees to it); one that does not is given
  /// up after Options::silent_cycles.
  void wait_for_interrupt();
  /// The completion record, or the error registers if there is none.
  [[nodiscard]] RunStats collect(const std::byte* record);
  void report_cycles();
  /// Saves the run if that was asked for and is the first one; what to add to the message of the failure.
  [[nodiscard]] std::string save_failure(const RunArguments& arguments, const std::string& failure);

  const device::DeviceInfo& info;
  Options options;
  const device::DeviceMemory& memory;
  Kernel kernel;
  std::map<std::uint32_t, std::uint32_t> registers;  ///< what was written since reset
  bool needs_reset = false;
  bool saved = false;
  std::uint64_t reported_cycles = 0;
  std::chrono::steady_clock::time_point next_report{};
};

void VerilatedDevice::Impl::set_register(std::uint32_t offset, std::uint32_t value) {
  const auto known = registers.find(offset);
  if (known != registers.end() && known->second == value) return;
  kernel.write_register(offset, value);
  registers[offset] = value;
}

void VerilatedDevice::Impl::set_arguments(const RunArguments& arguments) {
  set_register(arch::kRegInterruptGlobal, arch::kRegInterruptGlobalEnable);
  set_register(arch::kRegInterruptEnable, arch::kRegInterruptEnableDone);
  device::write_arguments(arguments,
                          [this](std::uint32_t offset, std::uint32_t value) { set_register(offset, value); });
}

void VerilatedDevice::Impl::report_cycles() {
  throw_if_interrupted();
  if (!options.on_cycles) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_report) return;
  next_report = now + std::chrono::milliseconds(100);
  const std::uint64_t passed = kernel.cycles() - reported_cycles;
  reported_cycles = kernel.cycles();
  options.on_cycles(passed);
}

void VerilatedDevice::Impl::wait_for_interrupt() {
  std::uint64_t transfers = kernel.transfers();
  std::uint64_t silent_since = kernel.cycles();
  const std::uint64_t most_silent = options.silent_cycles.value_or(most_silent_cycles(info.emulator, options));
  const std::uint64_t chunk = std::min<std::uint64_t>(kChunkCycles, most_silent);
  for (;;) {
    for (std::uint64_t i = 0; i < chunk; ++i) {
      kernel.cycle();
      if (kernel.interrupt()) return;
    }
    report_cycles();
    if (kernel.transfers() != transfers) {
      transfers = kernel.transfers();
      silent_since = kernel.cycles();
    } else if (kernel.cycles() - silent_since >= most_silent) {
      throw Error(ErrorCode::kDeviceTimeout,
                  "verilated: no bus transfer for " + std::to_string(most_silent) + " cycles, the run was given up");
    }
  }
}

RunStats VerilatedDevice::Impl::collect(const std::byte* record) {
  const RunStats stats = device::read_error([this](std::uint32_t offset) { return kernel.read_register(offset); });
  if (record != nullptr) {
    std::uint32_t magic = 0;
    std::memcpy(&magic, record + arch::kCompletionMagicOffset, sizeof magic);
    if (magic == arch::kCompletionMagic) {
      const RunStats written = device::decode_completion({record, arch::kCompletionBytes});
      // A record that says otherwise was overtaken by an error of writing it.
      if (written.status == stats.status) return written;
    }
  }
  if (stats.status == 0) {
    throw Error(ErrorCode::kDeviceFault, "verilated: the run ended without an error and without a completion record");
  }
  return stats;
}

std::string VerilatedDevice::Impl::save_failure(const RunArguments& arguments, const std::string& failure) {
  if (options.save.empty() || saved) return {};
  try {
    device::save_capture(options.save, info, arguments, failure, memory);
  } catch (const Error& error) {
    return "; the run could not be saved: " + std::string(error.what());
  }
  saved = true;
  return "; saved in " + options.save.string();
}

VerilatedDevice::VerilatedDevice(const arch::EmulatorDescription& emulator, const Options& options,
                                 std::span<const ModelEntry> models)
    : HostMemoryDevice({"verilated", emulator, arch::kContractHash, true}),
      impl_(std::make_unique<Impl>(info(), memory(), options, choose_model(emulator, options, models))) {}
VerilatedDevice::~VerilatedDevice() = default;

void VerilatedDevice::inject(const MemoryFaults& faults) {
  impl_->kernel.set_faults(faults);
}
void VerilatedDevice::reset(unsigned reset_cycles) {
  impl_->kernel.reset(reset_cycles);
  impl_->registers.clear();
  impl_->needs_reset = false;
}
std::uint64_t VerilatedDevice::cycles() const {
  return impl_->kernel.cycles();
}
std::uint32_t VerilatedDevice::read_register(std::uint32_t offset) {
  return impl_->kernel.read_register(offset);
}

RunStats VerilatedDevice::run(const RunArguments& arguments) {
  Impl& impl = *impl_;
  if (impl.needs_reset) reset(Kernel::kResetCycles);
  impl.needs_reset = true;  // until the run has ended as it should
  const std::uint64_t magic = arguments.completion_base + arch::kCompletionMagicOffset;
  if (std::byte* record = impl.memory.find(magic, sizeof(std::uint32_t)); record != nullptr) {
    std::memset(record, 0, sizeof(std::uint32_t));  // no record of an earlier run can be taken for this one's
  }
  impl.set_arguments(arguments);
  impl.kernel.write_register(arch::kRegControl, arch::kRegControlStart);
  try {
    impl.wait_for_interrupt();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    throw Error(error.code(), error.what() + impl.save_failure(arguments, error.what()));
  }
  if ((impl.kernel.read_register(arch::kRegControl) & arch::kRegControlDone) == 0) {
    throw Error(ErrorCode::kDeviceFault, "verilated: interrupt without done");
  }
  impl.kernel.write_register(arch::kRegInterruptStatus, arch::kRegInterruptStatusDone);
  const RunStats stats = impl.collect(completion_record(arguments));
  // What memory still owes may be of buffers that are freed before the next run.
  impl.needs_reset = impl.options.reset_after_hang && impl.kernel.transfers_under_way();
  if (stats.status == 0) return stats;
  const std::string failure = device::describe_failure(stats);
  const std::string saved = impl.save_failure(arguments, failure);
  throw Error(ErrorCode::kDeviceFault, impl.info.name + ": " + failure + saved);
}

}  // namespace xw::verilated
