// Chooses the inner loops on x86-64.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/kernels_isa.hpp"

namespace xw::transformer {

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> result;
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  // Every processor with AVX2 and FMA has F16C.
  if (has_avx2 && __builtin_cpu_supports("avx512f") != 0) result.push_back(&detail::kAvx512Kernels);
  if (has_avx2) result.push_back(&detail::kAvx2Kernels);
  result.push_back(&detail::kPortableKernels);
  return result;
}

const Kernels& kernels() {
  static const Kernels& best = *available_kernels().front();
  return best;
}

}  // namespace xw::transformer
