// The integer contract against the paper's floating-point forward pass on real layers with real activations.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/passes/calibration.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/calibration/default_text.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/model.hpp"
#include "models/reference/equivalence.hpp"
#include "tests/support/paths.hpp"

namespace xw {
namespace {

/// SmolLM2-135M: $XW_MODEL, else where scripts/fetch_model.sh puts it.
std::optional<std::filesystem::path> smollm2() {
  const char* given = std::getenv("XW_MODEL");
  const std::filesystem::path path = given != nullptr
                                         ? std::filesystem::path(given)
                                         : xw::test::source_dir() / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

struct Layer {
  std::vector<float> x;  ///< [tokens][in_features]
  std::uint32_t in_features = 0;
};

/// Inputs of every linear layer on the built-in calibration text.
std::map<std::string, Layer> record_inputs(const std::shared_ptr<const checkpoint::Checkpoint>& file,
                                           const ir::Graph& graph, const std::filesystem::path& path,
                                           std::size_t tokens) {
  ThreadPool pool(2);
  transformer::Model model(graph, std::make_shared<toolchain::CheckpointSource>(file), nullptr, pool);
  std::map<std::string, Layer> layers;
  model.observe([&](const std::string& name, std::span<const float> x, std::uint32_t in_features) {
    layers[name].in_features = in_features;
    layers[name].x.insert(layers[name].x.end(), x.begin(), x.end());
  });
  const tokenizer::Tokenizer tokenizer(tokenizer::read_tokenizer(path));
  std::vector<std::int32_t> ids = tokenizer.encode(toolchain::default_text(), true, false);
  ids.resize(std::min(ids.size(), tokens));
  transformer::Session session(model);
  (void)session.forward(ids, transformer::LogitsOf::kNone);
  return layers;
}

TEST(RealLayers, AdcCodesOfTheContractAndOfAfmFloatDifferByAtMostOneStep) {
  const auto path = smollm2();
  if (!path) GTEST_SKIP() << "SmolLM2-135M is not here; scripts/fetch_model.sh smollm2-135m gets it, or set XW_MODEL";
  const std::shared_ptr<const checkpoint::Checkpoint> file = checkpoint::open_checkpoint(*path);
  const ir::Graph graph = checkpoint::import_graph(*file);
  const auto inputs = record_inputs(file, graph, *path, 64);
  std::size_t outputs = 0;
  std::size_t different = 0;
  std::size_t layers = 0;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    const std::string& name = ir::attr_string(node, "name");
    const auto found = inputs.find(name);
    // The first, a middle and the last layer: all kinds of matrices.
    const bool chosen = name.find("layers.0.") != std::string::npos || name.find("layers.14.") != std::string::npos ||
                        name.find("layers.29.") != std::string::npos;
    if (!chosen || found == inputs.end()) continue;
    const ir::TensorRef& reference = ir::attr_tensor(node, "weight");
    const std::vector<float> weights = checkpoint::read_all(file->tensors().at(reference.tensor));
    const Layer& layer = found->second;
    const std::size_t in = layer.in_features;
    const std::size_t out = weights.size() / in;
    const std::size_t batch = layer.x.size() / in;
    passes::RangeStatistics statistics;
    statistics.add(layer.x);
    reference::EquivalenceOptions options;
    options.beta = passes::choose_range(statistics, {passes::RangeMethod::kMse, 0}, 127);
    options.lambda = 12.0F;
    std::size_t begin = 0;
    for (const std::uint32_t rows : mapping::equal_split(layer.in_features, 512)) {  // every block of rows of the layer
      std::vector<float> w(out * rows);
      std::vector<float> x(batch * rows);
      for (std::size_t o = 0; o < out; ++o) std::copy_n(&weights[o * in + begin], rows, &w[o * rows]);
      for (std::size_t b = 0; b < batch; ++b) std::copy_n(&layer.x[b * in + begin], rows, &x[b * rows]);
      const auto result = reference::compare_with_afm_float({w, out, rows}, {x, batch, rows}, options);
      EXPECT_LE(result.largest_difference, 1) << name << " rows " << begin;
      EXPECT_LT(result.different_fraction(), 0.005) << name << " rows " << begin;
      outputs += result.outputs;
      different += result.different;
      begin += rows;
    }
    ++layers;
  }
  EXPECT_EQ(layers, 21U);
  RecordProperty("outputs", static_cast<int>(outputs));
  std::printf("%zu real layers, %zu ADC codes, %zu differ by one step (%.4f %%)\n", layers, outputs, different,
              100.0 * static_cast<double>(different) / static_cast<double>(outputs));
}

}  // namespace
}  // namespace xw
