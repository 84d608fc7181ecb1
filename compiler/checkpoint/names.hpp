// How tensors are called in each format.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/checkpoint/checkpoint.hpp"

namespace xw::checkpoint {

/// A tensor name split at its layer: "model.layers.3.mlp.up_proj.weight" -> {3, "mlp.up_proj", "weight"}.
struct CanonicalName {
  std::optional<std::uint32_t> layer;
  std::string module;     ///< below the layer, or the whole path ("lm_head", "model.norm")
  std::string parameter;  ///< "weight", "bias", "input_range", ...
};
[[nodiscard]] CanonicalName split_name(std::string_view canonical_name);

/// GGUF's name of a canonical one ("blk.3.ffn_up.weight"), or nothing.
[[nodiscard]] std::optional<std::string> gguf_name(const ModelConfig& config, const CanonicalName& name);

/// Rows of a module inside the fused module that contains it ("self_attn.k_proj" in "self_attn.qkv_proj").
struct FusedRows {
  std::string module;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t total = 0;  ///< rows of the fused tensor
};
[[nodiscard]] std::optional<FusedRows> fused_rows(const ModelConfig& config, const std::string& module);

/// The tensor, or rows of one, that holds `canonical_name`.
[[nodiscard]] std::optional<ir::TensorRef> resolve_tensor(const ModelConfig& config, const std::string& format,
                                                          const std::map<std::string, Tensor>& tensors,
                                                          const std::string& canonical_name);

/// The tensors of the text part of a model that also sees images, by the names that a text model gives them, and nothing
/// of the rest; tensors of a text model are returned as they are. Throws Error{kFormat} for a tensor that is there twice.
[[nodiscard]] std::map<std::string, Tensor> text_tensors(std::map<std::string, Tensor> tensors);

/// Tensors that carry nothing the graph needs: rotary tables and the buffers of aihwkit-lightning.
[[nodiscard]] bool is_ignorable(std::string_view stored_name);

}  // namespace xw::checkpoint
