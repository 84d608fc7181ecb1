// Things that move bytes: input links, output links, accumulators, activation buffer, off-chip memory.
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

/// Channel c answers at address c; transfers of a channel take turns.
class Channels final : public sc_core::sc_module {
 public:
  explicit Channels(const sc_core::sc_module_name& name);

  tlm_utils::simple_target_socket<Channels> work{"work"};

  void configure(std::uint32_t count, const ChannelCost& cost);
  [[nodiscard]] std::vector<double> busy_ns() const;

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  std::vector<Server> channels_;
  ChannelCost cost_;
};

}  // namespace xw::systemc
