// What an accelerator card says of itself while it works.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace xw::device {

/// Of an Alveo card; an emulated card has no numbers.
struct CardState {
  std::string card;                   ///< "card 0 (xilinx_u55c_gen3x16_xdma_base_3)"
  bool emulated = false;              ///< cycles, if any, are of a model; nothing is measured
  std::optional<double> power_watts;  ///< of the whole card at this moment, as its sensors say
  std::optional<double> clock_mhz;    ///< of the kernel, as the loaded xclbin sets it
};

}  // namespace xw::device
