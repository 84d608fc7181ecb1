// Chooses the inner loops of programming.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_kernels.hpp"

#include <atomic>

namespace xw::cells {
namespace {

/// The one mutable setting of this library: it changes speed, never results.
std::atomic<const CellKernels*>& current() {
  static std::atomic<const CellKernels*> kernels{available_cell_kernels().front()};
  return kernels;
}

}  // namespace

std::vector<const CellKernels*> available_cell_kernels() {
  std::vector<const CellKernels*> result;
#if defined(__x86_64__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                          __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512cd") != 0 &&
                          __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  if (has_avx512) result.push_back(&detail::kAvx512CellKernels);
  if (has_avx2) result.push_back(&detail::kAvx2CellKernels);
#endif
  result.push_back(&detail::kPortableCellKernels);
  return result;
}

const CellKernels& cell_kernels() {
  return *current().load(std::memory_order_relaxed);
}

void select_cell_kernels(const CellKernels& kernels) {
  current().store(&kernels, std::memory_order_relaxed);
}

}  // namespace xw::cells
