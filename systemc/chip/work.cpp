// The protocol of the chip's sockets.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/work.hpp"

namespace xw::systemc {

Work* work_of(tlm::tlm_generic_payload& payload, std::size_t num_servers) {
  Work* work = payload.get_extension<Work>();
  if (work == nullptr || payload.get_command() != tlm::TLM_IGNORE_COMMAND) {
    payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
    return nullptr;
  }
  if (payload.get_address() >= num_servers) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return nullptr;
  }
  work->clear_answer();
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  return work;
}

}  // namespace xw::systemc
