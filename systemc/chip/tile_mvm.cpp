// MVM unit of the chip profile.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/tile_mvm.hpp"

namespace xw::systemc {

TileMvm::TileMvm(const sc_core::sc_module_name& name, RunControl& control, EngineState& state, CallRecord& record)
    : MvmUnit(name, control, state), record_(record) {
  payload_.set_command(tlm::TLM_IGNORE_COMMAND);
  payload_.set_extension(&values_);
}

TileMvm::~TileMvm() {
  payload_.clear_extension(&values_);
}

Cycles TileMvm::execute(Command& command, const Context& context, Cycles begin) {
  record_.add(context.block, control_.inputs.origin(command.instruction.xbuf_offset));
  if (!control_.settings.values) return begin;
  values_.block = &context.block;
  values_.batch = batch_of(command);
  payload_.set_address(context.block.tile_uid);
  payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  tile->b_transport(payload_, delay);
  if (!payload_.is_response_ok()) SC_REPORT_FATAL(name(), "a tile refused to multiply");
  control_.counters.adc_saturations += values_.saturations;
  return begin;
}

}  // namespace xw::systemc
