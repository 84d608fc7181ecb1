// Element formats of stored tensors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace xw::checkpoint {

/// Element formats. Quantised ones are ggml's blocks along the last dimension.
enum class Dtype {
  kF32,
  kF16,
  kBF16,
  kI8,
  kI16,
  kI32,
  kI64,
  // NOLINTBEGIN(readability-identifier-naming): ggml writes them so
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  // NOLINTEND(readability-identifier-naming)
  kF64,
  kU8,
  kBool,
};
/// "F32", "Q4_K", ...
[[nodiscard]] const char* name(Dtype dtype);
/// True for formats that read_rows() converts (all but integers and booleans).
[[nodiscard]] bool is_floating(Dtype dtype);
/// Elements of one block (1 for plain types) and its bytes.
[[nodiscard]] std::uint32_t block_elements(Dtype dtype);
[[nodiscard]] std::uint32_t block_bytes(Dtype dtype);

}  // namespace xw::checkpoint
