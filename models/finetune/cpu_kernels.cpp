// Which loops this processor can run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/cpu_kernels.hpp"

namespace xw::finetune::cpu {

#define XW_DECLARE(isa)                  \
  namespace isa {                        \
  const Kernels<float>& float_kernels(); \
  const Kernels<Bf16>& bf16_kernels();   \
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
  return __builtin_cpu_supports("avx2");
}

}  // namespace

const Kernels<float>& float_kernels() {
  static const Kernels<float>& chosen = has_avx512() ? avx512::float_kernels()
                                        : has_avx2() ? avx2::float_kernels()
                                                     : portable::float_kernels();
  return chosen;
}

const Kernels<Bf16>& bf16_kernels() {
  static const Kernels<Bf16>& chosen = has_avx512() ? avx512::bf16_kernels()
                                       : has_avx2() ? avx2::bf16_kernels()
                                                    : portable::bf16_kernels();
  return chosen;
}

}  // namespace xw::finetune::cpu
