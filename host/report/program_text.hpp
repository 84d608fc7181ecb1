// What a program file holds, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

#include "compiler/program/program.hpp"

namespace xw::report {

/// Model, chip, emulator, ranges, contract, counts. All of them throw Error{kFormat} for descriptions that do not parse.
void write_program_overview(std::ostream& out, const program::Program& program);
/// Sections of the file with their places and sizes.
void write_program_sizes(std::ostream& out, const program::Program& program);
/// A line per matrix: shape, call, blocks, tiles, input range, ADC range, output unit.
void write_program_layers(std::ostream& out, const program::Program& program);
/// A line per tile: how full it is, and which blocks it holds where.
void write_program_tiles(std::ostream& out, const program::Program& program);

}  // namespace xw::report
