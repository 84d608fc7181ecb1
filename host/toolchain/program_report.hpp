// What a program costs: the static estimate, the simulated chip, and a short measured run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "compiler/program/program.hpp"
#include "host/report/report.hpp"
#include "host/toolchain/opened_model.hpp"

namespace xw::toolchain {

struct ReportOptions {
  /// Length of the decoded token's context, its own position included; else 512, or the model's if that is shorter.
  std::optional<std::uint32_t> context;
  /// Prompt length of estimate, simulation and measured run; else 64, or the model's context if that is shorter.
  std::optional<std::uint32_t> prefill_tokens;
  std::uint32_t decode_tokens = 16;  ///< of the measured run
  std::string prompt;                ///< of the measured run, whatever its length; empty: a built-in text
};

/// Throws Error{kInvalidArgument} for counts of 0; for use before a program is opened.
void check(const ReportOptions& options);

/// Estimate and simulation. What the chip's description or this build lacks for the simulation is told in the section.
/// Throws Error{kInvalidArgument} for counts of 0 or beyond the model's context, Error{kFormat} if the program's code is not sound.
[[nodiscard]] report::Report static_report(std::shared_ptr<const program::Program> program,
                                           const ReportOptions& options);
/// Also a measured run: prefill of the prompt and greedy tokens, with the counters of both phases apart. `opened` is a
/// program in analog mode, or Error{kInvalidArgument}.
[[nodiscard]] report::Report measured_report(OpenedModel& opened, const ReportOptions& options);

}  // namespace xw::toolchain
