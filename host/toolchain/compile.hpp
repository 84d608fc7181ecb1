// From a checkpoint file to a program file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "compiler/pipeline/compile.hpp"
#include "host/toolchain/options.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// Calibrates and compiles a checkpoint. `output` is replaced only on success. Throws what the steps throw:
/// open_checkpoint, arch::load_chip, arch::load_emulator, calibrate, compiler::compile.
compiler::CompileSummary compile_checkpoint(const std::filesystem::path& model, const CompileOptions& options,
                                            const std::filesystem::path& output, ThreadPool& pool);

}  // namespace xw::toolchain
