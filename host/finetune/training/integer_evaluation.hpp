// A network in training on the integer engine, with a chip's noise.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "host/finetune/data/data_set.hpp"
#include "host/finetune/network.hpp"
#include "host/finetune/recipe/recipe.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::finetune {

/// Mean perplexity over the recipe's chips of a checkpoint, on the recipe's text or the held-out sequences; for `qat` that of
/// digital-w4a8 (w8a8), for `pretrain` that of fp32. Throws
/// Error{kInvalidArgument} if there is nothing held out, and what compiling and running throw.
[[nodiscard]] double integer_perplexity(const std::filesystem::path& checkpoint, const Recipe& recipe,
                                        const DataSet& data);
/// The same for a network: of its export.
[[nodiscard]] double integer_perplexity(const Network& network, const toolchain::OpenedCheckpoint& opened,
                                        const Recipe& recipe, const DataSet& data);

}  // namespace xw::finetune
