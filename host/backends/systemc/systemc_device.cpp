// The SystemC device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/systemc/systemc_device.hpp"

#include <algorithm>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/backends/systemc/kernel.hpp"
#include "host/device/device_memory.hpp"

namespace xw::systemc {
namespace {

void require(bool condition, const std::string& name, const char* key, std::uint64_t value, const char* expected) {
  if (condition) return;
  throw Error(ErrorCode::kInvalidArgument, "systemc device: emulator " + name + ": " + key + " is " +
                                               std::to_string(value) + ", expected " + expected);
}

void check_emulator(const arch::EmulatorDescription& e) {
  require(e.num_engines >= 1 && e.num_engines <= arch::kMaxEngines, e.name, "num_engines", e.num_engines, "1..8");
  require(e.lanes >= 1 && e.lanes <= arch::kMaxCols, e.name, "lanes", e.lanes, "1..1024");
  require(e.block_rows >= 1 && e.block_rows <= arch::kMaxRows, e.name, "block_rows", e.block_rows, "1..1024");
  require(e.block_cols >= 1 && e.block_cols <= arch::kMaxCols, e.name, "block_cols", e.block_cols, "1..1024");
  require(e.contexts >= 1 && e.contexts <= 256, e.name, "contexts", e.contexts, "1..256");
  require(e.xbuf_bytes >= 1 && e.xbuf_bytes <= 1U << 17U, e.name, "xbuf_bytes", e.xbuf_bytes, "1..131072");
  require(e.ybuf_words >= 1 && e.ybuf_words <= 1U << 17U, e.name, "ybuf_words", e.ybuf_words, "1..131072");
  require(e.max_batch >= 1 && e.max_batch <= arch::kMaxBatch, e.name, "max_batch", e.max_batch, "1..256");
  require(e.adc_columns_per_cycle >= 1, e.name, "adc_columns_per_cycle", e.adc_columns_per_cycle, "at least 1");
  require(e.data_width_bits >= 32 && e.data_width_bits <= 1024, e.name, "data_width_bits", e.data_width_bits,
          "32..1024");
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

[[nodiscard]] RunArguments arguments_of(const device::RunArguments& run) {
  RunArguments arguments;
  arguments.program_base = run.program_base;
  arguments.entry = run.entry;
  arguments.num_vectors = run.num_vectors;
  arguments.x_base = run.x_base;
  arguments.y_base = run.y_base;
  arguments.completion_base = run.completion_base;
  arguments.vector_base = run.vector_base;
  arguments.chip_seed = run.chip_seed;
  arguments.watchdog_cycles = run.watchdog_cycles;
  arguments.image_base = run.image_base;
  return arguments;
}

}  // namespace

struct SystemcDevice::Impl {
  Impl(const arch::EmulatorDescription& emulator, const SystemcOptions& options)
      : info{"systemc", emulator, arch::kContractHash, true},
        memory(emulator.memory_bytes),
        storage(memory),
        slot(Kernel::instance().acquire({emulator, options.values}, storage)) {}
  ~Impl() { Kernel::instance().release(slot); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  device::DeviceInfo info;
  device::DeviceMemory memory;
  DeviceStorage storage;
  Slot& slot;
};

SystemcDevice::SystemcDevice(const arch::EmulatorDescription& emulator, const SystemcOptions& options) {
  check_emulator(emulator);
  impl_ = std::make_unique<Impl>(emulator, options);
}
SystemcDevice::~SystemcDevice() = default;

const device::DeviceInfo& SystemcDevice::info() const {
  return impl_->info;
}

device::Address SystemcDevice::allocate(std::uint64_t bytes, device::MemoryPort) {
  return impl_->memory.allocate(bytes);
}

void SystemcDevice::free(device::Address address) {
  impl_->memory.free(address);
}

void SystemcDevice::write(device::Address destination, std::span<const std::byte> source) {
  std::copy(source.begin(), source.end(), impl_->memory.host_span(destination, source.size()).begin());
}

void SystemcDevice::read(device::Address source, std::span<std::byte> destination) {
  const std::span<std::byte> from = impl_->memory.host_span(source, destination.size());
  std::copy(from.begin(), from.end(), destination.begin());
}

std::span<std::byte> SystemcDevice::host_view(device::Address address, std::uint64_t bytes) {
  return impl_->memory.host_span(address, bytes);
}

void SystemcDevice::written(device::Address address, std::uint64_t bytes) {
  (void)impl_->memory.host_span(address, bytes);
}

device::RunStats SystemcDevice::run(const device::RunArguments& arguments) {
  Kernel::instance().run(impl_->slot, arguments_of(arguments));
  device::RunStats stats;
  const std::byte* record = arguments.completion_base % arch::kMemoryAlignment == 0
                                ? impl_->memory.find(arguments.completion_base, arch::kCompletionBytes)
                                : nullptr;
  if (record != nullptr) {
    stats = device::decode_completion({record, arch::kCompletionBytes});
  } else {
    Slot& slot = impl_->slot;
    stats.status = slot.read_register(arch::kRegErrorCode);
    stats.error_unit = slot.read_register(arch::kRegErrorUnit);
    stats.error_instruction = slot.read_register(arch::kRegErrorInstruction);
    stats.error_detail =
        slot.read_register(arch::kRegErrorDetail) | std::uint64_t{slot.read_register(arch::kRegErrorDetail + 4)} << 32U;
  }
  if (stats.status != 0) {
    throw Error(ErrorCode::kDeviceFault, impl_->info.name + ": " + device::describe_failure(stats));
  }
  return stats;
}

}  // namespace xw::systemc
