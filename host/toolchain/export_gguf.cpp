// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/export_gguf.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/gguf_training.hpp"
#include "compiler/checkpoint/gguf_writer.hpp"
#include "compiler/checkpoint/names.hpp"

namespace xw::toolchain {
namespace {

using checkpoint::Dtype;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, "GGUF: a file of the architecture llama cannot say " + what);
}

std::uint32_t count(const ir::Graph& graph, const char* key) {
  return static_cast<std::uint32_t>(std::get<std::int64_t>(graph.meta.at(key)));
}

class Exporter {
 public:
  Exporter(const OpenedCheckpoint& opened, Dtype type) : opened_(opened), graph_(opened.graph), type_(type) {
    for (const ir::Node& node : graph_.nodes) {
      if (node.kind == ir::OpKind::kAttention) read_attention(node);
      if (node.kind == ir::OpKind::kEmbedding) embedding_ = ir::attr_tensor(node, "weight").tensor;
    }
    if (attention_ == nullptr || embedding_.empty()) refuse("a model without attention or embedding");
  }

  void write(const std::filesystem::path& path) {
    for (const ir::Node& node : graph_.nodes) add_node(node);
    writer_.add("general.architecture", "llama");
    writer_.add("general.name", graph_.name);
    writer_.add("general.alignment", std::uint32_t{32});
    writer_.add("general.file_type", file_type());
    writer_.add("llama.vocab_size", count(graph_, "vocab_size"));
    writer_.add("llama.context_length", count(graph_, "context_length"));
    writer_.add("llama.embedding_length", count(graph_, "hidden_size"));
    writer_.add("llama.block_count", count(graph_, "num_layers"));
    writer_.add("llama.feed_forward_length", wide_);
    writer_.add("llama.attention.head_count", attribute("num_heads"));
    writer_.add("llama.attention.head_count_kv", attribute("num_kv_heads"));
    writer_.add("llama.attention.key_length", attribute("head_dim"));
    writer_.add("llama.attention.value_length", attribute("head_dim"));
    writer_.add("llama.attention.layer_norm_rms_epsilon", static_cast<float>(eps_));
    writer_.add("llama.rope.dimension_count", attribute("rope_dims"));
    writer_.add("llama.rope.freq_base", static_cast<float>(ir::attr_float(*attention_, "rope_theta")));
    add_training();
    if (opened_.tokenizer) add_tokenizer(*opened_.tokenizer);
    writer_.write(path);
  }

 private:
  [[nodiscard]] std::uint32_t attribute(const char* key) const {
    return static_cast<std::uint32_t>(ir::attr_int(*attention_, key));
  }
  /// ggml's number of the type that most of a file has.
  [[nodiscard]] std::uint32_t file_type() const {
    return type_ == Dtype::kF32 ? 0 : type_ == Dtype::kF16 ? 1 : type_ == Dtype::kQ8_0 ? 7 : 32;
  }

  void read_attention(const ir::Node& node) {
    if (attention_ == nullptr) attention_ = &node;
    for (const char* key : {"num_heads", "num_kv_heads", "head_dim", "rope_dims", "rope_style", "rope_scaling"}) {
      if (node.attributes.at(key) != attention_->attributes.at(key))
        refuse("layers that differ in " + std::string(key));
    }
    if (ir::attr_int(node, "window") != 0) refuse("a sliding window");
    if (ir::attr_string(node, "rope_scaling") != "none") refuse("scaled rotations");
    if (ir::attr_string(node, "rope_style") == "none") refuse("a model without rotations");
    const double scale = 1 / std::sqrt(static_cast<double>(ir::attr_int(node, "head_dim")));
    if (std::abs(ir::attr_float(node, "scale") - scale) > 1e-6 * scale) refuse("another scale of attention");
  }

  void add_node(const ir::Node& node) {
    switch (node.kind) {
      case ir::OpKind::kEmbedding:
        if (ir::has_attr(node, "scale")) refuse("scaled embeddings");
        add_matrix("token_embd.weight", ir::attr_tensor(node, "weight"), false);
        return;
      case ir::OpKind::kRmsNorm:
        add_norm(node);
        return;
      case ir::OpKind::kLinear:
        add_linear(node);
        return;
      case ir::OpKind::kGeGlu:
      case ir::OpKind::kShift:
      case ir::OpKind::kAimcCall:
        refuse("the operation " + std::string(ir::name(node.kind)));
      default:
        return;
    }
  }

  [[nodiscard]] static std::string gguf_name(const std::string& module, const char* parameter) {
    const auto found = checkpoint::gguf_name({}, checkpoint::split_name(module + "." + parameter));
    if (!found) refuse("the layer " + module);
    return *found;
  }

  void add_linear(const ir::Node& node) {
    const std::string& name = ir::attr_string(node, "name");
    if (ir::has_attr(node, "bias")) refuse("the bias of " + name);
    const ir::TensorRef& weight = ir::attr_tensor(node, "weight");
    if (name == "lm_head" && weight.tensor == embedding_) return;
    if (name.ends_with("gate_proj")) wide_ = graph_.values[node.results[0]].features;
    const bool is_rotated = name.ends_with(".q_proj") || name.ends_with(".k_proj");
    add_matrix(gguf_name(name, "weight"), weight, is_rotated && ir::attr_string(*attention_, "rope_style") == "half");
  }

  /// The file's rows of heads whose pairs are (i, i + half) here and (2 i, 2 i + 1) there.
  [[nodiscard]] std::uint64_t row_here(std::uint64_t row) const {
    const std::uint64_t head = attribute("head_dim"), rotated = attribute("rope_dims"), place = row % head;
    if (place >= rotated) return row;
    return row - place + place / 2 + (place % 2) * (rotated / 2);
  }

  void add_matrix(const std::string& name, const ir::TensorRef& reference, bool is_reordered) {
    const checkpoint::Tensor& tensor = opened_.file->tensors().at(reference.tensor);
    const ir::RowRange rows = reference.rows(tensor.rows());
    const std::uint64_t width = tensor.row_elements();
    const bool is_whole = width % checkpoint::block_elements(type_) == 0;
    writer_.add_tensor(name, {rows.size(), width}, is_whole ? type_ : Dtype::kF16,
                       [this, &tensor, rows, width, is_reordered] {
                         std::vector<float> values(rows.size() * width);
                         checkpoint::read_rows(tensor, rows.begin, rows.end, values);
                         opened_.file->release(tensor);
                         if (!is_reordered) return values;
                         std::vector<float> reordered(values.size());
                         for (std::uint64_t row = 0; row < rows.size(); ++row)
                           std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(row_here(row) * width), width,
                                       reordered.begin() + static_cast<std::ptrdiff_t>(row * width));
                         return reordered;
                       });
  }

  /// A norm is known by who reads it.
  void add_norm(const ir::Node& node) {
    if (ir::has_attr(node, "groups") && ir::attr_int(node, "groups") != 1) refuse("norms of heads");
    if (ir::has_attr(node, "add_unit") && ir::attr_int(node, "add_unit") != 0) refuse("norms stored less 1");
    const double eps = ir::attr_float(node, "eps");
    if (eps_ != 0 && eps != eps_) refuse("norms with different eps");
    eps_ = eps;
    std::string name;
    for (const ir::Node& reader : graph_.nodes) {
      if (reader.kind != ir::OpKind::kLinear || reader.inputs[0] != node.results[0]) continue;
      const std::string& linear = ir::attr_string(reader, "name");
      if (linear == "lm_head") name = "output_norm.weight";
      if (linear.ends_with(".self_attn.q_proj"))
        name = gguf_name(linear.substr(0, linear.size() - std::string("self_attn.q_proj").size()) + "input_layernorm",
                         "weight");
      if (linear.ends_with(".mlp.gate_proj"))
        name = gguf_name(
            linear.substr(0, linear.size() - std::string("mlp.gate_proj").size()) + "post_attention_layernorm",
            "weight");
    }
    if (name.empty()) refuse("a norm that neither attention, MLP nor output layer reads");
    const checkpoint::Tensor& tensor = opened_.file->tensors().at(ir::attr_tensor(node, "weight").tensor);
    const ir::RowRange rows = ir::attr_tensor(node, "weight").rows(tensor.row_elements());
    writer_.add_tensor(name, {rows.size()}, Dtype::kF32, [&tensor, rows] {
      const std::vector<float> all = checkpoint::read_all(tensor);
      return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(rows.begin),
                                all.begin() + static_cast<std::ptrdiff_t>(rows.end));
    });
  }

  void add_training() {
    if (const checkpoint::AnalogTraining* training = opened_.file->training(); training != nullptr) {
      if (training->is_pickled) refuse("a training whose configuration is pickled");
      // Bounds are a tensor beside each matrix; clamped weights alone are another model to whoever wants them.
      if (training->clip_type == "LearnablePerChannel") refuse("bounds of weights that were learned");
      writer_.add(checkpoint::kGgufTrainingKey, training->text);
    }
    for (const auto& [linear, ranges] : checkpoint::stored_input_ranges(*opened_.file))
      writer_.add(std::string(checkpoint::kGgufRangePrefix) + linear, ranges);
  }

  void add_tokenizer(const tokenizer::TokenizerData& data) {
    const bool is_bpe = data.algorithm == tokenizer::Algorithm::kByteLevelBpe;
    if (is_bpe && data.pre_tokenizer.empty()) refuse("a tokenizer that splits texts by expressions of its own");
    writer_.add("tokenizer.ggml.model", is_bpe ? "gpt2" : "llama");
    writer_.add("tokenizer.ggml.tokens", data.tokens);
    std::vector<std::int32_t> types;
    for (const tokenizer::TokenType type : data.types) types.push_back(static_cast<std::int32_t>(type) + 1);
    writer_.add("tokenizer.ggml.token_type", types);
    if (is_bpe) {
      writer_.add("tokenizer.ggml.pre", data.pre_tokenizer);
      writer_.add("tokenizer.ggml.merges", data.merges);
    } else {
      writer_.add("tokenizer.ggml.scores", data.scores);
      writer_.add("tokenizer.ggml.add_space_prefix", data.add_space_prefix);
    }
    const auto add_id = [&](const char* key, tokenizer::TokenId id) {
      if (id >= 0) writer_.add(key, static_cast<std::uint32_t>(id));
    };
    add_id("tokenizer.ggml.bos_token_id", data.bos);
    add_id("tokenizer.ggml.eos_token_id", data.eos);
    add_id("tokenizer.ggml.unknown_token_id", data.unknown);
    add_id("tokenizer.ggml.padding_token_id", data.pad);
    writer_.add("tokenizer.ggml.add_bos_token", data.add_bos);
    writer_.add("tokenizer.ggml.add_eos_token", data.add_eos);
    if (!data.chat_template.empty()) writer_.add("tokenizer.chat_template", data.chat_template);
  }

  const OpenedCheckpoint& opened_;
  const ir::Graph& graph_;
  Dtype type_;
  checkpoint::GgufWriter writer_;
  const ir::Node* attention_ = nullptr;
  std::string embedding_;
  std::uint32_t wide_ = 0;
  double eps_ = 0;
};

}  // namespace

void export_gguf(const OpenedCheckpoint& opened, const std::filesystem::path& path, Dtype type) {
  Exporter(opened, type).write(path);
}

}  // namespace xw::toolchain
