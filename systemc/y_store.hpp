// Y store: YBUF banks, summed, to device memory (xw_y_store).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/command.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// STORE_Y: per vector one range of memory, one beat per cycle; complete when the last burst is answered.
class YStore final : public sc_core::sc_module {
 public:
  using Bank = tlm_utils::simple_initiator_socket<YStore>;
  YStore(const sc_core::sc_module_name& name, std::uint32_t num_engines, RunControl& control);

  tlm_utils::simple_target_socket<YStore> commands{"commands"};
  tlm_utils::simple_initiator_socket<YStore> memory{"memory"};
  sc_core::sc_vector<Bank> ybuf;  ///< per engine

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  [[nodiscard]] Fault check(const program::Instruction& instruction) const;
  [[nodiscard]] Cycles store(Command& command, Cycles begin);
  /// row_ = sum of the banks of `mask`.
  /// Rows are read from cycle `first` on; returns the cycle of the last.
  [[nodiscard]] Cycles sum_banks(std::uint32_t mask, std::uint64_t address, std::uint32_t words, Cycles first);

  RunControl& control_;
  std::vector<Cycles> answered_;  ///< of the last max_outstanding bursts, a ring
  std::vector<std::uint32_t> row_, bank_;
  tlm::tlm_generic_payload payload_;
};

}  // namespace xw::systemc
