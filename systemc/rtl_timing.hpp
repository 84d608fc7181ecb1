// Cycles that the RTL's state machines and pipelines take, as the sources in rtl/ have them. Sizes, rates and memory
// latencies come from the emulator description.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/generated/xw_arch.hpp"
#include "systemc/clock.hpp"

namespace xw::systemc::rtl {

// xw_unit_queue
inline constexpr std::uint32_t kQueueDepth = 16;
inline constexpr Cycles kPushToTake = 1;  ///< an instruction written to an empty queue is seen in the next cycle
inline constexpr Cycles kTakeToIssue = 1;
inline constexpr Cycles kDoneToTake = 1;  ///< also: a token signalled can be taken in the next cycle

// xw_axi_read: request accepted -> address on the bus.
inline constexpr Cycles kRequestToAddress = 2;

// xw_block_load
inline constexpr Cycles kHeaderCheck =
    18;  ///< last header beat -> first table beat can be taken: CRC 16, compare 1, +1
inline constexpr Cycles kTablesToDone = 1;  ///< last table beat -> done
inline constexpr Cycles kCellsToReady = 3;  ///< last cell beat -> next command: sum, drain, idle

// xw_mvm_control, xw_converter
inline constexpr Cycles kMvmStart = 3;       ///< command -> first beat: lookup, check, run
inline constexpr Cycles kCellToBeat = 1;     ///< a cell that arrives can be used in the next cycle
inline constexpr Cycles kLastRowToFree = 3;  ///< last row of a pass -> sums read, without the reads themselves
inline constexpr Cycles kConverter = arch::kThreefryRounds + 8;
inline constexpr Cycles kMvmFinish = 5;  ///< last row -> done, without reads and converter

// x load: request of the first range, rotation of bytes and the write to XBUF.
inline constexpr Cycles kXLoadStart = 2;
inline constexpr Cycles kXLoadFinish = 3;
// y store: first read of YBUF, sum over the banks, writer.
inline constexpr Cycles kYStoreStart = 6;
inline constexpr Cycles kYStoreFinish = 2;

// fetch and dispatch
inline constexpr Cycles kStartToRequest = 3;  ///< start accepted -> header requested
inline constexpr std::uint32_t kFetchBytes = 1024;
inline constexpr Cycles kFetchToDispatch = 2;  ///< beat in -> decoded
inline constexpr Cycles kHaltToRecord = 4;     ///< all idle -> first word of the record
inline constexpr Cycles kRecordToDone = 2;     ///< record answered -> done
inline constexpr std::uint32_t kDefaultWatchdog = 1U << 20U;

}  // namespace xw::systemc::rtl
