// A small model and what it takes to compile it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "arch/support/parallel.hpp"
#include "compiler/pipeline/compile.hpp"
#include "tests/unit/pipeline/memory_checkpoint.hpp"

namespace xw::test {

/// One layer: fused q, k, v with a fused bias in bf16, o in fp32, a digital down_proj in Q8_0, tied bf16 embeddings.
struct CompileExample {
  MemoryCheckpoint checkpoint;
  ir::Graph graph;
  arch::ChipDescription chip = arch::load_chip("afm-512");
  arch::EmulatorDescription emulator = arch::load_emulator(chip.emulator);
  compiler::Calibration calibration;
  compiler::CompileOptions options;
  std::vector<float> qkv, o;

  static constexpr std::uint32_t kHidden = 704, kKv = 64, kVocab = 50;

  CompileExample() {
    qkv = random_weights(1, std::size_t{kHidden + 2 * kKv} * kHidden);
    for (float& value : qkv)
      value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xFFFF0000U);  // exact in bf16
    o = random_weights(2, std::size_t{kHidden} * kHidden);
    for (std::uint32_t in = 0; in < kHidden; ++in) o[5 * kHidden + in] = 0;  // an output of zeros
    checkpoint.add_bf16("qkv.weight", {kHidden + 2 * kKv, kHidden}, qkv);
    checkpoint.add_bf16("qkv.bias", {kHidden + 2 * kKv}, random_weights(3, kHidden + 2 * kKv));
    checkpoint.add("o.weight", {kHidden, kHidden}, o);
    checkpoint.add("norm.weight", {kHidden}, random_weights(4, kHidden));
    checkpoint.add_bf16("embed.weight", {kVocab, kHidden}, random_weights(5, kVocab * kHidden));
    std::vector<std::byte> q8(std::size_t{kHidden} * kHidden / 32 * 34);  // scale 0.5, codes 0, 1, 2, ...
    for (std::size_t i = 0; i < q8.size(); i += 34) {
      q8[i + 1] = std::byte{0x38};
      for (std::size_t k = 0; k < 32; ++k) q8[i + 2 + k] = static_cast<std::byte>(k);
    }
    checkpoint.add("down.weight", checkpoint::Dtype::kQ8_0, {kHidden, kHidden}, q8);
    build_graph();
    for (const char* name : {"layers.0.q_proj", "layers.0.k_proj", "layers.0.v_proj"})
      calibration.layers[name].inputs = {{0, kHidden, 4.0F}};
    calibration.layers["layers.0.o_proj"] = {{{0, 300, 2.0F}, {300, kHidden, 3.0F}}, 9.0F};
    calibration.description = "by hand";
    options.digital = {"*.down_proj"};
    options.tool_version = "test";
  }

  compiler::CompileSummary compile(const std::filesystem::path& output, unsigned threads = 2) {
    ThreadPool pool(threads);
    return compiler::compile(checkpoint, graph, chip, emulator, calibration, options, {}, output, pool);
  }

 private:
  void build_graph() {
    const auto integer = [](std::int64_t value) { return ir::Attribute(value); };
    const auto linear = [&](ir::ValueId x, const std::string& name, ir::TensorRef weight,
                            std::optional<ir::TensorRef> bias, const char* result, std::uint32_t out) {
      std::map<std::string, ir::Attribute> attributes{{"weight", std::move(weight)}, {"name", name}};
      if (bias) attributes["bias"] = *bias;
      return graph.add(ir::OpKind::kLinear, {x}, std::move(attributes), result, {out});
    };
    graph.name = "example";
    graph.meta = {{"num_layers", integer(1)}};
    const ir::ValueId tokens = graph.add(ir::OpKind::kInput, {}, {}, "tokens", {1});
    const ir::ValueId x =
        graph.add(ir::OpKind::kEmbedding, {tokens}, {{"weight", ir::TensorRef{"embed.weight"}}}, "x", {kHidden});
    const ir::ValueId h =
        graph.add(ir::OpKind::kRmsNorm, {x}, {{"weight", ir::TensorRef{"norm.weight"}}, {"eps", 1e-5}}, "h", {kHidden});
    const std::uint32_t k_row = kHidden, v_row = kHidden + kKv, end = kHidden + 2 * kKv;
    const ir::ValueId q =
        linear(h, "layers.0.q_proj", {"qkv.weight", 0, k_row}, ir::TensorRef{"qkv.bias", 0, k_row}, "q", kHidden);
    const ir::ValueId k =
        linear(h, "layers.0.k_proj", {"qkv.weight", k_row, v_row}, ir::TensorRef{"qkv.bias", k_row, v_row}, "k", kKv);
    const ir::ValueId v = linear(h, "layers.0.v_proj", {"qkv.weight", v_row, end}, std::nullopt, "v", kKv);
    const ir::ValueId a = graph.add(ir::OpKind::kAttention, {q, k, v},
                                    {{"layer", integer(0)},
                                     {"num_heads", integer(11)},
                                     {"num_kv_heads", integer(1)},
                                     {"head_dim", integer(64)},
                                     {"scale", 0.125},
                                     {"window", integer(0)},
                                     {"rope_style", std::string("none")}},
                                    "a", {kHidden});
    const ir::ValueId projected = linear(a, "layers.0.o_proj", {"o.weight"}, std::nullopt, "o", kHidden);
    const ir::ValueId down =
        linear(projected, "layers.0.down_proj", {"down.weight", 64, 704}, std::nullopt, "down", 640);
    static_cast<void>(down);
    const ir::ValueId sum = graph.add(ir::OpKind::kAdd, {x, projected}, {}, "sum", {kHidden});
    const ir::ValueId logits = linear(sum, "lm_head", {"embed.weight"}, std::nullopt, "logits", kVocab);
    graph.add(ir::OpKind::kOutput, {logits}, {}, "", {});
  }
};

/// A file that is removed with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / (std::to_string(std::random_device{}()) + name)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace xw::test
