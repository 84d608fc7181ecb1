// The clock of an accelerator: cycles since the start of a run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>

namespace xw::systemc {

using Cycles = std::uint64_t;

/// Turns cycles into simulated time and back. All times of a run are whole cycles after its start.
class Clock {
 public:
  void set_frequency(double mhz) {
    period_ = sc_core::sc_time(1e3 / mhz, sc_core::SC_NS);
    if (period_ == sc_core::SC_ZERO_TIME) period_ = sc_core::sc_time::from_value(1);
  }
  /// Makes now() zero.
  void restart() { origin_ = sc_core::sc_time_stamp(); }

  [[nodiscard]] const sc_core::sc_time& period() const { return period_; }
  [[nodiscard]] Cycles now() const { return count(sc_core::sc_time_stamp() - origin_); }
  [[nodiscard]] sc_core::sc_time span(Cycles cycles) const {
    return sc_core::sc_time::from_value(period_.value() * cycles);
  }
  /// Whole cycles that `time` takes, rounded up.
  [[nodiscard]] Cycles count(const sc_core::sc_time& time) const {
    return (time.value() + period_.value() - 1) / period_.value();
  }

 private:
  sc_core::sc_time period_{1, sc_core::SC_NS};
  sc_core::sc_time origin_ = sc_core::SC_ZERO_TIME;
};

}  // namespace xw::systemc
