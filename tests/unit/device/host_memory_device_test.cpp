// What devices that are programs on this host share.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/host_memory_device.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "systemc/chip/chip_use.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::device {
namespace {

using test::expect_error;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::uint64_t kPage = DeviceMemory::kPageBytes;
constexpr std::uint64_t kMemoryBytes = 64 * kPage;

/// A device that runs nothing and notes which memory it was told of.
class NotingDevice final : public HostMemoryDevice {
 public:
  NotingDevice() : HostMemoryDevice(description()) {}
  RunStats run(const RunArguments&) override { return {}; }
  using HostMemoryDevice::completion_record;
  using HostMemoryDevice::memory;

  /// Changes since the last call.
  [[nodiscard]] std::vector<std::pair<Address, std::uint64_t>> changes() { return std::exchange(changes_, {}); }

 private:
  static DeviceInfo description() {
    DeviceInfo info;
    info.name = "noting";
    info.emulator.memory_bytes = kMemoryBytes;
    return info;
  }
  void memory_changed(Address address, std::uint64_t bytes) override { changes_.emplace_back(address, bytes); }

  std::vector<std::pair<Address, std::uint64_t>> changes_;
};

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(i * 7 + 1);
  return data;
}

TEST(HostMemoryDevice, HasTheMemoryOfItsEmulator) {
  NotingDevice device;
  EXPECT_EQ(device.info().name, "noting");
  EXPECT_EQ(device.memory().capacity_bytes(), kMemoryBytes);
  EXPECT_EQ(device.chip_use(), nullptr);
  expect_error(ErrorCode::kCapacity, "", [&] { (void)device.allocate(kMemoryBytes + 1, {}); });
  EXPECT_THAT(device.changes(), IsEmpty());
  EXPECT_EQ(device.memory().allocated_bytes(), 0U);
}

TEST(HostMemoryDevice, WhatIsWrittenIsReadAndSeenInPlace) {
  NotingDevice device;
  const Address a = device.allocate(100, {}), b = device.allocate(100, {2});
  const std::vector<std::byte> data = pattern(40);
  device.write(a + 60, data);
  std::vector<std::byte> all(100);
  device.read(a, all);
  EXPECT_TRUE(std::all_of(all.begin(), all.begin() + 60, [](std::byte x) { return x == std::byte{0}; }));
  EXPECT_TRUE(std::equal(data.begin(), data.end(), all.begin() + 60));
  EXPECT_TRUE(std::ranges::equal(device.host_view(a, 100), all));
  device.host_view(b, 100)[99] = std::byte{5};
  std::array<std::byte, 1> last{};
  device.read(b + 99, last);
  EXPECT_EQ(last[0], std::byte{5});
}

TEST(HostMemoryDevice, EveryChangeOfMemoryIsToldToTheDevice) {
  NotingDevice device;
  const Address a = device.allocate(kPage + 1, {});
  EXPECT_THAT(device.changes(), ElementsAre(Pair(a, 2 * kPage))) << "whole pages come and go";
  device.write(a + 8, pattern(16));
  EXPECT_THAT(device.changes(), ElementsAre(Pair(a + 8, 16)));
  std::array<std::byte, 4> read{};
  device.read(a, read);
  static_cast<void>(device.host_view(a, 64));
  EXPECT_THAT(device.changes(), IsEmpty()) << "reading changes nothing; of views the host tells";
  device.written(a, 64);
  EXPECT_THAT(device.changes(), ElementsAre(Pair(a, 64)));
  device.free(a);
  EXPECT_THAT(device.changes(), ElementsAre(Pair(a, 2 * kPage)));
}

TEST(HostMemoryDevice, AccessOutsideOfAllocationsIsRefusedAndTellsNothing) {
  NotingDevice device;
  const Address a = device.allocate(100, {});
  static_cast<void>(device.changes());
  std::array<std::byte, 2> two{};
  for (const Address outside : {a + 99, a - 1, Address{0}}) {
    expect_error(ErrorCode::kInvalidArgument, "not inside one allocation", [&] { device.write(outside, two); });
    expect_error(ErrorCode::kInvalidArgument, "not inside one allocation", [&] { device.read(outside, two); });
    expect_error(ErrorCode::kInvalidArgument, "not inside one allocation", [&] { device.written(outside, 2); });
    expect_error(ErrorCode::kInvalidArgument, "not inside one allocation", [&] { (void)device.host_view(outside, 2); });
  }
  expect_error(ErrorCode::kInvalidArgument, "", [&] { device.free(a + 1); });
  EXPECT_THAT(device.changes(), IsEmpty());
}

TEST(HostMemoryDevice, TheRecordOfARunIsWhereItsArgumentsSayOrNowhere) {
  NotingDevice device;
  const Address a = device.allocate(2 * kPage, {});
  const auto record_at = [&](Address address) {
    RunArguments arguments;
    arguments.completion_base = address;
    return device.completion_record(arguments);
  };
  std::byte* const begin = device.host_view(a, 1).data();
  EXPECT_EQ(record_at(a), begin);
  EXPECT_EQ(record_at(a + arch::kMemoryAlignment), begin + arch::kMemoryAlignment);
  EXPECT_EQ(record_at(a + 1), nullptr) << "misaligned";
  EXPECT_EQ(record_at(a + 2 * kPage), nullptr) << "no memory";
  EXPECT_EQ(record_at(a + 2 * kPage - arch::kCompletionBytes), begin + 2 * kPage - arch::kCompletionBytes);
  EXPECT_EQ(record_at(a + 2 * kPage - arch::kCompletionBytes + arch::kMemoryAlignment), nullptr) << "half of it";
  EXPECT_EQ(record_at(0), nullptr);
}

}  // namespace
}  // namespace xw::device
