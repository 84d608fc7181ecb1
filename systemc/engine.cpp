// One engine: block loader, contexts, XBUF copy, MVM unit and YBUF bank.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/engine.hpp"

#include <algorithm>
#include <cstring>

namespace xw::systemc {
namespace {

/// Rows of the buffers are padded so that the same word of different vectors falls into different cache sets.
[[nodiscard]] std::size_t padded(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  return (bytes + kLine - 1) / kLine * kLine + kLine;
}

/// Place of an access in a buffer of rows; nullptr if it does not lie in one row.
[[nodiscard]] std::byte* place(std::byte* data, std::size_t stride, std::uint64_t row_bytes, std::uint64_t rows,
                               const tlm::tlm_generic_payload& payload) {
  const std::uint64_t row = payload.get_address() / row_bytes;
  const std::uint64_t offset = payload.get_address() % row_bytes;
  if (row >= rows || payload.get_data_length() > row_bytes - offset) return nullptr;
  return data + row * stride + offset;
}

}  // namespace

void EngineState::configure(const arch::EmulatorDescription& emulator) {
  contexts.clear();
  contexts.resize(emulator.contexts);
  x_stride = padded(emulator.xbuf_bytes);
  y_stride = padded(std::size_t{4} * emulator.ybuf_words) / 4;
  xbuf.resize(x_stride * emulator.max_batch);
  ybuf.resize(y_stride * emulator.max_batch);
}

Cycles EngineState::last_read(Cycles first, std::uint32_t rows) const {
  auto span = std::upper_bound(updates.begin(), updates.end(), first,
                               [](Cycles cycle, const BusySpan& s) { return cycle < s.end; });
  Cycles next = first;
  for (; span != updates.end() && span->begin < next + rows; ++span) {
    if (span->begin > next) rows -= static_cast<std::uint32_t>(span->begin - next);
    next = span->end;
  }
  return next + rows - 1;
}

Engine::Engine(const sc_core::sc_module_name& name, std::uint32_t engine, RunControl& control, const MakeMvm& make_mvm)
    : sc_core::sc_module(name),
      block_load("block_load", engine, control, state_),
      mvm(make_mvm("mvm", control, state_)),
      control_(control) {
  xbuf.register_b_transport(this, &Engine::write_xbuf);
  ybuf.register_b_transport(this, &Engine::read_ybuf);
}

void Engine::configure() {
  state_.configure(control_.settings.emulator);
}

void Engine::start() {
  state_.start();
  block_load.start();
}

void Engine::write_xbuf(tlm::tlm_generic_payload& payload, sc_core::sc_time&) {
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  std::byte* target = place(reinterpret_cast<std::byte*>(state_.xbuf.data()), state_.x_stride, emulator.xbuf_bytes,
                            emulator.max_batch, payload);
  if (target == nullptr || !payload.is_write()) {
    payload.set_response_status(target == nullptr ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_COMMAND_ERROR_RESPONSE);
    return;
  }
  std::memcpy(target, payload.get_data_ptr(), payload.get_data_length());
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

void Engine::read_ybuf(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const arch::EmulatorDescription& emulator = control_.settings.emulator;
  const std::byte* source = place(reinterpret_cast<std::byte*>(state_.ybuf.data()), 4 * state_.y_stride,
                                  std::uint64_t{4} * emulator.ybuf_words, emulator.max_batch, payload);
  if (source == nullptr || !payload.is_read()) {
    payload.set_response_status(source == nullptr ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_COMMAND_ERROR_RESPONSE);
    return;
  }
  std::memcpy(payload.get_data_ptr(), source, payload.get_data_length());
  const std::uint32_t beat_bytes = control_.settings.beat_bytes();
  const Cycles now = control_.clock.now();
  const Cycles last =
      state_.last_read(now + control_.clock.count(delay), (payload.get_data_length() + beat_bytes - 1) / beat_bytes);
  delay = control_.clock.span(last - now);
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace xw::systemc
