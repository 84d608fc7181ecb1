// Members of packed structs on the ports of a Verilated model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>

#include "tests/rtl/xw_types.hpp"

namespace xw::test {

/// Bits of a port from `slice.low + offset` on; of an array of structs `offset` is that of the element. At most 64.
template <typename Port>
[[nodiscard]] std::uint64_t member(const Port& port, rtl::Slice slice, std::size_t offset = 0) {
  static_assert(std::endian::native == std::endian::little);
  if (slice.width > 64 || slice.low + offset + slice.width > 8 * sizeof(Port)) throw std::logic_error("no such bits");
  const auto* bytes = reinterpret_cast<const unsigned char*>(&port);
  std::uint64_t value = 0;
  for (unsigned i = 0; i < slice.width; ++i) {
    const std::size_t bit = slice.low + offset + i;
    value |= std::uint64_t{(bytes[bit / 8] >> bit % 8) & 1U} << i;
  }
  return value;
}

/// Writes them; bits of `value` that do not fit are an error.
template <typename Port, typename T>
void set_member(Port& port, rtl::Slice slice, T number, std::size_t offset = 0) {
  const auto value = static_cast<std::uint64_t>(number);
  if (slice.width > 64 || slice.low + offset + slice.width > 8 * sizeof(Port)) throw std::logic_error("no such bits");
  if (slice.width < 64 && value >> slice.width != 0) throw std::logic_error("the value does not fit the member");
  auto* bytes = reinterpret_cast<unsigned char*>(&port);
  for (unsigned i = 0; i < slice.width; ++i) {
    const std::size_t bit = slice.low + offset + i;
    const auto mask = static_cast<unsigned char>(1U << bit % 8);
    bytes[bit / 8] =
        static_cast<unsigned char>((value >> i & 1U) != 0 ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
  }
}

}  // namespace xw::test
