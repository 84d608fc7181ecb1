// The device for Alveo cards, and for their emulation, through XRT's native API.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/xrt_device.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "arch/generated/xw_arch.hpp"
#include "arch/generated/xw_kernel.hpp"
#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "host/backends/xrt/buffers.hpp"
#include "host/backends/xrt/card.hpp"
#include "host/backends/xrt/open.hpp"
#include "host/device/emulator_limits.hpp"
#include "host/device/kernel_registers.hpp"

namespace xw::xrt_device {
namespace {

using device::Address;
using device::RunArguments;
using device::RunStats;
using Clock = std::chrono::steady_clock;
using ReadRegister = std::function<std::uint32_t(std::uint32_t)>;

/// XRT's number of the argument that stands at a register: arguments in the contract's order, those per engine one by one.
[[nodiscard]] constexpr int argument_at(std::uint32_t offset) {
  int number = 0;
  for (const arch::KernelArgument& a : arch::kKernelArguments) {
    if (offset >= a.offset && offset < a.offset + a.count * a.bytes) {
      return number + static_cast<int>((offset - a.offset) / a.bytes);
    }
    number += static_cast<int>(a.count);  // only the last one is per engine
  }
  return -1;
}
static_assert(arch::kKernelArguments.back().count == arch::kMaxEngines);

void check_contract(const ReadRegister& read, const std::string& card) {
  std::array<std::uint8_t, 16> hash{};
  for (std::uint32_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<std::uint8_t>(read(arch::kRegContractHash + i / 4 * 4) >> (8 * (i % 4)));
  }
  if (hash == arch::kContractHash) return;
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  throw Error(ErrorCode::kContractMismatch, "device xrt: the kernel of " + card + " was built from contract " + text +
                                                ", this crossweave from " + std::string(arch::kContractHashText) +
                                                ": build the xclbin again (scripts/alveo/build.sh)");
}

void check_shape(const ReadRegister& read, const arch::EmulatorDescription& e, const std::string& card) {
  struct Row {
    std::uint32_t offset;
    const char* key;
    std::uint32_t expected;
  };
  const Row rows[] = {{arch::kRegNumEngines, "num_engines", e.num_engines},
                      {arch::kRegLanes, "lanes", e.lanes},
                      {arch::kRegBlockRows, "block_rows", e.block_rows},
                      {arch::kRegBlockCols, "block_cols", e.block_cols},
                      {arch::kRegContexts, "contexts", e.contexts},
                      {arch::kRegXbufBytes, "xbuf_bytes", e.xbuf_bytes},
                      {arch::kRegYbufWords, "ybuf_words", e.ybuf_words},
                      {arch::kRegMaxBatch, "max_batch", e.max_batch},
                      {arch::kRegAdcColumnsPerCycle, "adc_columns_per_cycle", e.adc_columns_per_cycle},
                      {arch::kRegDataWidth, "data_width_bits", e.data_width_bits}};
  for (const Row& row : rows) {
    const std::uint32_t found = read(row.offset);
    if (found == row.expected) continue;
    throw Error(ErrorCode::kUnsupported, "device xrt: the kernel of " + card + " is not emulator " + e.name + ": " +
                                             row.key + ": expected " + std::to_string(row.expected) + ", found " +
                                             std::to_string(found));
  }
}

/// Waits shortly at first, since decoding takes many short runs, and longer the longer a run takes.
class Patience {
 public:
  void wait() {
    const auto waited = Clock::now() - start_;
    if (waited < std::chrono::milliseconds(2)) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(waited < std::chrono::milliseconds(50) ? std::chrono::microseconds(50)
                                                                         : std::chrono::milliseconds(1));
    }
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  Clock::time_point start_ = Clock::now();
};

}  // namespace

struct XrtDevice::Impl {
  Impl(const arch::EmulatorDescription& emulator, const Options& the_options)
      : options(the_options), card(options), buffers(card) {
    info.name = "xrt";
    info.emulator = emulator;
    info.contract_hash = arch::kContractHash;
    info.cycle_accurate = !card.header().platform.starts_with(std::string(kEmulatedPlatform) + "functional");
    card.with_registers([&](const ReadRegister& read) {
      check_contract(read, card.name());
      check_shape(read, emulator, card.name());
    });
    if (!options.timeout && !card.header().emulation) options.timeout = kTimeoutSeconds;
  }
  ~Impl() {
    if (!lost) return;
    buffers.abandon();
    card.abandon();
  }

  void set_arguments(const RunArguments& arguments);
  /// The same, and the start, through the kernel's registers; those that have their value already are left out.
  void start_by_registers(const RunArguments& arguments);
  [[nodiscard]] bool ended();
  void wait_for_end();
  [[nodiscard]] RunStats collect(const RunArguments& arguments);
  /// Notes how much of the results of the run before was looked at.
  void learn();

  Options options;
  Card card;
  Buffers buffers;
  device::DeviceInfo info;
  std::map<std::uint32_t, std::uint32_t> written;  ///< registers, by start_by_registers
  /// What the host looked at, in bytes from the completion record on, after a run of an entry with so many vectors. It is
  /// fetched with the record the next time: one transfer instead of two.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> looked_at;
  std::optional<RunArguments> last_run;
  bool lost = false;  ///< a run is under way for ever
};

void XrtDevice::Impl::set_arguments(const RunArguments& a) {
  xrt::run& run = card.run();
  const auto set = [&](std::uint32_t offset, auto value) { run.set_arg(argument_at(offset), value); };
  // Addresses as numbers: they need not be starts of buffers.
  set(arch::kArgProgramBase, a.program_base);
  set(arch::kArgEntry, a.entry);
  set(arch::kArgNumVectors, a.num_vectors);
  set(arch::kArgXBase, a.x_base);
  set(arch::kArgYBase, a.y_base);
  set(arch::kArgCompletionBase, a.completion_base);
  set(arch::kArgVectorBase, a.vector_base);
  set(arch::kArgChipSeed, a.chip_seed);
  set(arch::kArgWatchdogCycles, a.watchdog_cycles);
  for (std::uint32_t e = 0; e < info.emulator.num_engines; ++e) set(arch::kArgImageBase + 8 * e, a.image_base[e]);
}

void XrtDevice::Impl::start_by_registers(const RunArguments& arguments) {
  xrt::ip& ip = card.registers();
  const std::uint32_t end = arch::kArgImageBase + 8 * info.emulator.num_engines;
  device::write_arguments(arguments, [&](std::uint32_t offset, std::uint32_t value) {
    if (offset >= end) return;
    const auto known = written.find(offset);
    if (known != written.end() && known->second == value) return;
    ip.write_register(offset, value);
    written[offset] = value;
  });
  ip.write_register(arch::kRegControl, arch::kRegControlStart);
}

bool XrtDevice::Impl::ended() {
  if (options.registers) return (card.registers().read_register(arch::kRegControl) & arch::kRegControlDone) != 0;
  const ert_cmd_state state = card.run().state();
  if (state == ERT_CMD_STATE_ERROR || state == ERT_CMD_STATE_ABORT || state == ERT_CMD_STATE_TIMEOUT) {
    throw Error(ErrorCode::kDeviceFault,
                "device xrt: XRT gave the run up (command state " + std::to_string(static_cast<int>(state)) + ")");
  }
  return state == ERT_CMD_STATE_COMPLETED;
}

void XrtDevice::Impl::wait_for_end() {
  // Not run.wait(): the emulation's driver sleeps in it, and on a card it cannot be interrupted.
  Patience patience;
  for (;;) {
    if (ended()) return;
    throw_if_interrupted();
    if (options.timeout && patience.seconds() > *options.timeout) {
      throw Error(ErrorCode::kDeviceTimeout,
                  "device xrt: the kernel of " + card.name() + " did not end the run within " +
                      std::to_string(*options.timeout) +
                      " s; the device was given up (reset the card: xbutil reset; longer runs: timeout=SECONDS)");
    }
    patience.wait();
  }
}

void XrtDevice::Impl::learn() {
  if (!last_run) return;
  looked_at[{last_run->entry, last_run->num_vectors}] = buffers.looked_at(last_run->completion_base);
  last_run.reset();
}

RunStats XrtDevice::Impl::collect(const RunArguments& arguments) {
  buffers.written_by_card(arguments.y_base);
  buffers.written_by_card(arguments.completion_base);
  last_run = arguments;
  if (const auto known = looked_at.find({arguments.entry, arguments.num_vectors}); known != looked_at.end()) {
    with_xrt("reading results", [&] { buffers.fetch_ahead(arguments.completion_base, known->second); });
  }
  if (buffers.contains(arguments.completion_base, arch::kCompletionBytes)) {
    const auto record = buffers.view(arguments.completion_base, arch::kCompletionBytes);
    std::uint32_t magic = 0;
    std::memcpy(&magic, record.data() + arch::kCompletionMagicOffset, sizeof magic);
    if (magic == arch::kCompletionMagic) return device::decode_completion(record);
  }
  RunStats stats;
  card.with_registers([&](const ReadRegister& read) { stats = device::read_error(read); });
  if (stats.status == 0) {
    throw Error(ErrorCode::kDeviceFault, "device xrt: the run ended without an error and without a completion record");
  }
  return stats;
}

XrtDevice::XrtDevice(const arch::EmulatorDescription& emulator, const Options& options) {
  device::check_emulator("xrt", emulator);
  impl_ = std::make_unique<Impl>(emulator, options);
}
XrtDevice::~XrtDevice() = default;

const device::DeviceInfo& XrtDevice::info() const {
  return impl_->info;
}

Address XrtDevice::allocate(std::uint64_t bytes, device::MemoryPort port) {
  const std::uint32_t engines = impl_->info.emulator.num_engines;
  if (port.engine >= static_cast<int>(engines)) {
    throw Error(ErrorCode::kInvalidArgument, "device xrt: no engine " + std::to_string(port.engine));
  }
  const std::uint32_t offset =
      port.engine < 0 ? arch::kArgProgramBase : arch::kArgImageBase + 8 * static_cast<std::uint32_t>(port.engine);
  return impl_->buffers.allocate(bytes, argument_at(offset));
}

void XrtDevice::free(Address address) {
  if (!impl_->lost) impl_->buffers.free(address);
}

void XrtDevice::write(Address destination, std::span<const std::byte> source) {
  const std::span<std::byte> place = impl_->buffers.view(destination, source.size());
  std::copy(source.begin(), source.end(), place.begin());
  impl_->buffers.changed(destination, source.size());
}

void XrtDevice::read(Address source, std::span<std::byte> destination) {
  const std::span<const std::byte> place = impl_->buffers.view(source, destination.size());
  std::copy(place.begin(), place.end(), destination.begin());
}

std::span<std::byte> XrtDevice::host_view(Address address, std::uint64_t bytes) {
  return impl_->buffers.view(address, bytes);
}

void XrtDevice::written(Address address, std::uint64_t bytes) {
  impl_->buffers.changed(address, bytes);
}

RunStats XrtDevice::run(const RunArguments& arguments) {
  Impl& impl = *impl_;
  if (impl.lost) {
    throw Error(ErrorCode::kDeviceTimeout,
                "device xrt: an earlier run on " + impl.card.name() + " has not ended; open the device again");
  }
  impl.learn();
  // No record of an earlier run can be taken for this one's.
  if (impl.buffers.contains(arguments.completion_base, arch::kCompletionBytes)) {
    constexpr std::array<std::byte, arch::kMemoryAlignment> kNothing{};
    write(arguments.completion_base, kNothing);
  }
  with_xrt("starting a run on " + impl.card.name(), [&] {
    if (impl.options.registers) {
      impl.start_by_registers(arguments);
    } else {
      impl.set_arguments(arguments);
      impl.card.run().start();
    }
  });
  try {
    impl.wait_for_end();
  } catch (const Error&) {
    impl.lost = true;
    throw;
  }
  const RunStats stats = impl.collect(arguments);
  if (stats.status == 0) return stats;
  throw Error(ErrorCode::kDeviceFault, impl.info.name + ": " + device::describe_failure(stats));
}

device::CardState XrtDevice::card_state() const {
  return impl_->card.state();
}

std::optional<device::CardState> card_state(const device::Device& device) {
  const auto* card = dynamic_cast<const XrtDevice*>(&device);
  if (card == nullptr) return std::nullopt;
  return card->card_state();
}

bool xrt_is_built() {
  return true;
}

std::unique_ptr<device::Device> open_xrt_device(std::string_view options, const arch::EmulatorDescription& emulator) {
  return std::make_unique<XrtDevice>(emulator, parse_options(options));
}

}  // namespace xw::xrt_device
