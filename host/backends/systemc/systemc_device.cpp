// The SystemC device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/systemc_device.hpp"

#include <cmath>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/backends/systemc/kernel.hpp"
#include "host/device/emulator_limits.hpp"
#include "host/device/kernel_registers.hpp"

namespace xw::systemc {
namespace {

void check_emulator(const arch::EmulatorDescription& e) {
  device::check_emulator("systemc", e);
  device::require_emulator("systemc", e, e.adc_columns_per_cycle >= 1, "adc_columns_per_cycle", e.adc_columns_per_cycle,
                           "at least 1");
  device::require_emulator("systemc", e, e.data_width_bits >= 32 && e.data_width_bits <= 1024, "data_width_bits",
                           e.data_width_bits, "32..1024");
}

/// Device memory as the model sees it.
class DeviceStorage final : public Storage {
 public:
  explicit DeviceStorage(const device::DeviceMemory& memory) : memory_(memory) {}
  [[nodiscard]] std::byte* find(std::uint64_t address, std::uint64_t bytes) override {
    return memory_.find(address, bytes);
  }

 private:
  const device::DeviceMemory& memory_;
};

}  // namespace

struct SystemcDevice::Impl {
  Impl(const arch::EmulatorDescription& emulator, const SystemcOptions& options, const device::DeviceMemory& memory)
      : storage(memory), slot(Kernel::instance().acquire({emulator, options.values}, storage, options.chip.get())) {}
  ~Impl() { Kernel::instance().release(slot); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// What a good run took on the chip; returns its nanoseconds, rounded up. Throws Error{kCapacity} as `run`.
  std::uint64_t add_use(const device::RunArguments& arguments);

  DeviceStorage storage;
  Slot& slot;
  std::map<std::uint32_t, ChipUse> use;
};

std::uint64_t SystemcDevice::Impl::add_use(const device::RunArguments& arguments) {
  if (const std::string& problem = slot.chip->problem(); !problem.empty()) {
    throw Error(ErrorCode::kCapacity, "systemc:chip: " + problem);
  }
  const ChipResult& result = slot.chip->result();
  ChipUse& total = use[arguments.entry];
  ++total.runs;
  total.vectors += arguments.num_vectors;
  total.block_mvms += result.block_mvms;
  total.cell_macs += result.cell_macs;
  total.time_ns += result.total_ns;
  total.energy_pj += result.energy_pj;
  total.critical_path_ns += result.critical_path_ns;
  const auto picoseconds = static_cast<std::uint64_t>(std::llround(result.total_ns * 1e3));
  return (picoseconds + 999) / 1000;
}

SystemcDevice::SystemcDevice(const arch::EmulatorDescription& emulator, const SystemcOptions& options)
    : HostMemoryDevice({options.chip ? "systemc:chip" : "systemc", emulator, arch::kContractHash, !options.chip,
                        options.chip != nullptr, options.values}) {
  check_emulator(emulator);
  impl_ = std::make_unique<Impl>(emulator, options, memory());
}
SystemcDevice::~SystemcDevice() = default;

device::RunStats SystemcDevice::run(const device::RunArguments& arguments) {
  Kernel::instance().run(impl_->slot, arguments);
  device::RunStats stats;
  if (const std::byte* record = completion_record(arguments); record != nullptr) {
    stats = device::decode_completion({record, arch::kCompletionBytes});
  } else {
    stats = device::read_error([&](std::uint32_t offset) { return impl_->slot.read_register(offset); });
  }
  if (stats.status != 0) {
    throw Error(ErrorCode::kDeviceFault, info().name + ": " + device::describe_failure(stats));
  }
  if (impl_->slot.chip) stats.chip_ns = impl_->add_use(arguments);
  return stats;
}

const std::map<std::uint32_t, ChipUse>* SystemcDevice::chip_use() const {
  return info().chip_time ? &impl_->use : nullptr;
}

}  // namespace xw::systemc
