// Options of the Verilated device.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "arch/description/description.hpp"

namespace xw::verilated {

struct Options {
  std::filesystem::path trace;                                         ///< FST file; empty: no waveforms
  std::uint64_t trace_from = 0;                                        ///< first cycle of the session in it
  std::uint64_t trace_to = std::numeric_limits<std::uint64_t>::max();  ///< first cycle that is not
  std::uint64_t seed = 1;                                              ///< of the stalls
  double backpressure = 0;                                             ///< probability that a channel stalls in a cycle
  std::optional<std::uint32_t> latency_cycles;  ///< these three: the emulator description's if not given
  std::optional<double> bytes_per_cycle;
  std::optional<std::uint32_t> max_outstanding;
  std::filesystem::path save;                  ///< file for the first run that fails; empty: none
  std::optional<std::uint64_t> silent_cycles;  ///< without any bus transfer, after which a run is given up;
                                               ///< most_silent_cycles() if not given
  bool reset_after_hang = true;  ///< before the next run, when memory has not answered all of the last; tests without
  /// Called with cycles that have passed, about ten times a second; may throw.
  std::function<void(std::uint64_t)> on_cycles;
};

/// "trace=out.fst,from=1000,seed=3,backpressure=0.2"; empty: defaults. Throws Error{kInvalidArgument} naming the key
/// and those that there are.
[[nodiscard]] Options parse_options(std::string_view text);
/// Cycles without any bus transfer that a run on this emulator can be good for, several times over: every context
/// multiplied with a whole batch, and a beat of the slowest memory.
[[nodiscard]] std::uint64_t most_silent_cycles(const arch::EmulatorDescription& emulator, const Options& options);
/// All keys, for help texts: "trace, from, to, ...".
[[nodiscard]] std::string option_keys();

}  // namespace xw::verilated
