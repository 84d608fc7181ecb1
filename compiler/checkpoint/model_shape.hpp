// Models of which only the configuration is there: their graphs, without weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::checkpoint {

/// Format of a checkpoint without tensors.
inline constexpr const char* kShapeFormat = "shape";

/// A config.json, or a directory with one, as a checkpoint that has no tensors: import_graph() gives the graph of the model, whose
/// weights are named and nowhere. Throws Error{kFileNotFound} where there is none, and what a configuration may throw.
[[nodiscard]] std::unique_ptr<Checkpoint> open_shape(const std::filesystem::path& path);

/// Whether `path` is a .json file, or a directory with a config.json and no weights.
[[nodiscard]] bool is_shape(const std::filesystem::path& path);

}  // namespace xw::checkpoint
