// Sampling training text with torch: all sequences of a shard at once, and nothing waits for the device before its end.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/progress.hpp"
#include "host/finetune/network.hpp"
#include "host/finetune/runtime.hpp"
#include "host/finetune/training/generate.hpp"

namespace xw::finetune {
namespace {

constexpr std::int64_t kRows = 512;  ///< sequences whose logits are looked at at once, as fp32

/// One token of every row of logits [n][vocab]. The draw is argmax of p_i / e_i with e_i exponentially distributed, which is i
/// with probability p_i.
torch::Tensor choose(const torch::Tensor& logits, const SamplingSettings& settings) {
  torch::Tensor values = logits.to(torch::kFloat32);
  if (settings.temperature != 1) values = values / settings.temperature;
  torch::Tensor ids;
  const std::int64_t vocabulary = values.size(1);
  const bool is_cut = settings.top_k != 0 && settings.top_k < vocabulary;
  if (is_cut || settings.top_p < 1) {
    std::tie(values, ids) = is_cut ? values.topk(settings.top_k, 1, true, true) : values.sort(1, true);
  }
  torch::Tensor probabilities = torch::softmax(values, 1);
  if (settings.top_p < 1) {
    // A token stays if those before it do not hold top_p yet.
    const torch::Tensor before = probabilities.cumsum(1) - probabilities;
    probabilities.masked_fill_(before >= settings.top_p, 0);
  }
  const torch::Tensor place = probabilities.div_(torch::empty_like(probabilities).exponential_()).argmax(1, true);
  return ids.defined() ? ids.gather(1, place) : place;
}

class TorchSampler {
 public:
  TorchSampler(const toolchain::OpenedCheckpoint& opened, const GenerateSettings& settings, std::int32_t bos)
      : settings_(settings), bos_(bos), device_(open_device(settings.device)) {
    if (settings.threads != 0) set_threads(static_cast<int>(settings.threads));
    NetworkOptions options;
    options.device = device_;
    options.is_trainable = false;
    const bool bf16 = settings.compute == "bf16" || (settings.compute == "auto" && has_fast_bf16(device_));
    options.compute = bf16 ? torch::kBFloat16 : torch::kFloat32;
    network_ = std::make_unique<Network>(opened.graph, *opened.file, options, AnalogSettings());
  }

  std::vector<std::int32_t> make(const ShardTask& task) {
    const torch::NoGradGuard no_gradients;
    const std::int64_t count = task.count, length = settings_.length;
    torch::manual_seed(sequence_seed(settings_.sampling.seed, task.index));
    const auto options = torch::TensorOptions().dtype(torch::kInt64).device(device_);
    if (!cache_ || cache_->keys.at(0).size(0) != count) {
      cache_.reset();
      cache_ = network_->make_cache(count, length);
    }
    cache_->length = 0;
    torch::Tensor tokens = torch::empty({count, length}, options);
    tokens.select(1, 0).fill_(bos_);
    Progress progress("sample", static_cast<std::uint64_t>(count * (length - 1)), "tokens");
    for (std::int64_t position = 1; position < length; ++position) {
      throw_if_interrupted();
      const torch::Tensor logits = network_->step(tokens.narrow(1, position - 1, 1), *cache_);
      if (device_.is_cpu()) {
        choose_on_processor(logits, task.first, position, tokens);
      } else {
        choose_on_device(logits, position, tokens);
      }
      progress.advance(static_cast<std::uint64_t>(count));
    }
    const torch::Tensor result = tokens.to(torch::kCPU, torch::kInt32).contiguous();
    const auto* data = result.data_ptr<std::int32_t>();
    return {data, data + result.numel()};
  }

 private:
  /// Column `position` of `tokens`, without waiting for the device.
  void choose_on_device(const torch::Tensor& logits, std::int64_t position, torch::Tensor& tokens) const {
    const std::int64_t count = logits.size(0);
    for (std::int64_t row = 0; row < count; row += kRows) {
      const std::int64_t rows = std::min(kRows, count - row);
      tokens.narrow(0, row, rows).narrow(1, position, 1).copy_(choose(logits.narrow(0, row, rows), settings_.sampling));
    }
  }

  /// Column `position` of `tokens`, row by row with the host engine's draws: one uniform number a token, where torch would draw
  /// one for every word of the vocabulary.
  void choose_on_processor(const torch::Tensor& logits, std::uint64_t first, std::int64_t position,
                           torch::Tensor& tokens) const {
    const torch::Tensor values = logits.to(torch::kFloat32).contiguous();
    const std::int64_t rows = values.size(0);
    const auto width = static_cast<std::size_t>(values.size(1));
    const float* data = values.data_ptr<float>();
    std::int64_t* ids = tokens.data_ptr<std::int64_t>();
    const std::int64_t stride = tokens.size(1);
    at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scratch;
      for (std::int64_t row = begin; row < end; ++row) {
        const std::uint64_t seed = sequence_seed(settings_.sampling.seed, first + static_cast<std::uint64_t>(row));
        const double draw = uniform(seed, static_cast<std::uint64_t>(position));
        ids[row * stride + position] =
            choose_token({data + static_cast<std::size_t>(row) * width, width}, settings_.sampling, draw, scratch);
      }
    });
  }

  GenerateSettings settings_;
  std::int32_t bos_;
  torch::Device device_;
  std::unique_ptr<Network> network_;
  std::optional<Cache> cache_;
};

}  // namespace

MakeShard torch_sampler(const toolchain::OpenedCheckpoint& opened, const GenerateSettings& settings, std::int32_t bos) {
  auto sampler = std::make_shared<TorchSampler>(opened, settings, bos);
  return [sampler](const ShardTask& task) { return sampler->make(task); };
}

}  // namespace xw::finetune
