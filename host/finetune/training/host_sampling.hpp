// Sampling training text from a model on the host: many sequences at once.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "host/finetune/data/sampling.hpp"
#include "host/transformer/model.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::finetune {

/// Sequences [first, first + count), each of `length` tokens beginning with `bos`: [count][length]. A sequence depends on the
/// model, the settings and its number alone. Throws what Batch and choose_token throw, Error{kInterrupted} after Ctrl-C.
[[nodiscard]] std::vector<std::int32_t> sample_sequences(transformer::Model& model, ThreadPool& pool, std::int32_t bos,
                                                         std::uint32_t length, std::uint64_t first, std::uint32_t count,
                                                         const SamplingSettings& settings,
                                                         const std::function<void(std::uint32_t)>& on_step = {});

}  // namespace xw::finetune
