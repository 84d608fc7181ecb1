// Layers trained with aihwkit-lightning, compiled and run on the functional device, against lightning's own outputs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "arch/support/parallel.hpp"
#include "compiler/pipeline/trained_ranges.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/pipeline/compile_example.hpp"

namespace xw::runtime {
namespace {

using nlohmann::json;

constexpr const char* kName = "model.layers.0.mlp.down_proj";

json golden() {
  std::ifstream file(test::source_dir() / "tests/fixtures/golden/lightning_layers.json");
  return json::parse(file).at("layers");
}

/// A graph of the one linear layer.
ir::Graph graph_of(std::uint32_t inputs, std::uint32_t outputs) {
  ir::Graph graph;
  graph.name = "layer";
  graph.meta = {{"num_layers", std::int64_t{1}}};
  const ir::ValueId tokens = graph.add(ir::OpKind::kInput, {}, {}, "tokens", {1});
  const ir::ValueId x =
      graph.add(ir::OpKind::kEmbedding, {tokens}, {{"weight", ir::TensorRef{"embed.weight"}}}, "x", {inputs});
  const ir::ValueId y = graph.add(ir::OpKind::kLinear, {x},
                                  {{"name", std::string(kName)}, {"weight", ir::TensorRef{"w"}}}, "y", {outputs});
  graph.add(ir::OpKind::kOutput, {y}, {}, "", {});
  return graph;
}

/// Outputs of the compiled layer, [vectors][outputs].
std::vector<float> run(const json& layer) {
  const auto inputs = layer.at("inputs").get<std::uint32_t>();
  const auto outputs = layer.at("outputs").get<std::uint32_t>();
  test::MemoryCheckpoint checkpoint;
  checkpoint.add("embed.weight", {2, inputs}, std::vector<float>(std::size_t{2} * inputs, 0.5F));
  checkpoint.add("w", {outputs, inputs}, layer.at("weight").get<std::vector<float>>());
  const auto ranges = layer.at("input_range").get<std::vector<float>>();
  checkpoint.add(std::string(kName) + ".input_range", {ranges.size()}, ranges);
  if (!layer.at("learnable_weight_clip").is_null()) {
    checkpoint.bound("w", static_cast<std::uint32_t>(ranges.size()),
                     layer.at("learnable_weight_clip").get<std::vector<float>>());
  }
  checkpoint.has_training = true;
  checkpoint.analog_training.origin = "rpu_config.json";
  checkpoint.analog_training.input_steps = checkpoint.analog_training.output_steps = 254;
  checkpoint.analog_training.output_bound = layer.at("out_bound");
  checkpoint.analog_training.clip_type = layer.at("clip_type");
  checkpoint.analog_training.weight_rounding = "None";
  checkpoint.analog_training.max_input_size = layer.at("max_input_size");

  ThreadPool pool(2);
  const arch::ChipDescription chip = arch::load_chip("afm-512");
  const arch::EmulatorDescription emulator = arch::load_emulator(chip.emulator);
  const ir::Graph graph = graph_of(inputs, outputs);
  const compiler::CompileOptions options;
  const compiler::Calibration calibration =
      compiler::trained_ranges(checkpoint, graph, {kName}, chip, options.weight_mode, pool);
  const test::TemporaryFile file("lightning_layer.xwp");
  (void)compiler::compile(checkpoint, graph, chip, emulator, calibration, options, {}, file.path(), pool);
  const std::shared_ptr<const program::Program> program = program::Program::open(file.path());
  functional::FunctionalDevice device(emulator, pool);
  ChipInstance instance(program, device, {1, "ideal", 0, 0}, pool);
  const auto x = layer.at("x").get<std::vector<float>>();
  const auto vectors = static_cast<std::uint32_t>(x.size() / inputs);
  std::vector<float> y(std::size_t{vectors} * outputs);
  std::vector<std::span<float>> spans{y};
  instance.run_call(0, x, vectors, 0, spans);
  return y;
}

TEST(LightningLayer, EveryClipTypeGivesLightningsOutputs) {
  const json layers = golden();
  ASSERT_EQ(layers.size(), 4U);
  for (const json& layer : layers) {
    SCOPED_TRACE(layer.at("clip_type").get<std::string>());
    const auto expected = layer.at("y").get<std::vector<float>>();
    const std::vector<float> found = run(layer);
    ASSERT_EQ(found.size(), expected.size());
    double difference = 0, magnitude = 0;
    std::size_t others = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double error = std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
      difference = std::max(difference, error);
      magnitude = std::max(magnitude, std::fabs(static_cast<double>(expected[i])));
      others += error > 1e-3 * std::fabs(static_cast<double>(expected[i])) + 1e-6 ? 1 : 0;
    }
    // Equal but where a sum is within fp32 rounding of the middle between two codes: then by one step of a tile.
    EXPECT_LT(difference, magnitude / 60);
    EXPECT_LE(others, found.size() / 50) << "largest difference " << difference << " of " << magnitude;
  }
}

}  // namespace
}  // namespace xw::runtime
