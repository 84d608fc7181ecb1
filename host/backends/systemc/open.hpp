// Opening the SystemC device; works without SystemC, by saying so.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"
#include "host/device/device.hpp"

namespace xw::systemc {

/// Whether this build has the SystemC model.
[[nodiscard]] bool systemc_is_built();

/// `options`, separated by commas: "timing-only" (SystemcOptions::values off), "chip" (the chip that `program` was
/// compiled for), "chip=NAME" (this description; tiles of the same size). `program` may be null: then a chip needs a name
/// and every image is a block of its own. Throws Error{kInvalidArgument} for others, Error{kUnsupported} in a build
/// without SystemC, and what SystemcDevice throws.
[[nodiscard]] std::unique_ptr<device::Device> open_systemc_device(std::string_view options,
                                                                  const arch::EmulatorDescription& emulator,
                                                                  const program::Program* program = nullptr);

}  // namespace xw::systemc
