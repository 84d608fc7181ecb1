// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/device/device.hpp"

namespace xw::device {
namespace {

constexpr std::array<std::uint8_t, 16> kHash = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/// Every field another number, some beyond 32 bits.
[[nodiscard]] RunStats distinct_stats() {
  RunStats s;
  s.status = 14;
  s.error_unit = 9;
  s.error_instruction = 17;
  s.error_detail = 0x1'0000'0040;
  std::uint64_t next = 0xAB00'0000'0001;
  for (std::uint64_t* value :
       {&s.total_cycles, &s.instructions, &s.mvms, &s.macs, &s.dac_conversions, &s.adc_conversions, &s.adc_saturations,
        &s.program_bytes_read, &s.x_bytes_read, &s.y_bytes_written}) {
    *value = next++;
  }
  for (std::uint64_t& value : s.block_bytes_read) value = next++;
  for (std::uint64_t& value : s.busy_cycles) value = next++;
  for (std::uint64_t& value : s.semaphore_stall_cycles) value = next++;
  for (std::uint64_t& value : s.memory_stall_cycles) value = next++;
  return s;
}

[[nodiscard]] std::uint64_t u64_at(const std::vector<std::byte>& record, std::size_t offset) {
  std::uint64_t value = 0;
  std::memcpy(&value, record.data() + offset, sizeof value);
  return value;
}

TEST(Completion, StandsAtTheOffsetsOfTheContract) {
  RunArguments arguments;
  arguments.entry = 77;
  arguments.num_vectors = 5;
  const RunStats s = distinct_stats();
  const std::vector<std::byte> record = encode_completion(s, arguments, kHash);
  // Offsets typed from arch/accelerator.toml, not from the generated constants.
  ASSERT_EQ(record.size(), 1024U);
  EXPECT_EQ(std::memcmp(record.data(), "XWCR", 4), 0);
  EXPECT_EQ(u64_at(record, 0x004), 14U | std::uint64_t{9} << 32U);
  EXPECT_EQ(u64_at(record, 0x00C) & 0xFFFFFFFFU, 17U);
  EXPECT_EQ(u64_at(record, 0x010), s.error_detail);
  EXPECT_EQ(u64_at(record, 0x018), 77U | std::uint64_t{5} << 32U);
  EXPECT_EQ(u64_at(record, 0x020), s.total_cycles);
  EXPECT_EQ(u64_at(record, 0x030), s.mvms);
  EXPECT_EQ(u64_at(record, 0x050), s.adc_saturations);
  EXPECT_EQ(u64_at(record, 0x068), s.y_bytes_written);
  EXPECT_EQ(std::memcmp(record.data() + 0x070, kHash.data(), 16), 0);
  EXPECT_EQ(u64_at(record, 0x080 + 8 * 7), s.block_bytes_read[7]);
  EXPECT_EQ(u64_at(record, 0x0C0), s.busy_cycles[0]);
  EXPECT_EQ(u64_at(record, 0x180 + 8 * 23), s.semaphore_stall_cycles[23]);
  EXPECT_EQ(u64_at(record, 0x240 + 8 * 23), s.memory_stall_cycles[23]);
}

TEST(Completion, DecodesWhatItEncodes) {
  EXPECT_EQ(decode_completion(encode_completion(distinct_stats(), {}, kHash)), distinct_stats());
}

TEST(Completion, RefusesWhatIsNoRecord) {
  std::vector<std::byte> record = encode_completion({}, {}, kHash);
  const auto code_of = [](std::span<const std::byte> bytes) {
    try {
      (void)decode_completion(bytes);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(std::span(record).first(1023)), ErrorCode::kDeviceFault);
  EXPECT_EQ(code_of({}), ErrorCode::kDeviceFault);
  record[3] = std::byte{0};
  EXPECT_EQ(code_of(record), ErrorCode::kDeviceFault);
}

TEST(RunStats, SumAddsEventsAndTimesOnly) {
  RunStats one = distinct_stats();
  one.chip_ns = 141;
  RunStats sum = one;
  sum += one;
  EXPECT_EQ(sum.status, one.status);
  EXPECT_EQ(sum.error_unit, one.error_unit);
  EXPECT_EQ(sum.error_instruction, one.error_instruction);
  EXPECT_EQ(sum.error_detail, one.error_detail);
  EXPECT_EQ(sum.total_cycles, 2 * one.total_cycles);
  EXPECT_EQ(sum.chip_ns, 282U);
  EXPECT_EQ(sum.instructions, 2 * one.instructions);
  EXPECT_EQ(sum.y_bytes_written, 2 * one.y_bytes_written);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(sum.block_bytes_read[i], 2 * one.block_bytes_read[i]);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(sum.busy_cycles[i], 2 * one.busy_cycles[i]);
    EXPECT_EQ(sum.semaphore_stall_cycles[i], 2 * one.semaphore_stall_cycles[i]);
    EXPECT_EQ(sum.memory_stall_cycles[i], 2 * one.memory_stall_cycles[i]);
  }
}

TEST(DescribeFailure, NamesErrorUnitInstructionAndDetail) {
  RunStats stats;
  stats.status = static_cast<std::uint32_t>(arch::DeviceError::kImageHeaderCrc);
  stats.error_unit = arch::kUnitBlockLoad + 1;
  stats.error_instruction = 17;
  stats.error_detail = 0x40;
  EXPECT_EQ(describe_failure(stats),
            "image_header_crc in block_load[1] at instruction 17 (detail 0x40): Block image header CRC is wrong.");
  stats.error_detail = 0;
  stats.status = 1000;
  EXPECT_EQ(describe_failure(stats),
            "unknown_error in block_load[1] at instruction 17 (detail 0x0): Not an error code of this contract.");
}

}  // namespace
}  // namespace xw::device
