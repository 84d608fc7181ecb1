// A card without its board: memory that another manager places, and a kernel behind a window of registers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "arch/description/description.hpp"
#include "host/backends/verilated/model.hpp"
#include "host/device/device.hpp"

namespace xw::xrt_emulation {

using device::Address;

/// Not thread safe. Methods throw Error when the kernel breaks its own rules.
class Card {
 public:
  virtual ~Card() = default;
  /// Memory [address, address + bytes) comes and goes, zeroed. Throws Error{kCapacity} where the card has none, or some
  /// already.
  virtual void allocate(Address address, std::uint64_t bytes) = 0;
  virtual void free(Address address) = 0;
  /// False, and nothing happens, unless the range lies in one allocation.
  [[nodiscard]] virtual bool write(Address address, std::span<const std::byte> bytes) = 0;
  [[nodiscard]] virtual bool read(Address address, std::span<std::byte> bytes) = 0;
  /// The kernel's registers, by offset in its window.
  virtual void write_register(std::uint32_t offset, std::uint32_t value) = 0;
  [[nodiscard]] virtual std::uint32_t read_register(std::uint32_t offset) = 0;
  /// Lets some time pass; false when nothing would happen.
  [[nodiscard]] virtual bool advance() = 0;
};

/// What plays the kernel, as an xclbin of this emulation says in its bitstream section.
struct CardDescription {
  std::string kind = "functional";  ///< "functional" (fast) or "verilated" (the RTL, cycle by cycle)
  std::string options;              ///< of kind verilated: those of the device verilated (latency=, backpressure=, ...)
  std::uint32_t threads = 1;        ///< of kind functional
  std::uint32_t hang_after = 0;     ///< for tests: the kernel never ends this start, counted from 1; 0: it always ends
  std::string
      contract;  ///< for tests, of kind functional: contract hash in the registers, 32 digits; empty: this build's
  arch::EmulatorDescription emulator;
};
/// As the bytes of a bitstream section.
[[nodiscard]] std::string to_text(const CardDescription& description);
/// Throws Error{kFormat} naming `origin`, Error{kInvalidArgument} for kinds that there are not.
[[nodiscard]] CardDescription parse_card(std::string_view text, const std::string& origin);

/// `models`: Verilated kernels that there are. Throws Error{kUnsupported} if none of them has the emulator's shape, and
/// what parsing options throws.
[[nodiscard]] std::unique_ptr<Card> make_card(const CardDescription& description,
                                              std::span<const verilated::ModelEntry> models);

/// Both kinds, for make_card.
[[nodiscard]] std::unique_ptr<Card> make_functional_card(const CardDescription& description);
[[nodiscard]] std::unique_ptr<Card> make_verilated_card(const CardDescription& description,
                                                        std::span<const verilated::ModelEntry> models);

}  // namespace xw::xrt_emulation
