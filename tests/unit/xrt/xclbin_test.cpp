// The xclbin of the emulation beside kernel.xml, which another generator makes; and what is found out about broken ones.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/backends/xrt/emulation/xclbin.hpp"
#include "host/backends/xrt/xclbin_file.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/paths.hpp"

namespace xw::xrt_emulation {
namespace {

/// All elements of a name, each as the sorted list of its attributes.
[[nodiscard]] std::vector<std::set<std::string>> elements(const std::string& xml, const std::string& name) {
  std::vector<std::set<std::string>> all;
  const std::regex element("<" + name + " ([^>]*)/>");
  const std::regex attribute("[A-Za-z]+=\"[^\"]*\"");
  for (std::sregex_iterator e(xml.begin(), xml.end(), element), end; e != end; ++e) {
    const std::string text = (*e)[1].str();
    std::set<std::string> attributes;
    for (std::sregex_iterator a(text.begin(), text.end(), attribute); a != end; ++a) {
      std::string found = a->str();
      if (found.starts_with("offset=\"0x0")) found.erase(10, 1);  // one of the two writes leading zeros
      attributes.insert(found);
    }
    all.push_back(attributes);
  }
  return all;
}

[[nodiscard]] arch::EmulatorDescription with_engines(std::uint32_t engines) {
  arch::EmulatorDescription emulator = arch::load_emulator("alveo-u55c");
  emulator.num_engines = engines;
  return emulator;
}

[[nodiscard]] std::vector<std::byte> some_xclbin() {
  CardDescription card;
  card.emulator = arch::load_emulator("tiny-64");
  return make_xclbin(card);
}

TEST(Xclbin, MetadataHasThePortsAndArgumentsOfKernelXml) {
  const std::string expected = read_text_file(test::source_dir() / "arch/generated/kernel.xml");
  const std::string metadata = make_metadata(with_engines(8));
  EXPECT_EQ(elements(metadata, "arg"), elements(expected, "arg"));
  EXPECT_EQ(elements(metadata, "port"), elements(expected, "port"));
  EXPECT_EQ(elements(metadata, "arg").size(), 17U);
  EXPECT_EQ(elements(make_metadata(with_engines(3)), "arg").size(), 12U);
  EXPECT_EQ(elements(make_metadata(with_engines(3)), "port").size(), 5U);
}

TEST(Xclbin, DescriptionsOfCardsAreReadAsTheyAreWritten) {
  CardDescription card;
  card.kind = "verilated";
  card.options = "latency=3,backpressure=0.5";
  card.threads = 4;
  card.hang_after = 7;
  card.contract = "00112233445566778899aabbccddeeff";
  card.emulator = arch::load_emulator("tiny-64");
  const CardDescription read = parse_card(to_text(card), "test");
  EXPECT_EQ(read.kind, card.kind);
  EXPECT_EQ(read.options, card.options);
  EXPECT_EQ(read.threads, card.threads);
  EXPECT_EQ(read.hang_after, card.hang_after);
  EXPECT_EQ(read.contract, card.contract);
  EXPECT_EQ(read.emulator, card.emulator);
  test::expect_error(ErrorCode::kFormat, "is not one of the emulation", [] { (void)parse_card("PK zip\n", "test"); });
  test::expect_error(ErrorCode::kFormat, "unknown key 'speed'",
                     [&] { (void)parse_card("crossweave emulated card 1\nspeed=2\n\n" + card.emulator.text, "test"); });
  test::expect_error(ErrorCode::kFormat, "threads: expected an integer", [&] {
    (void)parse_card("crossweave emulated card 1\nthreads=many\n\n" + card.emulator.text, "test");
  });
  test::expect_error(ErrorCode::kFormat, "ends in its first lines",
                     [] { (void)parse_card("crossweave emulated card 1\nkind=x", "test"); });
}

TEST(Xclbin, WhatIsWrittenIsGood) {
  const xrt_device::XclbinHeader header = xrt_device::check_xclbin(some_xclbin(), "made");
  EXPECT_TRUE(header.emulation);
  EXPECT_EQ(header.platform, "crossweave_emulated_functional_1_0");
}

TEST(Xclbin, TruncatedFilesAreRefused) {
  const std::vector<std::byte> good = some_xclbin();
  for (std::size_t size = 0; size < good.size(); size += size < 600 ? 1 : 97) {
    test::expect_error(ErrorCode::kFormat, "cut: not a usable xclbin: ", [&] {
      (void)xrt_device::check_xclbin(std::span(good).first(size), "cut");
    });
  }
}

TEST(Xclbin, AChangedBitIsRefusedWhereverItIs) {
  const std::vector<std::byte> good = some_xclbin();
  for (std::size_t at = 0; at < good.size(); at += at < 1000 ? 1 : 7) {
    std::vector<std::byte> broken = good;
    broken[at] ^= static_cast<std::byte>(1U << (at % 8));
    test::expect_error(ErrorCode::kFormat, "not a usable xclbin",
                       [&] { (void)xrt_device::check_xclbin(broken, "broken at " + std::to_string(at)); });
  }
}

}  // namespace
}  // namespace xw::xrt_emulation
