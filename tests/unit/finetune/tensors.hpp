// Vectors and tensors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <random>
#include <vector>

namespace xw::finetune::test {

inline torch::Tensor tensor_of(const std::vector<float>& values, const std::vector<std::int64_t>& shape) {
  return torch::tensor(values).reshape(shape);
}

inline std::vector<float> vector_of(const torch::Tensor& tensor) {
  const torch::Tensor values = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const float* first = values.const_data_ptr<float>();
  return {first, first + values.numel()};
}

inline torch::Tensor random_tensor(const std::vector<std::int64_t>& shape, std::uint32_t seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  torch::Tensor tensor = torch::empty(shape);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.data_ptr<float>()[i] = normal(generator);
  return tensor;
}

}  // namespace xw::finetune::test
