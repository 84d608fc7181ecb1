// How far a simulated device is, on the terminal.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/support/progress.hpp"
#include "host/toolchain/options.hpp"

namespace xw::app {

/// Shows the cycles that pass on devices with cycles, behind the text that is being printed.
class SimulationProgress {
 public:
  /// Listens to what is opened with `run`; must live as long as that.
  explicit SimulationProgress(toolchain::RunOptions& run) {
    run.on_cycles = [this](std::uint64_t passed) { line_.advance(passed); };
  }
  /// To be called before printing.
  void clear() { line_.clear(); }

 private:
  Progress line_{"simulate", 0, "cycles", Progress::Place::kAfterText};
};

}  // namespace xw::app
