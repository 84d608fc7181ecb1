// What every device asks of an emulator description that did not come from a file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/description/description.hpp"

namespace xw::device {

/// Throws Error{kInvalidArgument} naming device, emulator, key, value and what was expected unless `condition`.
void require_emulator(const char* device, const arch::EmulatorDescription& emulator, bool condition, const char* key,
                      std::uint64_t value, const char* expected);
/// The limits of the contract. Throws as above.
void check_emulator(const char* device, const arch::EmulatorDescription& emulator);

}  // namespace xw::device
