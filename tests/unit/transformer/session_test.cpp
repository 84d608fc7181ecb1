// Whole models: against a direct double-precision evaluation, independence of batches and threads, errors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "arch/support/parallel.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::transformer {
namespace {

using test::TinyConfig;
using test::TinyModel;
using xw::test::expect_error;

/// Logits of all tokens, in batches.
std::vector<float> all_logits(Model& model, const std::vector<std::int32_t>& tokens, std::size_t batch) {
  Session session(model);
  std::vector<float> result;
  for (std::size_t begin = 0; begin < tokens.size(); begin += batch) {
    const auto part = std::span(tokens).subspan(begin, std::min(batch, tokens.size() - begin));
    const auto logits = session.forward(part, LogitsOf::kAll);
    result.insert(result.end(), logits.begin(), logits.end());
  }
  return result;
}

std::vector<TinyConfig> configs() {
  TinyConfig interleaved;
  interleaved.rope_style = "interleaved";
  TinyConfig windowed;
  windowed.window = 5;
  windowed.biases = true;
  TinyConfig wide;
  wide.hidden = 72;
  wide.intermediate = 100;
  wide.heads = 9;
  wide.kv_heads = 3;
  wide.dim = 16;
  wide.rope_style = "none";
  wide.embedding_scale = 2.5;
  TinyConfig long_context;
  long_context.context = 700;
  TinyConfig normed;
  normed.head_norms = normed.gelu = true;
  normed.dim = 18;
  normed.window = 7;
  return {TinyConfig{}, interleaved, windowed, wide, long_context, normed};
}

TEST(Session, ShiftAddsAVectorToEveryToken) {
  ThreadPool pool(2);
  const TinyModel tiny(TinyConfig{});
  auto source = std::make_shared<test::MemorySource>(*tiny.source);
  std::vector<float> vector(tiny.config.vocab);
  for (std::size_t i = 0; i < vector.size(); ++i) vector[i] = 0.25F * static_cast<float>(i) - 3;
  source->tensors["vector"] = {{tiny.config.vocab}, vector};
  ir::Graph shifted = tiny.graph();
  const ir::ValueId logits = shifted.nodes.back().inputs[0];
  shifted.nodes.pop_back();
  const ir::ValueId sum = shifted.add(ir::OpKind::kShift, {logits}, {{"vector", ir::TensorRef{"vector", 0, 0}}},
                                      "shifted", {tiny.config.vocab});
  shifted.add(ir::OpKind::kOutput, {sum}, {}, "", {});
  Model plain(tiny.graph(), tiny.source, nullptr, pool);
  Model model(shifted, source, nullptr, pool);
  const auto tokens = tiny.tokens(20, 5);
  const auto expected = all_logits(plain, tokens, 20);
  const auto found = all_logits(model, tokens, 7);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i], expected[i] + vector[i % vector.size()]);
}

TEST(Session, MatchesTheEquations) {
  ThreadPool pool(2);
  for (const TinyConfig& config : configs()) {
    const TinyModel tiny(config);
    Model model(tiny.graph(), tiny.source, nullptr, pool);
    const auto tokens = tiny.tokens(std::min(60U, config.context), 5);
    const auto expected = tiny.logits(tokens);
    const auto found = all_logits(model, tokens, tokens.size());
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-4) << "element " << i;
  }
}

TEST(Session, BitsDependNeitherOnBatchesNorOnThreads) {
  for (const TinyConfig& config : configs()) {
    const TinyModel tiny(config);
    const auto tokens = tiny.tokens(config.context, 6);  // the longest exceeds one internal pass
    ThreadPool one(1);
    Model reference(tiny.graph(), tiny.source, nullptr, one);
    const auto expected = all_logits(reference, tokens, tokens.size());
    for (const unsigned threads : {1U, 2U, 3U}) {
      ThreadPool pool(threads);
      Model model(tiny.graph(), tiny.source, nullptr, pool);
      for (const std::size_t batch : {1U, 7U, 64U}) {
        EXPECT_EQ(all_logits(model, tokens, batch), expected) << "batch " << batch << " threads " << threads;
      }
    }
  }
}

TEST(Session, LastLogitsAreThoseOfTheLastToken) {
  TinyConfig config;
  config.context = 1200;
  const TinyModel tiny(config);
  ThreadPool pool(2);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  for (const std::size_t n : {1U, 2U, 512U, 513U, 1100U}) {
    const auto tokens = tiny.tokens(n, 7);
    const auto all = all_logits(model, tokens, n);
    Session session(model);
    const auto last = session.forward(tokens, LogitsOf::kLast);
    ASSERT_EQ(last.size(), config.vocab);
    EXPECT_EQ(last, std::vector<float>(all.end() - config.vocab, all.end())) << n;
    EXPECT_EQ(session.position(), n);
  }
}

TEST(Session, NoLogitsStillFillsTheCache) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  const auto tokens = tiny.tokens(20, 8);
  Session session(model);
  EXPECT_TRUE(session.forward(std::span(tokens).first(19), LogitsOf::kNone).empty());
  const auto last = session.forward(std::span(tokens).subspan(19), LogitsOf::kLast);
  const auto all = all_logits(model, tokens, 20);
  EXPECT_EQ(last, std::vector<float>(all.end() - 50, all.end()));
}

TEST(Session, ResetForgets) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  const auto tokens = tiny.tokens(30, 9);
  Session session(model);
  const auto first = session.forward(tokens, LogitsOf::kAll);
  static_cast<void>(session.forward(tiny.tokens(10, 10), LogitsOf::kNone));
  session.reset();
  EXPECT_EQ(session.position(), 0U);
  EXPECT_EQ(session.forward(tokens, LogitsOf::kAll), first);
}

TinyConfig longrope() {
  TinyConfig config;
  config.rope_short = {1.0, 1.2, 1.4, 1.6};
  config.rope_long = {1.0, 2.5, 6.0, 14.0};
  config.original_context = 20;
  return config;
}

void expect_near(std::span<const float> found, std::span<const double> expected, std::size_t tokens) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-4) << tokens << " tokens, " << i;
}

TEST(Session, LongRopeTakesShortFactorsUpToTheOriginalContextAndLongOnesBeyond) {
  const TinyModel tiny(longrope());
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  for (const std::size_t n : {5U, 20U, 21U, 40U}) {
    const auto tokens = tiny.tokens(n, 12);
    expect_near(all_logits(model, tokens, n), tiny.logits(tokens), n);
  }
}

TEST(Session, AGenerationThatPassesTheOriginalContextIsComputedAnewWithLongFactors) {
  const TinyModel tiny(longrope());
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  const auto tokens = tiny.tokens(40, 13);
  Session session(model);
  for (std::size_t n = 1; n <= tokens.size(); ++n) {
    const auto found = session.forward(std::span(tokens).subspan(n - 1, 1), LogitsOf::kLast);
    const auto all = tiny.logits({tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(n)});
    expect_near(found, std::span(all).last(tiny.config.vocab), n);
  }
  EXPECT_EQ(session.position(), tokens.size());
  session.reset();  // the next sequence is short again
  const std::vector<std::int32_t> again(tokens.begin(), tokens.begin() + 10);
  expect_near(session.forward(again, LogitsOf::kAll), tiny.logits(again), 10);
}

TEST(Session, AKnownLengthGivesTheWholeSequenceItsFactorsInPiecesToo) {
  const TinyModel tiny(longrope());
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  const auto tokens = tiny.tokens(40, 14);
  const auto whole = all_logits(model, tokens, tokens.size());
  Session session(model);
  session.reset(0, static_cast<std::uint32_t>(tokens.size()));
  std::vector<float> pieces;
  for (std::size_t begin = 0; begin < tokens.size(); begin += 8) {
    const auto logits = session.forward(std::span(tokens).subspan(begin, 8), LogitsOf::kAll);
    pieces.insert(pieces.end(), logits.begin(), logits.end());
  }
  EXPECT_EQ(pieces, whole);
}

/// A beginning and continuations of it, some longer than one internal pass.
struct Tree {
  std::vector<std::int32_t> beginning;
  std::vector<std::vector<std::int32_t>> continuations;
};
Tree make_tree(const TinyModel& tiny, std::size_t beginning, std::vector<std::size_t> lengths) {
  Tree tree{tiny.tokens(beginning, 21), {}};
  std::uint32_t seed = 22;
  for (const std::size_t length : lengths) tree.continuations.push_back(tiny.tokens(length, seed++));
  return tree;
}
std::vector<Segment> segments_of(const Tree& tree) {
  std::vector<Segment> segments{{0, tree.beginning}};
  for (const auto& one : tree.continuations)
    segments.push_back({static_cast<std::uint32_t>(tree.beginning.size()), one});
  return segments;
}

TEST(Session, ContinuationsOfOneBeginningHaveTheBitsThatEachHasAlone) {
  auto all = configs();
  all.push_back(longrope());
  for (const TinyConfig& config : all) {
    const TinyModel tiny(config);
    const bool is_long = config.context > 512;
    const Tree tree = is_long ? make_tree(tiny, 100, {300, 590, 7}) : make_tree(tiny, 9, {4, 1, 8, 4});
    for (const unsigned threads : {1U, 3U}) {
      ThreadPool pool(threads);
      Model model(tiny.graph(), tiny.source, nullptr, pool);
      for (const std::size_t logits_begin : {std::size_t{0}, tree.beginning.size() - 1, tree.beginning.size() + 2}) {
        std::vector<float> expected = all_logits(model, tree.beginning, 64);
        for (const auto& one : tree.continuations) {
          std::vector<std::int32_t> whole = tree.beginning;
          whole.insert(whole.end(), one.begin(), one.end());
          const auto alone = all_logits(model, whole, 64);
          expected.insert(expected.end(), alone.end() - static_cast<std::ptrdiff_t>(one.size() * config.vocab),
                          alone.end());
        }
        expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(logits_begin * config.vocab));
        Session session(model);
        EXPECT_EQ(session.forward(segments_of(tree), logits_begin), expected) << config.context << " " << logits_begin;
        EXPECT_EQ(session.position(), tree.beginning.size() + tree.continuations.back().size());
      }
    }
  }
}

TEST(Session, ARewoundSequenceGoesOnAsIfTheRestHadNeverBeen) {
  for (const TinyConfig& config : {TinyConfig{}, longrope()}) {
    const TinyModel tiny(config);
    ThreadPool pool(1);
    Model model(tiny.graph(), tiny.source, nullptr, pool);
    const auto tokens = tiny.tokens(30, 31);
    const auto others = tiny.tokens(20, 32);
    const auto expected = all_logits(model, tokens, 30);
    Session session(model);
    static_cast<void>(session.forward(std::span(tokens).first(12), LogitsOf::kNone));
    static_cast<void>(session.forward(others, LogitsOf::kNone));  // longrope: passes the original context of 20
    session.rewind(12);
    EXPECT_EQ(session.position(), 12U);
    session.rewind(5);
    const auto found = session.forward(std::span(tokens).subspan(5), LogitsOf::kAll);
    EXPECT_EQ(found, std::vector<float>(expected.begin() + 5 * 50, expected.end()));
  }
}

TEST(Session, SegmentsMustFollowTheSequence) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  Session session(model);
  const auto tokens = tiny.tokens(4, 33);
  static_cast<void>(session.forward(tokens, LogitsOf::kNone));
  const auto forward = [&](std::vector<Segment> segments) {
    return [&session, segments] { static_cast<void>(session.forward(segments, 0)); };
  };
  expect_error(ErrorCode::kInvalidArgument, "follows 5 tokens, the sequence has 4", forward({{5, tokens}}));
  expect_error(ErrorCode::kInvalidArgument, "follows 7 tokens, the sequence has 6",
               forward({{2, tokens}, {7, tokens}}));
  expect_error(ErrorCode::kInvalidArgument, "at least one token", forward({{2, tokens}, {3, {}}}));
  expect_error(ErrorCode::kInvalidArgument, "at least one segment", forward({}));
  expect_error(ErrorCode::kInvalidArgument, "at most 4 tokens, found 5", [&] { session.rewind(5); });
  const auto longer = tiny.tokens(61, 34);
  expect_error(ErrorCode::kCapacity, "sequence of 65 tokens exceeds the context of 64", forward({{4, longer}}));
  EXPECT_EQ(session.position(), 4U);
}

TEST(Session, LengthsWithTheSameRotationsAreOfOneClass) {
  ThreadPool pool(1);
  const TinyModel plain(TinyConfig{}), longer(longrope());
  const Model same(plain.graph(), plain.source, nullptr, pool), two(longer.graph(), longer.source, nullptr, pool);
  EXPECT_EQ(same.rotation_class(1), same.rotation_class(60));
  EXPECT_EQ(two.rotation_class(1), two.rotation_class(20));
  EXPECT_NE(two.rotation_class(20), two.rotation_class(21));
}

TEST(Session, TimesAreMeasuredByKind) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  Session session(model);
  static_cast<void>(session.forward(tiny.tokens(60, 9), LogitsOf::kAll));
  const HostTimes& times = session.times();
  for (const double seconds :
       {times.embedding, times.norm, times.attention, times.activation, times.digital_linear, times.other}) {
    EXPECT_GT(seconds, 0);
  }
  EXPECT_EQ(times.calls, 0);
}

TEST(Session, RejectsTokensOutsideTheVocabulary) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  Session session(model);
  for (const std::int32_t bad : {50, -1}) {
    const std::int32_t tokens[] = {3, bad};
    expect_error(ErrorCode::kInvalidArgument,
                 "token id " + std::to_string(bad) + " is outside the vocabulary of 50 tokens",
                 [&] { static_cast<void>(session.forward(tokens, LogitsOf::kLast)); });
    EXPECT_EQ(session.position(), 0U);
  }
  expect_error(ErrorCode::kInvalidArgument, "expected at least one token",
               [&] { static_cast<void>(session.forward({}, LogitsOf::kLast)); });
}

TEST(Session, RejectsSequencesBeyondTheContext) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  Session session(model);
  static_cast<void>(session.forward(tiny.tokens(64, 1), LogitsOf::kNone));
  expect_error(ErrorCode::kCapacity, "sequence of 65 tokens exceeds the context of 64",
               [&] { static_cast<void>(session.forward(tiny.tokens(1, 1), LogitsOf::kLast)); });
  EXPECT_EQ(session.position(), 64U);
  Session limited(model, 0, 10);
  EXPECT_EQ(limited.context_limit(), 10U);
  expect_error(ErrorCode::kCapacity, "sequence of 11 tokens exceeds the context of 10",
               [&] { static_cast<void>(limited.forward(tiny.tokens(11, 1), LogitsOf::kLast)); });
  EXPECT_EQ(Session(model, 0, 1000).context_limit(), 64U);
}

TEST(Model, RejectsMissingTensors) {
  ThreadPool pool(1);
  for (const char* name : {"embed", "l0.qkv", "l1.norm2", "lm_head"}) {
    const TinyModel tiny(TinyConfig{});
    tiny.source->tensors.erase(name);
    expect_error(ErrorCode::kFormat, "no tensor '" + std::string(name) + "'",
                 [&] { const Model model(tiny.graph(), tiny.source, nullptr, pool); });
  }
}

TEST(Model, RejectsTensorsOfAnotherShape) {
  ThreadPool pool(1);
  const auto expect = [&](const std::string& tensor, std::vector<std::uint64_t> shape, const std::string& text) {
    TinyConfig config;
    config.biases = true;
    const TinyModel tiny(config);
    std::size_t elements = 1;
    for (const std::uint64_t dimension : shape) elements *= dimension;
    tiny.source->tensors[tensor] = {std::move(shape), std::vector<float>(elements, 1.0F)};
    expect_error(ErrorCode::kShapeMismatch, text, [&] { const Model model(tiny.graph(), tiny.source, nullptr, pool); });
  };
  expect("l0.o", {24, 33}, "tensor 'l0.o': expected shape [*, 32], found [24, 33]");
  expect("l0.o", {24}, "found [24]");
  expect("l0.o", {23, 32}, "tensor 'l0.o': expected 24 rows, found 23");
  expect("l0.qkv", {60, 24}, "rows 48 to 64 of tensor 'l0.qkv', which has 60 rows");
  expect("l0.qkv_bias", {60}, "linear 'l0.v': bias: rows 48 to 64");
  expect("l1.norm1", {25}, "rms_norm: expected 24 elements of tensor 'l1.norm1', found 25");
  expect("l1.norm1", {24, 1}, "of shape [24, 1]");
  expect("embed", {50, 25}, "embedding: tensor 'embed' must have rows of 24");
  expect("embed", {49, 24}, "embedding: tensor 'embed' has 49 rows, the vocabulary 50");
}

TEST(Model, RejectsGraphsThatAreNotWellFormed) {
  ThreadPool pool(1);
  const TinyModel tiny(TinyConfig{});
  ir::Graph graph = tiny.graph();
  graph.meta.erase("vocab_size");
  expect_error(ErrorCode::kFormat, "meta 'vocab_size' must be a positive integer",
               [&] { const Model model(graph, tiny.source, nullptr, pool); });
  graph = tiny.graph();
  for (ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kAttention) node.attributes["layer"] = std::int64_t{0};
  }
  expect_error(ErrorCode::kFormat, "layer 0", [&] { const Model model(graph, tiny.source, nullptr, pool); });
}

TEST(Model, HoldsWeightsOnceAndInTheSmallestExactForm) {
  ThreadPool pool(2);
  TinyConfig config;
  const TinyModel full(config);
  const Model with_floats(full.graph(), full.source, nullptr, pool);
  const TinyModel tied(config);
  tied.source->tensors["l1.o"] = tied.source->tensors["l0.o"];
  std::uint64_t elements = 0;
  for (auto& [name, tensor] : tied.source->tensors) {
    if (tensor.shape.size() == 2 && name != "embed") elements += tensor.data.size();
  }
  const std::uint64_t vectors = with_floats.weight_bytes() - 4 * elements;
  EXPECT_EQ(vectors, 4U * 24 * 5);  // five norms
  // Small multiples of a quarter are exact in bfloat16, eleven-bit integers over 1024 only in fp16, a tenth in neither.
  for (auto& [name, tensor] : tied.source->tensors) {
    for (std::size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<float>(i % 64) * 0.25F - 8.0F;
  }
  EXPECT_EQ(Model(tied.graph(), tied.source, nullptr, pool).weight_bytes(), 2 * elements + vectors);
  for (auto& [name, tensor] : tied.source->tensors) {
    for (std::size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<float>(i * 13 % 2048) / 1024.0F;
  }
  EXPECT_EQ(Model(tied.graph(), tied.source, nullptr, pool).weight_bytes(), 2 * elements + vectors);
  tied.source->tensors["lm_head"].data.back() = 0.1F;
  EXPECT_EQ(Model(tied.graph(), tied.source, nullptr, pool).weight_bytes(), 2 * elements + 2 * 50 * 24 + vectors);
}

TEST(Model, SixteenBitStorageChangesNoBit) {
  ThreadPool pool(2);
  const TinyModel tiny(TinyConfig{});
  for (auto& [name, tensor] : tiny.source->tensors) {
    for (float& value : tensor.data) value = std::round(value * 256.0F) / 256.0F;  // exact in fp16
  }
  const auto tokens = tiny.tokens(40, 3);
  Model small(tiny.graph(), tiny.source, nullptr, pool);
  const auto logits = all_logits(small, tokens, 40);
  const auto expected = tiny.logits(tokens);
  for (std::size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected[i], 2e-4);
}

TEST(Model, ObserversSeeEveryLinearAndEveryToken) {
  const TinyModel tiny(TinyConfig{});
  ThreadPool pool(1);
  Model model(tiny.graph(), tiny.source, nullptr, pool);
  std::map<std::string, std::size_t> inputs;
  model.observe(
      [&](const std::string& name, std::span<const float> x, std::uint32_t in) { inputs[name] += x.size() / in; });
  Session session(model);
  static_cast<void>(session.forward(tiny.tokens(20, 3), LogitsOf::kNone));
  EXPECT_EQ(inputs.size(), 14U);  // seven per layer; no logits were asked for
  for (const auto& [name, count] : inputs) EXPECT_EQ(count, 20U) << name;
  static_cast<void>(session.forward(tiny.tokens(5, 3), LogitsOf::kLast));
  EXPECT_EQ(inputs.at("lm_head.out"), 1U);
  EXPECT_EQ(inputs.at("l1.down.out"), 25U);
  model.observe(nullptr);
  static_cast<void>(session.forward(tiny.tokens(5, 3), LogitsOf::kLast));
  EXPECT_EQ(inputs.at("l1.down.out"), 25U);
}

/// Runs a call as the sum of its input times (1 + matrix), and remembers the vector indices.
class RecordingBackend : public CallBackend {
 public:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> seen;  // first vector index, number of vectors
  std::vector<std::uint32_t> on_host;                         // numbers of vectors
  void run_on_host(std::uint32_t call, std::span<const float> x, std::uint32_t n,
                   std::span<const std::span<float>> outputs) override {
    on_host.push_back(n);
    run_call(call, x, n, 0, outputs);
    seen.pop_back();
    for (const std::span<float> output : outputs) {
      for (float& value : output) value = -value;
    }
  }
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t n, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    ASSERT_EQ(call, 3U);
    ASSERT_EQ(outputs.size(), 2U);
    seen.emplace_back(vector_base, n);
    const std::size_t in = x.size() / n;
    for (std::size_t v = 0; v < n; ++v) {
      float sum = 0;
      for (std::size_t i = 0; i < in; ++i) sum += x[v * in + i];
      for (std::size_t k = 0; k < 2; ++k) {
        ASSERT_EQ(outputs[k].size(), n * 4);
        for (std::size_t o = 0; o < 4; ++o) outputs[k][v * 4 + o] = sum * static_cast<float>(1 + k);
      }
    }
  }
};

ir::Graph call_graph(std::int64_t digital_positions = 0) {
  ir::Graph g;
  g.name = "calls";
  g.meta = {{"vocab_size", std::int64_t{3}}, {"context_length", std::int64_t{2000}}};
  const ir::ValueId ids = g.add(ir::OpKind::kInput, {}, {}, "ids", {1});
  const ir::ValueId x = g.add(ir::OpKind::kEmbedding, {ids}, {{"weight", ir::TensorRef{"embed", 0, 0}}}, "x", {4});
  const ir::ValueId y = g.add(ir::OpKind::kAimcCall, {x},
                              {{"call", std::int64_t{3}}, {ir::kDigitalPositions, digital_positions}}, "y", {4, 4});
  const ir::ValueId sum = g.add(ir::OpKind::kAdd, {y, y + 1}, {}, "sum", {4});
  g.add(ir::OpKind::kOutput, {sum}, {}, "", {});
  return g;
}

TEST(Model, CallsGetTheVectorIndexOfTheirTokens) {
  auto source = std::make_shared<test::MemorySource>();
  source->tensors["embed"] = {{3, 4}, {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}};
  ThreadPool pool(1);
  RecordingBackend backend;
  Model model(call_graph(), source, &backend, pool);
  Session session(model, 1000);
  const std::vector<std::int32_t> tokens{0, 1, 2};
  const auto logits = session.forward(tokens, LogitsOf::kAll);
  EXPECT_EQ(logits, (std::vector<float>{12, 12, 12, 12, 24, 24, 24, 24, 36, 36, 36, 36}));
  const auto last = session.forward(tokens, LogitsOf::kLast);  // only the last token is needed
  EXPECT_EQ(last, (std::vector<float>{36, 36, 36, 36}));
  const std::vector<std::int32_t> many(600, 1);
  static_cast<void>(session.forward(many, LogitsOf::kAll));
  session.reset(5);
  static_cast<void>(session.forward(tokens, LogitsOf::kAll));
  const std::vector<std::pair<std::uint32_t, std::uint32_t>> expected{
      {1000, 3}, {1005, 1}, {1006, 512}, {1518, 88}, {5, 3}};
  EXPECT_EQ(backend.seen, expected);
}

/// Positions of the context decide, not those of a batch; the others keep their vector indices.
TEST(Model, FirstPositionsOfACallRunOnTheHost) {
  auto source = std::make_shared<test::MemorySource>();
  source->tensors["embed"] = {{3, 4}, {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}};
  ThreadPool pool(1);
  const std::vector<std::int32_t> tokens{0, 1, 2, 1};
  using Seen = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  for (const std::size_t batch : {1U, 2U, 3U, 4U}) {
    SCOPED_TRACE("batches of " + std::to_string(batch));
    RecordingBackend backend;
    Model model(call_graph(2), source, &backend, pool);
    Session session(model, 100);
    for (int round = 0; round < 2; ++round) {  // every context begins anew
      std::vector<float> logits;
      for (std::size_t t = 0; t < tokens.size(); t += batch) {
        const auto part =
            session.forward(std::span(tokens).subspan(t, std::min(batch, tokens.size() - t)), LogitsOf::kAll);
        logits.insert(logits.end(), part.begin(), part.end());
      }
      EXPECT_EQ(logits, (std::vector<float>{-12, -12, -12, -12, -24, -24, -24, -24, 36, 36, 36, 36, 24, 24, 24, 24}));
      session.reset(100);
    }
    const Seen once = batch == 1 || batch == 3 ? Seen{{102, 1}, {103, 1}} : Seen{{102, 2}};
    Seen expected = once;
    expected.insert(expected.end(), once.begin(), once.end());
    EXPECT_EQ(backend.seen, expected);
    const std::vector<std::uint32_t> on_host =
        batch == 1 ? std::vector<std::uint32_t>{1, 1, 1, 1} : std::vector<std::uint32_t>{2, 2};
    EXPECT_EQ(backend.on_host, on_host);
  }
}

TEST(Model, FirstPositionsOfSegmentsRunOnTheHost) {
  auto source = std::make_shared<test::MemorySource>();
  source->tensors["embed"] = {{3, 4}, {1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}};
  ThreadPool pool(1);
  RecordingBackend backend;
  Model model(call_graph(2), source, &backend, pool);
  Session session(model, 100);
  const std::vector<std::int32_t> one{0, 1, 2}, two{1}, three{2, 1, 0};
  const std::vector<Segment> segments{{0, one}, {3, two}, {0, three}, {1, one}};
  std::vector<float> expected;
  for (const float logit : {-12.0F, -24.0F, 36.0F, 24.0F, -36.0F, -24.0F, 12.0F, -12.0F, 24.0F, 36.0F})
    expected.insert(expected.end(), 4, logit);
  EXPECT_EQ(session.forward(segments, 0), expected);
  EXPECT_EQ(backend.on_host, (std::vector<std::uint32_t>{2, 2, 1}));
  EXPECT_EQ(backend.seen, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{102, 2}, {106, 1}, {108, 2}}))
      << "vector indices count all tokens";
}

/// A sequence that passes the original context of longrope is computed again from its first token on: on the host again.
TEST(Model, FirstPositionsRunOnTheHostWhenASequenceIsComputedAgain) {
  class FactorByVector : public CallBackend {
   public:
    void run_call(std::uint32_t, std::span<const float> x, std::uint32_t n, std::uint32_t vector_base,
                  std::span<const std::span<float>> outputs) override {
      product(x, n, outputs, [&](std::size_t v) { return static_cast<float>(1 + (vector_base + v) % 7); });
    }
    void run_on_host(std::uint32_t, std::span<const float> x, std::uint32_t n,
                     std::span<const std::span<float>> outputs) override {
      on_host += n;
      product(x, n, outputs, [](std::size_t) { return -3.0F; });
    }
    std::uint32_t on_host = 0;

   private:
    static void product(std::span<const float> x, std::uint32_t n, std::span<const std::span<float>> outputs,
                        const std::function<float(std::size_t)>& factor_of_vector) {
      const std::size_t in = x.size() / n, out = outputs[0].size() / n;
      for (std::size_t v = 0; v < n; ++v) {
        for (std::size_t o = 0; o < out; ++o) outputs[0][v * out + o] = factor_of_vector(v) * x[v * in + o];
      }
    }
  };
  const TinyModel tiny(longrope());
  ir::Graph graph = tiny.graph();
  for (ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear || ir::attr_string(node, "name") != "l0.o.out") continue;
    node.kind = ir::OpKind::kAimcCall;
    node.attributes = {{"call", std::int64_t{0}}, {ir::kDigitalPositions, std::int64_t{2}}};
  }
  ThreadPool pool(1);
  FactorByVector backend;
  Model model(graph, tiny.source, &backend, pool);
  const auto tokens = tiny.tokens(24, 3);
  Session known(model);
  known.reset(0, 24);
  (void)known.forward(std::span(tokens).first(23), LogitsOf::kNone);
  const auto expected = known.forward(std::span(tokens).last(1), LogitsOf::kLast);
  EXPECT_EQ(backend.on_host, 2U);
  Session grown(model);
  (void)grown.forward(std::span(tokens).first(1), LogitsOf::kNone);
  (void)grown.forward(std::span(tokens).subspan(1, 17), LogitsOf::kNone);
  (void)grown.forward(std::span(tokens).subspan(18, 5), LogitsOf::kNone);  // passes 20: 18 tokens again
  EXPECT_EQ(grown.forward(std::span(tokens).last(1), LogitsOf::kLast), expected);
  EXPECT_EQ(backend.on_host, 2U + 2 + 2);
}

TEST(Model, ABackendThatHasNoHostSideSaysSo) {
  class TilesOnly : public CallBackend {
    void run_call(std::uint32_t, std::span<const float>, std::uint32_t, std::uint32_t,
                  std::span<const std::span<float>>) override {}
  };
  auto source = std::make_shared<test::MemorySource>();
  source->tensors["embed"] = {{3, 4}, std::vector<float>(12, 1.0F)};
  ThreadPool pool(1);
  TilesOnly backend;
  Model model(call_graph(1), source, &backend, pool);
  Session session(model);
  expect_error(ErrorCode::kUnsupported, "call 3: its backend cannot compute it on the host",
               [&] { (void)session.forward(std::vector<std::int32_t>{0}, LogitsOf::kLast); });
}

TEST(Model, CallsNeedABackend) {
  auto source = std::make_shared<test::MemorySource>();
  source->tensors["embed"] = {{3, 4}, std::vector<float>(12, 1.0F)};
  ThreadPool pool(1);
  expect_error(ErrorCode::kInvalidArgument, "there is no backend to run them",
               [&] { const Model model(call_graph(), source, nullptr, pool); });
}

}  // namespace
}  // namespace xw::transformer
