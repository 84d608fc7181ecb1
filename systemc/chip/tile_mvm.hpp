// MVM unit of the chip profile: gives the vectors to the tile of the block.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm>

#include "systemc/chip/call_record.hpp"
#include "systemc/chip/tile_values.hpp"
#include "systemc/mvm_unit.hpp"

namespace xw::systemc {

/// MVM: the tile multiplies, the record remembers it. The instruction itself takes no time.
class TileMvm final : public MvmUnit {
 public:
  TileMvm(const sc_core::sc_module_name& name, RunControl& control, EngineState& state, CallRecord& record);
  ~TileMvm() override;

  tlm_utils::simple_initiator_socket<TileMvm> tile{"tile"};  ///< transactions with TileValues

 private:
  [[nodiscard]] Cycles execute(Command& command, const Context& context, Cycles begin) override;

  CallRecord& record_;
  TileValues values_;
  tlm::tlm_generic_payload payload_;
};

}  // namespace xw::systemc
