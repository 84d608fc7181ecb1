// Where a model loses quality on a chip: what each part of it costs alone, and what taking it off the chip would give.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/evaluation/perplexity.hpp"
#include "host/toolchain/evaluate.hpp"
#include "host/toolchain/opened_model.hpp"

namespace xw::toolchain {

/// What is looked at as one: every call of the chip (layers that read one value), all of a transformer layer, all of a kind.
enum class SensitivityBy { kCall, kLayer, kKind };
/// "call", "layer", "kind"; throws Error{kInvalidArgument} listing them.
[[nodiscard]] SensitivityBy parse_sensitivity_by(const std::string& word);
[[nodiscard]] const char* name(SensitivityBy by);
/// The group of a call: of "layers.3.qkv" that, "layers.3" or "qkv"; a call outside of layers is a group of its own.
[[nodiscard]] std::string group_of(const std::string& call, SensitivityBy by);

struct SensitivityPlan {
  std::string text;
  evaluation::PerplexityOptions perplexity;
  std::vector<SensitivityBy> by = {SensitivityBy::kKind, SensitivityBy::kLayer};
  bool spared = true;  ///< also everything but the group on the chip
  /// Times since programming, in seconds, at which every chip is measured, each larger than the one before. Empty: the one that the
  /// model was opened with.
  std::vector<double> times;
};

/// A difference of negative log-likelihoods, nats per token; the error is that of its mean over windows and chips.
struct LossDifference {
  double mean = 0, standard_error = 0;
};

/// Calls that are looked at together. All losses are of the same tokens.
struct SensitivityGroup {
  std::string name;  ///< "layers.3.qkv", "layers.3", "qkv"
  SensitivityBy by = SensitivityBy::kCall;
  std::vector<std::uint32_t> calls;
  double tiles = 0;        ///< its cells over those of a tile
  std::uint64_t macs = 0;  ///< of a token
  LossDifference ranges;   ///< only this on the chip, cells without noise: converters, their ranges and clipping
  LossDifference alone;    ///< only this on the chip
  LossDifference noise;    ///< alone less ranges: what the cells' noise does
  /// Everything on the chip less everything but this; nothing unless SensitivityPlan::spared.
  std::optional<LossDifference> regained = {};
};

/// What the chips lose at one time since programming.
struct SensitivityAtTime {
  double seconds = 0;
  LossDifference all;  ///< everything on the chip
  std::vector<SensitivityGroup>
      groups;  ///< in the order of the plan, then of the program; `ranges` are the same at all times
};

struct Sensitivity {
  double reference = 0;   ///< nats per token with nothing on the chip, the program's weights in fp32
  LossDifference ranges;  ///< everything on a chip without noise
  std::uint64_t tokens = 0;
  std::uint32_t chips = 0;
  std::vector<SensitivityAtTime> times;  ///< at least one
};

/// The groups of a program, without losses. Layers are told by names "layers.N.kind"; a call with another name is a layer and a kind
/// of its own.
[[nodiscard]] std::vector<SensitivityGroup> sensitivity_groups(const program::Program& program,
                                                               const std::vector<SensitivityBy>& by);

struct SensitivityRun {
  Sensitivity result;
  nlohmann::ordered_json
      json;  ///< "crossweave sensitivity", version 1: settings, windows of every measurement, the result
};

/// Calls that are not on the chip are computed in fp32 on the host with the weights that the program holds, so a difference is what
/// converters and cells do. A chip is programmed once for all that is measured on it, and aged from time to time. Every measurement is
/// kept in files.json as it comes, as of evaluate(). Throws Error{kInvalidArgument} for a model that is not analog or a device without
/// values, and what evaluate() throws, for its times, too.
[[nodiscard]] SensitivityRun measure_sensitivity(OpenedModel& opened, const SensitivityPlan& plan, ChipSeeds seeds,
                                                 const EvaluationFiles& files);

/// What every group of plan.by loses alone on one chip, nats per token, by name: SensitivityGroup::alone of measure_sensitivity() without
/// the measurements that it does not need, half of them. Throws what that throws.
[[nodiscard]] std::map<std::string, double> losses_alone(OpenedModel& opened, const SensitivityPlan& plan,
                                                         std::uint32_t chip_seed);

}  // namespace xw::toolchain
