// Low-rank adapters: PEFT's files are read as they are meant, written as they are read, and a model with one is the model with
// merged weights.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/model.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/app/tiny_model.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::toolchain {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kRank = 3;
constexpr double kAlpha = 6;

struct Shape {
  std::uint32_t outputs = 0, inputs = 0;
};

std::vector<float> numbers(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-0.3F, 0.3F);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

std::map<std::string, Shape> shapes_of(const ir::Graph& graph, const std::vector<std::string>& ends) {
  std::map<std::string, Shape> shapes;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    const std::string& name = ir::attr_string(node, "name");
    for (const std::string& end : ends) {
      if (name.ends_with(end))
        shapes[name] = {graph.values[node.results[0]].features, graph.values[node.inputs[0]].features};
    }
  }
  return shapes;
}

/// The files as PEFT writes them.
void write_peft(const fs::path& folder, const std::map<std::string, Shape>& shapes, const std::string& more = "") {
  fs::create_directories(folder);
  std::ofstream(folder / "adapter_config.json") << R"({"peft_type": "LORA", "r": 3, "lora_alpha": 6, "bias": "none", )"
                                                << more << R"("target_modules": ["q_proj"], "task_type": "CAUSAL_LM"})";
  std::vector<checkpoint::TensorSpec> specs;
  for (const auto& [linear, shape] : shapes) {
    specs.push_back({"base_model.model." + linear + ".lora_A.weight", checkpoint::Dtype::kF32, {kRank, shape.inputs}});
    specs.push_back({"base_model.model." + linear + ".lora_B.weight", checkpoint::Dtype::kF32, {shape.outputs, kRank}});
  }
  checkpoint::SafetensorsWriter writer(folder / "adapter_model.safetensors", specs, {{"format", "pt"}});
  std::uint32_t seed = 1;
  for (const auto& [linear, shape] : shapes) {
    writer.add(specs[2 * (seed - 1)].name, std::span<const float>(numbers(std::size_t{kRank} * shape.inputs, seed)));
    writer.add(specs[2 * (seed - 1) + 1].name,
               std::span<const float>(numbers(std::size_t{shape.outputs} * kRank, seed + 100)));
    ++seed;
  }
  writer.commit();
}

std::vector<float> logits(const OpenedCheckpoint& opened) {
  ThreadPool pool(1);
  transformer::Model model(opened.graph, std::make_shared<CheckpointSource>(opened.file), nullptr, pool);
  transformer::Session session(model);
  return session.forward(std::vector<std::int32_t>{1, 5, 7, 3, 11, 2}, transformer::LogitsOf::kAll);
}

/// W + alpha / r B A, with the rows of Hugging Face at `row_of` the graph's.
OpenedCheckpoint merged(OpenedCheckpoint opened, const std::map<std::string, Shape>& shapes,
                        const std::function<std::uint32_t(const std::string&, std::uint32_t)>& row_of) {
  std::map<std::string, checkpoint::OwnTensor> tensors;
  std::uint32_t seed = 1;
  for (const auto& [linear, shape] : shapes) {
    const std::vector<float> a = numbers(std::size_t{kRank} * shape.inputs, seed);
    const std::vector<float> b = numbers(std::size_t{shape.outputs} * kRank, seed + 100);
    ++seed;
    for (const ir::Node& node : opened.graph.nodes) {
      if (node.kind != ir::OpKind::kLinear || ir::attr_string(node, "name") != linear) continue;
      const ir::TensorRef& reference = ir::attr_tensor(node, "weight");
      checkpoint::OwnTensor& tensor = tensors[reference.tensor];
      if (tensor.values.empty())
        tensor = {opened.file->tensors().at(reference.tensor).shape,
                  checkpoint::read_all(opened.file->tensors().at(reference.tensor))};
      for (std::uint32_t row = 0; row < shape.outputs; ++row) {
        for (std::uint32_t i = 0; i < shape.inputs; ++i) {
          double change = 0;
          for (std::uint32_t k = 0; k < kRank; ++k)
            change += static_cast<double>(b[row_of(linear, row) * kRank + k]) * a[std::size_t{k} * shape.inputs + i];
          tensor.values[(reference.row_begin + row) * shape.inputs + i] += static_cast<float>(kAlpha / kRank * change);
        }
      }
    }
  }
  opened.file = checkpoint::with_tensors(opened.file, std::move(tensors));
  return opened;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

const std::vector<std::string> kAllEnds = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

TEST(Adapter, AModelWithOneIsTheModelWithMergedWeights) {
  test::TemporaryDirectory folder;
  const test::TinyModel model = test::tiny_model("llama");
  folder.write("model.safetensors", test::safetensors_file(test::stored_tensors(model)));
  folder.write("config.json", model.config_json);
  const OpenedCheckpoint base = open_checkpoint(folder.path(), {});
  const auto shapes = shapes_of(base.graph, kAllEnds);
  ASSERT_EQ(shapes.size(), 14U);
  write_peft(folder.path() / "adapter", shapes);
  OpenedCheckpoint adapted = base;
  add_adapter(adapted, folder.path() / "adapter");
  const std::vector<float> found = logits(adapted);
  EXPECT_LT(largest_difference(found,
                               logits(merged(base, shapes, [](const std::string&, std::uint32_t row) { return row; }))),
            1e-4);
  EXPECT_GT(largest_difference(found, logits(base)), 1e-2);
}

/// llama2.c rotates pairs (2 i, 2 i + 1), Hugging Face (i, i + half): rows of queries and keys are elsewhere.
TEST(Adapter, RowsOfInterleavedModelsAreReordered) {
  test::TemporaryDirectory folder;
  const fs::path file = xw::test::write_tiny_model(folder.path() / "model");
  const OpenedCheckpoint base = open_checkpoint(file, {});
  const auto shapes = shapes_of(base.graph, {"q_proj", "k_proj", "v_proj"});
  write_peft(folder.path() / "adapter", shapes);
  OpenedCheckpoint adapted = base;
  add_adapter(adapted, folder.path() / "adapter");
  constexpr std::uint32_t kHead = 24;
  const auto row_of = [](const std::string& linear, std::uint32_t row) {
    if (linear.ends_with("v_proj")) return row;
    const std::uint32_t head = row / kHead * kHead, place = row % kHead;
    return place % 2 == 0 ? head + place / 2 : head + kHead / 2 + place / 2;
  };
  EXPECT_LT(largest_difference(logits(adapted), logits(merged(base, shapes, row_of))), 1e-4);
  // What is written is what was read.
  const checkpoint::Adapter read = checkpoint::read_adapter(folder.path() / "adapter", base.graph);
  checkpoint::write_adapter(folder.path() / "again", read, base.graph, "model");
  const checkpoint::Adapter again = checkpoint::read_adapter(folder.path() / "again", base.graph);
  ASSERT_EQ(again.layers.size(), read.layers.size());
  for (const auto& [linear, layer] : read.layers) {
    EXPECT_EQ(again.layers.at(linear).a, layer.a);
    EXPECT_EQ(again.layers.at(linear).b, layer.b);
  }
  EXPECT_EQ(read_text_file(folder.path() / "again" / "adapter_model.safetensors"),
            read_text_file(folder.path() / "adapter" / "adapter_model.safetensors"));
}

TEST(Adapter, WhatCannotBeMeantIsRefused) {
  test::TemporaryDirectory folder;
  const fs::path file = xw::test::write_tiny_model(folder.path() / "model");
  const OpenedCheckpoint base = open_checkpoint(file, {});
  const auto refused = [&](const std::map<std::string, Shape>& shapes, const std::string& more, ErrorCode code,
                           const xw::test::Parts& parts) {
    write_peft(folder.path() / "bad", shapes, more);
    xw::test::expect_error(code, parts, [&] {
      OpenedCheckpoint opened = base;
      add_adapter(opened, folder.path() / "bad");
    });
  };
  const std::string layer = "model.layers.0.self_attn.q_proj";
  const Shape shape = shapes_of(base.graph, {"q_proj"}).at(layer);
  refused({{layer, shape}}, R"("use_dora": true, )", ErrorCode::kUnsupported, {"adapter_config.json", "use_dora"});
  refused({{layer, shape}}, R"("modules_to_save": ["lm_head"], )", ErrorCode::kUnsupported, {"modules_to_save"});
  refused({{"model.layers.9.self_attn.q_proj", shape}}, "", ErrorCode::kUnsupported,
          {"model.layers.9.self_attn.q_proj"});
  refused({{layer, {shape.outputs, shape.inputs + 1}}}, "", ErrorCode::kShapeMismatch,
          {layer, std::to_string(shape.inputs)});
  refused({}, "", ErrorCode::kFormat, {"adapter_model.safetensors"});
  xw::test::expect_error(ErrorCode::kFileNotFound, {"adapter_config.json"}, [&] {
    OpenedCheckpoint opened = base;
    add_adapter(opened, folder.path() / "nowhere");
  });
}

}  // namespace
}  // namespace xw::toolchain
