// What a checkpoint is put together from; also opens checkpoints that are in memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/support/file.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/gguf_file.hpp"

namespace xw::checkpoint {

/// The maps own the bytes that the tensors refer to; without maps the caller does.
struct CheckpointParts {
  std::filesystem::path path;
  std::string format;
  ModelConfig config;
  std::map<std::string, Tensor> tensors;
  std::vector<MappedFile> maps;
  std::optional<GgufFile> gguf;  ///< owns maps, too
  std::optional<AnalogTraining> training;
  std::vector<std::vector<float>> values;  ///< of tensors that stand in no map
};

/// Parts of a parsed GGUF file. Throws Error{kUnsupported} for tensors of types that cannot be read.
[[nodiscard]] CheckpointParts gguf_parts(GgufFile file);
/// Parts of a llama2.c file at `bytes`.
[[nodiscard]] CheckpointParts llama2c_parts(std::span<const std::byte> bytes, const std::filesystem::path& path);
/// Parts of config.json and the tensors of all its files.
[[nodiscard]] CheckpointParts safetensors_parts(ModelConfig config, std::map<std::string, Tensor> tensors,
                                                const std::filesystem::path& path);

[[nodiscard]] std::unique_ptr<Checkpoint> make_checkpoint(CheckpointParts parts);

}  // namespace xw::checkpoint
