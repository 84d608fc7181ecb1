// What decides the results of an evaluation: its inputs as token ids, and its settings.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/evaluation/encoded_task.hpp"
#include "host/toolchain/evaluate.hpp"

namespace xw::toolchain {

/// The texts of a plan as token ids, made once for all chips.
struct EvaluationInputs {
  std::vector<std::int32_t> text;
  std::int32_t bos = -1;  ///< in front of texts; -1: none
  std::vector<evaluation::EncodedTask> tasks;
};
/// Throws what evaluation::encode() throws.
[[nodiscard]] EvaluationInputs encode(OpenedModel& opened, const EvaluationPlan& plan);

/// What decides the results, whatever the seeds are: versions, mode, noise, and programs, texts and token ids by
/// checksum. A checkpoint without program is known by the names, sizes and times of its files (`model`).
[[nodiscard]] nlohmann::ordered_json evaluation_settings(const OpenedModel& opened, const EvaluationPlan& plan,
                                                         const EvaluationInputs& inputs,
                                                         const std::filesystem::path& model);

}  // namespace xw::toolchain
