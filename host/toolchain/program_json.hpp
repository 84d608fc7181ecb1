// Programs and the result of compiling one, as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "compiler/pipeline/compile.hpp"
#include "compiler/program/program.hpp"

namespace xw::toolchain {

/// What a program holds: sections, matrices with their ranges, blocks with their places.
[[nodiscard]] nlohmann::ordered_json program_json(const program::Program& program);
/// `output`: the program file.
[[nodiscard]] nlohmann::ordered_json compile_json(const compiler::CompileSummary& summary,
                                                  const std::filesystem::path& output);

}  // namespace xw::toolchain
