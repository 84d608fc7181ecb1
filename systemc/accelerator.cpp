// The accelerator: the `emulator` profile of the model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/accelerator.hpp"

#include <string>

#include "arch/support/error.hpp"

namespace xw::systemc {

Accelerator::Accelerator(const sc_core::sc_module_name& name, std::uint32_t max_engines, const MakeMvm& make_mvm)
    : sc_core::sc_module(name),
      engine_memory("engine_memory", max_engines),
      dispatch("dispatch", control_),
      x_load("x_load", max_engines, control_),
      y_store("y_store", max_engines, control_),
      engines("engine"),
      x_load_queue_("x_load_queue", arch::kUnitXLoad, control_),
      y_store_queue_("y_store_queue", arch::kUnitYStore, control_),
      block_load_queues_("block_load_queue"),
      mvm_queues_("mvm_queue"),
      gmem_mux_("gmem_mux", 3) {
  SC_HAS_PROCESS(Accelerator);
  engines.init(max_engines, [&](const char* child, std::size_t e) {
    return new Engine(child, static_cast<std::uint32_t>(e), control_, make_mvm);
  });
  block_load_queues_.init(max_engines, [&](const char* child, std::size_t e) {
    return new UnitQueue(child, arch::kUnitBlockLoad + static_cast<std::uint32_t>(e), control_);
  });
  mvm_queues_.init(max_engines, [&](const char* child, std::size_t e) {
    return new UnitQueue(child, arch::kUnitMvm + static_cast<std::uint32_t>(e), control_);
  });
  connect();
  SC_METHOD(drive_interrupt);
  dont_initialize();
  sensitive << dispatch.done();
}

Accelerator::Accelerator(const sc_core::sc_module_name& name, const Settings& settings)
    : Accelerator(name, settings.emulator.num_engines) {
  configure(settings);
}

void Accelerator::connect() {
  control.bind(dispatch.control);
  gmem_mux_.output.bind(gmem);
  dispatch.memory.bind(gmem_mux_.inputs[0]);
  x_load.memory.bind(gmem_mux_.inputs[1]);
  y_store.memory.bind(gmem_mux_.inputs[2]);
  x_load_queue_.executor.bind(x_load.commands);
  y_store_queue_.executor.bind(y_store.commands);
  dispatch.add_queue(arch::kUnitXLoad, x_load_queue_);
  dispatch.add_queue(arch::kUnitYStore, y_store_queue_);
  for (std::uint32_t e = 0; e < engines.size(); ++e) {
    x_load.xbuf[e].bind(engines[e].xbuf);
    y_store.ybuf[e].bind(engines[e].ybuf);
    engines[e].block_load.memory.bind(engine_memory[e]);
    block_load_queues_[e].executor.bind(engines[e].block_load.commands);
    mvm_queues_[e].executor.bind(engines[e].mvm->commands);
    dispatch.add_queue(arch::kUnitBlockLoad + e, block_load_queues_[e]);
    dispatch.add_queue(arch::kUnitMvm + e, mvm_queues_[e]);
  }
  dispatch.on_start([this] {
    x_load.start();
    for (Engine& engine : engines) engine.start();
  });
}

void Accelerator::configure(const Settings& settings) {
  if (settings.emulator.num_engines > engines.size()) {
    throw Error(ErrorCode::kInvalidArgument, std::string(name()) + ": emulator " + settings.emulator.name + " has " +
                                                 std::to_string(settings.emulator.num_engines) +
                                                 " engines, expected at most " + std::to_string(engines.size()));
  }
  control_.settings = settings;
  control_.clock.set_frequency(settings.emulator.clock_mhz);
  for (std::uint32_t e = 0; e < settings.emulator.num_engines; ++e) engines[e].configure();
}

void Accelerator::drive_interrupt() {
  if (interrupt.size() != 0) interrupt->write(dispatch.registers().interrupt());
}

}  // namespace xw::systemc
