// What a program costs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/program_report.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/setting_error.hpp"
#include "compiler/program/program_check.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/chip_runs.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

report::HostShares shares(const transformer::HostTimes& times) {
  return {{"analog calls", times.calls}, {"attention", times.attention},   {"digital linear", times.digital_linear},
          {"norms", times.norm},         {"activation", times.activation}, {"embedding", times.embedding},
          {"other", times.other}};
}

/// A decoded token and a prompt on the chip that the program was compiled for. What the chip or this build lacks for it is
/// told in the section, the rest of the report needs neither.
report::ChipSection simulate(const report::Report& report, std::uint32_t context, std::uint32_t prefill) {
  report::ChipSection section;
  try {
    section.plan = chip_plan_of(*report.program);
    section.decode = run_on_chip(section.plan, report.chip, report::decode_workload(context));
    section.prefill = run_on_chip(section.plan, report.chip, report::prefill_workload(prefill));
  } catch (const Error& error) {
    const ErrorCode code = error.code();
    if (code != ErrorCode::kUnsupported && code != ErrorCode::kInvalidArgument && code != ErrorCode::kCapacity) throw;
    section.decode.reset();
    section.absent = error.what();
  }
  return section;
}

report::MeasuredRun measure(OpenedModel& opened, const std::vector<std::int32_t>& prompt, std::uint32_t decode) {
  using Clock = std::chrono::steady_clock;
  report::MeasuredRun run;
  runtime::ChipInstance& chip = *opened.chip();
  run.description = opened.describe();
  run.options = chip.options();
  run.threads = opened.pool().num_threads();
  if (const device::DeviceInfo& info = chip.device().info(); info.cycle_accurate) run.cycle_accurate = info.emulator;
  run.chip_time = chip.device().info().chip_time;
  run.programming_seconds = chip.programming_seconds();
  transformer::Session session(opened.model());
  chip.reset_stats();
  auto start = Clock::now();
  std::vector<float> logits = session.forward(prompt, transformer::LogitsOf::kLast);
  run.prefill = {static_cast<std::uint32_t>(prompt.size()), std::chrono::duration<double>(Clock::now() - start).count(),
                 chip.stats()};
  chip.reset_stats();
  start = Clock::now();
  for (std::uint32_t i = 0; i < decode; ++i) {
    const auto best = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    logits = session.forward({&best, 1}, transformer::LogitsOf::kLast);
  }
  run.decode = {decode, std::chrono::duration<double>(Clock::now() - start).count(), chip.stats()};
  run.host = shares(session.times());
  return run;
}

/// A count that was asked for, at most the model's context; else the usual one or that context.
std::uint32_t length_of(const program::Program& program, const char* setting, std::optional<std::uint32_t> asked,
                        std::uint32_t usual) {
  const std::uint64_t most = context_length(program).value_or(std::numeric_limits<std::uint32_t>::max());
  if (asked && *asked > most) {
    throw SettingError(ErrorCode::kInvalidArgument, setting,
                       std::string(setting) + ": " + std::to_string(*asked) + " is beyond the model's context of " +
                           std::to_string(most) + " tokens");
  }
  return asked.value_or(static_cast<std::uint32_t>(std::min<std::uint64_t>(usual, most)));
}

std::uint32_t context_of(const program::Program& program, const ReportOptions& options) {
  return length_of(program, "context", options.context, 512);
}

std::uint32_t prefill_of(const program::Program& program, const ReportOptions& options) {
  return length_of(program, "prefill tokens", options.prefill_tokens, 64);
}

report::Report make(std::shared_ptr<const program::Program> program, std::uint32_t context, std::uint32_t prefill) {
  report::Report report = report::make_report(std::move(program), context, prefill);
  report.simulation = simulate(report, context, prefill);
  report.tool_version = kVersion;
  return report;
}

}  // namespace

void check(const ReportOptions& options) {
  for (const auto& [setting, length] :
       {std::pair("context", options.context), std::pair("prefill tokens", options.prefill_tokens)}) {
    if (length == 0U)
      throw SettingError(ErrorCode::kInvalidArgument, setting, std::string(setting) + ": must be at least 1");
  }
}

report::Report static_report(std::shared_ptr<const program::Program> program, const ReportOptions& options) {
  check(options);
  program::check_program(*program);
  const std::uint32_t context = context_of(*program, options), prefill = prefill_of(*program, options);
  return make(std::move(program), context, prefill);
}

report::Report measured_report(OpenedModel& opened, const ReportOptions& options) {
  check(options);
  if (opened.chip() == nullptr)
    throw Error(ErrorCode::kInvalidArgument, "report: a measured run needs a program on a device");
  const std::uint32_t context = context_of(*opened.program(), options),
                      prefill = prefill_of(*opened.program(), options);
  std::vector<std::int32_t> tokens =
      opened.tokenizer().encode(options.prompt.empty() ? std::string(default_text()) : options.prompt, true, false);
  if (options.prompt.empty() && tokens.size() > prefill) tokens.resize(prefill);
  if (tokens.empty()) throw Error(ErrorCode::kInvalidArgument, "report: the prompt has no tokens");
  report::Report report = make(opened.program(), context, static_cast<std::uint32_t>(tokens.size()));
  report.run = measure(opened, tokens, options.decode_tokens);
  return report;
}

}  // namespace xw::toolchain
