// What is looked at in an xclbin before XRT reads it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/xclbin_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string_view>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "host/backends/xrt/xrt_headers.hpp"

namespace xw::xrt_device {
namespace {

using Bytes = std::span<const std::byte>;

template <typename T>
[[nodiscard]] T read_at(Bytes bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

template <std::size_t kSize>
[[nodiscard]] std::string text_of(const unsigned char (&characters)[kSize]) {
  const auto* end = std::find(std::begin(characters), std::end(characters), '\0');
  return {reinterpret_cast<const char*>(characters), static_cast<std::size_t>(end - characters)};
}

/// A section with a count and an array behind it; `first`: where the array begins.
template <typename Count>
[[nodiscard]] std::uint64_t counted(Bytes section, std::size_t first, std::size_t each, const auto& refuse,
                                    const char* name) {
  if (section.size() < first) refuse(std::string("section ") + name + " has no entries");
  const auto count = static_cast<std::int64_t>(read_at<Count>(section, 0));
  const auto room = static_cast<std::int64_t>((section.size() - first) / each);
  if (count < 1 || count > room) {
    refuse(std::string("section ") + name + " says " + std::to_string(count) + " entries and has room for " +
           std::to_string(room));
  }
  return static_cast<std::uint64_t>(count);
}

}  // namespace

std::uint32_t xclbin_checksum(std::span<const std::byte> bytes) {
  const std::uint32_t front = crc32(bytes.first(kChecksumOffset));
  return crc32(bytes.subspan(kChecksumOffset + sizeof front), front);
}

XclbinHeader check_xclbin(std::span<const std::byte> bytes, const std::string& origin) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::kFormat, origin + ": not a usable xclbin: " + what);
  };
  constexpr std::size_t kHeadBytes = offsetof(axlf, m_sections);
  if (bytes.size() < kHeadBytes) {
    refuse(std::to_string(bytes.size()) + " bytes, its header alone has " + std::to_string(kHeadBytes));
  }
  axlf head{};
  std::memcpy(static_cast<void*>(&head), bytes.data(), kHeadBytes);
  if (std::memcmp(head.m_magic, "xclbin2", 8) != 0) refuse("it does not begin with 'xclbin2'");
  if (head.m_header.m_length != bytes.size()) {
    refuse("its header says " + std::to_string(head.m_header.m_length) + " bytes, it has " +
           std::to_string(bytes.size()));
  }
  const std::uint64_t num_sections = head.m_header.m_numSections;
  if (num_sections > (bytes.size() - kHeadBytes) / sizeof(axlf_section_header)) {
    refuse("its header says " + std::to_string(num_sections) + " sections, which leave the file");
  }
  std::map<std::uint32_t, Bytes> sections;
  for (std::uint64_t i = 0; i < num_sections; ++i) {
    const auto section = read_at<axlf_section_header>(bytes, kHeadBytes + i * sizeof(axlf_section_header));
    if (section.m_sectionOffset > bytes.size() || section.m_sectionSize > bytes.size() - section.m_sectionOffset) {
      refuse("section " + std::to_string(i) + " leaves the file");
    }
    sections.emplace(section.m_sectionKind, bytes.subspan(static_cast<std::size_t>(section.m_sectionOffset),
                                                          static_cast<std::size_t>(section.m_sectionSize)));
  }
  XclbinHeader header;
  header.platform = text_of(head.m_header.m_platformVBNV);
  header.emulation = head.m_header.m_mode == XCLBIN_HW_EMU || head.m_header.m_mode == XCLBIN_HW_EMU_PR;
  const bool is_marked =
      std::memcmp(bytes.data() + kChecksumMarkOffset, kChecksumMark.data(), kChecksumMark.size()) == 0;
  if ((is_marked || header.platform.starts_with(kEmulatedPlatform)) &&
      read_at<std::uint32_t>(bytes, kChecksumOffset) != xclbin_checksum(bytes)) {
    refuse("its checksum is wrong");
  }
  const auto section = [&](axlf_section_kind kind, const char* name) {
    const auto found = sections.find(kind);
    if (found == sections.end()) refuse(std::string("it has no section ") + name);
    return found->second;
  };
  const Bytes metadata = section(EMBEDDED_METADATA, "EMBEDDED_METADATA");
  const std::string_view xml(reinterpret_cast<const char*>(metadata.data()), metadata.size());
  const std::string kernel(arch::kKernelName);
  if (xml.find("<kernel name=\"" + kernel + "\"") == std::string_view::npos) {
    refuse("it has no kernel '" + kernel + "'");
  }
  const Bytes memory = section(MEM_TOPOLOGY, "MEM_TOPOLOGY");
  (void)counted<std::int32_t>(memory, offsetof(mem_topology, m_mem_data), sizeof(mem_data), refuse, "MEM_TOPOLOGY");
  const Bytes wires = section(CONNECTIVITY, "CONNECTIVITY");
  (void)counted<std::int32_t>(wires, offsetof(connectivity, m_connection), sizeof(connection), refuse, "CONNECTIVITY");
  const Bytes kernels = section(IP_LAYOUT, "IP_LAYOUT");
  const std::uint64_t num_kernels =
      counted<std::int32_t>(kernels, offsetof(ip_layout, m_ip_data), sizeof(ip_data), refuse, "IP_LAYOUT");
  for (std::uint64_t i = 0; i < num_kernels; ++i) {
    const auto ip = read_at<ip_data>(kernels, offsetof(ip_layout, m_ip_data) + i * sizeof(ip_data));
    if (ip.m_type == IP_KERNEL && text_of(ip.m_name).starts_with(kernel + ":")) return header;
  }
  refuse("section IP_LAYOUT has no instance of kernel '" + kernel + "'");
  return header;
}

}  // namespace xw::xrt_device
