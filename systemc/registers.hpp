// The register window (arch [register.*] and [[argument]]).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "systemc/run_control.hpp"

namespace xw::systemc {

/// What the registers hold besides the state of a run.
class Registers {
 public:
  explicit Registers(const RunControl& control) : control_(control) {}

  /// Value of the word at `offset`; reading control clears done.
  [[nodiscard]] std::uint32_t read(std::uint32_t offset);
  /// Returns true if a run is to start.
  [[nodiscard]] bool write(std::uint32_t offset, std::uint32_t value);

  /// The arguments as they stand now.
  [[nodiscard]] RunArguments arguments() const;
  void run_started();
  /// Returns true if the run is to start again (auto_restart).
  [[nodiscard]] bool run_ended(Cycles cycles);
  [[nodiscard]] bool interrupt() const;
  [[nodiscard]] bool busy() const { return busy_; }

 private:
  [[nodiscard]] std::uint32_t read_status(std::uint32_t offset) const;

  const RunControl& control_;
  std::array<std::uint32_t, arch::kRegVersion / 4> words_{};  ///< of the writable part
  bool busy_ = false, done_ = false;
  Cycles cycles_ = 0;
};

}  // namespace xw::systemc
