// The other operations of a transformer with gradients of their own, which need fewer passes than torch's derivation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

namespace xw::finetune {

/// x / rms(x) * weight over groups of weight.size(0) features; weight fp32. The result has the type `compute`.
[[nodiscard]] torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double eps,
                                     torch::ScalarType compute);

/// silu(gate) * up.
[[nodiscard]] torch::Tensor swiglu(const torch::Tensor& gate, const torch::Tensor& up);
/// gelu(gate) * up, gelu by its tanh approximation.
[[nodiscard]] torch::Tensor geglu(const torch::Tensor& gate, const torch::Tensor& up);

/// Rotates the first 2 * pairs of the features of x [batch][positions][heads][head_dim]; cosines and sines fp32 [positions][pairs]. A
/// pair is (i, i + pairs), or (2 i, 2 i + 1) if `is_interleaved`.
[[nodiscard]] torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cosines, const torch::Tensor& sines,
                                   bool is_interleaved);

/// softmax(scale q k^T) v on a CPU, without the scores of a context in memory. q [batch][positions][heads][head_dim], k and v [batch][positions]
/// [kv_heads][head_dim], whose heads are shared by groups of heads of q; all fp32 or all bf16. A position sees itself and those before
/// it, the last `window` of them unless that is 0. The result is [batch][positions][heads * head_dim].
[[nodiscard]] torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                                      double scale, std::int64_t window);

/// x W^T + bias in the type of x. `weight` is used as it is; its gradient is added to `gradient` unless that is undefined, and
/// `parameter` is the leaf that `weight` is a part of.
[[nodiscard]] torch::Tensor digital_linear(const torch::Tensor& x, const torch::Tensor& weight,
                                           const torch::Tensor& gradient, const torch::Tensor& parameter,
                                           const torch::Tensor& bias);

/// What distillation needs of logits [rows][vocab] of student and teacher.
struct Divergence {
  torch::Tensor loss;      ///< fp32, one element: sum over rows of temperature^2 KL(teacher || student)
  torch::Tensor gradient;  ///< [rows][vocab], type of the student's logits: of `scale` times the loss
};
/// Forward KL with 0 log 0 = 0. Overwrites neither. Without gradients.
[[nodiscard]] Divergence divergence(const torch::Tensor& student, const torch::Tensor& teacher, double temperature,
                                    double scale);
/// The same for the negative log-likelihood of `targets` [rows]; rows with target -100 do not count.
[[nodiscard]] Divergence likelihood(const torch::Tensor& logits, const torch::Tensor& targets, double scale);

}  // namespace xw::finetune
