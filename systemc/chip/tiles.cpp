// The physical tiles.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/tiles.hpp"

#include <algorithm>

#include "systemc/chip/constants.hpp"
#include "systemc/chip/tile_values.hpp"

namespace xw::systemc {

Tiles::Tiles(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
  work.register_b_transport(this, &Tiles::b_transport);
}

void Tiles::configure(const arch::ChipDescription& chip, std::uint32_t num_tiles) {
  tiles_.assign(num_tiles, {});
  adcs_ = std::max(1U, chip.adcs_per_tile);
  dac_ns_ = constant(chip.timing, "dac", 0);
  mvm_ns_ = chip.read_phases * constant(chip.timing, "mvm", 0);
  adc_round_ns_ = constant(chip.timing, "adc_round", 0);
  rescale_ns_ = constant(chip.timing, "rescale_output", 0);
  dac_pj_ = constant(chip.energy, "dac_conversion", 0);
  cell_pj_ = constant(chip.energy, "cell_mac", 0);
  adc_pj_ = constant(chip.energy, "adc_conversion", 0);
  rescale_pj_ = constant(chip.energy, "rescale_output", 0);
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
  mvm->time_ns[Component::kDac] = dac_ns_;
  mvm->time_ns[Component::kCells] = mvm_ns_;
  mvm->time_ns[Component::kAdc] = (mvm->cols + adcs_ - 1) / adcs_ * adc_round_ns_;
  mvm->time_ns[Component::kRescale] = mvm->cols * rescale_ns_;
  mvm->energy_pj[Component::kDac] = mvm->rows * dac_pj_;
  mvm->energy_pj[Component::kCells] = static_cast<double>(mvm->rows) * mvm->cols * cell_pj_;
  mvm->energy_pj[Component::kAdc] = mvm->cols * adc_pj_;
  mvm->energy_pj[Component::kRescale] = mvm->cols * rescale_pj_;
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time earliest = now + delay;
  const sc_core::sc_time duration = nanoseconds(mvm->time_ns.total());
  mvm->begin = tiles_[payload.get_address()].occupy(earliest, duration);
  mvm->end = mvm->begin + duration;
  mvm->time_ns[Component::kTileWait] = in_nanoseconds(mvm->begin - earliest);
  delay = mvm->end - now;
}

}  // namespace xw::systemc
