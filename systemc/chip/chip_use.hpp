// What runs took on the chip. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "systemc/chip/chip_result.hpp"

namespace xw::systemc {

/// Totals of runs of programs on the chip.
struct ChipUse {
  std::uint64_t runs = 0, vectors = 0;
  std::uint64_t block_mvms = 0;  ///< of whole blocks: one per block and vector
  std::uint64_t cell_macs = 0;
  double time_ns = 0;  ///< sum of the times of the runs
  Breakdown energy_pj;
  /// Where the time went, summed over vectors: those of a run are on the chip at the same time.
  Breakdown critical_path_ns;

  ChipUse& operator+=(const ChipUse& other) {
    runs += other.runs;
    vectors += other.vectors;
    block_mvms += other.block_mvms;
    cell_macs += other.cell_macs;
    time_ns += other.time_ns;
    energy_pj += other.energy_pj;
    critical_path_ns += other.critical_path_ns;
    return *this;
  }
};

}  // namespace xw::systemc
