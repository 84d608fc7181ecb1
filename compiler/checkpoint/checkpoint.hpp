// Checkpoints: named tensors and the model they belong to, whatever the file format.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/checkpoint/analog_training.hpp"
#include "compiler/checkpoint/dtype.hpp"
#include "compiler/ir/graph.hpp"

namespace xw::checkpoint {

/// Bounds that aihwkit-lightning learned for a matrix (`P.learnable_weight_clip`), per tile of its inputs and output.
struct WeightBounds {
  std::vector<std::uint32_t> begins;  ///< first input of every tile, ascending from 0
  std::vector<float> values;          ///< [tile][output], positive
};

/// First inputs of `tiles` tiles of a layer with `inputs` inputs, as aihwkit-lightning cuts them: the first
/// inputs % tiles have one more.
[[nodiscard]] std::vector<std::uint32_t> tile_begins(std::uint32_t inputs, std::uint32_t tiles);

/// A tensor inside a mapped file; row-major, shape[0] is the slowest (for a linear layer [out][in], whatever the file
/// calls it).
struct Tensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> data;  ///< exactly the bytes of the tensor; lives as long as the checkpoint
  std::string location;             ///< "file.safetensors@1234" for messages
  std::shared_ptr<const WeightBounds> bounds = nullptr;  ///< the model's weights are the stored ones clamped to these
  [[nodiscard]] std::uint64_t rows() const { return shape.size() < 2 ? 1 : shape[0]; }
  [[nodiscard]] std::uint64_t row_elements() const;  ///< product of all other dimensions
};

/// Converts rows [row_begin, row_end) to fp32 into dst[(row_end - row_begin) * row_elements()], clamped to the tensor's
/// bounds if it has some. Thread safe.
/// Throws Error{kInvalidArgument} for a range outside, Error{kUnsupported} for integer tensors.
void read_rows(const Tensor& tensor, std::uint64_t row_begin, std::uint64_t row_end, std::span<float> dst);
/// Whole tensor as fp32.
[[nodiscard]] std::vector<float> read_all(const Tensor& tensor);

/// Rotary embedding of a layer. docs/checkpoints.md says which key of which format each comes from.
struct RopeSettings {
  std::uint32_t dims = 0;  ///< rotated dimensions of a head
  double theta = 10000;
  std::string scaling = "none";  ///< "none", "linear", "llama3", "longrope"
  double factor = 1;             ///< divides frequencies: all of them (linear, longrope), or the low ones (llama3)
  double low_freq_factor = 1, high_freq_factor = 4;
  double attention_factor = 1;  ///< multiplies cosines and sines
  std::uint32_t original_context = 0;
  std::vector<double> short_factors, long_factors;  ///< one divisor per frequency, up to and beyond original_context
  friend bool operator==(const RopeSettings&, const RopeSettings&) = default;
};

/// What the families have in common; from config.json, GGUF metadata or a llama2.c header.
struct ModelConfig {
  std::string family;  ///< "gemma3", "llama", "mistral", "phi3", "qwen2", "qwen3"
  std::string name;
  std::uint32_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0, num_kv_heads = 0, head_dim = 0;
  std::uint32_t vocab_size = 0, context_length = 0;
  double norm_eps = 1e-5;
  bool tied_embeddings = false;
  bool qkv_bias = false, output_bias = false, mlp_bias = false;  ///< q, k, v; o_proj; gate, up, down have biases
  bool gelu = false;                 ///< the MLP's gate goes through gelu (tanh approximation), otherwise through silu
  bool qk_norm = false;              ///< queries and keys are normalised head by head before they are rotated
  bool post_norms = false;           ///< what attention and MLP add to the stream is normalised first
  bool unit_norms = false;           ///< weights of norms are stored less 1
  bool scaled_embeddings = false;    ///< embeddings are multiplied by sqrt(hidden_size)
  double attention_scale = 0;        ///< multiplies scores; 0: 1 / sqrt(head_dim)
  std::uint32_t sliding_window = 0;  ///< 0: none
  std::vector<bool> window_layers;   ///< which layers have the window; empty: all
  std::string rope_style = "half";   ///< "half" (HF layout) or "interleaved" (llama2.c, GGUF llama)
  RopeSettings rope;
  std::optional<RopeSettings> window_rope;  ///< of the layers with a sliding window, where it is another one
  std::int64_t bos_token = -1;
  std::vector<std::int64_t> eos_tokens;
  /// Whether a layer attends to the last `sliding_window` positions only.
  [[nodiscard]] bool has_window(std::uint32_t layer) const {
    return sliding_window != 0 && (window_layers.empty() || window_layers.at(layer));
  }
};

/// A checkpoint of one model, memory-mapped; tensors are never copied as a whole.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  [[nodiscard]] virtual const ModelConfig& config() const = 0;
  [[nodiscard]] virtual const std::map<std::string, Tensor>& tensors() const = 0;
  [[nodiscard]] virtual std::filesystem::path path() const = 0;
  /// "safetensors", "gguf", "llama2c".
  [[nodiscard]] virtual std::string format() const = 0;
  /// Maps a canonical Hugging Face tensor name (model.layers.0.self_attn.q_proj.weight) to the stored tensor and rows,
  /// or nothing. Fused tensors (phi3 qkv_proj, gate_up_proj; any format) answer with a row range.
  [[nodiscard]] virtual std::optional<ir::TensorRef> resolve(const std::string& canonical_name) const = 0;
  /// For which hardware the model was trained, if a configuration of aihwkit-lightning came with it.
  [[nodiscard]] virtual const AnalogTraining* training() const { return nullptr; }
  /// Hint that rows of a tensor are not needed any more (drops resident pages of the map).
  virtual void release(const Tensor& tensor) const = 0;
};

/// Opens a directory with config.json and *.safetensors (single or sharded with index), a .safetensors file with
/// config.json beside it, a .gguf, or a llama2.c .bin. Throws Error{kFileNotFound | kFormat | kUnsupported |
/// kShapeMismatch}.
[[nodiscard]] std::unique_ptr<Checkpoint> open_checkpoint(const std::filesystem::path& path);

/// Builds the model graph of a checkpoint and checks every tensor it needs (presence, shape) and that no tensor is
/// left over that the family does not know. Throws Error{kUnsupported | kShapeMismatch} with what is supported.
[[nodiscard]] ir::Graph import_graph(const Checkpoint& checkpoint);

/// Input ranges stored by aihwkit-lightning (`P.input_range`), by linear name (`model.layers.0.self_attn.q_proj`); may
/// be empty.
[[nodiscard]] std::map<std::string, std::vector<float>> stored_input_ranges(const Checkpoint& checkpoint);

}  // namespace xw::checkpoint
