// Losses in chunks of positions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/objective.hpp"

#include <algorithm>
#include <optional>

#include "arch/support/error.hpp"
#include "host/finetune/network_impl.hpp"
#include "models/finetune/operations.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;

/// The output layer for many chunks of one batch: noise is drawn once.
class Head {
 public:
  Head(Network& network, Mode mode) : network_(network), mode_(mode) {
    Network::Impl& impl = network.impl();
    if (impl.runs_analog(impl.head_node, mode)) weights_ = impl.prepare(impl.head_node, mode);
  }
  [[nodiscard]] Tensor run(const Tensor& hidden) {
    Network::Impl& impl = network_.impl();
    if (weights_) return impl.run_prepared(impl.head_node, hidden, *weights_);
    return impl.run_linear(impl.head_node, hidden, mode_);
  }

 private:
  Network& network_;
  Mode mode_;
  std::optional<PreparedWeights> weights_;
};

/// Contexts of one chunk: digital positions of an analog output layer need whole contexts.
std::int64_t contexts_per_chunk(const Tensor& ids, std::int64_t vocab, std::int64_t wanted) {
  const std::int64_t logits = ids.is_cuda() ? std::int64_t{1} << 28 : std::int64_t{1} << 24;
  const std::int64_t positions = wanted > 0 ? wanted : std::max<std::int64_t>(1, logits / vocab);
  return std::clamp<std::int64_t>(positions / ids.size(1), 1, ids.size(0));
}

/// The next token of every position; -100 behind the last.
Tensor next_tokens(const Tensor& ids) {
  Tensor targets = at::full_like(ids, -100);
  if (ids.size(1) > 1) targets.slice(1, 0, -1).copy_(ids.slice(1, 1));
  return targets;
}

}  // namespace

Tensor train_step(Network& student, Network* teacher, const Tensor& ids, Mode mode, const Objective& objective) {
  if (objective.distillation != 0 && teacher == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "objective: distillation needs a teacher");
  }
  if (!(objective.temperature > 0))
    throw Error(ErrorCode::kInvalidArgument, "objective: expected a temperature above 0");
  Tensor teacher_hidden;
  if (objective.distillation != 0) {
    const torch::NoGradGuard guard;
    teacher_hidden = teacher->hidden(ids, Mode::kDigital);
  }
  const Tensor hidden = student.hidden(ids, mode);
  Tensor gradient = at::empty_like(hidden.detach());
  Tensor loss = at::zeros({}, torch::dtype(torch::kFloat32).device(ids.device()));
  const std::int64_t contexts = contexts_per_chunk(ids, student.vocab_size(), objective.chunk);
  const auto positions = static_cast<double>(ids.numel());
  const auto predicted = static_cast<double>(ids.size(0) * std::max<std::int64_t>(1, ids.size(1) - 1));
  const Tensor targets = objective.language != 0 ? next_tokens(ids) : Tensor();
  Head head(student, mode);
  for (std::int64_t begin = 0; begin < ids.size(0); begin += contexts) {
    const std::int64_t end = std::min(begin + contexts, ids.size(0));
    Tensor part = hidden.detach().slice(0, begin, end);
    part.requires_grad_(true);
    Tensor logits;
    {
      const torch::AutoGradMode enabled(true);
      logits = head.run(part);
    }
    const Tensor rows = logits.detach().view({-1, logits.size(-1)});
    Tensor logit_gradient;
    const torch::NoGradGuard guard;
    if (objective.distillation != 0) {
      const double weight = objective.distillation / positions;
      const Tensor others = teacher->head(teacher_hidden.slice(0, begin, end), Mode::kDigital);
      const Divergence found =
          divergence(rows, others.view(rows.sizes()), objective.temperature, weight * objective.scale);
      loss.add_(found.loss, weight);
      logit_gradient = found.gradient;
    }
    if (objective.language != 0) {
      const double weight = objective.language / predicted;
      const Divergence found = likelihood(rows, targets.slice(0, begin, end).reshape({-1}), weight * objective.scale);
      loss.add_(found.loss, weight);
      logit_gradient = logit_gradient.defined() ? logit_gradient.add_(found.gradient) : found.gradient;
    }
    torch::autograd::backward({logits}, {logit_gradient.view(logits.sizes())});
    gradient.slice(0, begin, end).copy_(part.grad());
  }
  torch::autograd::backward({hidden}, {gradient});
  return loss;
}

Tensor language_loss(Network& network, const Tensor& ids, Mode mode) {
  const torch::NoGradGuard guard;
  const Tensor hidden = network.hidden(ids, mode);
  const Tensor targets = next_tokens(ids);
  Tensor loss = at::zeros({}, torch::dtype(torch::kFloat32).device(ids.device()));
  const std::int64_t contexts = contexts_per_chunk(ids, network.vocab_size(), 0);
  Head head(network, mode);
  for (std::int64_t begin = 0; begin < ids.size(0); begin += contexts) {
    const std::int64_t end = std::min(begin + contexts, ids.size(0));
    const Tensor logits = head.run(hidden.slice(0, begin, end));
    const Tensor rows = logits.view({-1, logits.size(-1)}).to(torch::kFloat32);
    loss.add_(at::cross_entropy_loss(rows, targets.slice(0, begin, end).reshape({-1}), {}, at::Reduction::Sum, -100));
  }
  return loss / static_cast<double>(std::max<std::int64_t>(1, ids.size(0) * (ids.size(1) - 1)));
}

}  // namespace xw::finetune
