// The state of a training run as a file, and tensors of torch in safetensors files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace xw::finetune {

/// Bytes of a contiguous tensor on the CPU.
[[nodiscard]] std::span<const std::byte> tensor_bytes(const torch::Tensor& tensor);

struct TrainingState {
  nlohmann::ordered_json progress;               ///< what is no tensor
  std::map<std::string, torch::Tensor> tensors;  ///< fp32, on the CPU
};

/// Replaces the file in one step (safetensors; `progress` is the tensor of bytes "crossweave.progress"). Throws Error{kIo}.
void save_state(const std::filesystem::path& path, const TrainingState& state);
/// Throws Error{kFileNotFound | kFormat}.
[[nodiscard]] TrainingState load_state(const std::filesystem::path& path);

}  // namespace xw::finetune
