// What a unit of the RTL reports about its commands.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace xw::test {

/// Pulses since it was last cleared; code and detail of the last error.
struct UnitEvents {
  unsigned done = 0, errors = 0;
  std::uint32_t code = 0;
  std::uint64_t detail = 0;

  void note(bool is_done, bool is_error, std::uint64_t error_code, std::uint64_t error_detail) {
    done += is_done ? 1 : 0;
    if (!is_error) return;
    ++errors;
    code = static_cast<std::uint32_t>(error_code);
    detail = error_detail;
  }
};

}  // namespace xw::test
