// The digital units: attention, norms, activations and what else is not in tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/chip/costs.hpp"
#include "systemc/chip/work.hpp"

namespace xw::systemc {

/// All digital units of a chip together work on one operation at a time, at the address of the chip: its start, then multiply-adds and
/// exponentials one after another at their rates.
class DigitalUnits final : public sc_core::sc_module {
 public:
  explicit DigitalUnits(const sc_core::sc_module_name& name);

  tlm_utils::simple_target_socket<DigitalUnits> work{"work"};

  void configure(const ChipCosts& costs, std::uint32_t num_chips);
  [[nodiscard]] std::vector<double> busy_ns() const;  ///< by chip

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  std::vector<Server> units_;
  ChipCosts costs_;
};

}  // namespace xw::systemc
