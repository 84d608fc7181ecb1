// Private: numbers in memory of the loops that are compiled for every instruction set.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "models/finetune/cpu_kernels.hpp"

namespace xw::finetune::cpu::XW_KERNELS {
namespace {

inline float load(const float* p) {
  return *p;
}
inline float load(const Bf16* p) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(p->bits) << 16U);
}
inline void store(float* p, float value) {
  *p = value;
}
inline void store(Bf16* p, float value) {
  // Round to nearest even; numbers here are finite.
  const auto bits = std::bit_cast<std::uint32_t>(value);
  p->bits = static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

}  // namespace
}  // namespace xw::finetune::cpu::XW_KERNELS
