// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/dtype.hpp"

#include <array>
#include <cstddef>

namespace xw::checkpoint {
namespace {

struct DtypeTraits {
  const char* name;
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

// In the order of the enumeration.
constexpr std::array<DtypeTraits, 18> kTraits = {{
    {"F32", 1, 4},
    {"F16", 1, 2},
    {"BF16", 1, 2},
    {"I8", 1, 1},
    {"I16", 1, 2},
    {"I32", 1, 4},
    {"I64", 1, 8},
    {"Q8_0", 32, 34},    // half scale, 32 x i8
    {"Q4_0", 32, 18},    // half scale, 32 x 4 bits
    {"Q4_1", 32, 20},    // half scale, half minimum, 32 x 4 bits
    {"Q5_0", 32, 22},    // half scale, 32 high bits, 32 x 4 bits
    {"Q5_1", 32, 24},    // half scale, half minimum, 32 high bits, 32 x 4 bits
    {"Q4_K", 256, 144},  // two halfs, 12 bytes of 6-bit scales and minima, 256 x 4 bits
    {"Q5_K", 256, 176},  // as Q4_K and 256 high bits
    {"Q6_K", 256, 210},  // 256 x (4 + 2) bits, 16 x i8 scales, half
    {"F64", 1, 8},
    {"U8", 1, 1},
    {"BOOL", 1, 1},
}};

const DtypeTraits& traits(Dtype dtype) {
  return kTraits[static_cast<std::size_t>(dtype)];
}

}  // namespace

const char* name(Dtype dtype) {
  return traits(dtype).name;
}
bool is_floating(Dtype dtype) {
  switch (dtype) {
    case Dtype::kI8:
    case Dtype::kI16:
    case Dtype::kI32:
    case Dtype::kI64:
    case Dtype::kU8:
    case Dtype::kBool:
      return false;
    default:
      return true;
  }
}
std::uint32_t block_elements(Dtype dtype) {
  return traits(dtype).block_elements;
}
std::uint32_t block_bytes(Dtype dtype) {
  return traits(dtype).block_bytes;
}

}  // namespace xw::checkpoint
