// Whether a program, a chip and a device belong together.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"
#include "host/device/device.hpp"

namespace xw::runtime {

/// Throws Error{kContractMismatch} that lists every parameter in which the emulator that the program was compiled for
/// differs from the device, or the contract hashes. Clock, memory and other numbers that only make time are not
/// compared.
void check_device(const program::Program& program, const device::DeviceInfo& device);
/// What Program::open cannot check without the emulator. Throws Error{kFormat} unless every image fits a context, has exactly
/// its size and overlaps no other, and every call is proven free of deadlocks, hazards and accesses beyond its memory
/// (compiler/program/check.hpp).
void check_code(const program::Program& program, const arch::EmulatorDescription& emulator);

}  // namespace xw::runtime
