// The yardstick at its best: OpenBLAS with the kernels of this processor.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cblas.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace xw::benchmarks {

/// OpenBLAS chooses its kernels when it is loaded; on a processor younger than itself it may take those of a Prescott, which
/// are several times slower. Starts the program again with the right ones named in that case, unless OPENBLAS_CORETYPE says
/// which. Returns the name of those in use.
inline std::string use_openblas_kernels_of_this_processor(char** argv) {
  const std::string found = openblas_get_corename();
#if defined(__x86_64__) && defined(__linux__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
  for (const char* without_avx : {"Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Generic"}) {
    if (!has_avx2 || found != without_avx || std::getenv("OPENBLAS_CORETYPE") != nullptr) continue;
    setenv("OPENBLAS_CORETYPE", has_avx512 ? "SkylakeX" : "Haswell", 1);
    execv("/proc/self/exe", argv);
  }
#else
  static_cast<void>(argv);
#endif
  return found;
}

}  // namespace xw::benchmarks
