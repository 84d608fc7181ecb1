// One engine (xw_engine): block loader, contexts, XBUF copy, MVM unit and YBUF bank.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <memory>
#include <systemc>
#include <tlm>

#include "systemc/block_load.hpp"
#include "systemc/engine_state.hpp"
#include "systemc/mvm_unit.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

/// Its sockets: block_load.commands, mvm->commands, xbuf (written by the X load), ybuf (read by the Y store) and
/// block_load.memory.
class Engine final : public sc_core::sc_module {
 private:
  EngineState state_;

 public:
  Engine(const sc_core::sc_module_name& name, std::uint32_t engine, RunControl& control, const MakeMvm& make_mvm);

  tlm_utils::simple_target_socket<Engine> xbuf{"xbuf"};  ///< bytes; vector v starts at v * xbuf_bytes
  tlm_utils::simple_target_socket<Engine> ybuf{"ybuf"};  ///< bytes; vector v starts at v * ybuf_words * 4; one beat per
                                                         ///< cycle while no results of an MVM take the port
  BlockLoad block_load;
  const std::unique_ptr<MvmUnit> mvm;

  /// Takes the sizes of the description. Only between runs.
  void configure();
  /// Start of a run: contexts are empty.
  void start();

 private:
  void write_xbuf(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void read_ybuf(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  RunControl& control_;
};

}  // namespace xw::systemc
