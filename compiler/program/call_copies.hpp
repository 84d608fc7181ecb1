// Calls whose weights a chip holds several times, so that vectors go through the copies side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/program/program.hpp"

namespace xw::program {

/// By call: itself and the calls that are copies of it, ascending; a copy has itself alone. Vector v of a call is done by copy v % n.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> call_copies(const Manifest& manifest);

/// Throws Error{kFormat} naming the call unless copies stand behind all other calls and compute the same from the same inputs to the same words of Y:
/// matrices of equal shapes, ranges, units and biases, equal strides and output segments. Of tables whose calls and matrices are
/// consistent.
void validate_copies(const Manifest& manifest, const std::string& origin);

}  // namespace xw::program
