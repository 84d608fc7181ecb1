// The physical tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/tiles.hpp"

#include "systemc/chip/tile_values.hpp"

namespace xw::systemc {

Tiles::Tiles(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  work.register_b_transport(this, &Tiles::b_transport);
}

void Tiles::configure(const ChipCosts& costs, std::uint32_t num_tiles) {
  tiles_.assign(num_tiles, {});
  costs_ = costs;
}

std::vector<double> Tiles::busy_ns() const {
  std::vector<double> busy;
  busy.reserve(tiles_.size());
  for (const Server& tile : tiles_) busy.push_back(tile.busy_ns());
  return busy;
}

void Tiles::b_transport(int, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (TileValues* values = payload.get_extension<TileValues>()) {
    values->saturations = analog::tile_mvm(*values->block, values->batch);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return;
  }
  Work* mvm = work_of(payload, tiles_.size());
  if (mvm == nullptr) return;
  mvm->time_ns = costs_.mvm_ns(mvm->cols);
  mvm->energy_pj = costs_.mvm_pj(mvm->rows, mvm->cols);
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time earliest = now + delay;
  const sc_core::sc_time duration = nanoseconds(mvm->time_ns.total());
  mvm->begin = tiles_[payload.get_address()].occupy(earliest, duration);
  mvm->end = mvm->begin + duration;
  mvm->time_ns[Component::kTileWait] = in_nanoseconds(mvm->begin - earliest);
  delay = mvm->end - now;
}

}  // namespace xw::systemc
