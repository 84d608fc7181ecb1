// What a run measured, step by step: JSON lines.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace xw::finetune {

struct StepMetrics {
  std::uint64_t step = 0, tokens = 0;
  double loss = 0, lr = 0, gradient_norm = 0, seconds = 0;
};

/// {"step": 1, "tokens": 1024, "loss": 0.5, "lr": 1e-05, "gradient_norm": 1.2, "seconds": 3.1} a line; numbers that are not finite are
/// null. Lines of held-out measurements have "held_out" instead of the loss.
class Metrics {
 public:
  /// Keeps the lines of the first `step` steps of a file that is there: later ones will be measured again. Throws Error{kIo}.
  Metrics(std::filesystem::path path, std::uint64_t step);
  void add(const StepMetrics& metrics);
  void add_held_out(std::uint64_t step, std::uint64_t tokens, double perplexity);
  /// Appends what was added. Throws Error{kIo}.
  void write();
  /// Writes the plot of all losses.
  void plot(const std::filesystem::path& svg, const std::string& title) const;

 private:
  std::filesystem::path path_;
  std::string pending_;
};

}  // namespace xw::finetune
