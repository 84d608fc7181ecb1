// Chooses the fastest kernel that this processor can run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "arch/support/error.hpp"
#include "arch/support/large_memory.hpp"
#include "models/analog/kernels.hpp"

namespace xw::analog {
namespace {

struct Kernel {
  const char* name;
  kernels::MvmFunction mvm;
  kernels::DacFunction dac;
  bool (*is_supported)();
  kernels::PackFunction pack = nullptr;  ///< null: takes cells as they are
};

struct FreeAligned {
  void operator()(std::byte* data) const { ::operator delete (data, std::align_val_t{64}); }
};
using AlignedBytes = std::unique_ptr<std::byte, FreeAligned>;
[[nodiscard]] AlignedBytes allocate(std::size_t bytes) {
  return AlignedBytes(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{64})));
}

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
#if defined(__linux__)
/// Whether AMX gives the reference's words, for 16 vectors and one more, every row of a panel and a part of one.
bool amx_agrees() {
  constexpr std::uint32_t kRows = 80, kCols = 70, kLanes = 16, kVectors = 17;
  std::vector<std::int8_t> cells(std::size_t{(kCols + kLanes - 1) / kLanes} * kLanes * kRows);
  std::vector<std::int8_t> codes(std::size_t{kRows} * kVectors);
  std::uint32_t state = 1;
  for (std::vector<std::int8_t>* bytes : {&cells, &codes}) {
    for (std::int8_t& byte : *bytes) byte = static_cast<std::int8_t>((state = state * 1664525U + 1013904223U) >> 24);
  }
  std::vector<std::uint16_t> tables(std::size_t{2} * kCols, 40000);
  BlockView block;
  block.rows = kRows;
  block.cols = kCols;
  block.lanes = kLanes;
  block.adc_shift = 20;
  block.adc_max = 2047;
  block.column_tables = tables.data();
  block.cells = cells.data();
  std::vector<std::int32_t> expected(std::size_t{kCols} * kVectors);
  std::vector<std::int32_t> found(expected.size());
  MvmBatch batch;
  batch.x = codes.data();
  batch.x_stride = kRows;
  batch.y = expected.data();
  batch.y_stride = kCols;
  batch.num_vectors = kVectors;
  tile_mvm_reference(block, batch);
  batch.y = found.data();
  kernels::mvm_avx512amx(block, batch, nullptr, allocate(kernels::scratch_bytes(kRows, kVectors)).get());
  return found == expected;
}
/// AMX-TILE and AMX-INT8 (CPUID leaf 7, EDX bits 24 and 25), tiles saved by the system, its permission to use them, and a
/// product that is right: processors with AMX are rarer than those that this is developed on.
bool has_avx512amx() {
  static const bool result = [] {
    std::uint32_t a = 7, b = 0, c = 0, d = 0;
    if (!has_avx512vnni()) return false;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    constexpr std::uint32_t kTileAndInt8 = 3U << 24;
    if ((d & kTileAndInt8) != kTileAndInt8) return false;
    std::uint32_t low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    constexpr std::uint32_t kTileState = 3U << 17;  // XTILECFG, XTILEDATA
    if ((low & kTileState) != kTileState) return false;
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0 && amx_agrees();
  }();
  return result;
}
#endif
#endif

constexpr Kernel kKernels[] = {
#if defined(__x86_64__)
#if defined(__linux__)
    {"avx512amx", kernels::mvm_avx512amx, kernels::dac_avx512, has_avx512amx, kernels::pack_avx512vnni},
#endif
    {"avx512vnni", kernels::mvm_avx512vnni, kernels::dac_avx512, has_avx512vnni, kernels::pack_avx512vnni},
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
      data_ = allocate(bytes);
      size_ = bytes;
    }
    return data_.get();
  }

 private:
  AlignedBytes data_;
  std::size_t size_ = 0;
};

Scratch& thread_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

}  // namespace

struct PackedCells::Impl {
  kernels::PackFunction layout = nullptr;
  std::size_t panel_bytes = 0, bytes = 0;
  std::shared_ptr<std::byte> data;
};

PackedCells::PackedCells() = default;
PackedCells::PackedCells(PackedCells&&) noexcept = default;
PackedCells& PackedCells::operator=(PackedCells&&) noexcept = default;
PackedCells::~PackedCells() = default;

PackedCells::PackedCells(const BlockView& block) {
  const Kernel& kernel = *current_kernel().load(std::memory_order_relaxed);
  if (kernel.pack == nullptr) return;
  impl_ = std::make_unique<Impl>();
  impl_->layout = kernel.pack;
  impl_->panel_bytes = kernels::packed_panel_bytes(block.rows);
  impl_->bytes = (block.cols + kernels::kPackedCols - 1) / kernels::kPackedCols * impl_->panel_bytes;
  impl_->data = large_memory(impl_->bytes);
  kernel.pack(block, impl_->data.get(), thread_scratch().at_least(kernels::scratch_bytes(block.rows, 1)));
}

std::size_t PackedCells::bytes() const {
  return impl_ == nullptr ? 0 : impl_->bytes;
}

std::size_t PackedCells::bytes_of(const BlockView& block) {
  if (current_kernel().load(std::memory_order_relaxed)->pack == nullptr) return 0;
  return (block.cols + kernels::kPackedCols - 1) / kernels::kPackedCols * kernels::packed_panel_bytes(block.rows);
}

std::uint64_t tile_mvm(const BlockView& block, const MvmBatch& batch) {
  const Kernel& kernel = *current_kernel().load(std::memory_order_relaxed);
  const std::byte* packed = nullptr;
  if (block.packed != nullptr && block.packed->impl_ != nullptr && block.packed->impl_->layout == kernel.pack &&
      block.packed_col % kernels::kPackedCols == 0) {
    const PackedCells::Impl& cells = *block.packed->impl_;
    packed = cells.data.get() + block.packed_col / kernels::kPackedCols * cells.panel_bytes;
  }
  std::byte* memory = thread_scratch().at_least(kernels::scratch_bytes(block.rows, batch.num_vectors));
  return kernel.mvm(block, batch, packed, memory);
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
