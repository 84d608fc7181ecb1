// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/checkpoint_parts.hpp"

#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/gguf_training.hpp"
#include "compiler/checkpoint/llama2c.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "compiler/checkpoint/names.hpp"
#include "compiler/checkpoint/weight_bounds.hpp"

namespace xw::checkpoint {
namespace {

class StoredCheckpoint final : public Checkpoint {
 public:
  explicit StoredCheckpoint(CheckpointParts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] const ModelConfig& config() const override { return parts_.config; }
  [[nodiscard]] const std::map<std::string, Tensor>& tensors() const override { return parts_.tensors; }
  [[nodiscard]] std::filesystem::path path() const override { return parts_.path; }
  [[nodiscard]] std::string format() const override { return parts_.format; }
  [[nodiscard]] std::optional<ir::TensorRef> resolve(const std::string& canonical_name) const override {
    return resolve_tensor(parts_.config, parts_.format, parts_.tensors, canonical_name);
  }
  [[nodiscard]] const AnalogTraining* training() const override {
    return parts_.training.has_value() ? &*parts_.training : nullptr;
  }
  void release(const Tensor& tensor) const override {
    if (parts_.gguf.has_value()) parts_.gguf->release(tensor.data);
    for (const MappedFile& map : parts_.maps) {
      const std::byte* begin = map.bytes().data();
      const std::byte* data = tensor.data.data();
      if (data >= begin && data < begin + map.bytes().size()) {
        map.release(static_cast<std::size_t>(data - begin), tensor.data.size());
      }
    }
  }

 private:
  CheckpointParts parts_;
};

}  // namespace

CheckpointParts gguf_parts(GgufFile file) {
  CheckpointParts parts;
  parts.path = file.path();
  parts.format = "gguf";
  parts.config = read_gguf_config(file);
  for (const auto& [key, stored] : file.tensors()) {
    if (!stored.dtype.has_value()) {
      throw Error(ErrorCode::kUnsupported,
                  stored.location + ": tensor \"" + printable(key) + "\": found element type " +
                      ggml_type_name(stored.type) +
                      "; supported: F32, F16, BF16, F64, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K");
    }
    parts.tensors.emplace(key, Tensor{key, *stored.dtype, stored.shape, stored.data, stored.location});
  }
  add_gguf_training(parts, file);
  parts.gguf = std::move(file);
  return parts;
}

CheckpointParts llama2c_parts(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  Llama2cModel model = parse_llama2c(bytes, path.string());
  CheckpointParts parts;
  parts.path = path;
  parts.format = "llama2c";
  parts.config = std::move(model.config);
  parts.tensors = std::move(model.tensors);
  return parts;
}

CheckpointParts safetensors_parts(ModelConfig config, std::map<std::string, Tensor> tensors,
                                  const std::filesystem::path& path) {
  CheckpointParts parts;
  parts.path = path;
  parts.format = "safetensors";
  if (config.family == "gemma3") tensors = text_tensors(std::move(tensors));
  // A head of its own counts, whatever config.json says (hardware-aware training unties it).
  config.tied_embeddings = config.tied_embeddings && !tensors.contains("lm_head.weight");
  parts.config = std::move(config);
  attach_weight_bounds(tensors);
  parts.tensors = std::move(tensors);
  return parts;
}

std::unique_ptr<Checkpoint> make_checkpoint(CheckpointParts parts) {
  return std::make_unique<StoredCheckpoint>(std::move(parts));
}

}  // namespace xw::checkpoint
