// What goes wrong between the device and its card, on the emulation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <numeric>
#include <set>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/backends/xrt/xrt_device.hpp"
#include "tests/support/emulated_card.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::xrt_device {
namespace {

using test::expect_error;

class Xrt : public testing::Test {
 protected:
  [[nodiscard]] static Options with(const std::filesystem::path& xclbin) {
    Options options;
    options.xclbin = xclbin;
    return options;
  }
  arch::EmulatorDescription emulator_ = arch::load_emulator("tiny-64");
  std::filesystem::path xclbin_ = test::emulated_xclbin("functional", emulator_);
};

TEST_F(Xrt, MemoryIsAlignedZeroedAndReadAsItIsWritten) {
  XrtDevice device(emulator_, with(xclbin_));
  const device::Address first = device.allocate(5000, {});
  const device::Address second = device.allocate(100, {0});
  for (const device::Address address : {first, second}) EXPECT_EQ(address % 4096, 0U);
  std::vector<std::byte> bytes(5000, std::byte{1});
  device.read(first, bytes);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), std::byte{0}), 5000);
  std::vector<std::byte> written(777);
  for (std::size_t i = 0; i < written.size(); ++i) written[i] = static_cast<std::byte>(i * 7);
  device.write(first + 1001, written);
  std::vector<std::byte> found(777);
  device.read(first + 1001, found);
  EXPECT_EQ(found, written);
  const std::span<std::byte> view = device.host_view(second, 100);
  ASSERT_EQ(view.size(), 100U);
  view[3] = std::byte{9};
  device.written(second, 100);
  device.read(second + 3, std::span(found).first(1));
  EXPECT_EQ(found[0], std::byte{9});
  expect_error(ErrorCode::kInvalidArgument, "not inside one allocation", [&] { device.read(first + 4500, found); });
  expect_error(ErrorCode::kInvalidArgument, "not the start of an allocation", [&] { device.free(first + 4096); });
  expect_error(ErrorCode::kInvalidArgument, "0 bytes", [&] { (void)device.allocate(0, {}); });
  expect_error(ErrorCode::kInvalidArgument, "no engine 1", [&] { (void)device.allocate(64, {1}); });
  expect_error(ErrorCode::kCapacity, {"bytes needed in memory group", "bytes free"},
               [&] { (void)device.allocate(std::uint64_t{1} << 40U, {}); });
  device.free(first);
  device.free(second);
}

TEST_F(Xrt, AnotherShapeIsNamed) {
  arch::EmulatorDescription other = emulator_;
  other.contexts = 3;
  expect_error(ErrorCode::kUnsupported, "contexts: expected 3, found 2",
               [&] { const XrtDevice device(other, with(xclbin_)); });
  const XrtDevice usable(emulator_, with(xclbin_));
}

TEST_F(Xrt, OneCardServesOneDeviceAtATime) {
  const XrtDevice first(emulator_, with(xclbin_));
  expect_error(ErrorCode::kDeviceFault, "in use by another device of this process",
               [&] { const XrtDevice second(emulator_, with(xclbin_)); });
}

TEST_F(Xrt, WhatIsNoXclbinIsNamed) {
  expect_error(ErrorCode::kFileNotFound, "absent.xclbin",
               [&] { const XrtDevice device(emulator_, with(xclbin_.parent_path() / "absent.xclbin")); });
  const std::filesystem::path broken = xclbin_.parent_path() / "broken.xclbin";
  std::string bytes = read_text_file(xclbin_);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(broken, std::ios::binary) << bytes;
  expect_error(ErrorCode::kFormat, {"broken.xclbin: not a usable xclbin", "checksum"},
               [&] { const XrtDevice device(emulator_, with(broken)); });
}

TEST_F(Xrt, CardsThatAreNotThereAreNamed) {
  Options options = with(xclbin_);
  options.index = 7;
  expect_error(ErrorCode::kDeviceFault, "no card 7", [&] { const XrtDevice device(emulator_, options); });
}

/// The driver adds variables while its other thread reads some: what setenv() moves the reader may find gone. Where all are there, none
/// moves.
TEST_F(Xrt, TheDriverFindsEveryVariableThatItSets) {
  const auto names = [] {
    std::set<std::string> found;
    for (char** variable = ::environ; *variable != nullptr; ++variable)
      found.insert(std::string(*variable).substr(0, std::string_view(*variable).find('=')));
    return found;
  };
  const std::set<std::string> before = names();
  const XrtDevice device(emulator_, with(xclbin_));
  std::set<std::string> added = names();
  for (const std::string& name : before) added.erase(name);
  EXPECT_EQ(added, std::set<std::string>());
}

/// The driver answers a crash by a signal to the whole process group, this test and its runner among them.
TEST_F(Xrt, ACrashEndsTheProcessAloneAndSaysWhereItWas) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // tests before this one may have left threads of the driver
  for (const int number : {SIGSEGV, SIGABRT, SIGFPE}) {
    const auto crash = [&] {
      const XrtDevice device(emulator_, with(xclbin_));
      ::raise(number);
    };
    EXPECT_EXIT(crash(), testing::KilledBySignal(number), "has crashed here:\n.*xrt_device_test");
  }
}

TEST_F(Xrt, ARunThatDoesNotEndIsGivenUpInTime) {
  xrt_emulation::CardDescription card;
  card.emulator = emulator_;
  card.hang_after = 1;
  Options options = with(test::emulated_xclbin(card));
  options.timeout = 0.5;
  const auto start = std::chrono::steady_clock::now();
  {
    XrtDevice device(emulator_, options);
    expect_error(ErrorCode::kDeviceTimeout, "did not end the run within", [&] { (void)device.run({}); });
    expect_error(ErrorCode::kDeviceTimeout, "an earlier run", [&] { (void)device.run({}); });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  test::remove_emulated_cards();
}

}  // namespace
}  // namespace xw::xrt_device
