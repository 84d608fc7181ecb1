// Options of the device xrt.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace xw::xrt_device {

/// Environment variable with the xclbin of a device without the option xclbin.
inline constexpr const char* kXclbinVariable = "XW_XCLBIN";
/// Environment variable with the value of the option start where none is given: the emulation's launcher sets it.
inline constexpr const char* kStartVariable = "XW_XRT_START";

struct Options {
  std::filesystem::path xclbin;   ///< empty: that of kXclbinVariable
  std::uint32_t index = 0;        ///< of the card, as xbutil counts
  std::string bdf;                ///< the card on the PCIe bus, "0000:3b:00.1"; empty: `index`
  std::optional<double> timeout;  ///< seconds after which a run is given up; not given: kTimeoutSeconds on a card
  bool registers = false;         ///< runs are started through the kernel's registers (xrt::ip) instead of XRT's queue
};

/// Runs of a card take milliseconds; those of an emulation as long as they take.
inline constexpr double kTimeoutSeconds = 30;

/// "xclbin=FILE,index=1,timeout=5"; empty: defaults, of start kStartVariable's. Throws Error{kInvalidArgument} naming the key and those
/// that there are.
[[nodiscard]] Options parse_options(std::string_view text);
/// All keys, for help texts: "xclbin, index, ...".
[[nodiscard]] std::string option_keys();

}  // namespace xw::xrt_device
