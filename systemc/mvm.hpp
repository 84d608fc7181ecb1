// MVM unit of one engine (xw_mvm_control, xw_mac_lanes, xw_converter).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "systemc/mvm_unit.hpp"

namespace xw::systemc {

/// MVM: one beat of cells per cycle for every column group, vector and row; conversion of a pass overlaps the next.
class Mvm final : public MvmUnit {
 public:
  using MvmUnit::MvmUnit;
  [[nodiscard]] static MakeMvm maker();

 private:
  [[nodiscard]] Cycles execute(Command& command, const Context& context, Cycles begin) override;
  /// Cycle of completion; `stall`: cycles waited for cells.
  [[nodiscard]] Cycles time(const Context& context, Cycles begin, std::uint32_t num_vectors, Cycles& stall);
};

}  // namespace xw::systemc
