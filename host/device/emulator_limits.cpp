// What every device asks of an emulator description that did not come from a file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/emulator_limits.hpp"

#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::device {

void require_emulator(const char* device, const arch::EmulatorDescription& emulator, bool condition, const char* key,
                      std::uint64_t value, const char* expected) {
  if (condition) return;
  throw Error(ErrorCode::kInvalidArgument, std::string(device) + " device: emulator " + emulator.name + ": " + key +
                                               " is " + std::to_string(value) + ", expected " + expected);
}

void check_emulator(const char* device, const arch::EmulatorDescription& e) {
  const auto require = [&](bool condition, const char* key, std::uint64_t value, const char* expected) {
    require_emulator(device, e, condition, key, value, expected);
  };
  require(e.num_engines >= 1 && e.num_engines <= arch::kMaxEngines, "num_engines", e.num_engines, "1..8");
  require(e.lanes >= 1 && e.lanes <= arch::kMaxCols, "lanes", e.lanes, "1..1024");
  require(e.block_rows >= 1 && e.block_rows <= arch::kMaxRows, "block_rows", e.block_rows, "1..1024");
  require(e.block_cols >= 1 && e.block_cols <= arch::kMaxCols, "block_cols", e.block_cols, "1..1024");
  require(e.contexts >= 1 && e.contexts <= 256, "contexts", e.contexts, "1..256");
  require(e.xbuf_bytes >= 1 && e.xbuf_bytes <= 1U << 17U, "xbuf_bytes", e.xbuf_bytes, "1..131072");
  require(e.ybuf_words >= 1 && e.ybuf_words <= 1U << 17U, "ybuf_words", e.ybuf_words, "1..131072");
  require(e.max_batch >= 1 && e.max_batch <= arch::kMaxBatch, "max_batch", e.max_batch, "1..256");
}

}  // namespace xw::device
