// The accelerator (xw_core): the `emulator` profile of the model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>
#include <tlm>

#include "systemc/axi_mux.hpp"
#include "systemc/dispatch.hpp"
#include "systemc/engine.hpp"
#include "systemc/mvm.hpp"
#include "systemc/run_control.hpp"
#include "systemc/unit_queue.hpp"
#include "systemc/x_load.hpp"
#include "systemc/y_store.hpp"

namespace xw::systemc {

/// Program the registers through `control` (32-bit words, docs/generated/registers.md), set start, wait for done().
/// `gmem` reads program and x and writes y and the completion record, `engine_memory[e]` reads the images of engine e.
class Accelerator final : public sc_core::sc_module {
 private:
  RunControl control_;

 public:
  /// With room for `max_engines` engines; the description decides how many of them there are.
  Accelerator(const sc_core::sc_module_name& name, std::uint32_t max_engines, const MakeMvm& make_mvm = Mvm::maker());
  Accelerator(const sc_core::sc_module_name& name, const Settings& settings);

  tlm::tlm_target_socket<> control{"control"};
  tlm::tlm_initiator_socket<> gmem{"gmem"};
  sc_core::sc_vector<tlm::tlm_initiator_socket<>> engine_memory;
  /// High while an enabled interrupt is pending. May stay unbound.
  sc_core::sc_port<sc_core::sc_signal_inout_if<bool>, 1, sc_core::SC_ZERO_OR_MORE_BOUND> interrupt{"interrupt"};

  /// Changes parameters and clears XBUF and YBUF. Only while no run is in flight; throws Error{kInvalidArgument} for
  /// more engines than there is room for.
  void configure(const Settings& settings);
  [[nodiscard]] const RunControl& run_control() const { return control_; }
  /// The run has ended; registers and completion record say how.
  [[nodiscard]] const sc_core::sc_event& done() const { return dispatch.done(); }

  Dispatch dispatch;
  XLoad x_load;
  YStore y_store;
  sc_core::sc_vector<Engine> engines;

 private:
  void connect();
  void drive_interrupt();

  UnitQueue x_load_queue_, y_store_queue_;
  sc_core::sc_vector<UnitQueue> block_load_queues_, mvm_queues_;
  AxiMux gmem_mux_;
};

}  // namespace xw::systemc
