// The generation loop on a model whose next token is known.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/generate.hpp"

#include <gtest/gtest.h>

#include "arch/support/parallel.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::transformer {
namespace {

constexpr std::int32_t kVocab = 10;

/// Token t is followed by t + 1 (modulo the vocabulary): one-hot embeddings times a shifted identity.
struct Counter {
  Counter() {
    auto source = std::make_shared<test::MemorySource>();
    std::vector<float> identity(kVocab * kVocab), shifted(kVocab * kVocab);
    for (std::size_t i = 0; i < kVocab; ++i) {
      identity[i * kVocab + i] = 1;
      shifted[(i + 1) % kVocab * kVocab + i] = 1;
    }
    source->tensors["embed"] = {{kVocab, kVocab}, identity};
    source->tensors["next"] = {{kVocab, kVocab}, shifted};
    ir::Graph g;
    g.name = "counter";
    g.meta = {{"vocab_size", std::int64_t{kVocab}}, {"context_length", std::int64_t{20}}};
    const ir::ValueId ids = g.add(ir::OpKind::kInput, {}, {}, "ids", {1});
    const ir::ValueId x =
        g.add(ir::OpKind::kEmbedding, {ids}, {{"weight", ir::TensorRef{"embed", 0, 0}}}, "x", {kVocab});
    const ir::ValueId y =
        g.add(ir::OpKind::kLinear, {x}, {{"weight", ir::TensorRef{"next", 0, 0}}, {"name", std::string("next")}}, "y",
              {kVocab});
    g.add(ir::OpKind::kOutput, {y}, {}, "", {});
    model = std::make_unique<Model>(g, source, nullptr, pool);
  }
  ThreadPool pool{1};
  std::unique_ptr<Model> model;
};

using Tokens = std::vector<std::int32_t>;

TEST(Generate, StopsAtTheLimit) {
  Counter counter;
  Session session(*counter.model);
  const GenerateResult result = generate(session, Tokens{7, 3}, {5, {}, {}});
  EXPECT_EQ(result.tokens, (Tokens{4, 5, 6, 7, 8}));
  EXPECT_EQ(result.reason, StopReason::kMaxTokens);
  EXPECT_EQ(result.prefill_tokens, 2U);
  EXPECT_EQ(result.decode_tokens, 4U);
  EXPECT_EQ(session.position(), 6U);  // the last token has not been read
  EXPECT_GT(result.prefill_seconds, 0);
  EXPECT_GT(result.decode_seconds, 0);
  EXPECT_DOUBLE_EQ(result.prefill_tokens_per_second(), 2 / result.prefill_seconds);
  EXPECT_DOUBLE_EQ(result.decode_tokens_per_second(), 4 / result.decode_seconds);
}

TEST(Generate, StopTokensComeFromTheModelAndTheTokenizer) {
  ir::Graph graph;
  EXPECT_EQ(stop_tokens(graph, Tokens{7}), (Tokens{7}));
  graph.meta["eos_tokens"] = std::vector<double>{141, 2, 7};
  EXPECT_EQ(stop_tokens(graph, Tokens{7, 3}), (Tokens{2, 3, 7, 141}));
  EXPECT_EQ(stop_tokens(graph, {}), (Tokens{2, 7, 141}));
}

TEST(Generate, StopTokensAreNotPartOfTheAnswer) {
  Counter counter;
  Session session(*counter.model);
  Tokens streamed;
  const GenerateResult result = generate(session, Tokens{1}, {100, {9, 4}, {}}, [&](std::int32_t token) {
    streamed.push_back(token);
    return true;
  });
  EXPECT_EQ(result.tokens, (Tokens{2, 3}));
  EXPECT_EQ(streamed, result.tokens);
  EXPECT_EQ(result.reason, StopReason::kStopToken);
}

TEST(Generate, StopsWhenTheContextIsFull) {
  Counter counter;
  Session session(*counter.model, 0, 5);
  const GenerateResult result = generate(session, Tokens{0, 1, 2}, {100, {}, {}});
  EXPECT_EQ(result.reason, StopReason::kContextFull);
  EXPECT_EQ(result.tokens, (Tokens{3, 4, 5}));  // two of them were read, the third needed no room
  EXPECT_EQ(session.position(), 5U);
}

TEST(Generate, TheCallbackCanEndIt) {
  Counter counter;
  Session session(*counter.model);
  const GenerateResult result =
      generate(session, Tokens{0}, {100, {}, {}}, [](std::int32_t token) { return token < 3; });
  EXPECT_EQ(result.reason, StopReason::kCallback);
  EXPECT_EQ(result.tokens, (Tokens{1, 2, 3}));
}

TEST(Generate, NoNewTokensOnlyReadsThePrompt) {
  Counter counter;
  Session session(*counter.model);
  const GenerateResult result = generate(session, Tokens{0, 1}, {0, {}, {}});
  EXPECT_TRUE(result.tokens.empty());
  EXPECT_EQ(session.position(), 2U);
  EXPECT_EQ(result.decode_tokens_per_second(), 0);
}

TEST(Generate, ReasonsHaveNames) {
  EXPECT_STREQ(name(StopReason::kMaxTokens), "max_tokens");
  EXPECT_STREQ(name(StopReason::kStopToken), "stop_token");
  EXPECT_STREQ(name(StopReason::kContextFull), "context_full");
  EXPECT_STREQ(name(StopReason::kCallback), "callback");
}

}  // namespace
}  // namespace xw::transformer
