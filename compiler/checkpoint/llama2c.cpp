// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/llama2c.hpp"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint32_t kMagic = 0x616B3432;  // "ak42"
constexpr std::uint64_t kV1HeaderBytes = 256;

struct Header {
  std::uint32_t version = 0;
  ModelConfig config;
};

Header read_header(ByteReader& reader) {
  Header header;
  auto first = reader.read<std::uint32_t>("header");
  if (first == kMagic) {
    header.version = reader.read<std::uint32_t>("version");
    if (header.version != 1) {
      throw Error(ErrorCode::kUnsupported, reader.origin() + ": found llama2.c export version " +
                                               std::to_string(header.version) + "; supported: versions 0 and 1 (fp32)");
    }
    first = reader.read<std::uint32_t>("header");
  }
  const auto read_count = [&] { return reader.read<std::uint32_t>("header"); };
  ModelConfig& config = header.config;
  config.hidden_size = first;
  config.intermediate_size = read_count();
  config.num_layers = read_count();
  config.num_heads = read_count();
  config.num_kv_heads = read_count();
  const auto vocab_size = static_cast<std::int32_t>(read_count());
  config.context_length = read_count();
  config.tied_embeddings = vocab_size > 0;
  config.vocab_size = static_cast<std::uint32_t>(vocab_size < 0 ? -std::int64_t{vocab_size} : vocab_size);
  if (header.version == 1) {
    const auto shared = reader.read<std::uint8_t>("header");
    if (shared > 1 || vocab_size < 0) {
      throw Error(ErrorCode::kFormat, reader.origin() +
                                          ": header: expected a positive vocabulary and 0 or 1 for a shared "
                                          "classifier, found " +
                                          std::to_string(vocab_size) + " and " + std::to_string(shared));
    }
    config.tied_embeddings = shared == 1;
    static_cast<void>(reader.take(kV1HeaderBytes - reader.offset(), "header"));
  }
  config.family = "llama";
  config.rope_style = "interleaved";
  if (config.num_heads != 0 && config.hidden_size % config.num_heads == 0) {
    config.head_dim = config.hidden_size / config.num_heads;
  }
  config.rope.dims = config.head_dim;
  config.bos_token = config.vocab_size > 2 ? 1 : -1;
  if (config.vocab_size > 2) config.eos_tokens = {2};
  check_config(config, reader.origin() + ": llama2.c header");
  return header;
}

// Cuts tensors off the reader in file order.
class Slicer {
 public:
  Slicer(ByteReader& reader, std::map<std::string, Tensor>& tensors) : reader_(reader), tensors_(tensors) {}

  void take(const std::string& tensor_name, std::vector<std::uint64_t> shape) {
    Tensor tensor;
    tensor.name = tensor_name;
    tensor.location = reader_.origin() + "@" + std::to_string(reader_.offset());
    std::uint64_t bytes = sizeof(float);  // check_config bounds every dimension: no overflow
    for (const std::uint64_t size : shape) bytes *= size;
    tensor.shape = std::move(shape);
    tensor.data = reader_.take(bytes, tensor_name);
    tensors_.emplace(tensor_name, std::move(tensor));
  }

  /// One tensor per layer.
  void take_layers(std::uint32_t num_layers, const std::string& suffix, const std::vector<std::uint64_t>& shape) {
    for (std::uint32_t layer = 0; layer < num_layers; ++layer) {
      take("model.layers." + std::to_string(layer) + "." + suffix, shape);
    }
  }

 private:
  ByteReader& reader_;
  std::map<std::string, Tensor>& tensors_;
};

}  // namespace

Llama2cModel parse_llama2c(std::span<const std::byte> bytes, const std::string& origin) {
  ByteReader reader(bytes, origin);
  Header header = read_header(reader);
  const ModelConfig& config = header.config;
  Llama2cModel model;
  Slicer slicer(reader, model.tensors);
  const std::uint32_t layers = config.num_layers;
  const std::uint64_t hidden = config.hidden_size;
  const std::uint64_t wide = config.intermediate_size;
  const std::uint64_t kv = std::uint64_t{config.num_kv_heads} * config.head_dim;
  const bool is_v0 = header.version == 0;
  if (!is_v0) {  // version 1 writes all norms first
    slicer.take_layers(layers, "input_layernorm.weight", {hidden});
    slicer.take_layers(layers, "post_attention_layernorm.weight", {hidden});
    slicer.take("model.norm.weight", {hidden});
  }
  slicer.take("model.embed_tokens.weight", {config.vocab_size, hidden});
  if (is_v0) slicer.take_layers(layers, "input_layernorm.weight", {hidden});
  slicer.take_layers(layers, "self_attn.q_proj.weight", {hidden, hidden});
  slicer.take_layers(layers, "self_attn.k_proj.weight", {kv, hidden});
  slicer.take_layers(layers, "self_attn.v_proj.weight", {kv, hidden});
  slicer.take_layers(layers, "self_attn.o_proj.weight", {hidden, hidden});
  if (is_v0) slicer.take_layers(layers, "post_attention_layernorm.weight", {hidden});
  slicer.take_layers(layers, "mlp.gate_proj.weight", {wide, hidden});
  slicer.take_layers(layers, "mlp.down_proj.weight", {hidden, wide});
  slicer.take_layers(layers, "mlp.up_proj.weight", {wide, hidden});
  if (is_v0) {
    slicer.take("model.norm.weight", {hidden});
    // Tables of cosines and sines that the program computes itself.
    const std::uint64_t table_bytes = std::uint64_t{config.context_length} * (config.head_dim / 2) * sizeof(float);
    static_cast<void>(reader.take(table_bytes, "table of cosines"));
    static_cast<void>(reader.take(table_bytes, "table of sines"));
  }
  if (!config.tied_embeddings) slicer.take("lm_head.weight", {config.vocab_size, hidden});
  if (reader.remaining() != 0) {
    throw Error(ErrorCode::kFormat,
                origin + ": expected the end of the file at byte " + std::to_string(reader.offset()) + ", found " +
                    std::to_string(reader.remaining()) + " more bytes (is this a llama2.c checkpoint?)");
  }
  model.config = std::move(header.config);
  return model;
}

bool looks_like_llama2c(std::span<const std::byte> bytes) {
  std::uint32_t first = 0;
  if (bytes.size() < sizeof first) return false;
  std::memcpy(&first, bytes.data(), sizeof first);
  if (first == kMagic) return true;
  try {
    static_cast<void>(parse_llama2c(bytes, ""));
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace xw::checkpoint
