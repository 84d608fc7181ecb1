// Attention of whole contexts on CPUs: scores of a few queries stay in the cache, those of a context are never there together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "models/finetune/cpu_kernels.hpp"

namespace xw::finetune::cpu {

/// Queries [batch][positions][heads][dim], keys and values [batch][positions][kv_heads][dim]: heads / kv_heads heads share one of
/// these. A position sees itself and those before it, the last `window` of them if that is not 0.
struct AttentionShape {
  std::int64_t batch = 0, positions = 0, heads = 0, kv_heads = 0, dim = 0, window = 0;
  float scale = 1;  ///< of the scores
};

/// Sums are fp32, in an order that the number of threads does not change.
template <typename T>
struct AttentionKernels {
  using Number = T;
  /// y as the queries; logs [batch][heads][positions]: logarithm of the sum of exponentials of a position's scores.
  void (*forward)(const AttentionShape& shape, const T* q, const T* k, const T* v, T* y, float* logs);
  /// Gradients as q, k and v, from that of y and from `logs`.
  void (*backward)(const AttentionShape& shape, const T* q, const T* k, const T* v, const float* logs, const T* dy,
                   T* dq, T* dk, T* dv);
};

/// For the instruction set of this processor.
[[nodiscard]] const AttentionKernels<float>& float_attention();
[[nodiscard]] const AttentionKernels<Bf16>& bf16_attention();
/// For every instruction set that this processor can run, by name: for tests.
[[nodiscard]] std::map<std::string, const AttentionKernels<float>*> runnable_attention();

}  // namespace xw::finetune::cpu
