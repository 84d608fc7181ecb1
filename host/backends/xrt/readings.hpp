// Numbers in the texts with which XRT describes a card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace xw::xrt_device {

/// Watts of the card: `power_consumption_watts` of XRT's report "electrical" (JSON). Nothing where it has no number above 0.
[[nodiscard]] std::optional<double> power_in(std::string_view electrical);
/// MHz of the kernel's clock: `freq_mhz` of the clock with id DATA_CLK or description Data in XRT's report "platform" (JSON),
/// wherever it stands. XRT takes it from the loaded xclbin: it is what the card was set to, not a measurement. Nothing where
/// it has no number above 0.
[[nodiscard]] std::optional<double> clock_in(std::string_view platform);

}  // namespace xw::xrt_device
