// What must hold before a program is run or simulated on an emulator.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"

namespace xw::program {

/// What Program::open cannot check without the emulator. Throws Error{kFormat} unless every image fits a context, has
/// exactly its size and overlaps no other, and every call is proven free of deadlocks, hazards and accesses beyond its
/// memory (check.hpp) and to give every output once, from all its weights (outputs.hpp).
void check_program(const Program& program, const arch::EmulatorDescription& emulator);
/// The same with the emulator that the program was compiled for.
void check_program(const Program& program);

}  // namespace xw::program
