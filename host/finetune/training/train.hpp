// Fine-tuning a checkpoint by a recipe.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "host/finetune/recipe/recipe.hpp"

namespace xw::finetune {

/// Whether this build can train.
[[nodiscard]] bool has_torch();

/// What a run writes: the trained checkpoint, and beside it OUTPUT.state (what an interrupted run goes on with),
/// OUTPUT.metrics.jsonl and OUTPUT.loss.svg.
struct TrainFiles {
  std::filesystem::path output;
  bool resume = false;
  [[nodiscard]] std::filesystem::path beside(const char* suffix) const { return output.string() + suffix; }
};

/// A line of the metrics: means over the steps since the last one.
struct TrainStatus {
  std::uint64_t step = 0, tokens = 0;
  double loss = 0;  ///< nats per position
  double lr = 0;
  double gradient_norm = 0;   ///< before clipping, of the last step
  std::uint64_t skipped = 0;  ///< steps without an update so far, since gradients were not finite
  double tokens_per_second = 0;
  double seconds = 0;       ///< trained so far, over all calls
  double seconds_left = 0;  ///< as far as the budget says
  double held_out = -1;  ///< perplexity of the held-out tokens with noise on the integer engine; negative: not measured
};

struct TrainObserver {
  std::function<void(const TrainStatus&)> on_status;
  std::function<void(const std::string&)> on_message;  ///< one line: what was chosen, damage of clipping, what is saved
};

struct TrainSummary {
  TrainStatus last;
  double first_loss = 0;
  bool interrupted = false;  ///< by Ctrl-C; state and checkpoint are there
};

/// Trains until the budget is used up, or Ctrl-C, and writes the checkpoint. With `resume` it goes on from the state beside the
/// output, if there is one, with the same losses as an undisturbed run (budgets in tokens, same device and threads). Throws
/// Error{kUnsupported} in a build without torch and for what cannot be trained, Error{kInvalidArgument} for a state of another
/// recipe or data, Error{kNotFinite} if steps keep failing, and what its parts throw.
TrainSummary train(const Recipe& recipe, const TrainFiles& files, const TrainObserver& observer = {});

}  // namespace xw::finetune
