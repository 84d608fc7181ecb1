// A card with an xclbin loaded, behind the few things that the device asks of XRT.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "arch/support/error.hpp"
#include "host/backends/xrt/options.hpp"
#include "host/backends/xrt/xclbin_file.hpp"
#include "host/backends/xrt/xrt_headers.hpp"
#include "host/device/card_state.hpp"

namespace xw::xrt_device {

/// XRT's exceptions become Error{kDeviceFault} with what was being done.
template <typename Action>
decltype(auto) with_xrt(const std::string& doing, Action&& action) {
  try {
    return action();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kDeviceFault, "device xrt: " + doing + ": XRT says: " + error.what());
  }
}

/// One card of this process: opened once (the driver of the emulation cannot be opened twice), held by one device at a
/// time. Not thread safe.
class Card {
 public:
  /// Throws Error{kInvalidArgument} without an xclbin, Error{kFileNotFound | kIo | kFormat} for one that is none,
  /// Error{kUnsupported} for one of an emulation on a card or the other way round, Error{kDeviceFault} if XRT has no
  /// such card, cannot load the xclbin, or the card is in use.
  explicit Card(const Options& options);
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  [[nodiscard]] const XclbinHeader& header() const { return header_; }
  /// For messages: "card 0 (xilinx_u55c_gen3x16_xdma_base_3)".
  [[nodiscard]] const std::string& name() const { return name_; }

  /// Power and clock as XRT gives them; nothing on an emulated card, and what a card does not tell is left out.
  [[nodiscard]] device::CardState state() const;

  /// Memory that the master of an argument is connected to.
  [[nodiscard]] xrt::bo allocate(std::size_t bytes, int argument);
  [[nodiscard]] std::uint32_t group(int argument);
  /// Bytes of a memory group; 0 if XRT does not say.
  [[nodiscard]] std::uint64_t group_bytes(std::uint32_t group) const;
  [[nodiscard]] xrt::run& run();
  /// The kernel's registers, kept open: run() closes them, and they close it.
  [[nodiscard]] xrt::ip& registers();
  /// Calls `use` with a function that reads a register. On a card a kernel cannot be run while its registers are open:
  /// the run is made anew afterwards.
  void with_registers(const std::function<void(const std::function<std::uint32_t(std::uint32_t)>&)>& use);
  /// Nothing of this card is given back to XRT any more: a run that does not end would be waited for. On an emulated
  /// card the process then ends without destroying static objects that were made before.
  void abandon();

 private:
  struct Handles;
  void open_kernel();

  XclbinHeader header_;
  std::string name_;
  std::string key_;
  std::map<int, std::uint32_t> groups_;  ///< memory by argument, once asked for
  std::unique_ptr<Handles> handles_;
};

}  // namespace xw::xrt_device
