// Configurations as checkpoints without tensors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/model_shape.hpp"

#include <utility>

#include "arch/support/file.hpp"
#include "compiler/checkpoint/checkpoint_parts.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "config.json";

}  // namespace

bool is_shape(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path.extension() == ".json";
  if (!fs::exists(path / kConfigName, error)) return false;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const fs::path extension = entry.path().extension();
    if (extension == ".safetensors" || extension == ".gguf" || extension == ".bin") return false;
  }
  return true;
}

std::unique_ptr<Checkpoint> open_shape(const fs::path& path) {
  std::error_code error;
  const fs::path file = fs::is_directory(path, error) ? path / kConfigName : path;
  CheckpointParts parts;
  parts.path = path;
  parts.format = kShapeFormat;
  parts.config = parse_hf_config(read_text_file(file), file.string());
  if (parts.config.name.empty()) {
    const fs::path whole = fs::absolute(path).lexically_normal();
    parts.config.name = file == path ? whole.stem().string() : whole.filename().string();
  }
  return make_checkpoint(std::move(parts));
}

}  // namespace xw::checkpoint
