// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/container.hpp"

#include <algorithm>
#include <cstring>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"

namespace xw::program {
namespace {

std::string hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[value & 15U]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

std::string hex_bytes(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::string section_name(const SectionEntry& entry) {
  const auto end = std::find(entry.name.begin(), entry.name.end(), '\0');
  return {entry.name.begin(), end};
}

FileHeader open_header(std::span<const std::byte> file, const std::string& origin) {
  if (file.size() < kFileHeaderBytes) {
    throw_format(origin, "header", "expected at least 64 bytes, found " + std::to_string(file.size()));
  }
  const auto header = load_at<FileHeader>(file, 0);
  if (header.magic != kFileMagic) throw_format(origin, "magic", "this is not a Crossweave program");
  if (header.format != arch::kProgramFormat) {
    throw_format(
        origin, "header",
        "expected program format " + std::to_string(arch::kProgramFormat) + ", found " + std::to_string(header.format));
  }
  const std::uint32_t crc = crc32(file.first(kFileHeaderBytes - sizeof(std::uint32_t)));
  if (crc != header.header_crc)
    throw_format(origin, "header", "expected CRC " + hex(header.header_crc) + ", found " + hex(crc));
  if (header.contract_hash != arch::kContractHash) {
    throw Error(ErrorCode::kContractMismatch, origin + ": program is for contract " + hex_bytes(header.contract_hash) +
                                                  ", this toolchain is for " + std::string(arch::kContractHashText) +
                                                  "; compile the program again");
  }
  if (header.file_bytes != file.size()) {
    throw_format(
        origin, "header",
        "expected " + std::to_string(header.file_bytes) + " bytes, the file has " + std::to_string(file.size()));
  }
  if (header.reserved != std::array<std::uint32_t, 4>{}) throw_format(origin, "header", "reserved words are not zero");
  return header;
}

/// Bounds, alignment and checksum of one section.
SectionView open_section(std::span<const std::byte> file, const SectionEntry& entry, const std::string& origin) {
  SectionView view;
  view.name = section_name(entry);
  view.offset = entry.offset;
  const std::string place = "section " + view.name;
  if (entry.offset % kSectionAlignment != 0)
    throw_format(origin, place, "offset " + hex(entry.offset) + " is not a multiple of 64");
  if (entry.offset > file.size() || entry.bytes > file.size() - entry.offset) {
    throw_format(origin, place,
                 "bytes " + hex(entry.offset) + " + " + hex(entry.bytes) + " are beyond the end of the file, " +
                     hex(file.size()));
  }
  if (entry.reserved != std::array<std::uint32_t, 4>{}) throw_format(origin, place, "reserved words are not zero");
  view.bytes = file.subspan(entry.offset, entry.bytes);
  const bool is_bulk = view.name == "bulk";
  if (entry.check != static_cast<std::uint32_t>(is_bulk ? SectionCheck::kPieces : SectionCheck::kWhole)) {
    throw_format(origin, place, "unknown protection " + std::to_string(entry.check));
  }
  const std::uint32_t crc = is_bulk ? 0 : crc32(view.bytes);
  if (crc != entry.crc) throw_format(origin, place, "expected CRC " + hex(entry.crc) + ", found " + hex(crc));
  return view;
}

/// Bytes between sections must be zero and fewer than a page: nothing of a file is unprotected.
void check_padding(std::span<const std::byte> file, std::uint64_t begin, std::uint64_t end, const std::string& place,
                   const std::string& origin) {
  if (begin > end) throw_format(origin, place, "overlaps the section before it");
  if (end - begin >= kBulkOffset) throw_format(origin, place, std::to_string(end - begin) + " unused bytes before it");
  const auto gap = file.subspan(begin, end - begin);
  if (std::any_of(gap.begin(), gap.end(), [](std::byte byte) { return byte != std::byte{0}; })) {
    throw_format(origin, place, "the bytes before it are not zero");
  }
}

}  // namespace

void throw_format(const std::string& origin, const std::string& place, const std::string& what) {
  throw Error(ErrorCode::kFormat, origin + ": " + place + ": " + what);
}

std::vector<SectionView> open_container(std::span<const std::byte> file, const std::string& origin) {
  const FileHeader header = open_header(file, origin);
  if (header.num_sections != kSectionNames.size()) {
    throw_format(
        origin, "section table",
        "expected " + std::to_string(kSectionNames.size()) + " sections, found " + std::to_string(header.num_sections));
  }
  const std::size_t table_bytes = std::size_t{header.num_sections} * kSectionEntryBytes;
  if (file.size() - kFileHeaderBytes < table_bytes) throw_format(origin, "section table", "the file ends inside it");
  const auto table = file.subspan(kFileHeaderBytes, table_bytes);
  const std::uint32_t crc = crc32(table);
  if (crc != header.table_crc) {
    throw_format(origin, "section table", "expected CRC " + hex(header.table_crc) + ", found " + hex(crc));
  }
  std::vector<SectionView> sections;
  std::uint64_t end = kFileHeaderBytes + table_bytes;
  for (std::size_t i = 0; i < header.num_sections; ++i) {
    const auto entry = load_at<SectionEntry>(table, i * kSectionEntryBytes);
    if (section_name(entry) != kSectionNames[i]) {
      throw_format(origin, "section table",
                   "expected section " + std::string(kSectionNames[i]) + " at place " + std::to_string(i));
    }
    sections.push_back(open_section(file, entry, origin));
    check_padding(file, end, entry.offset, "section " + sections.back().name, origin);
    end = entry.offset + entry.bytes;
  }
  check_padding(file, end, file.size(), "end of file", origin);
  return sections;
}

std::vector<std::byte> seal_container(std::span<const SectionEntry> entries, std::uint64_t file_bytes) {
  std::vector<std::byte> bytes(kFileHeaderBytes + entries.size_bytes());
  std::memcpy(bytes.data() + kFileHeaderBytes, entries.data(), entries.size_bytes());
  FileHeader header;
  header.magic = kFileMagic;
  header.format = arch::kProgramFormat;
  header.num_sections = static_cast<std::uint32_t>(entries.size());
  header.contract_hash = arch::kContractHash;
  header.file_bytes = file_bytes;
  header.table_crc = crc32(std::span(bytes).subspan(kFileHeaderBytes));
  std::memcpy(bytes.data(), &header, sizeof(header));
  header.header_crc = crc32(std::span(bytes).first(kFileHeaderBytes - sizeof(std::uint32_t)));
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

void reseal_container(std::span<std::byte> file) {
  if (file.size() < kFileHeaderBytes) return;
  auto header = load_at<FileHeader>(file, 0);
  const std::size_t room = (file.size() - kFileHeaderBytes) / kSectionEntryBytes;
  const std::size_t count = std::min<std::size_t>({header.num_sections, kMaxSections, room});
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = kFileHeaderBytes + i * kSectionEntryBytes;
    auto entry = load_at<SectionEntry>(file, at);
    if (entry.check != static_cast<std::uint32_t>(SectionCheck::kWhole)) continue;
    if (entry.offset > file.size() || entry.bytes > file.size() - entry.offset) continue;
    entry.crc = crc32(file.subspan(entry.offset, entry.bytes));
    std::memcpy(file.data() + at, &entry, sizeof(entry));
  }
  header.table_crc = crc32(file.subspan(kFileHeaderBytes, count * kSectionEntryBytes));
  std::memcpy(file.data(), &header, sizeof(header));
  header.header_crc = crc32(file.first(kFileHeaderBytes - sizeof(std::uint32_t)));
  std::memcpy(file.data(), &header, sizeof(header));
}

}  // namespace xw::program
