// The completion record: bytes and values, by the offsets of the contract.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "host/device/device.hpp"

namespace xw::device {
namespace {

static_assert(std::tuple_size_v<decltype(RunStats::block_bytes_read)> == arch::kCompletionBlockBytesReadCount);
static_assert(std::tuple_size_v<decltype(RunStats::busy_cycles)> == arch::kCompletionBusyCyclesCount);
static_assert(std::tuple_size_v<decltype(RunStats::semaphore_stall_cycles)> ==
              arch::kCompletionSemaphoreStallCyclesCount);
static_assert(std::tuple_size_v<decltype(RunStats::memory_stall_cycles)> == arch::kCompletionMemoryStallCyclesCount);
static_assert(std::tuple_size_v<decltype(RunArguments::image_base)> == arch::kMaxEngines);

template <typename T>
void put(std::span<std::byte> record, std::size_t offset, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) record[offset + i] = static_cast<std::byte>((value >> (8 * i)) & 0xFFU);
}

template <typename T>
[[nodiscard]] T get(std::span<const std::byte> record, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<T>(std::to_integer<std::uint8_t>(record[offset + i])) << (8 * i));
  }
  return value;
}

/// Calls visit(offset, member of each of `stats`) for every counter, scalars and array elements alike.
template <typename Visit, typename... Stats>
void for_each_counter(const Visit& visit, Stats&... stats) {
  visit(arch::kCompletionTotalCyclesOffset, stats.total_cycles...);
  visit(arch::kCompletionInstructionsOffset, stats.instructions...);
  visit(arch::kCompletionMvmsOffset, stats.mvms...);
  visit(arch::kCompletionMacsOffset, stats.macs...);
  visit(arch::kCompletionDacConversionsOffset, stats.dac_conversions...);
  visit(arch::kCompletionAdcConversionsOffset, stats.adc_conversions...);
  visit(arch::kCompletionAdcSaturationsOffset, stats.adc_saturations...);
  visit(arch::kCompletionProgramBytesReadOffset, stats.program_bytes_read...);
  visit(arch::kCompletionXBytesReadOffset, stats.x_bytes_read...);
  visit(arch::kCompletionYBytesWrittenOffset, stats.y_bytes_written...);
  for (std::uint32_t e = 0; e < arch::kCompletionBlockBytesReadCount; ++e) {
    visit(arch::kCompletionBlockBytesReadOffset + 8 * e, stats.block_bytes_read[e]...);
  }
  for (std::uint32_t u = 0; u < arch::kCompletionBusyCyclesCount; ++u) {
    visit(arch::kCompletionBusyCyclesOffset + 8 * u, stats.busy_cycles[u]...);
    visit(arch::kCompletionSemaphoreStallCyclesOffset + 8 * u, stats.semaphore_stall_cycles[u]...);
    visit(arch::kCompletionMemoryStallCyclesOffset + 8 * u, stats.memory_stall_cycles[u]...);
  }
}

}  // namespace

RunStats& operator+=(RunStats& sum, const RunStats& run) {
  for_each_counter([](std::uint32_t, std::uint64_t& total, std::uint64_t value) { total += value; }, sum, run);
  sum.chip_ns += run.chip_ns;
  return sum;
}

std::vector<std::byte> encode_completion(const RunStats& stats, const RunArguments& arguments,
                                         const std::array<std::uint8_t, 16>& hash) {
  std::vector<std::byte> record(arch::kCompletionBytes);
  const std::span<std::byte> bytes = record;
  put(bytes, arch::kCompletionMagicOffset, arch::kCompletionMagic);
  put(bytes, arch::kCompletionStatusOffset, stats.status);
  put(bytes, arch::kCompletionErrorUnitOffset, stats.error_unit);
  put(bytes, arch::kCompletionErrorInstructionOffset, stats.error_instruction);
  put(bytes, arch::kCompletionErrorDetailOffset, stats.error_detail);
  put(bytes, arch::kCompletionEntryOffset, arguments.entry);
  put(bytes, arch::kCompletionNumVectorsOffset, arguments.num_vectors);
  std::memcpy(record.data() + arch::kCompletionContractHashOffset, hash.data(), hash.size());
  for_each_counter([bytes](std::uint32_t offset, std::uint64_t value) { put(bytes, offset, value); }, stats);
  return record;
}

RunStats decode_completion(std::span<const std::byte> record) {
  if (record.size() != arch::kCompletionBytes) {
    throw Error(ErrorCode::kDeviceFault, "completion record: expected " + std::to_string(arch::kCompletionBytes) +
                                             " bytes, found " + std::to_string(record.size()));
  }
  const auto magic = get<std::uint32_t>(record, arch::kCompletionMagicOffset);
  if (magic != arch::kCompletionMagic) {
    throw Error(ErrorCode::kDeviceFault, "completion record: expected magic " + std::to_string(arch::kCompletionMagic) +
                                             ", found " + std::to_string(magic) + "; the device wrote no record");
  }
  RunStats stats;
  stats.status = get<std::uint32_t>(record, arch::kCompletionStatusOffset);
  stats.error_unit = get<std::uint32_t>(record, arch::kCompletionErrorUnitOffset);
  stats.error_instruction = get<std::uint32_t>(record, arch::kCompletionErrorInstructionOffset);
  stats.error_detail = get<std::uint64_t>(record, arch::kCompletionErrorDetailOffset);
  for_each_counter([record](std::uint32_t offset, std::uint64_t& value) { value = get<std::uint64_t>(record, offset); },
                   stats);
  return stats;
}

std::string describe_failure(const RunStats& stats) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string detail;
  for (std::uint64_t rest = stats.error_detail; rest != 0 || detail.empty(); rest >>= 4) detail += kDigits[rest & 15U];
  std::reverse(detail.begin(), detail.end());
  return std::string(arch::error_name(stats.status)) + " in " + arch::unit_name(stats.error_unit) + " at instruction " +
         std::to_string(stats.error_instruction) + " (detail 0x" + detail +
         "): " + std::string(arch::error_doc(stats.status));
}

}  // namespace xw::device
