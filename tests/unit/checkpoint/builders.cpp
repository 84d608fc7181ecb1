// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/checkpoint/builders.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace xw::test {
namespace {

constexpr std::uint64_t kHidden = 16;
constexpr std::uint64_t kWide = 24;
constexpr std::uint64_t kLayers = 2;
constexpr std::uint64_t kQuery = 16;
constexpr std::uint64_t kKeyValue = 8;
constexpr std::uint64_t kHeadDim = 4;
constexpr std::uint64_t kVocabulary = 20;
constexpr std::uint64_t kContext = 32;

void pad(Bytes& bytes, std::uint64_t alignment) {
  if (alignment != 0) bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
}

NamedTensor concatenate(const std::vector<const NamedTensor*>& parts) {
  NamedTensor result{parts.front()->shape, {}};
  result.shape[0] = 0;
  for (const NamedTensor* part : parts) {
    result.shape[0] += part->shape[0];
    result.values.insert(result.values.end(), part->values.begin(), part->values.end());
  }
  return result;
}

std::string config_json(const std::string& family) {
  const std::string type = family == "gemma3" ? "gemma3_text" : family;
  std::string text = R"({"model_type": ")" + type + R"(", "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 20,
    "max_position_embeddings": 32, "rms_norm_eps": 1e-05, "rope_theta": 500.0,
    "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": [2, 3])";
  if (family != "gemma3") text += R"(, "hidden_act": "silu")";
  if (family == "gemma3" || family == "qwen3") text += R"(, "head_dim": 4)";
  if (family == "gemma3") {
    text += R"(, "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 25, "sliding_window": 12,
      "sliding_window_pattern": 2, "rope_local_base_freq": 50.0)";
  }
  if (family == "mistral") text += R"(, "sliding_window": 12)";
  if (family == "phi3") text += R"(, "sliding_window": 7)";
  if (family.starts_with("qwen")) text += R"(, "sliding_window": 12, "use_sliding_window": false)";
  return text + "}";
}

}  // namespace

void append(Bytes& bytes, std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  bytes.insert(bytes.end(), begin, begin + text.size());
}

void append_string(Bytes& bytes, std::string_view text) {
  append(bytes, std::uint64_t{text.size()});
  append(bytes, text);
}

Bytes float_bytes(const std::vector<float>& values) {
  Bytes bytes(values.size() * sizeof(float));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

NamedTensor make_tensor(const std::string& name, std::vector<std::uint64_t> shape) {
  std::uint32_t state = 2166136261U;
  for (const char character : name) state = (state ^ static_cast<unsigned char>(character)) * 16777619U;
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape) count *= size;
  NamedTensor tensor{std::move(shape), {}};
  for (std::uint64_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    tensor.values.push_back((static_cast<float>(state >> 16) - 32768.0F) / 65536.0F);
  }
  return tensor;
}

Bytes to_bytes(std::string_view text) {
  Bytes bytes;
  append(bytes, text);
  return bytes;
}

void GgufBuilder::add_raw(std::string_view key, std::uint32_t type, const Bytes& value) {
  append_string(metadata_, key);
  append(metadata_, type);
  metadata_.insert(metadata_.end(), value.begin(), value.end());
  ++num_entries_;
}

void GgufBuilder::add_uint32(std::string_view key, std::uint32_t value) {
  Bytes bytes;
  append(bytes, value);
  add_raw(key, 4, bytes);
}

void GgufBuilder::add_float(std::string_view key, float value) {
  add_raw(key, 6, float_bytes({value}));
}

void GgufBuilder::add_string(std::string_view key, std::string_view value) {
  Bytes bytes;
  append_string(bytes, value);
  add_raw(key, 8, bytes);
}

void GgufBuilder::add_tensor(const std::string& name, const std::vector<std::uint64_t>& shape, std::uint32_t ggml_type,
                             Bytes data) {
  data_size_ = (data_size_ + alignment - 1) / alignment * alignment;
  const std::uint64_t size = data.size();
  tensors_.push_back({name, shape, ggml_type, data_size_, std::move(data)});
  data_size_ += size;
}

void GgufBuilder::move_last_tensor(std::uint64_t offset) {
  tensors_.back().offset = offset;
}

Bytes GgufBuilder::build() const {
  Bytes bytes;
  append(bytes, std::string_view("GGUF"));
  append(bytes, version);
  append(bytes, std::uint64_t{tensors_.size()});
  append(bytes, num_entries_);
  bytes.insert(bytes.end(), metadata_.begin(), metadata_.end());
  for (const Tensor& tensor : tensors_) {
    append_string(bytes, tensor.name);
    append(bytes, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) append(bytes, *size);
    append(bytes, tensor.type);
    append(bytes, tensor.offset);
  }
  if (tensors_.empty()) return bytes;
  pad(bytes, alignment);
  Bytes data;
  for (const Tensor& tensor : tensors_) {
    pad(data, alignment);
    data.insert(data.end(), tensor.data.begin(), tensor.data.end());
  }
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Bytes safetensors_file(std::string_view header, const Bytes& data) {
  Bytes bytes;
  append_string(bytes, header);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Bytes safetensors_file(const NamedTensors& tensors) {
  std::string header = R"({"__metadata__": {"format": "pt"})";
  Bytes data;
  for (const auto& [name, tensor] : tensors) {
    const Bytes bytes = float_bytes(tensor.values);
    std::string shape;
    for (const std::uint64_t size : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    header += ", \"" + name + R"(": {"dtype": "F32", "shape": [)" + shape + R"(], "data_offsets": [)" +
              std::to_string(data.size()) + "," + std::to_string(data.size() + bytes.size()) + "]}";
    data.insert(data.end(), bytes.begin(), bytes.end());
  }
  header += "}";
  while (header.size() % 8 != 0) header += ' ';
  return safetensors_file(header, data);
}

TinyModel tiny_model(const std::string& family) {
  TinyModel model;
  model.family = family;
  model.config_json = config_json(family);
  const auto add = [&](const std::string& name, std::vector<std::uint64_t> shape) {
    model.canonical.emplace(name, make_tensor(name, std::move(shape)));
  };
  add("model.embed_tokens.weight", {kVocabulary, kHidden});
  add("model.norm.weight", {kHidden});
  for (std::uint64_t layer = 0; layer < kLayers; ++layer) {
    const std::string module = "model.layers." + std::to_string(layer) + ".";
    add(module + "input_layernorm.weight", {kHidden});
    add(module + "post_attention_layernorm.weight", {kHidden});
    add(module + "self_attn.q_proj.weight", {kQuery, kHidden});
    add(module + "self_attn.k_proj.weight", {kKeyValue, kHidden});
    add(module + "self_attn.v_proj.weight", {kKeyValue, kHidden});
    add(module + "self_attn.o_proj.weight", {kHidden, kQuery});
    add(module + "mlp.gate_proj.weight", {kWide, kHidden});
    add(module + "mlp.up_proj.weight", {kWide, kHidden});
    add(module + "mlp.down_proj.weight", {kHidden, kWide});
    if (family == "gemma3") {
      add(module + "pre_feedforward_layernorm.weight", {kHidden});
      add(module + "post_feedforward_layernorm.weight", {kHidden});
    }
    if (family == "gemma3" || family == "qwen3") {
      add(module + "self_attn.q_norm.weight", {kHeadDim});
      add(module + "self_attn.k_norm.weight", {kHeadDim});
    }
    if (family != "qwen2") continue;
    add(module + "self_attn.q_proj.bias", {kQuery});
    add(module + "self_attn.k_proj.bias", {kKeyValue});
    add(module + "self_attn.v_proj.bias", {kKeyValue});
  }
  return model;
}

NamedTensors stored_tensors(const TinyModel& model) {
  NamedTensors stored = model.canonical;
  if (model.family != "phi3") return stored;
  for (std::uint64_t layer = 0; layer < kLayers; ++layer) {
    const std::string module = "model.layers." + std::to_string(layer) + ".";
    const auto part = [&](const std::string& name) { return &model.canonical.at(module + name + ".weight"); };
    stored[module + "self_attn.qkv_proj.weight"] =
        concatenate({part("self_attn.q_proj"), part("self_attn.k_proj"), part("self_attn.v_proj")});
    stored[module + "mlp.gate_up_proj.weight"] = concatenate({part("mlp.gate_proj"), part("mlp.up_proj")});
    for (const char* name :
         {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"}) {
      stored.erase(module + name + ".weight");
    }
  }
  return stored;
}

GgufBuilder tiny_gguf(const TinyModel& model) {
  std::map<std::string, std::string> names = {
      {"input_layernorm", "attn_norm"},    {"post_attention_layernorm", "ffn_norm"},
      {"self_attn.q_norm", "attn_q_norm"}, {"self_attn.k_norm", "attn_k_norm"},
      {"self_attn.q_proj", "attn_q"},      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},      {"self_attn.qkv_proj", "attn_qkv"},
      {"self_attn.o_proj", "attn_output"}, {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},           {"mlp.gate_up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"},       {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"}};
  if (model.family == "gemma3") {
    names["post_attention_layernorm"] = "post_attention_norm";
    names["pre_feedforward_layernorm"] = "ffn_norm";
    names["post_feedforward_layernorm"] = "post_ffw_norm";
  }
  GgufBuilder builder;
  const std::string prefix = model.family + ".";
  builder.add_string("general.architecture", model.family);
  builder.add_string("general.name", "tiny");
  builder.add_uint32(prefix + "embedding_length", kHidden);
  builder.add_uint32(prefix + "feed_forward_length", kWide);
  builder.add_uint32(prefix + "block_count", kLayers);
  builder.add_uint32(prefix + "attention.head_count", 4);
  builder.add_uint32(prefix + "attention.head_count_kv", 2);
  builder.add_uint32(prefix + "context_length", kContext);
  builder.add_uint32(prefix + "rope.dimension_count", 4);
  builder.add_float(prefix + "rope.freq_base", 500.0F);
  builder.add_float(prefix + "attention.layer_norm_rms_epsilon", 1e-5F);
  builder.add_uint32("tokenizer.ggml.bos_token_id", 1);
  builder.add_uint32("tokenizer.ggml.eos_token_id", 2);
  for (const auto& [name, tensor] : stored_tensors(model)) {
    const std::size_t dot = name.rfind('.');
    const std::string parameter = name.substr(dot);
    std::string module = name.substr(0, dot);
    std::string layer;
    if (module.starts_with("model.layers.")) {
      layer = "blk." + module.substr(13, 1) + ".";
      module = module.substr(15);
    }
    builder.add_tensor(layer + names.at(module) + parameter, tensor.shape, 0, float_bytes(tensor.values));
  }
  return builder;
}

Bytes tiny_llama2c(const TinyModel& model, int version, bool is_tied) {
  Bytes bytes;
  const auto vocabulary = static_cast<std::int32_t>(version == 0 && !is_tied ? -static_cast<std::int64_t>(kVocabulary)
                                                                             : static_cast<std::int64_t>(kVocabulary));
  if (version == 1) {
    append(bytes, std::uint32_t{0x616B3432});
    append(bytes, std::int32_t{1});
  }
  for (const std::int32_t number : {16, 24, 2, 4, 2, vocabulary, 32}) append(bytes, number);
  if (version == 1) {
    append(bytes, static_cast<std::uint8_t>(is_tied ? 1 : 0));
    bytes.resize(256);
  }
  const auto add = [&](const std::string& name) {
    const Bytes data = float_bytes(model.canonical.at(name).values);
    bytes.insert(bytes.end(), data.begin(), data.end());
  };
  const auto add_layers = [&](const std::string& name) {
    for (const char* layer : {"0", "1"}) add(std::string("model.layers.") + layer + "." + name + ".weight");
  };
  if (version == 1) {
    add_layers("input_layernorm");
    add_layers("post_attention_layernorm");
    add("model.norm.weight");
  }
  add("model.embed_tokens.weight");
  if (version == 0) add_layers("input_layernorm");
  for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"})
    add_layers(name);
  if (version == 0) add_layers("post_attention_layernorm");
  for (const char* name : {"mlp.gate_proj", "mlp.down_proj", "mlp.up_proj"}) add_layers(name);
  if (version == 0) {
    add("model.norm.weight");
    bytes.resize(bytes.size() + 2 * kContext * 2 * sizeof(float));  // tables of cosines and sines
  }
  if (!is_tied) {
    const Bytes head = float_bytes(make_tensor("lm_head.weight", {kVocabulary, kHidden}).values);
    bytes.insert(bytes.end(), head.begin(), head.end());
  }
  return bytes;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "xw_checkpoint_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory at " + pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::filesystem::path TemporaryDirectory::write(const std::string& name, std::span<const std::byte> bytes) const {
  std::ofstream file(path_ / name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + (path_ / name).string());
  return path_ / name;
}

std::filesystem::path TemporaryDirectory::write(const std::string& name, std::string_view text) const {
  return write(name, std::as_bytes(std::span(text)));
}

}  // namespace xw::test
