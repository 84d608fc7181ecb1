// Chooses the fastest kernel that this processor can run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <memory>
#include <new>

#include "arch/support/error.hpp"
#include "models/analog/kernels.hpp"

namespace xw::analog {
namespace {

struct Kernel {
  const char* name;
  kernels::MvmFunction mvm;
  kernels::DacFunction dac;
  bool (*is_supported)();
};

#if defined(__x86_64__)
/// CPUID leaf 7, sub-leaf 1, EAX bit 4 (GCC 12 has no __builtin_cpu_supports name for it that clang 14 shares).
bool has_avxvnni() {
  std::uint32_t a = 7, b = 0, c = 1, d = 0;
  if (__builtin_cpu_supports("avx2") == 0) return false;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return ((a >> 4) & 1U) != 0;
}
bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
bool has_avx512bw() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("bmi2") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0;
}
bool has_avx512vnni() {
  return has_avx512bw() && __builtin_cpu_supports("avx512vnni") != 0;
}
#endif

constexpr Kernel kKernels[] = {
#if defined(__x86_64__)
    {"avx512vnni", kernels::mvm_avx512vnni, kernels::dac_avx512, has_avx512vnni},
    {"avx512bw", kernels::mvm_avx512bw, kernels::dac_avx512, has_avx512bw},
    {"avxvnni", kernels::mvm_avxvnni, kernels::dac_avx2, has_avxvnni},
    {"avx2", kernels::mvm_avx2, kernels::dac_avx2, has_avx2},
#endif
    {"portable", kernels::mvm_portable, kernels::dac_portable, [] { return true; }},
};

const Kernel* best_kernel() {
  for (const Kernel& kernel : kKernels) {
    if (kernel.is_supported()) return &kernel;
  }
  return nullptr;  // not reached: "portable" runs everywhere
}

/// The one mutable setting of this library: it changes speed, never results.
std::atomic<const Kernel*>& current_kernel() {
  static std::atomic<const Kernel*> kernel{best_kernel()};
  return kernel;
}

/// Scratch of one thread, grown on demand.
class Scratch {
 public:
  std::byte* at_least(std::size_t bytes) {
    if (bytes > size_) {
      data_.reset(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{64})));
      size_ = bytes;
    }
    return data_.get();
  }

 private:
  struct Free {
    void operator()(std::byte* data) const { ::operator delete (data, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace

std::uint64_t tile_mvm(const BlockView& block, const MvmBatch& batch) {
  thread_local Scratch scratch;
  std::byte* memory = scratch.at_least(kernels::scratch_bytes(block.rows, batch.num_vectors));
  return current_kernel().load(std::memory_order_relaxed)->mvm(block, batch, memory);
}

bool dac_convert(std::span<const float> x, float beta, int dac_max, std::span<std::int8_t> codes) {
  assert(x.size() == codes.size() && "one code per value");
  assert(beta > 0.0F && dac_max > 0 && dac_max <= 127 &&
         "input range and DAC resolution are checked when they are read");
  return current_kernel()
      .load(std::memory_order_relaxed)
      ->dac(x.data(), x.size(), beta, static_cast<float>(dac_max), codes.data());
}

std::vector<std::string> available_kernels() {
  std::vector<std::string> names;
  for (const Kernel& kernel : kKernels) {
    if (kernel.is_supported()) names.emplace_back(kernel.name);
  }
  return names;
}

void select_kernel(const std::string& name) {
  std::string known;
  for (const Kernel& kernel : kKernels) {
    if (!kernel.is_supported()) continue;
    if (name == kernel.name) {
      current_kernel().store(&kernel, std::memory_order_relaxed);
      return;
    }
    known += known.empty() ? kernel.name : std::string(", ") + kernel.name;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "kernel '" + name + "' is unknown or needs another processor; available: " + known);
}

std::string selected_kernel() {
  return current_kernel().load(std::memory_order_relaxed)->name;
}

}  // namespace xw::analog
