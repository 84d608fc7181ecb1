// A model that knows only the last token, so that every probability can be computed by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "arch/support/parallel.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::evaluation::test {

using transformer::Model;
using Tokens = std::vector<std::int32_t>;

inline constexpr std::size_t kVocab = 6;  // <s> a b c d and the space

/// Computes logits[next] = table[next][current]; remembers the vector indices it was asked for.
class Bigram : public transformer::CallBackend {
 public:
  explicit Bigram(std::uint32_t context = 16) : table(transformer::test::random_vector(kVocab * kVocab, 5)) {
    auto source = std::make_shared<transformer::test::MemorySource>();
    std::vector<float> identity(kVocab * kVocab);
    for (std::size_t i = 0; i < kVocab; ++i) identity[i * kVocab + i] = 1;
    source->tensors["embed"] = {{kVocab, kVocab}, identity};
    ir::Graph g;
    g.name = "bigram";
    g.meta = {{"vocab_size", std::int64_t{kVocab}}, {"context_length", std::int64_t{context}}};
    const ir::ValueId ids = g.add(ir::OpKind::kInput, {}, {}, "ids", {1});
    const ir::ValueId x =
        g.add(ir::OpKind::kEmbedding, {ids}, {{"weight", ir::TensorRef{"embed", 0, 0}}}, "x", {kVocab});
    const ir::ValueId y = g.add(ir::OpKind::kAimcCall, {x}, {{"call", std::int64_t{0}}}, "y", {kVocab});
    g.add(ir::OpKind::kOutput, {y}, {}, "", {});
    model = std::make_unique<Model>(g, source, this, pool);
  }

  void run_call(std::uint32_t, std::span<const float> x, std::uint32_t n, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    for (std::uint32_t v = 0; v < n; ++v) {
      vectors.push_back(vector_base + v);
      for (std::size_t next = 0; next < kVocab; ++next) {
        float sum = 0;
        for (std::size_t i = 0; i < kVocab; ++i) sum += table[next * kVocab + i] * x[v * kVocab + i];
        outputs[0][v * kVocab + next] = sum;
      }
    }
  }

  /// log P(next | current)
  [[nodiscard]] double log_probability(std::int32_t next, std::int32_t current) const {
    double total = 0;
    for (std::size_t i = 0; i < kVocab; ++i) total += std::exp(logit(i, static_cast<std::size_t>(current)));
    return logit(static_cast<std::size_t>(next), static_cast<std::size_t>(current)) - std::log(total);
  }
  [[nodiscard]] std::int32_t likeliest(std::int32_t current) const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < kVocab; ++i) {
      if (logit(i, static_cast<std::size_t>(current)) > logit(best, static_cast<std::size_t>(current))) best = i;
    }
    return static_cast<std::int32_t>(best);
  }

  std::vector<float> table;
  std::vector<std::uint32_t> vectors;
  ThreadPool pool{1};
  std::unique_ptr<Model> model;

 private:
  [[nodiscard]] double logit(std::size_t next, std::size_t current) const {
    return static_cast<double>(table[next * kVocab + current]);
  }
};

/// One token per character.
inline tokenizer::Tokenizer characters(bool add_bos) {
  tokenizer::TokenizerData data;
  data.algorithm = tokenizer::Algorithm::kByteLevelBpe;
  data.tokens = {"<s>", "a", "b", "c", "d", "\xC4\xA0"};  // U+0120 is the space in GPT-2's byte alphabet
  data.types.assign(kVocab, tokenizer::TokenType::kNormal);
  data.types[0] = tokenizer::TokenType::kControl;
  data.bos = 0;
  data.add_bos = add_bos;
  return tokenizer::Tokenizer(std::move(data));
}

}  // namespace xw::evaluation::test
