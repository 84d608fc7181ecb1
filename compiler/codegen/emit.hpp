// Instructions with their semaphores. Private to compiler/codegen.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compiler/codegen/codegen.hpp"
#include "compiler/codegen/layout.hpp"
#include "compiler/codegen/schedule.hpp"

namespace xw::codegen {

/// Appends the instructions of a call, HALT included, and its images to `output`. Images are placed behind those that
/// engine_image_bytes already counts.
void emit_call(const Layout& layout, const Schedule& schedule, const Input& input, std::uint32_t call,
               const arch::EmulatorDescription& emulator, Output& output);

}  // namespace xw::codegen
