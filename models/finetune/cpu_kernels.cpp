// Which loops this processor can run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/cpu_kernels.hpp"

#include "models/finetune/cpu_attention.hpp"

namespace xw::finetune::cpu {

#define XW_DECLARE(isa)                             \
  namespace isa {                                   \
  const Kernels<float>& float_kernels();            \
  const Kernels<Bf16>& bf16_kernels();              \
  const AttentionKernels<float>& float_attention(); \
  const AttentionKernels<Bf16>& bf16_attention();   \
  }
XW_DECLARE(portable)
XW_DECLARE(avx2)
XW_DECLARE(avx512)
#undef XW_DECLARE

namespace {

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

template <typename T>
const T& choose(const T& with_avx512, const T& with_avx2, const T& portable) {
  return has_avx512() ? with_avx512 : has_avx2() ? with_avx2 : portable;
}

}  // namespace

const Kernels<float>& float_kernels() {
  static const Kernels<float>& chosen =
      choose(avx512::float_kernels(), avx2::float_kernels(), portable::float_kernels());
  return chosen;
}

const Kernels<Bf16>& bf16_kernels() {
  static const Kernels<Bf16>& chosen = choose(avx512::bf16_kernels(), avx2::bf16_kernels(), portable::bf16_kernels());
  return chosen;
}

const AttentionKernels<float>& float_attention() {
  static const AttentionKernels<float>& chosen =
      choose(avx512::float_attention(), avx2::float_attention(), portable::float_attention());
  return chosen;
}

const AttentionKernels<Bf16>& bf16_attention() {
  static const AttentionKernels<Bf16>& chosen =
      choose(avx512::bf16_attention(), avx2::bf16_attention(), portable::bf16_attention());
  return chosen;
}

std::map<std::string, const AttentionKernels<float>*> runnable_attention() {
  std::map<std::string, const AttentionKernels<float>*> all = {{"portable", &portable::float_attention()}};
  if (has_avx2()) all["avx2"] = &avx2::float_attention();
  if (has_avx512()) all["avx512"] = &avx512::float_attention();
  return all;
}

}  // namespace xw::finetune::cpu
