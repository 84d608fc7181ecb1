// Tiny models, on the host engine and as networks.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "host/finetune/network.hpp"
#include "host/transformer/model.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::finetune::test {

class CheckpointTensors : public transformer::TensorSource {
 public:
  explicit CheckpointTensors(const checkpoint::Checkpoint& checkpoint) : checkpoint_(checkpoint) {}
  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& tensor) const override {
    return checkpoint_.tensors().at(tensor).shape;
  }
  void read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                 std::span<float> dst) const override {
    checkpoint::read_rows(checkpoint_.tensors().at(tensor), begin, end, dst);
  }

 private:
  const checkpoint::Checkpoint& checkpoint_;
};

/// A checkpoint of two layers of a family, in a temporary folder.
struct Tiny {
  xw::test::TemporaryDirectory folder;
  std::unique_ptr<checkpoint::Checkpoint> checkpoint;
  ir::Graph graph;

  explicit Tiny(const std::string& family) {
    const xw::test::TinyModel model = xw::test::tiny_model(family);
    folder.write("model.safetensors", xw::test::safetensors_file(xw::test::stored_tensors(model)));
    folder.write("config.json", model.config_json);
    checkpoint = checkpoint::open_checkpoint(folder.path());
    graph = checkpoint::import_graph(*checkpoint);
  }
  [[nodiscard]] Network network(const AnalogSettings& analog = {}, bool is_trainable = true,
                                const Network* frozen = nullptr) const {
    NetworkOptions options;
    options.is_trainable = is_trainable;
    return Network(graph, *checkpoint, options, analog, frozen);
  }
};

inline std::vector<std::int32_t> random_tokens(std::size_t count, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<std::int32_t> tokens(count);
  for (std::int32_t& token : tokens) token = std::uniform_int_distribution<std::int32_t>(0, 19)(generator);
  return tokens;
}

inline torch::Tensor ids_of(const std::vector<std::vector<std::int32_t>>& rows) {
  std::vector<std::int64_t> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return torch::tensor(flat, torch::kInt64).view({static_cast<std::int64_t>(rows.size()), -1});
}

/// Logits [tokens][vocab] of the host engine.
inline torch::Tensor engine_logits(const ir::Graph& graph, const checkpoint::Checkpoint& checkpoint,
                                   transformer::CallBackend* calls, const std::vector<std::int32_t>& tokens) {
  ThreadPool pool(1);
  transformer::Model model(graph, std::make_shared<CheckpointTensors>(checkpoint), calls, pool);
  transformer::Session session(model);
  const std::vector<float> logits = session.forward(tokens, transformer::LogitsOf::kAll);
  return torch::tensor(logits).view({static_cast<std::int64_t>(tokens.size()), -1});
}

}  // namespace xw::finetune::test
