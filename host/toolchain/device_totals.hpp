// What the device of a chip instance counted, and the result of a run as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/device/device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/text_session.hpp"

namespace xw::toolchain {

/// Over all calls so far.
struct DeviceTotals {
  device::RunStats stats;
  double seconds = 0;  ///< measured, inside the device
};
[[nodiscard]] DeviceTotals device_totals(const runtime::ChipInstance& chip);

/// Of the checksums of all calls (ChipOptions::checksum_y), eight hexadecimal digits: equal on devices that agree bit
/// for bit.
[[nodiscard]] std::string y_checksum(const runtime::ChipInstance& chip);

/// Text, tokens, times and counters of what a session has answered. `model`: the name that the user gave. Names and texts
/// need not be UTF-8: write it with json_text().
[[nodiscard]] nlohmann::ordered_json run_json(const OpenedModel& opened, const TextTotals& totals,
                                              const std::filesystem::path& model);

}  // namespace xw::toolchain
