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
inline constexpr Cycles kTakeToSignal = 1;  ///< SYNC that waits and signals
inline constexpr Cycles kDoneToTake = 1;    ///< also: a token signalled can be taken in the next cycle

// xw_axi_read, xw_axi_write, xw_read_mux
inline constexpr Cycles kRequestToAddress = 2;  ///< range accepted -> first address offered
inline constexpr Cycles kReadRegister = 1;      ///< beat on the bus -> it can be taken
inline constexpr Cycles kReadMux = 1;           ///< register for addresses of readers that share a port
inline constexpr Cycles kAnswerToAddress = 2;   ///< burst answered -> the one that waited for it is offered
inline constexpr Cycles kAnswerToData = 3;      ///< likewise, first beat of a write

// xw_block_load
inline constexpr Cycles kLoadStart = 2;     ///< command -> first header beat can be taken
inline constexpr Cycles kCellsToStart = 3;  ///< last cell beat -> first header beat of the next image
inline constexpr Cycles kHeaderCheck = 18;  ///< last header beat -> first table beat: CRC 16, compare 1, next state
inline constexpr Cycles kTablesToDone = 1;  ///< last table beat -> done
inline constexpr Cycles kCellsToIdle = 2;   ///< last cell beat -> idle

// xw_mvm_control, xw_converter
inline constexpr Cycles kMvmStart = 3;       ///< command -> first beat: lookup, check, run
inline constexpr Cycles kCellToBeat = 1;     ///< a cell that arrives can be used in the next cycle
inline constexpr Cycles kLastRowToFree = 3;  ///< last row of a pass -> sums read, without the reads themselves
inline constexpr Cycles kConverter = arch::kThreefryRounds + 8;
inline constexpr Cycles kMvmFinish = 5;  ///< last row -> done, without reads and converter

// xw_x_load
inline constexpr Cycles kXLoadStart = 2;   ///< command -> first range requested
inline constexpr Cycles kXLoadFinish = 3;  ///< last step -> done: rotate, write, done

// xw_y_store
inline constexpr Cycles kYStoreStart = 2;   ///< command -> first row of YBUF read
inline constexpr Cycles kRowToBus = 4;      ///< row read -> on the bus: sum, buffer, writer
inline constexpr Cycles kYStoreFinish = 2;  ///< last answer -> done

// xw_run_control, xw_fetch, xw_dispatch; the first cycle of a run that is counted is 1
inline constexpr Cycles kHeaderRequest = 2;
inline constexpr Cycles kHeaderToStream = 2;        ///< last header beat -> instructions flow, more are requested
inline constexpr std::uint32_t kFetchBytes = 1024;  ///< instructions are fetched up to a multiple of it
inline constexpr Cycles kFetchToDispatch = 2;       ///< beat of instructions -> first of them pushed
inline constexpr Cycles kFenceToDispatch = 1;       ///< the next instruction comes a cycle later than behind others
inline constexpr Cycles kIdleToEnd = 4;             ///< HALT finds all units idle -> counters stand still
inline constexpr Cycles kEndToRecord = 4;           ///< -> first word of the record on the bus
inline constexpr Cycles kRecordToDone = 4;          ///< record answered -> done
inline constexpr std::uint32_t kDefaultWatchdog = 1U << 20U;

}  // namespace xw::systemc::rtl
