// Version of the toolchain: the only file that knows it, so that a new one compiles nothing else.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/version.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

namespace xw::toolchain {
namespace {

/// Bytes of the build ID in a segment of notes, each a header, a name and a description padded to `alignment`.
[[nodiscard]] std::span<const std::byte> find_build_id(std::span<const std::byte> notes, std::size_t alignment) {
  using namespace std::string_view_literals;
  const auto padded = [alignment](std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; };
  ElfW(Nhdr) header;
  while (notes.size() >= sizeof header) {
    std::memcpy(&header, notes.data(), sizeof header);
    const std::size_t begin = padded(sizeof header + header.n_namesz);
    if (begin > notes.size() || header.n_descsz > notes.size() - begin) break;
    const std::string_view name(reinterpret_cast<const char*>(notes.data()) + sizeof header, header.n_namesz);
    if (header.n_type == NT_GNU_BUILD_ID && name == "GNU\0"sv) return notes.subspan(begin, header.n_descsz);
    notes = notes.subspan(std::min(notes.size(), begin + padded(header.n_descsz)));
  }
  return {};
}

/// Whether an object of dl_iterate_phdr() holds an address.
[[nodiscard]] bool holds(const dl_phdr_info& object, const void* address) {
  const auto wanted = reinterpret_cast<ElfW(Addr)>(address);
  return std::ranges::any_of(std::span(object.dlpi_phdr, object.dlpi_phnum), [&](const ElfW(Phdr) & segment) {
    const ElfW(Addr) begin = object.dlpi_addr + segment.p_vaddr;
    return segment.p_type == PT_LOAD && wanted >= begin && wanted - begin < segment.p_memsz;
  });
}

/// For dl_iterate_phdr(): the object that holds this code is the program, or what an interpreter has loaded.
int read_build_id(dl_phdr_info* object, std::size_t, void* digits) {
  static const char here = 0;
  if (!holds(*object, &here)) return 0;
  for (const ElfW(Phdr) & segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    if (segment.p_type != PT_NOTE) continue;
    const auto* const begin = reinterpret_cast<const std::byte*>(object->dlpi_addr + segment.p_vaddr);
    for (const std::byte byte : find_build_id({begin, segment.p_memsz}, segment.p_align == 8 ? 8 : 4)) {
      char text[3];
      std::snprintf(text, sizeof text, "%02x", std::to_integer<unsigned>(byte));
      static_cast<std::string*>(digits)->append(text);
    }
  }
  return 1;  // no other object
}

}  // namespace

const char* const kVersion = XW_VERSION;

std::string build_id() {
  std::string digits;
  ::dl_iterate_phdr(read_build_id, &digits);
  return digits;
}

}  // namespace xw::toolchain
