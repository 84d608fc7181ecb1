// Whether a program and a device belong together.
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

}  // namespace xw::runtime
