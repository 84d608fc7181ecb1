// From a recipe to what the trainer works with.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/description/description.hpp"
#include "host/finetune/data/data_set.hpp"
#include "host/finetune/network.hpp"
#include "host/finetune/recipe/recipe.hpp"
#include "host/toolchain/adapter.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::finetune {

/// The recipe's checkpoint, with what the recipe keeps digital marked in its graph.
[[nodiscard]] toolchain::OpenedCheckpoint open_model(const Recipe& recipe);

/// The recipe's chip as training sees it: converters, blocks as `compile` cuts them, noise.
[[nodiscard]] AnalogSettings analog_settings(const Recipe& recipe, const ir::Graph& graph,
                                             const arch::ChipDescription& chip);

/// A new adapter as the recipe says: A uniform within 1 / sqrt(inputs), B zero, so that the model is what it was. A function of
/// the recipe's seed.
[[nodiscard]] checkpoint::Adapter new_adapter(const Recipe& recipe, const ir::Graph& graph);
/// The adapter of a trained network.
[[nodiscard]] checkpoint::Adapter trained_adapter(const Network& network, const checkpoint::Adapter& begun);

/// The training sequences of a data set in the order of the run: epochs of shuffled pieces. A function of data, seed and place.
class TrainingOrder {
 public:
  /// Throws Error{kInvalidArgument} if nothing is left to train on.
  TrainingOrder(const DataSet& data, const Recipe& recipe);
  [[nodiscard]] std::uint32_t length() const { return length_; }  ///< tokens of a piece
  /// Pieces [first, first + count) of the run, int64 [count][length] on the CPU.
  [[nodiscard]] torch::Tensor batch(std::uint64_t first, std::uint32_t count);
  /// The held-out sequences, int64 [n][length], nothing without.
  [[nodiscard]] torch::Tensor held_out() const;

 private:
  void shuffle(std::uint64_t epoch);

  const DataSet& data_;
  std::uint64_t seed_;
  std::uint32_t length_, per_sequence_;
  std::uint64_t trained_;  ///< sequences that are trained on
  std::uint64_t epoch_ = 0;
  std::vector<std::uint32_t> order_;
};

}  // namespace xw::finetune
