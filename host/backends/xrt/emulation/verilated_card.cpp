// A card whose kernel is the Verilated RTL: time passes while it runs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstring>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/backends/verilated/kernel.hpp"
#include "host/backends/verilated/options.hpp"
#include "host/backends/xrt/emulation/card.hpp"
#include "host/device/device_memory.hpp"

namespace xw::xrt_emulation {
namespace {

constexpr unsigned kChunkCycles = 256;
/// A poll of the control register is answered when the run has ended, or after so long: polls come one after the other.
constexpr auto kLongestPoll = std::chrono::milliseconds(5);

[[nodiscard]] const verilated::ModelEntry& choose(const CardDescription& description,
                                                  std::span<const verilated::ModelEntry> models) {
  const verilated::ModelEntry* entry = verilated::find_model(models, verilated::shape_of(description.emulator));
  if (entry != nullptr) return *entry;
  std::string built;
  for (const verilated::ModelEntry& model : models) built += (built.empty() ? "" : ", ") + std::string(model.name);
  throw Error(ErrorCode::kUnsupported, "emulated card: no Verilated kernel of emulator " + description.emulator.name +
                                           "; built: " + (built.empty() ? "none" : built));
}

class VerilatedCard final : public Card {
 public:
  VerilatedCard(const CardDescription& description, std::span<const verilated::ModelEntry> models)
      : options_(verilated::parse_options(description.options)),
        memory_(description.emulator.memory_bytes),
        kernel_(choose(description, models), description.emulator, options_, memory_),
        hang_after_(description.hang_after) {}

  void allocate(Address address, std::uint64_t bytes) override { memory_.allocate_at(address, bytes); }
  void free(Address address) override { memory_.free(address); }
  bool write(Address address, std::span<const std::byte> bytes) override {
    std::byte* place = memory_.find(address, bytes.size());
    if (place != nullptr && !bytes.empty()) std::memcpy(place, bytes.data(), bytes.size());
    return place != nullptr;
  }
  bool read(Address address, std::span<std::byte> bytes) override {
    const std::byte* place = memory_.find(address, bytes.size());
    if (place != nullptr && !bytes.empty()) std::memcpy(bytes.data(), place, bytes.size());
    return place != nullptr;
  }
  void write_register(std::uint32_t offset, std::uint32_t value) override {
    if (offset == arch::kRegControl && (value & arch::kRegControlStart) != 0) {
      if (++starts_ == hang_after_) {
        hung_ = true;
        return;
      }
      running_ = true;
    }
    kernel_.write_register(offset, value);
  }
  std::uint32_t read_register(std::uint32_t offset) override {
    if (offset != arch::kRegControl) return kernel_.read_register(offset);
    if (hung_) return arch::kRegControlStart;
    const auto until = std::chrono::steady_clock::now() + kLongestPoll;
    for (;;) {
      const std::uint32_t value = kernel_.read_register(offset);
      if ((value & (arch::kRegControlDone | arch::kRegControlIdle)) != 0) running_ = false;
      if (!running_ || std::chrono::steady_clock::now() >= until) return value;
      (void)advance();
    }
  }
  bool advance() override {
    if (!running_) return false;
    for (unsigned i = 0; i < kChunkCycles; ++i) kernel_.cycle();
    return true;
  }

 private:
  verilated::Options options_;
  device::DeviceMemory memory_;
  verilated::Kernel kernel_;
  std::uint32_t hang_after_;
  std::uint32_t starts_ = 0;
  bool running_ = false;
  bool hung_ = false;
};

}  // namespace

std::unique_ptr<Card> make_verilated_card(const CardDescription& description,
                                          std::span<const verilated::ModelEntry> models) {
  return std::make_unique<VerilatedCard>(description, models);
}

}  // namespace xw::xrt_emulation
