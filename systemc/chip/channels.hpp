// Things that move bytes: input links, output links, accumulators, activation buffer, off-chip memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tlm_utils/simple_target_socket.h>
#include <cstdint>
#include <systemc>
#include <tlm>
#include <vector>

#include "systemc/chip/work.hpp"

namespace xw::systemc {

/// What one of them costs.
struct ChannelCost {
  Component component = Component::kInputLink;
  Component waiting = Component::kLinkWait;
  double bytes_per_ns = 0;  ///< 0: unlimited
  double latency_ns = 0;    ///< after the last byte left; the channel is free again then
  double byte_pj = 0;
  double hop_byte_pj = 0;  ///< per byte and router
};

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
