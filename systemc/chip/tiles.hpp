// The physical tiles: crossbars with their converters and rescaling.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/multi_passthrough_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/chip/costs.hpp"
#include "systemc/chip/work.hpp"

namespace xw::systemc {

/// Tile t answers at address t. Blocks of one tile take turns; an MVM takes dac + read_phases * mvm + conversion rounds +
/// rescaling (docs/chip-description.md), whatever part of the tile the block uses. Values are multiplied when TileValues
/// say so, in no time.
class Tiles final : public sc_core::sc_module {
 public:
  explicit Tiles(const sc_core::sc_module_name& name);

  tlm_utils::multi_passthrough_target_socket<Tiles> work{"work"};

  void configure(const ChipCosts& costs, std::uint32_t num_tiles);
  [[nodiscard]] std::vector<double> busy_ns() const;

 private:
  void b_transport(int id, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  std::vector<Server> tiles_;
  ChipCosts costs_;
};

}  // namespace xw::systemc
