// The tile MVM for AMX with tile registers in plain C++; needs AVX-512 VNNI.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/kernels.hpp"

namespace xw::analog::test {

/// As kernels::MvmFunction and kernels::PackFunction.
std::uint64_t mvm_plain_tiles(const BlockView& block, const MvmBatch& batch, const std::byte* packed,
                              std::byte* scratch);
void pack_plain_tiles(const BlockView& block, std::byte* packed, std::byte* scratch);

}  // namespace xw::analog::test
