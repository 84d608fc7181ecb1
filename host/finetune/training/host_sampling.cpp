// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/host_sampling.hpp"

#include "arch/support/interrupt.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/batch.hpp"

namespace xw::finetune {

std::vector<std::int32_t> sample_sequences(transformer::Model& model, ThreadPool& pool, std::int32_t bos,
                                           std::uint32_t length, std::uint64_t first, std::uint32_t count,
                                           const SamplingSettings& settings,
                                           const std::function<void(std::uint32_t)>& on_step) {
  check(settings);
  std::vector<std::int32_t> tokens(std::size_t{count} * length);
  std::vector<std::int32_t> last(count, bos);
  std::vector<std::vector<float>> scratch(count);
  for (std::uint32_t s = 0; s < count; ++s) tokens[std::size_t{s} * length] = bos;
  transformer::Batch batch(model, count, length);
  for (std::uint32_t position = 1; position < length; ++position) {
    throw_if_interrupted();
    const std::span<const float> logits = batch.step(last);
    const std::size_t width = model.num_logits();
    pool.for_each(count, [&](std::size_t s) {
      const double draw = uniform(sequence_seed(settings.seed, first + s), position);
      last[s] = choose_token(logits.subspan(s * width, width), settings, draw, scratch[s]);
      tokens[s * length + position] = last[s];
    });
    if (on_step) on_step(count);
  }
  return tokens;
}

}  // namespace xw::finetune
