// Writes small valid inputs as seeds: make_xrt_seeds DIRECTORY -> DIRECTORY/{xclbin,xrt_card,xrt_readings,xrt_request}/*
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "host/backends/xrt/emulation/xclbin.hpp"
#include "host/backends/xrt/xclbin_file.hpp"
#include "tests/support/emulation_request.hpp"

namespace {

using Bytes = std::vector<std::byte>;
namespace emulation = xw::xrt_emulation;

void write(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void write(const std::filesystem::path& path, std::string_view text) {
  write(path, std::as_bytes(std::span(text)));
}

void write_xclbins(const std::filesystem::path& folder, const emulation::CardDescription& card) {
  Bytes xclbin = emulation::make_xclbin(card);
  write(folder / "emulated", xclbin);
  // Of any other platform, without the mark, the checksum is not looked at, so that changed files are read further.
  const auto is = [](std::byte a, char b) { return a == static_cast<std::byte>(b); };
  const std::string_view platform = xw::xrt_device::kEmulatedPlatform;
  for (auto at = xclbin.begin();;) {
    at = std::search(at, xclbin.end(), platform.begin(), platform.end(), is);
    if (at == xclbin.end()) break;
    *at++ = std::byte{'X'};
  }
  xclbin[xw::xrt_device::kChecksumMarkOffset] = std::byte{'X'};
  write(folder / "card", xclbin);
}

[[nodiscard]] Bytes request(emulation::Call call, std::string_view payload) {
  const auto bytes = std::as_bytes(std::span(payload));
  return xw::test::request_message(call, Bytes(bytes.begin(), bytes.end()));
}

/// Memory at PlainCard's base and registers, written and read.
[[nodiscard]] Bytes requests() {
  using emulation::Call;
  Bytes all;
  for (const Bytes& one :
       {request(Call::kAllocate, {"\x08\x80\x20\x10\x80\x40", 6}),
        request(Call::kWriteMemory, {"\x18\x90\x80\x80\x80\x10\x22\x03\xAA\xBB\xCC\x28\x03\x30\x20", 15}),
        request(Call::kReadMemory, {"\x20\x90\x80\x80\x80\x10\x28\x02\x30\x21", 10}),
        request(Call::kWriteRegisters, {"\x10\x90\x80\x80\x0C\x22\x08\x01\x02\x03\x04\x05\x06\x07\x08", 15}),
        request(Call::kReadRegisters, {"\x10\x94\x80\x80\x0C\x18\x04", 7}), request(Call::kFree, {"\x08\x80\x20", 3}),
        request(Call::kTimestamp, {})}) {
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_xrt_seeds DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path root = argv[1];
  emulation::CardDescription card;
  card.emulator = xw::arch::load_emulator("tiny-64");
  write_xclbins(root / "xclbin", card);
  card.kind = "verilated";
  card.options = "latency=3,backpressure=0.5";
  card.contract = "00112233445566778899aabbccddeeff";
  write(root / "xrt_card" / "verilated", emulation::to_text(card));
  write(root / "xrt_readings" / "electrical", R"({"power_consumption_watts": "25.341"})");
  write(root / "xrt_readings" / "platform",
        R"({"platforms": [{"clocks": [{"id": "DATA_CLK", "description": "Data", "freq_mhz": "285"}]}]})");
  write(root / "xrt_request" / "all", requests());
}
