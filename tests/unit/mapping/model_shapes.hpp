// Linear layers of real models, without lm_head.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/mapping/plan.hpp"

namespace xw::test {

struct ModelShape {
  std::uint32_t layers = 0, hidden = 0, kv = 0, intermediate = 0;
};

/// Seven linears per layer, in four groups.
inline std::vector<mapping::MatrixShape> llama_matrices(const ModelShape& model) {
  std::vector<mapping::MatrixShape> matrices;
  std::uint32_t group = 1;
  for (std::uint32_t layer = 0; layer < model.layers; ++layer, group += 4) {
    const auto add = [&](const char* name, std::uint32_t in, std::uint32_t out, std::uint32_t of_layer) {
      matrices.push_back({"model.layers." + std::to_string(layer) + "." + name, in, out, {}, group + of_layer});
    };
    add("self_attn.q_proj", model.hidden, model.hidden, 0);
    add("self_attn.k_proj", model.hidden, model.kv, 0);
    add("self_attn.v_proj", model.hidden, model.kv, 0);
    add("self_attn.o_proj", model.hidden, model.hidden, 1);
    add("mlp.gate_proj", model.hidden, model.intermediate, 2);
    add("mlp.up_proj", model.hidden, model.intermediate, 2);
    add("mlp.down_proj", model.intermediate, model.hidden, 3);
  }
  return matrices;
}

inline constexpr ModelShape kSmolLm2{30, 576, 192, 1536};
inline constexpr ModelShape kLlama1b{16, 2048, 512, 8192};
inline constexpr ModelShape kQwen05b{24, 896, 128, 4864};

/// Phi-3-mini: fused projections.
inline std::vector<mapping::MatrixShape> phi3_matrices() {
  std::vector<mapping::MatrixShape> matrices;
  for (std::uint32_t layer = 0; layer < 32; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    matrices.push_back({prefix + "self_attn.qkv_proj", 3072, 9216, {}, 4 * layer + 1});
    matrices.push_back({prefix + "self_attn.o_proj", 3072, 3072, {}, 4 * layer + 2});
    matrices.push_back({prefix + "mlp.gate_up_proj", 3072, 16384, {}, 4 * layer + 3});
    matrices.push_back({prefix + "mlp.down_proj", 8192, 3072, {}, 4 * layer + 4});
  }
  return matrices;
}

}  // namespace xw::test
