// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/state.hpp"

#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/checkpoint/safetensors.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"

namespace xw::finetune {
namespace {

constexpr const char* kProgress = "crossweave.progress";

}  // namespace

std::span<const std::byte> tensor_bytes(const torch::Tensor& tensor) {
  if (!tensor.is_contiguous() || !tensor.device().is_cpu())
    throw Error(ErrorCode::kInternal, "expected a contiguous tensor on the CPU");
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

void save_state(const std::filesystem::path& path, const TrainingState& state) {
  const std::string progress = state.progress.dump();
  std::vector<checkpoint::TensorSpec> specs = {{kProgress, checkpoint::Dtype::kU8, {progress.size()}}};
  for (const auto& [name, tensor] : state.tensors)
    specs.push_back({name, checkpoint::Dtype::kF32, {tensor.sizes().begin(), tensor.sizes().end()}});
  checkpoint::SafetensorsWriter writer(path, std::move(specs), {{"format", "crossweave training state"}});
  writer.add(kProgress, std::as_bytes(std::span(progress)));
  for (const auto& [name, tensor] : state.tensors) {
    if (tensor.scalar_type() != torch::kFloat32)
      throw Error(ErrorCode::kInternal, "training state: expected fp32 in tensor " + name);
    writer.add(name, tensor_bytes(tensor.contiguous()));
  }
  writer.commit();
}

TrainingState load_state(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto tensors = checkpoint::parse_safetensors(file.bytes(), path.string());
  TrainingState state;
  const auto progress = tensors.find(kProgress);
  if (progress == tensors.end() || progress->second.dtype != checkpoint::Dtype::kU8)
    throw Error(ErrorCode::kFormat,
                path.string() + ": expected the state of a training run, found no \"" + kProgress + "\"");
  const auto* text = reinterpret_cast<const char*>(progress->second.data.data());
  state.progress = nlohmann::ordered_json::parse(text, text + progress->second.data.size(), nullptr, false);
  if (!state.progress.is_object())
    throw Error(ErrorCode::kFormat, path.string() + ": " + kProgress + ": expected a JSON object");
  for (const auto& [name, tensor] : tensors) {
    if (tensor.dtype != checkpoint::Dtype::kF32) continue;
    const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
    torch::Tensor copy = torch::empty(shape, torch::kFloat32);
    std::memcpy(copy.mutable_data_ptr(), tensor.data.data(), tensor.data.size());
    state.tensors[name] = copy;
  }
  check_mapped_files();
  return state;
}

}  // namespace xw::finetune
