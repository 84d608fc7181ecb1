// The program container on disk: header, section table, checksums (docs/program-format.md). Private to
// compiler/program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xw::program {

static_assert(std::endian::native == std::endian::little, "records are stored little endian and mapped as they are");

inline constexpr std::array<std::uint8_t, 8> kFileMagic = {0x89, 'X', 'W', 'P', '\r', '\n', 0x1A, '\n'};
inline constexpr std::uint32_t kFileHeaderBytes = 64;
inline constexpr std::uint32_t kSectionEntryBytes = 64;
inline constexpr std::uint32_t kMaxSections = 16;
inline constexpr std::uint64_t kSectionAlignment = 64;
inline constexpr std::uint64_t kBulkOffset = 4096;  ///< the bulk section follows header and table, page aligned

/// First bytes of a file.
struct FileHeader {
  std::array<std::uint8_t, 8> magic{};
  std::uint32_t format = 0;
  std::uint32_t num_sections = 0;
  std::array<std::uint8_t, 16> contract_hash{};
  std::uint64_t file_bytes = 0;
  std::uint32_t table_crc = 0;  ///< CRC-32 of the section table, which follows the header
  std::array<std::uint32_t, 4> reserved{};
  std::uint32_t header_crc = 0;  ///< CRC-32 of the bytes before
};
static_assert(sizeof(FileHeader) == kFileHeaderBytes);

/// How a section is protected.
enum class SectionCheck : std::uint32_t {
  kWhole = 0,
  kPieces = 1
};  ///< kPieces: blocks and constants carry their own CRCs

struct SectionEntry {
  std::array<char, 24> name{};  ///< zero padded
  std::uint64_t offset = 0;     ///< multiple of 64
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;    ///< CRC-32 of the section; 0 for kPieces
  std::uint32_t check = 0;  ///< SectionCheck
  std::array<std::uint32_t, 4> reserved{};
};
static_assert(sizeof(SectionEntry) == kSectionEntryBytes);
static_assert(kFileHeaderBytes + kMaxSections * kSectionEntryBytes <= kBulkOffset);

/// Sections of format 1, in file order.
inline constexpr std::array<std::string_view, 9> kSectionNames = {
    "bulk", "manifest", "graph", "code", "blocks", "images", "columns", "constants", "tokenizer"};

/// A checked section.
struct SectionView {
  std::string name;
  std::uint64_t offset = 0;
  std::span<const std::byte> bytes;
};

/// Checks header, table, bounds, CRCs and padding; returns the sections in the order of kSectionNames.
/// Throws Error{kFormat | kContractMismatch} naming `origin`.
[[nodiscard]] std::vector<SectionView> open_container(std::span<const std::byte> file, const std::string& origin);

/// Header and section table, sealed with their CRCs. `entries` have offsets, sizes and CRCs.
[[nodiscard]] std::vector<std::byte> seal_container(std::span<const SectionEntry> entries, std::uint64_t file_bytes);

/// Recomputes every whole-section, table and header CRC of a file that was changed, as far as its table can be
/// followed. For tests and fuzzing: makes checks behind the checksums reachable.
void reseal_container(std::span<std::byte> file);

/// Throws Error{kFormat} "origin: place: expected ..., found ...".
[[noreturn]] void throw_format(const std::string& origin, const std::string& place, const std::string& what);

/// Value of a trivially copyable type at `offset`; the caller has checked the bounds.
template <typename T>
[[nodiscard]] T load_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::array<std::byte, sizeof(T)> raw;
  for (std::size_t i = 0; i < sizeof(T); ++i) raw[i] = bytes[offset + i];
  return std::bit_cast<T>(raw);
}

}  // namespace xw::program
