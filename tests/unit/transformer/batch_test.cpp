// Many sequences at once, against each of them alone.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/batch.hpp"

#include <gtest/gtest.h>

#include "arch/support/parallel.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::transformer {
namespace {

using test::TinyConfig;
using test::TinyModel;
using Tokens = std::vector<std::int32_t>;
using xw::test::expect_error;

/// Logits after all of `tokens`, from a session of their own.
std::vector<float> alone(Model& model, const Tokens& tokens) {
  Session session(model);
  return session.forward(tokens, LogitsOf::kLast);
}

/// Token `t` of sequence `s`.
std::int32_t token(std::uint32_t s, std::uint32_t t) {
  return static_cast<std::int32_t>((s * 7 + t * 11 + s * t) % 50);
}

TEST(Batch, ContinuesABeginningWithTheBitsOfEverySequenceAlone) {
  constexpr std::uint32_t kSequences = 6;
  for (const std::uint32_t length : {1U, 15U, 16U, 17U, 40U}) {  // of the beginning: keys stand in blocks of 16
    TinyConfig config;
    config.window = length == 40 ? 9 : 0;
    const TinyModel tiny(config);
    ThreadPool pool(2);
    Model model(tiny.graph(), tiny.source, nullptr, pool);
    const Tokens prompt = tiny.tokens(length, 3);
    Session session(model);
    static_cast<void>(session.forward(prompt, LogitsOf::kNone));
    Batch batch(model, session, kSequences, length + 20);
    std::vector<std::uint32_t> numbers{0, 1, 2, 3, 4, 5};
    std::vector<Tokens> sequences(kSequences, prompt);
    const std::size_t columns = model.num_logits();
    for (std::uint32_t t = 0; t < 20; ++t) {
      if (t == 5) {  // some have ended
        const std::vector<std::uint32_t> places{1, 2, 5};
        batch.keep(places);
        numbers = places;
      } else if (t == 12) {
        batch.keep(std::vector<std::uint32_t>{2});
        numbers = {5};
      }
      ASSERT_EQ(batch.sequences(), numbers.size());
      Tokens step;
      for (const std::uint32_t s : numbers) {
        sequences[s].push_back(token(s, t));
        step.push_back(token(s, t));
      }
      const std::span<const float> logits = batch.step(step);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::span<const float> row = logits.subspan(i * columns, columns);
        EXPECT_EQ(std::vector<float>(row.begin(), row.end()), alone(model, sequences[numbers[i]]))
            << "sequence " << numbers[i] << " after " << length << " + " << t + 1 << " tokens";
      }
    }
    expect_error(ErrorCode::kCapacity, "exceed their", [&] { static_cast<void>(batch.step(Tokens{1})); });
    EXPECT_EQ(session.position(), length) << "the beginning is as it was";
    EXPECT_EQ(session.forward(Tokens{9}, LogitsOf::kLast), [&] {
      Tokens all = prompt;
      all.push_back(9);
      return alone(model, all);
    }());
  }
}

TEST(Batch, ARewoundBeginningIsAsLongAsItSays) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  Tokens tokens = tiny.tokens(30, 4);
  Session session(model);
  static_cast<void>(session.forward(tokens, LogitsOf::kNone));
  session.rewind(7);
  Batch batch(model, session, 1, 8);
  const std::span<const float> logits = batch.step(Tokens{3});
  tokens.resize(7);
  tokens.push_back(3);
  EXPECT_EQ(std::vector<float>(logits.begin(), logits.end()), alone(model, tokens));
}

/// A model of a single call: its output is its input; remembers the vector indices.
class Echo : public CallBackend {
 public:
  void run_call(std::uint32_t, std::span<const float> x, std::uint32_t n, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    for (std::uint32_t v = 0; v < n; ++v) vectors.push_back(vector_base + v);
    std::copy(x.begin(), x.end(), outputs[0].begin());
  }
  std::vector<std::uint32_t> vectors;
};

TEST(Batch, VectorIndicesGoOnInTheOrderOfTheTokens) {
  auto source = std::make_shared<test::MemorySource>();
  source->tensors["embed"] = {{4, 4}, test::random_vector(16, 1)};
  ir::Graph g;
  g.name = "echo";
  g.meta = {{"vocab_size", std::int64_t{4}}, {"context_length", std::int64_t{16}}};
  const ir::ValueId ids = g.add(ir::OpKind::kInput, {}, {}, "ids", {1});
  const ir::ValueId x = g.add(ir::OpKind::kEmbedding, {ids}, {{"weight", ir::TensorRef{"embed", 0, 0}}}, "x", {4});
  const ir::ValueId y = g.add(ir::OpKind::kAimcCall, {x}, {{"call", std::int64_t{0}}}, "y", {4});
  g.add(ir::OpKind::kOutput, {y}, {}, "", {});
  Echo echo;
  ThreadPool pool(1);
  Model model(g, source, &echo, pool);
  Session session(model, 100);
  static_cast<void>(session.forward(Tokens{0, 1, 2}, LogitsOf::kAll));
  Batch batch(model, session, 3, 10);
  static_cast<void>(batch.step(Tokens{1, 2, 3}));
  batch.keep(std::vector<std::uint32_t>{0, 2});
  static_cast<void>(batch.step(Tokens{1, 2}));
  EXPECT_EQ(echo.vectors, (std::vector<std::uint32_t>{100, 101, 102, 103, 104, 105, 106, 107}));
  echo.vectors.clear();
  Batch other(model, 2, 10, 0xFFFFFFFF);
  static_cast<void>(other.step(Tokens{1, 2}));
  EXPECT_EQ(echo.vectors, (std::vector<std::uint32_t>{0xFFFFFFFF, 0})) << "modulo 2^32";
}

TEST(Batch, WhatCannotBeMeantIsRefused) {
  TinyConfig config;
  config.rope_short.assign(4, 1.0);
  config.rope_long.assign(4, 3.0);
  config.original_context = 10;
  const TinyModel tiny(config);
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  Session session(model);
  expect_error(ErrorCode::kInvalidArgument, "no tokens", [&] { Batch(model, session, 2, 8); });
  static_cast<void>(session.forward(tiny.tokens(5, 1), LogitsOf::kNone));
  expect_error(ErrorCode::kInvalidArgument, "at least one sequence", [&] { Batch(model, session, 0, 8); });
  expect_error(ErrorCode::kCapacity, "the beginning has 5", [&] { Batch(model, session, 2, 4); });
  Model other(tiny.graph(), tiny.source, nullptr, pool, HostPrecision::kInt8);
  expect_error(ErrorCode::kInvalidArgument, "of another model", [&] { Batch(other, session, 2, 20); });
  expect_error(ErrorCode::kCapacity, "exceed the context of 64", [&] { Batch(model, session, 2, 65); });
  expect_error(ErrorCode::kUnsupported, "rotated differently", [&] { Batch(model, session, 2, 11); });
  Batch batch(model, session, 2, 10);
  for (const std::vector<std::uint32_t>& wrong : std::vector<std::vector<std::uint32_t>>{{2}, {1, 0}, {0, 0}})
    expect_error(ErrorCode::kInvalidArgument, "growing numbers", [&] { batch.keep(wrong); });
  expect_error(ErrorCode::kInvalidArgument, "found none", [&] { batch.keep({}); });
  session.reset(0, 12);
  const Tokens prompt = tiny.tokens(5, 1);
  static_cast<void>(session.forward(prompt, LogitsOf::kNone));
  Batch longer(model, session, 1, 12);
  Tokens sequence = prompt;
  for (std::uint32_t t = 0; t < 7; ++t) sequence.push_back(token(1, t));
  std::vector<float> last;
  for (std::size_t t = prompt.size(); t < sequence.size(); ++t) {
    const std::span<const float> logits = longer.step({&sequence[t], 1});
    last.assign(logits.begin(), logits.end());
  }
  EXPECT_EQ(last, alone(model, sequence));
}

}  // namespace
}  // namespace xw::transformer
