// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/device_memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::device {
namespace {

using xw::test::expect_error;

constexpr std::uint64_t kPage = DeviceMemory::kPageBytes;

TEST(DeviceMemory, AllocationsAreAlignedZeroedAndApart) {
  DeviceMemory memory(1U << 20U);
  const Address a = memory.allocate(1);
  const Address b = memory.allocate(kPage + 1);
  EXPECT_EQ(a % kPage, 0U);
  EXPECT_EQ(b % kPage, 0U);
  EXPECT_GE(b, a + 2 * kPage);
  EXPECT_GT(a, 0xFFFFFFFFU);
  EXPECT_EQ(memory.allocated_bytes(), 3 * kPage);
  for (const std::byte byte : memory.host_span(b, kPage + 1)) EXPECT_EQ(byte, std::byte{0});
}

TEST(DeviceMemory, FreedMemoryComesBackZeroed) {
  DeviceMemory memory(64 * kPage);
  const Address a = memory.allocate(10 * kPage);
  std::ranges::fill(memory.host_span(a, 10 * kPage), std::byte{0xFF});
  memory.free(a);
  EXPECT_EQ(memory.find(a, 1), nullptr);
  EXPECT_EQ(memory.allocated_bytes(), 0U);
  const Address b = memory.allocate(10 * kPage);
  EXPECT_EQ(b, a);
  EXPECT_TRUE(std::ranges::all_of(memory.host_span(b, 10 * kPage), [](std::byte x) { return x == std::byte{0}; }));
}

TEST(DeviceMemory, HostAccessIsBoundedByWhatWasAskedFor) {
  DeviceMemory memory(1U << 20U);
  const Address a = memory.allocate(100);
  EXPECT_EQ(memory.host_span(a, 100).size(), 100U);
  EXPECT_EQ(memory.host_span(a + 100, 0).size(), 0U);
  for (const auto& [address, bytes] : std::map<Address, std::uint64_t>{
           {a, 101}, {a + 1, 100}, {a + 101, 0}, {a - 1, 2}, {0, 1}, {a + 50, ~std::uint64_t{0}}, {~Address{0}, 1}}) {
    expect_error(ErrorCode::kInvalidArgument, "not inside one allocation",
                 [&, address = address, bytes = bytes] { (void)memory.host_span(address, bytes); });
  }
}

TEST(DeviceMemory, DeviceAccessIsBoundedByPages) {
  DeviceMemory memory(1U << 20U);
  const Address a = memory.allocate(100);
  EXPECT_NE(memory.find(a, kPage), nullptr);
  EXPECT_EQ(memory.find(a, kPage + 1), nullptr);
  EXPECT_EQ(memory.find(a + kPage, 1), nullptr);
  EXPECT_EQ(memory.find(a - 1, 1), nullptr);
  EXPECT_EQ(memory.find(a + 64, ~std::uint64_t{0}), nullptr);
  EXPECT_EQ(memory.mapped_from(a + 64), kPage - 64);
  EXPECT_EQ(memory.mapped_from(a + kPage), 0U);
}

TEST(DeviceMemory, FullMemorySaysWhatIsFree) {
  DeviceMemory memory(16 * kPage);
  expect_error(ErrorCode::kCapacity, "65536 of 65536 bytes free, 65536 of them in one piece",
               [&] { (void)memory.allocate(16 * kPage + 1); });
  const Address a = memory.allocate(4 * kPage);
  const Address b = memory.allocate(4 * kPage);
  (void)b;
  memory.free(a);
  // Free: 4 pages less the gap before b, and what follows b and a gap.
  expect_error(ErrorCode::kCapacity, "28672 bytes needed, 49152 of 65536 bytes free, 24576 of them in one piece",
               [&] { (void)memory.allocate(7 * kPage); });
  expect_error(ErrorCode::kCapacity, "of 65536 bytes free", [&] { (void)memory.allocate(~std::uint64_t{0}); });
}

TEST(DeviceMemory, PlacesThatSomebodyElseChoseAreMappedUnlessTheyOverlap) {
  DeviceMemory memory(1U << 20U);
  constexpr Address kBase = DeviceMemory::kDefaultBase;
  memory.allocate_at(kBase + 8192, 4096);
  memory.allocate_at(kBase + 12288, 100);  // adjacent
  EXPECT_EQ(memory.mapped_from(kBase + 8192), 4096U) << "allocations stay apart";
  EXPECT_EQ(memory.host_span(kBase + 12288, 100).size(), 100U);
  const auto refuse = [&](Address address, std::uint64_t bytes, const char* message) {
    expect_error(ErrorCode::kCapacity, message, [&] { memory.allocate_at(address, bytes); });
  };
  refuse(kBase + 4096, 8192, "overlaps another allocation");
  refuse(kBase + 8192, 1, "overlaps another allocation");
  refuse(kBase + 64, 1, "expected whole pages");
  refuse(kBase, 0, "expected whole pages");
  refuse(kBase - 4096, 64, "outside of the memory");
  refuse(kBase + (1U << 20U) - 4096, 4097, "outside of the memory");
  memory.free(kBase + 8192);
  memory.allocate_at(kBase + 4096, 8192);
}

TEST(DeviceMemory, RefusesWhatIsNoAllocation) {
  DeviceMemory memory(1U << 20U);
  const Address a = memory.allocate(2 * kPage);
  expect_error(ErrorCode::kInvalidArgument, "not the start of an allocation", [&] { memory.free(a + kPage); });
  expect_error(ErrorCode::kInvalidArgument, "0 bytes", [&] { (void)memory.allocate(0); });
  memory.free(a);
  expect_error(ErrorCode::kInvalidArgument, "not the start of an allocation", [&] { memory.free(a); });
  expect_error(ErrorCode::kInvalidArgument, "not a page-aligned range", [] { DeviceMemory bad(kPage, kPage + 1); });
}

/// Random allocations against a plain list of ranges.
TEST(DeviceMemory, RandomAllocationsNeverTouch) {
  constexpr std::uint32_t kSeed = 5;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  DeviceMemory memory(256 * kPage);
  std::map<Address, std::uint64_t> live;
  for (int step = 0; step < 2000; ++step) {
    if (live.empty() || random() % 3 != 0) {
      const std::uint64_t bytes = 1 + random() % (20 * kPage);
      Address address = 0;
      try {
        address = memory.allocate(bytes);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCapacity);
        continue;
      }
      for (const auto& [other, length] : live) {
        EXPECT_TRUE(address + bytes + kPage <= other + kPage - 1 || other + length + kPage <= address + kPage - 1);
      }
      EXPECT_LE(address + bytes, DeviceMemory::kDefaultBase + 256 * kPage);
      live[address] = bytes;
    } else {
      const auto victim = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
      memory.free(victim->first);
      live.erase(victim);
    }
  }
}

}  // namespace
}  // namespace xw::device
