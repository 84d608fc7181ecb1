// How a tile is asked to multiply values.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <tlm>

#include "models/analog/numerics.hpp"

namespace xw::systemc {

/// A transaction with this extension (address = crossbar, command TLM_IGNORE_COMMAND) makes a tile multiply vectors with
/// a block of its cells. It takes no time: the sequencer asks for that of the whole call, with Work.
class TileValues final : public tlm::tlm_extension<TileValues> {
 public:
  const analog::BlockView* block = nullptr;
  analog::MvmBatch batch;
  std::uint64_t saturations = 0;  ///< answer: conversions that the clamp changed

  [[nodiscard]] tlm::tlm_extension_base* clone() const override { return new TileValues(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const TileValues&>(other); }
};

}  // namespace xw::systemc
