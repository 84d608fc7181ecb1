// Counters of a chip instance's device, and the result of a run as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/device_totals.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "arch/support/checksum.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/report/device_activity.hpp"
#include "host/toolchain/fault_text.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

nlohmann::ordered_json device_json(const runtime::ChipInstance& chip) {
  const DeviceTotals totals = device_totals(chip);
  const device::DeviceInfo& info = chip.device().info();
  nlohmann::ordered_json json = {{"mvms", totals.stats.mvms},
                                 {"macs", totals.stats.macs},
                                 {"adc_conversions", totals.stats.adc_conversions},
                                 {"adc_saturations", totals.stats.adc_saturations},
                                 {"cycles", totals.stats.total_cycles}};
  if (info.chip_time) json["chip_ns"] = totals.stats.chip_ns;
  if (!info.values) json["values"] = false;  // the text means nothing
  if (chip.options().checksum_y) json["y_crc32"] = info.values ? nlohmann::json(y_checksum(chip)) : nullptr;
  if (const runtime::FaultReport* faults = chip.faults()) json["faults"] = to_json(*faults);
  std::uint64_t writes = 0;
  for (const auto& [tile, count] : chip.cell_writes()) writes += count;
  json["cell_writes"] = writes;
  if (chip.program().manifest().rounds.any()) {
    nlohmann::ordered_json tiles = nlohmann::ordered_json::array();
    for (const auto& [tile, count] : chip.tile_writes()) tiles.push_back({{"tile", tile}, {"writes", count}});
    json["tile_writes"] = std::move(tiles);
  }
  if (const runtime::CalibrationStats* stats = chip.calibration()) {
    json["calibration"] = {{"compensation", chip.options().compensation},
                           {"runs", stats->runs},
                           {"vectors", stats->vectors},
                           {"offset_vectors", stats->offset_vectors},
                           {"columns", stats->columns},
                           {"columns_too_small", stats->too_small},
                           {"limited", stats->limited},
                           {"mvms", stats->device.mvms},
                           {"adc_saturations", stats->device.adc_saturations},
                           {"seconds_measured", stats->host_seconds}};
  }
  if (const auto card = registry::card_state(chip.device())) {
    json["card"] = {{"name", card->card}, {"kind", card->emulated ? "emulated" : "card"}};
    const auto add = [&](const char* key, const std::optional<double>& value, const char* kind) {
      if (value) json["card"][key] = {{"value", *value}, {"kind", kind}};
    };
    add("power_watts", card->power_watts, "measured on the card");
    add("clock_mhz", card->clock_mhz, "of the xclbin");
  }
  if (info.cycle_accurate)
    json["activity"] = report::to_json(report::activity(totals.stats, info.emulator, totals.seconds));
  return json;
}

}  // namespace

DeviceTotals device_totals(const runtime::ChipInstance& chip) {
  DeviceTotals totals;
  for (const runtime::CallStats& call : chip.stats()) {
    totals.stats += call.device;
    totals.seconds += call.device_seconds;
  }
  return totals;
}

std::string y_checksum(const runtime::ChipInstance& chip) {
  std::vector<std::uint32_t> sums;
  for (const runtime::CallStats& call : chip.stats()) sums.push_back(call.y_crc32);
  return crc32_text(crc32(std::as_bytes(std::span(sums))));
}

nlohmann::ordered_json run_json(const OpenedModel& opened, const TextTotals& totals,
                                const std::filesystem::path& model) {
  nlohmann::ordered_json json = {{"model", model.string()},
                                 {"run", opened.describe()},
                                 {"tool_version", kVersion},
                                 {"text", totals.text},
                                 {"tokens", totals.tokens},
                                 {"stop", totals.stop},
                                 {"prefill_tokens", totals.prefill.tokens},
                                 {"prefill_seconds", totals.prefill.seconds},
                                 {"decode_tokens", totals.decode.tokens},
                                 {"decode_seconds", totals.decode.seconds}};
  if (const runtime::ChipInstance* chip = opened.chip(); chip != nullptr) {
    json["device"] = device_json(*chip);
    if (chip->device().info().chip_time) json["chip"] = chip_times_json(*chip, totals.prefill, totals.decode);
  }
  return json;
}

}  // namespace xw::toolchain
