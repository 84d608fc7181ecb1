// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/adamw.hpp"

#include "arch/support/error.hpp"

namespace xw::finetune {

AdamW::AdamW(const std::vector<Parameter>& parameters, const Recipe& recipe) : settings_(recipe.optimiser) {
  groups_.resize(3);
  groups_[0].weight_decay = settings_.weight_decay;
  groups_[2].is_range = true;
  torch::Device device = torch::kCPU;
  for (const Parameter& parameter : parameters) {
    const bool is_range = parameter.kind == Parameter::Kind::kRange;
    if (is_range ? !recipe.ranges.learn : settings_.train == "linears" && !parameter.is_analog) continue;
    const bool decays = parameter.kind == Parameter::Kind::kMatrix || parameter.kind == Parameter::Kind::kEmbedding;
    Group& group = groups_[is_range ? 2 : decays ? 0 : 1];
    device = parameter.value.device();
    group.names.push_back(parameter.name);
    group.values.push_back(parameter.value.detach());
    group.leaves.push_back(parameter.value);
    group.first.push_back(torch::zeros_like(group.values.back()));
    group.second.push_back(torch::zeros_like(group.values.back()));
  }
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(device);
  step_ = torch::zeros({}, options);
  norm_ = torch::zeros({}, options);
  skipped_ = torch::zeros({}, options);
  for (Group& group : groups_) group.steps.assign(group.values.size(), step_);
}

void AdamW::step(double lr, double range_lr) {
  const torch::NoGradGuard no_gradients;
  std::vector<torch::Tensor> weight_norms, range_norms;
  std::vector<std::vector<torch::Tensor>> gradients(groups_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    if (group.leaves.empty()) continue;
    for (const torch::Tensor& leaf : group.leaves) gradients[g].push_back(leaf.grad());
    const std::vector<torch::Tensor> norms = at::_foreach_norm(gradients[g], 2);
    (group.is_range ? range_norms : weight_norms).push_back(torch::stack(norms));
  }
  torch::Tensor failed = torch::zeros_like(step_);
  if (!weight_norms.empty()) {
    norm_ = torch::cat(weight_norms).norm();
    failed = torch::isfinite(norm_).logical_not().to(torch::kFloat32);
  }
  if (!range_norms.empty())
    failed = torch::maximum(failed, torch::isfinite(torch::cat(range_norms).norm()).logical_not().to(torch::kFloat32));
  skipped_ += failed;
  step_ += 1;
  step_ -= failed;
  // Gradients are divided by it, so that their norm is at most grad_clip.
  const torch::Tensor divisor =
      settings_.grad_clip > 0 ? (norm_ / settings_.grad_clip).clamp_min(1) : torch::ones_like(norm_);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    if (group.values.empty()) continue;
    at::_fused_adamw_(group.values, gradients[g], group.first, group.second, {}, group.steps,
                      group.is_range ? range_lr : lr, settings_.beta1, settings_.beta2, group.weight_decay,
                      settings_.eps, false, false,
                      group.is_range ? std::optional<torch::Tensor>() : std::optional<torch::Tensor>(divisor), failed);
  }
}

std::map<std::string, torch::Tensor> AdamW::state() const {
  std::map<std::string, torch::Tensor> state;
  state["adam.step"] = step_.to(torch::kCPU).reshape({1});
  state["adam.skipped"] = skipped_.to(torch::kCPU).reshape({1});
  for (const Group& group : groups_) {
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      state["adam.first." + group.names[i]] = group.first[i].to(torch::kCPU);
      state["adam.second." + group.names[i]] = group.second[i].to(torch::kCPU);
    }
  }
  return state;
}

void AdamW::load_state(const std::map<std::string, torch::Tensor>& state) {
  const torch::NoGradGuard no_gradients;
  const auto load = [&](const std::string& name, torch::Tensor target) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.numel() != target.numel())
      throw Error(ErrorCode::kFormat, "training state: expected tensor \"" + name + "\" with " +
                                          std::to_string(target.numel()) + " elements, found " +
                                          (found == state.end() ? "none" : std::to_string(found->second.numel())));
    target.copy_(found->second.reshape(target.sizes()));
  };
  load("adam.step", step_);
  load("adam.skipped", skipped_);
  for (Group& group : groups_) {
    for (std::size_t i = 0; i < group.names.size(); ++i) {
      load("adam.first." + group.names[i], group.first[i]);
      load("adam.second." + group.names[i], group.second[i]);
    }
  }
}

}  // namespace xw::finetune
