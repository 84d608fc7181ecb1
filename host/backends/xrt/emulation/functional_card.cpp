// A card whose kernel is the functional device: a run takes no time and ends with the write that starts it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/backends/xrt/emulation/card.hpp"
#include "host/device/kernel_registers.hpp"

namespace xw::xrt_emulation {
namespace {

class FunctionalCard final : public Card {
 public:
  explicit FunctionalCard(const CardDescription& description)
      : pool_(description.threads), device_(description.emulator, pool_), hang_after_(description.hang_after) {
    const arch::EmulatorDescription& e = description.emulator;
    set(arch::kRegVersion, arch::kIsaVersion);
    for (std::uint32_t i = 0; i < arch::kContractHash.size(); ++i) {
      const std::uint32_t byte =
          description.contract.empty()
              ? arch::kContractHash[i]
              : static_cast<std::uint32_t>(std::stoul(description.contract.substr(2 * i, 2), nullptr, 16));
      at(arch::kRegContractHash + i / 4 * 4) |= byte << (8 * (i % 4));
    }
    set(arch::kRegNumEngines, e.num_engines);
    set(arch::kRegLanes, e.lanes);
    set(arch::kRegBlockRows, e.block_rows);
    set(arch::kRegBlockCols, e.block_cols);
    set(arch::kRegContexts, e.contexts);
    set(arch::kRegXbufBytes, e.xbuf_bytes);
    set(arch::kRegYbufWords, e.ybuf_words);
    set(arch::kRegMaxBatch, e.max_batch);
    set(arch::kRegAdcColumnsPerCycle, e.adc_columns_per_cycle);
    set(arch::kRegDataWidth, e.data_width_bits);
  }

  void allocate(Address address, std::uint64_t bytes) override { device_.allocate_at(address, bytes); }
  void free(Address address) override { device_.free(address); }
  bool write(Address address, std::span<const std::byte> bytes) override {
    return attempt([&] { device_.write(address, bytes); });
  }
  bool read(Address address, std::span<std::byte> bytes) override {
    return attempt([&] { device_.read(address, bytes); });
  }
  void write_register(std::uint32_t offset, std::uint32_t value) override {
    if (offset == arch::kRegControl) {
      if ((value & arch::kRegControlStart) != 0) start();
    } else if (offset % 4 == 0 && offset >= arch::kArgProgramBase && offset < arch::kRegVersion) {
      set(offset, value);
    }
  }
  std::uint32_t read_register(std::uint32_t offset) override {
    if (offset % 4 != 0 || offset >= arch::kRegisterWindowBytes) return 0;
    const std::uint32_t value = at(offset);
    if (offset == arch::kRegControl) at(offset) &= ~(arch::kRegControlDone | arch::kRegControlReady);
    return value;
  }
  bool advance() override { return false; }

 private:
  template <typename Access>
  [[nodiscard]] static bool attempt(Access&& access) {
    try {
      access();
    } catch (const Error&) {
      return false;  // no memory there
    }
    return true;
  }
  [[nodiscard]] std::uint32_t& at(std::uint32_t offset) { return registers_.at(offset / 4); }
  void set(std::uint32_t offset, std::uint32_t value) { at(offset) = value; }
  [[nodiscard]] std::uint64_t wide(std::uint32_t offset) { return at(offset) | std::uint64_t{at(offset + 4)} << 32U; }
  void set_wide(std::uint32_t offset, std::uint64_t value) {
    set(offset, static_cast<std::uint32_t>(value));
    set(offset + 4, static_cast<std::uint32_t>(value >> 32U));
  }

  void start() {
    if (++starts_ == hang_after_) {
      set(arch::kRegControl, arch::kRegControlStart);
      return;
    }
    device::RunArguments a;
    a.program_base = wide(arch::kArgProgramBase);
    a.entry = at(arch::kArgEntry);
    a.num_vectors = at(arch::kArgNumVectors);
    a.x_base = wide(arch::kArgXBase);
    a.y_base = wide(arch::kArgYBase);
    a.completion_base = wide(arch::kArgCompletionBase);
    a.vector_base = at(arch::kArgVectorBase);
    a.chip_seed = at(arch::kArgChipSeed);
    a.watchdog_cycles = at(arch::kArgWatchdogCycles);
    for (std::uint32_t e = 0; e < arch::kArgImageBaseCount; ++e) a.image_base[e] = wide(arch::kArgImageBase + 8 * e);
    try {
      (void)device_.run(a);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kDeviceFault) throw;
      // The record and the registers say what it was.
    }
    const device::RunStats& run = device_.last_run();
    set(arch::kRegErrorCode, run.status);
    set(arch::kRegErrorUnit, run.error_unit);
    set(arch::kRegErrorInstruction, run.error_instruction);
    set_wide(arch::kRegErrorDetail, run.error_detail);
    set_wide(arch::kRegCycles, run.total_cycles);
    set(arch::kRegInstructions, static_cast<std::uint32_t>(run.instructions));
    set(arch::kRegMvms, static_cast<std::uint32_t>(run.mvms));
    set(arch::kRegControl, arch::kRegControlDone | arch::kRegControlIdle | arch::kRegControlReady);
  }

  ThreadPool pool_;
  functional::FunctionalDevice device_;
  std::uint32_t hang_after_;
  std::uint32_t starts_ = 0;
  std::array<std::uint32_t, arch::kRegisterWindowBytes / 4> registers_ = {arch::kRegControlIdle};
};

}  // namespace

std::unique_ptr<Card> make_functional_card(const CardDescription& description) {
  return std::make_unique<FunctionalCard>(description);
}

}  // namespace xw::xrt_emulation
