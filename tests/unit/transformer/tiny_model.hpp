// A small random Llama-like model as a graph, and its direct double-precision evaluation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::transformer::test {

struct TinyConfig {
  std::uint32_t vocab = 50, hidden = 24, intermediate = 40, layers = 2, heads = 4, kv_heads = 2, dim = 8, context = 64,
                window = 0;
  std::string rope_style = "half";
  bool biases = false;
  bool head_norms = false;                    ///< of queries and keys
  bool gelu = false;                          ///< instead of silu
  double embedding_scale = 0;                 ///< 0: none
  std::vector<double> rope_short, rope_long;  ///< longrope, dim / 2 each; empty: no scaling
  std::uint32_t original_context = 0;
};

/// Shapes and tensors of one model.
class TinyModel {
 public:
  explicit TinyModel(const TinyConfig& c, std::uint32_t seed = 1)
      : config(c), source(std::make_shared<MemorySource>()) {
    add("embed", {c.vocab, c.hidden}, seed, 1.0F);
    add("final_norm", {c.hidden}, seed + 1, 1.0F);
    add("lm_head", {c.vocab, c.hidden}, seed + 2, 0.3F);
    for (std::uint32_t l = 0; l < c.layers; ++l) {
      const std::string p = "l" + std::to_string(l) + ".";
      const std::uint32_t s = seed + 100 * (l + 1);
      const std::uint32_t kv = c.kv_heads * c.dim;
      const std::uint32_t q = c.heads * c.dim;
      // q, k and v are one tensor: rows of it are referenced.
      add(p + "qkv", {q + 2 * kv, c.hidden}, s, 0.3F);
      add(p + "qkv_bias", {q + 2 * kv}, s + 1, 0.3F);
      add(p + "o", {c.hidden, q}, s + 2, 0.2F);
      add(p + "gate", {c.intermediate, c.hidden}, s + 3, 0.3F);
      add(p + "up", {c.intermediate, c.hidden}, s + 4, 0.3F);
      add(p + "down", {c.hidden, c.intermediate}, s + 5, 0.2F);
      add(p + "norm1", {c.hidden}, s + 6, 1.0F);
      add(p + "norm2", {c.hidden}, s + 7, 1.0F);
      add(p + "q_norm", {c.dim}, s + 8, 1.0F);
      add(p + "k_norm", {c.dim}, s + 9, 1.0F);
    }
  }

  TinyConfig config;
  std::shared_ptr<MemorySource> source;

  [[nodiscard]] ir::Graph graph() const {
    const TinyConfig& c = config;
    const auto attention = [&](std::uint32_t layer) {
      std::map<std::string, ir::Attribute> attributes{{"layer", std::int64_t{layer}},
                                                      {"num_heads", std::int64_t{c.heads}},
                                                      {"num_kv_heads", std::int64_t{c.kv_heads}},
                                                      {"head_dim", std::int64_t{c.dim}},
                                                      {"scale", 1.0 / std::sqrt(static_cast<double>(c.dim))},
                                                      {"window", std::int64_t{c.window}},
                                                      {"rope_style", c.rope_style},
                                                      {"rope_dims", std::int64_t{c.dim}},
                                                      {"rope_theta", 10000.0},
                                                      {"rope_scaling", std::string("none")}};
      if (c.rope_short.empty()) return attributes;
      attributes["rope_scaling"] = std::string("longrope");
      attributes["rope_short"] = c.rope_short;
      attributes["rope_long"] = c.rope_long;
      attributes["rope_original_context"] = std::int64_t{c.original_context};
      attributes["rope_attention_factor"] = 1.0;
      return attributes;
    };
    ir::Graph g;
    g.name = "tiny";
    g.meta = {{"vocab_size", std::int64_t{c.vocab}}, {"context_length", std::int64_t{c.context}}};
    const ir::ValueId ids = g.add(ir::OpKind::kInput, {}, {}, "ids", {1});
    std::map<std::string, ir::Attribute> embedding{{"weight", ir::TensorRef{"embed", 0, 0}}};
    if (c.embedding_scale != 0) embedding["scale"] = c.embedding_scale;
    ir::ValueId x = g.add(ir::OpKind::kEmbedding, {ids}, embedding, "x", {c.hidden});
    const auto linear = [&](ir::ValueId in, const std::string& name, const ir::TensorRef& weight, std::uint32_t out,
                            const ir::TensorRef* bias) {
      std::map<std::string, ir::Attribute> attributes{{"weight", weight}, {"name", name}};
      if (bias != nullptr && c.biases) attributes["bias"] = *bias;
      return g.add(ir::OpKind::kLinear, {in}, attributes, name, {out});
    };
    const auto norm = [&](ir::ValueId in, const std::string& name) {
      return g.add(ir::OpKind::kRmsNorm, {in}, {{"weight", ir::TensorRef{name, 0, 0}}, {"eps", 1e-5}}, name + ".out",
                   {c.hidden});
    };
    for (std::uint32_t l = 0; l < c.layers; ++l) {
      const std::string p = "l" + std::to_string(l) + ".";
      const std::uint32_t q_rows = c.heads * c.dim;
      const std::uint32_t kv = c.kv_heads * c.dim;
      const ir::ValueId n1 = norm(x, p + "norm1");
      const auto part = [&](const std::string& name, std::uint32_t begin, std::uint32_t rows) {
        const ir::TensorRef bias{p + "qkv_bias", begin, begin + rows};
        return linear(n1, p + name, {p + "qkv", begin, begin + rows}, rows, &bias);
      };
      const auto head_norm = [&](ir::ValueId in, const std::string& name, std::uint32_t heads) {
        if (!c.head_norms) return in;
        return g.add(ir::OpKind::kRmsNorm, {in},
                     {{"weight", ir::TensorRef{name, 0, 0}}, {"eps", 1e-5}, {"groups", std::int64_t{heads}}},
                     name + ".out", {heads * c.dim});
      };
      const ir::ValueId q = head_norm(part("q", 0, q_rows), p + "q_norm", c.heads);
      const ir::ValueId k = head_norm(part("k", q_rows, kv), p + "k_norm", c.kv_heads);
      const ir::ValueId v = part("v", q_rows + kv, kv);
      const ir::ValueId a = g.add(ir::OpKind::kAttention, {q, k, v}, attention(l), p + "attn", {q_rows});
      const ir::ValueId o = linear(a, p + "o.out", {p + "o", 0, 0}, c.hidden, nullptr);
      const ir::ValueId r = g.add(ir::OpKind::kAdd, {x, o}, {}, p + "r", {c.hidden});
      const ir::ValueId n2 = norm(r, p + "norm2");
      const ir::ValueId gate = linear(n2, p + "gate.out", {p + "gate", 0, 0}, c.intermediate, nullptr);
      const ir::ValueId up = linear(n2, p + "up.out", {p + "up", 0, 0}, c.intermediate, nullptr);
      const ir::ValueId act =
          g.add(c.gelu ? ir::OpKind::kGeGlu : ir::OpKind::kSwiGlu, {gate, up}, {}, p + "act", {c.intermediate});
      const ir::ValueId down = linear(act, p + "down.out", {p + "down", 0, 0}, c.hidden, nullptr);
      x = g.add(ir::OpKind::kAdd, {r, down}, {}, p + "x", {c.hidden});
    }
    const ir::ValueId n = norm(x, "final_norm");
    const ir::ValueId logits = linear(n, "lm_head.out", {"lm_head", 0, 0}, c.vocab, nullptr);
    g.add(ir::OpKind::kOutput, {logits}, {}, "", {});
    return g;
  }

  /// Logits of all tokens, [tokens][vocab], straight from the equations.
  [[nodiscard]] std::vector<double> logits(const std::vector<std::int32_t>& tokens) const {
    const TinyConfig& c = config;
    const std::size_t n = tokens.size();
    using Matrix = std::vector<std::vector<double>>;
    const auto data = [&](const std::string& name) -> const std::vector<float>& {
      return source->tensors.at(name).data;
    };
    const auto times = [&](const Matrix& x, const std::string& name, std::size_t begin, std::size_t rows,
                           const std::string& bias) {
      const std::size_t in = x[0].size();
      Matrix y(n, std::vector<double>(rows));
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t i = 0; i < in; ++i)
            y[t][r] += static_cast<double>(data(name)[(begin + r) * in + i]) * x[t][i];
          if (c.biases && !bias.empty()) y[t][r] += static_cast<double>(data(bias)[begin + r]);
        }
      }
      return y;
    };
    const auto norm = [&](const Matrix& x, const std::string& name) {
      Matrix y = x;
      for (auto& row : y) {
        double squares = 0;
        for (const double value : row) squares += value * value;
        const double rms = std::sqrt(squares / static_cast<double>(row.size()) + 1e-5);
        for (std::size_t i = 0; i < row.size(); ++i) row[i] = row[i] / rms * static_cast<double>(data(name)[i]);
      }
      return y;
    };
    const auto head_norm = [&](Matrix& x, const std::string& name) {
      if (!c.head_norms) return;
      for (auto& row : x) {
        for (std::size_t begin = 0; begin < row.size(); begin += c.dim) {
          double squares = 0;
          for (std::size_t i = begin; i < begin + c.dim; ++i) squares += row[i] * row[i];
          const double rms = std::sqrt(squares / c.dim + 1e-5);
          for (std::size_t i = 0; i < c.dim; ++i) row[begin + i] *= static_cast<double>(data(name)[i]) / rms;
        }
      }
    };
    const auto rotate = [&](Matrix& x, std::uint32_t heads) {
      if (c.rope_style == "none") return;
      for (std::size_t t = 0; t < n; ++t) {
        for (std::uint32_t h = 0; h < heads; ++h) {
          for (std::uint32_t i = 0; i < c.dim / 2; ++i) {
            double& a = x[t][h * c.dim + (c.rope_style == "half" ? i : 2 * i)];
            double& b = x[t][h * c.dim + (c.rope_style == "half" ? i + c.dim / 2 : 2 * i + 1)];
            const std::vector<double>& factors = n > c.original_context ? c.rope_long : c.rope_short;
            const double angle =
                static_cast<double>(t) * std::pow(10000.0, -2.0 * i / c.dim) / (factors.empty() ? 1 : factors[i]);
            const double a0 = a;
            a = a0 * std::cos(angle) - b * std::sin(angle);
            b = a0 * std::sin(angle) + b * std::cos(angle);
          }
        }
      }
    };
    Matrix x(n, std::vector<double>(c.hidden));
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t i = 0; i < c.hidden; ++i) {
        x[t][i] = static_cast<double>(data("embed")[static_cast<std::size_t>(tokens[t]) * c.hidden + i]);
        if (c.embedding_scale != 0) x[t][i] *= c.embedding_scale;
      }
    }
    for (std::uint32_t l = 0; l < c.layers; ++l) {
      const std::string p = "l" + std::to_string(l) + ".";
      const std::size_t q_rows = c.heads * c.dim;
      const std::size_t kv = c.kv_heads * c.dim;
      const Matrix n1 = norm(x, p + "norm1");
      Matrix q = times(n1, p + "qkv", 0, q_rows, p + "qkv_bias");
      Matrix k = times(n1, p + "qkv", q_rows, kv, p + "qkv_bias");
      const Matrix v = times(n1, p + "qkv", q_rows + kv, kv, p + "qkv_bias");
      head_norm(q, p + "q_norm");
      head_norm(k, p + "k_norm");
      rotate(q, c.heads);
      rotate(k, c.kv_heads);
      Matrix a(n, std::vector<double>(q_rows));
      for (std::size_t t = 0; t < n; ++t) {
        for (std::uint32_t h = 0; h < c.heads; ++h) {
          const std::size_t g = h / (c.heads / c.kv_heads);
          double sum = 0;
          for (std::size_t j = c.window != 0 && t + 1 > c.window ? t + 1 - c.window : 0; j <= t; ++j) {
            double score = 0;
            for (std::uint32_t i = 0; i < c.dim; ++i) score += q[t][h * c.dim + i] * k[j][g * c.dim + i];
            const double weight = std::exp(score / std::sqrt(static_cast<double>(c.dim)));
            sum += weight;
            for (std::uint32_t i = 0; i < c.dim; ++i) a[t][h * c.dim + i] += weight * v[j][g * c.dim + i];
          }
          for (std::uint32_t i = 0; i < c.dim; ++i) a[t][h * c.dim + i] /= sum;
        }
      }
      const Matrix o = times(a, p + "o", 0, c.hidden, "");
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t i = 0; i < c.hidden; ++i) x[t][i] += o[t][i];
      }
      const Matrix n2 = norm(x, p + "norm2");
      Matrix gate = times(n2, p + "gate", 0, c.intermediate, "");
      const Matrix up = times(n2, p + "up", 0, c.intermediate, "");
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t i = 0; i < c.intermediate; ++i) {
          const double x0 = gate[t][i];
          const double soft = std::sqrt(2 / std::acos(-1.0)) * (x0 + 0.044715 * x0 * x0 * x0);
          gate[t][i] = (c.gelu ? 0.5 * x0 * (1 + std::tanh(soft)) : x0 / (1 + std::exp(-x0))) * up[t][i];
        }
      }
      const Matrix down = times(gate, p + "down", 0, c.hidden, "");
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t i = 0; i < c.hidden; ++i) x[t][i] += down[t][i];
      }
    }
    const Matrix y = times(norm(x, "final_norm"), "lm_head", 0, c.vocab, "");
    std::vector<double> flat;
    for (const auto& row : y) flat.insert(flat.end(), row.begin(), row.end());
    return flat;
  }

  /// n token ids that depend on the seed only.
  [[nodiscard]] std::vector<std::int32_t> tokens(std::size_t n, std::uint32_t seed) const {
    std::mt19937 generator(seed);
    std::vector<std::int32_t> ids(n);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(generator() % config.vocab);
    return ids;
  }

 private:
  void add(const std::string& name, std::vector<std::uint64_t> shape, std::uint32_t seed, float scale) {
    std::size_t elements = 1;
    for (const std::uint64_t dimension : shape) elements *= dimension;
    source->tensors[name] = {std::move(shape), random_vector(elements, seed, scale)};
  }
};

}  // namespace xw::transformer::test
