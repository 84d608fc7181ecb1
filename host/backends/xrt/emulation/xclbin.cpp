// An xclbin for the emulated card, from the contract and an emulator description.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/xclbin.hpp"

#include <uuid/uuid.h>
#include <xclbin.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <span>

#include "arch/generated/xw_arch.hpp"
#include "arch/generated/xw_kernel.hpp"
#include "host/backends/xrt/emulation/server.hpp"
#include "host/backends/xrt/xclbin_file.hpp"
#include "host/device/device_memory.hpp"

namespace xw::xrt_emulation {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kKernelRange = 0x1000;

/// An argument as XRT counts them: those that exist per engine one by one.
struct Argument {
  std::string name, port;  ///< port: empty for scalars
  std::uint32_t offset = 0, bytes = 0;
};

[[nodiscard]] std::vector<Argument> arguments_of(std::uint32_t num_engines) {
  std::vector<Argument> all;
  for (const arch::KernelArgument& a : arch::kKernelArguments) {
    const bool per_engine = a.count > 1;
    for (std::uint32_t i = 0; i < (per_engine ? num_engines : 1); ++i) {
      const std::string number = std::to_string(i);
      all.push_back({std::string(a.name) + (per_engine ? "_" + number : ""),
                     std::string(a.port) + (per_engine && !a.port.empty() ? number : ""), a.offset + i * a.bytes,
                     a.bytes});
    }
  }
  return all;
}

/// The AXI masters, each with a memory bank of its own.
[[nodiscard]] std::vector<std::string> ports_of(const std::vector<Argument>& arguments) {
  std::vector<std::string> ports;
  for (const Argument& a : arguments) {
    if (!a.port.empty() && std::find(ports.begin(), ports.end(), a.port) == ports.end()) ports.push_back(a.port);
  }
  return ports;
}

[[nodiscard]] std::string hex(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llX", static_cast<unsigned long long>(value));
  return text;
}

template <typename T>
void put(Bytes& bytes, std::size_t offset, const T& value) {
  if (bytes.size() < offset + sizeof value) bytes.resize(offset + sizeof value);
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

template <typename Characters>
void put_text(Characters& place, std::string_view text) {
  std::memcpy(place, text.data(), std::min(text.size(), sizeof place - 1));
}

[[nodiscard]] Bytes as_bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

[[nodiscard]] Bytes memory_section(std::size_t num_banks, std::uint64_t memory_bytes) {
  Bytes bytes;
  put(bytes, 0, static_cast<std::int32_t>(num_banks));
  constexpr std::uint64_t kGranule = std::uint64_t{64} << 10U;
  const std::uint64_t each = memory_bytes / num_banks / kGranule * kGranule;
  for (std::size_t i = 0; i < num_banks; ++i) {
    mem_data bank{};
    bank.m_type = MEM_HBM;
    bank.m_used = 1;
    bank.m_size = each >> 10U;  // KiB
    bank.m_base_address = device::DeviceMemory::kDefaultBase + i * each;
    put_text(bank.m_tag, "HBM[" + std::to_string(i) + "]");
    put(bytes, offsetof(mem_topology, m_mem_data) + i * sizeof bank, bank);
  }
  return bytes;
}

[[nodiscard]] Bytes kernel_section() {
  Bytes bytes;
  put(bytes, 0, std::int32_t{1});
  ip_data kernel{};
  kernel.m_type = IP_KERNEL;
  kernel.properties = static_cast<std::uint32_t>(AP_CTRL_HS) << IP_CONTROL_SHIFT;
  kernel.m_base_address = kKernelBase;
  put_text(kernel.m_name, std::string(arch::kKernelName) + ":" + std::string(arch::kKernelName) + "_1");
  put(bytes, offsetof(ip_layout, m_ip_data), kernel);
  return bytes;
}

[[nodiscard]] Bytes connectivity_section(const std::vector<Argument>& arguments,
                                         const std::vector<std::string>& ports) {
  Bytes bytes;
  std::int32_t count = 0;
  put(bytes, 0, count);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].port.empty()) continue;
    const auto bank = std::find(ports.begin(), ports.end(), arguments[i].port) - ports.begin();
    const connection wire{static_cast<std::int32_t>(i), 0, static_cast<std::int32_t>(bank)};
    put(bytes, offsetof(connectivity, m_connection) + static_cast<std::size_t>(count) * sizeof wire, wire);
    ++count;
  }
  put(bytes, 0, count);
  return bytes;
}

[[nodiscard]] Bytes clock_section(double mhz) {
  Bytes bytes;
  put(bytes, 0, std::int16_t{1});
  clock_freq clock{};
  clock.m_freq_Mhz = static_cast<std::uint16_t>(std::clamp(mhz, 1.0, 1000.0));
  clock.m_type = CT_DATA;
  put_text(clock.m_name, "DATA_CLK");
  put(bytes, offsetof(clock_freq_topology, m_clock_freq), clock);
  return bytes;
}

struct Section {
  axlf_section_kind kind;
  const char* name;
  Bytes data;
};

[[nodiscard]] Bytes assemble(const std::vector<Section>& sections, const std::string& platform) {
  Bytes bytes(offsetof(axlf, m_sections) + sections.size() * sizeof(axlf_section_header));
  const auto align = [&] { bytes.resize((bytes.size() + 7) / 8 * 8); };
  for (std::size_t i = 0; i < sections.size(); ++i) {
    align();
    axlf_section_header header{};
    header.m_sectionKind = sections[i].kind;
    put_text(header.m_sectionName, sections[i].name);
    header.m_sectionOffset = bytes.size();
    header.m_sectionSize = sections[i].data.size();
    bytes.insert(bytes.end(), sections[i].data.begin(), sections[i].data.end());
    put(bytes, offsetof(axlf, m_sections) + i * sizeof header, header);
  }
  align();
  axlf head{};
  std::memcpy(head.m_magic, "xclbin2", 8);
  head.m_signature_length = -1;
  std::memset(head.reserved, 0xFF, sizeof head.reserved);
  head.m_header.m_length = bytes.size();
  head.m_header.m_timeStamp = static_cast<std::uint64_t>(std::time(nullptr));
  head.m_header.m_versionMajor = 2;
  head.m_header.m_versionMinor = 13;
  head.m_header.m_mode = XCLBIN_HW_EMU;
  put_text(head.m_header.m_platformVBNV, platform);
  uuid_generate(head.m_header.uuid);
  head.m_header.m_numSections = static_cast<std::uint32_t>(sections.size());
  std::memcpy(bytes.data(), &head, offsetof(axlf, m_sections));
  std::memcpy(bytes.data() + xrt_device::kChecksumMarkOffset, xrt_device::kChecksumMark.data(),
              xrt_device::kChecksumMark.size());
  put(bytes, xrt_device::kChecksumOffset, xrt_device::xclbin_checksum(bytes));
  return bytes;
}

}  // namespace

std::string make_metadata(const arch::EmulatorDescription& emulator) {
  const std::string kernel(arch::kKernelName);
  const std::vector<Argument> arguments = arguments_of(emulator.num_engines);
  const std::string clock = std::to_string(emulator.clock_mhz);
  // Ports and arguments stand directly in the kernel here; kernel.xml, which v++ reads, wraps them.
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<project name=\"" + kernel +
                    "\">\n <platform vendor=\"xilinx\" boardid=\"emulated\" name=\"crossweave\" featureRomTime=\"0\">\n"
                    "  <version major=\"1\" minor=\"0\"/>\n"
                    "  <device name=\"fpga0\" fpgaDevice=\"virtexuplus:emulated\" addressWidth=\"0\">\n"
                    "   <core name=\"OCL_REGION_0\" target=\"hw_em\" type=\"clc_region\" clockFreq=\"0MHz\" "
                    "numComputeUnits=\"60\">\n"
                    "    <kernelClocks><clock port=\"DATA_CLK\" frequency=\"" +
                    clock + "MHz\"/></kernelClocks>\n    <kernel name=\"" + kernel +
                    "\" language=\"ip_c\" vlnv=\"crossweave:kernel:" + kernel + ":" + std::to_string(arch::kIsaMajor) +
                    "." + std::to_string(arch::kIsaMinor) +
                    "\" attributes=\"\" preferredWorkGroupSizeMultiple=\"0\" workGroupSize=\"1\" interrupt=\"true\" "
                    "hwControlProtocol=\"ap_ctrl_hs\">\n";
  const auto port = [&](const std::string& name, const char* mode, const std::string& range, std::uint32_t bits) {
    xml += "     <port name=\"" + name + "\" mode=\"" + mode + "\" range=\"" + range + "\" dataWidth=\"" +
           std::to_string(bits) + "\" portType=\"addressable\" base=\"0x0\"/>\n";
  };
  port("s_axi_control", "slave", hex(kKernelRange), 32);
  for (const std::string& name : ports_of(arguments)) {
    port(name, "master", "0xFFFFFFFFFFFFFFFF", emulator.data_width_bits);
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Argument& a = arguments[i];
    const bool pointer = !a.port.empty();
    xml += "     <arg name=\"" + a.name + "\" addressQualifier=\"" + (pointer ? "1" : "0") + "\" id=\"" +
           std::to_string(i) + "\" port=\"" + (pointer ? a.port : "s_axi_control") + "\" size=\"" + hex(a.bytes) +
           "\" offset=\"" + hex(a.offset) + "\" hostOffset=\"0x0\" hostSize=\"" + hex(a.bytes) + "\" type=\"" +
           (pointer ? "void*" : "uint") + "\"/>\n";
  }
  xml += "     <instance name=\"" + kernel + "_1\">\n      <addrRemap base=\"" + hex(kKernelBase) + "\" range=\"" +
         hex(kKernelRange) +
         "\" port=\"s_axi_control\"/>\n     </instance>\n    </kernel>\n   </core>\n  </device>\n </platform>\n"
         "</project>\n";
  return xml;
}

std::vector<std::byte> make_xclbin(const CardDescription& description) {
  const arch::EmulatorDescription& emulator = description.emulator;
  const std::vector<Argument> arguments = arguments_of(emulator.num_engines);
  const std::vector<std::string> ports = ports_of(arguments);
  const Bytes memory = memory_section(ports.size(), emulator.memory_bytes);
  const Bytes wires = connectivity_section(arguments, ports);
  return assemble({{BITSTREAM, "bitstream", as_bytes(to_text(description))},
                   {EMBEDDED_METADATA, "metadata", as_bytes(make_metadata(emulator))},
                   {MEM_TOPOLOGY, "mem_topology", memory},
                   {ASK_GROUP_TOPOLOGY, "group_topology", memory},
                   {IP_LAYOUT, "ip_layout", kernel_section()},
                   {CONNECTIVITY, "connectivity", wires},
                   {ASK_GROUP_CONNECTIVITY, "group_wires", wires},
                   {CLOCK_FREQ_TOPOLOGY, "clocks", clock_section(emulator.clock_mhz)}},
                  xrt_device::kEmulatedPlatform + description.kind + "_1_0");
}

}  // namespace xw::xrt_emulation
