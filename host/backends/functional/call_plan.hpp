// A call decoded once: its instructions up to HALT, checked against the device as far as memory contents are not
// needed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/description/description.hpp"
#include "arch/generated/xw_arch.hpp"
#include "compiler/program/instruction.hpp"
#include "host/device/device.hpp"

namespace xw::functional {

/// Why a run ends badly, as the completion record says it.
struct Failure {
  arch::DeviceError code = arch::DeviceError::kOk;
  std::uint32_t unit = arch::kUnitDispatch;
  std::uint32_t instruction = 0;  ///< index in the program; the entry for errors before the first instruction
  std::uint64_t detail = 0;
  [[nodiscard]] explicit operator bool() const { return code != arch::DeviceError::kOk; }
};

/// The instructions of one call. A call has no branches: it is the line from its entry to HALT.
struct CallPlan {
  std::uint32_t entry = 0;
  std::vector<program::Instruction>
      instructions;  ///< those before a static failure; all, HALT included, if there is none
  std::vector<std::uint32_t>
      block_source;                      ///< per instruction: for MVM, index of the LOAD_BLOCK that filled its context
  std::vector<std::uint32_t> transfers;  ///< indices of the LOAD_Xs and STORE_Ys
  bool vectors_disjoint = true;          ///< all STORE_Ys together write every vector to memory of its own
  Failure failure;                       ///< the first error that needs neither arguments nor memory contents
  std::uint32_t dispatched = 0;          ///< instructions fetched, the failing one included
};

/// Where the program stands in device memory.
struct ProgramText {
  device::Address base = 0;                             ///< of the header
  std::uint32_t num_instructions = 0;                   ///< from the header
  std::span<const program::EncodedInstruction> mapped;  ///< instructions that memory holds, at most num_instructions
};

/// Decodes from `entry` (< num_instructions) on. Executing in program order, the plan simulates the semaphores and the
/// contexts, which start empty: a wait that earlier instructions do not satisfy is a watchdog error.
[[nodiscard]] CallPlan plan_call(const ProgramText& text, std::uint32_t entry,
                                 const arch::EmulatorDescription& emulator);

}  // namespace xw::functional
