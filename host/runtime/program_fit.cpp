// Whether a program and a device belong together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/program_fit.hpp"

#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::runtime {
namespace {

[[nodiscard]] std::string hex(const std::array<std::uint8_t, 16>& hash) {
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace

void check_device(const program::Program& program, const device::DeviceInfo& device) {
  if (device.contract_hash != arch::kContractHash) {
    throw Error(ErrorCode::kContractMismatch, "device " + device.name + ": contract " + hex(device.contract_hash) +
                                                  ", program and host have " + hex(arch::kContractHash));
  }
  const arch::EmulatorDescription expected =
      arch::parse_emulator(program.manifest().emulator_toml, program.path() + ": emulator description");
  const arch::EmulatorDescription& found = device.emulator;
  std::string differences;
  const auto compare = [&](const char* key, std::uint64_t want, std::uint64_t have) {
    if (want == have) return;
    differences += std::string(differences.empty() ? "" : ", ") + key + " " + std::to_string(want) + " (device " +
                   std::to_string(have) + ")";
  };
  compare("num_engines", expected.num_engines, found.num_engines);
  compare("lanes", expected.lanes, found.lanes);
  compare("block_rows", expected.block_rows, found.block_rows);
  compare("block_cols", expected.block_cols, found.block_cols);
  compare("contexts", expected.contexts, found.contexts);
  compare("xbuf_bytes", expected.xbuf_bytes, found.xbuf_bytes);
  compare("ybuf_words", expected.ybuf_words, found.ybuf_words);
  compare("max_batch", expected.max_batch, found.max_batch);
  compare("adc_columns_per_cycle", expected.adc_columns_per_cycle, found.adc_columns_per_cycle);
  compare("data_width_bits", expected.data_width_bits, found.data_width_bits);
  if (differences.empty()) return;
  throw Error(ErrorCode::kContractMismatch, program.path() + ": compiled for emulator \"" + expected.name +
                                                "\", the device is a \"" + found.name + "\": " + differences);
}

}  // namespace xw::runtime
