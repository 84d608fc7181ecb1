// Stored elements to fp32.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "compiler/checkpoint/dtype.hpp"

namespace xw::checkpoint {

/// Converts whole blocks: src.size() must be dst.size() / block_elements(dtype) * block_bytes(dtype) (asserted), the
/// type is_floating() (asserted). Every product and sum is rounded to fp32, in ggml's order.
void dequantize(Dtype dtype, std::span<const std::byte> src, std::span<float> dst);

}  // namespace xw::checkpoint
