// The tile MVM with AVX-512 VNNI: 64 products per instruction.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/kernel_avx512vnni.hpp"

namespace xw::analog::kernels {

std::uint64_t mvm_avx512vnni(const BlockView& block, const MvmBatch& batch, const std::byte* packed,
                             std::byte* scratch) {
  return SimdMvm<Avx512Vnni>::run(block, batch, packed, scratch);
}

void pack_avx512vnni(const BlockView& block, std::byte* packed, std::byte* scratch) {
  SimdMvm<Avx512Vnni>::pack(block, packed, scratch);
}

}  // namespace xw::analog::kernels
