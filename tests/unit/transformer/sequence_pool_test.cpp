// Sequences that come and go, against each of them alone.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/sequence_pool.hpp"

#include <gtest/gtest.h>

#include "arch/support/parallel.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::transformer {
namespace {

using test::TinyConfig;
using test::TinyModel;
using Tokens = std::vector<std::int32_t>;
using Next = SequencePool::Next;
using xw::test::expect_error;

/// Logits after every one of `tokens`, from a session of their own.
std::vector<float> alone(Model& model, const Tokens& tokens, LogitsOf of = LogitsOf::kLast) {
  Session session(model);
  return session.forward(tokens, of);
}

TEST(SequencePool, RandomComingAndGoingGivesTheBitsOfEverySequenceAlone) {
  constexpr std::uint32_t kSlots = 5, kLength = 40;
  xw::test::RandomNumbers random;
  for (const std::uint32_t window : {0U, 9U}) {
    TinyConfig config;
    config.window = window;
    const TinyModel tiny(config);
    ThreadPool threads(2);
    Model model(tiny.graph(), tiny.source, nullptr, threads);
    SequencePool pool(model, kSlots, kLength);
    std::vector<Tokens> sequences(kSlots);
    const auto some = [&](std::uint32_t most) {
      Tokens tokens(random(1, most));
      for (std::int32_t& token : tokens) token = static_cast<std::int32_t>(random(0, 49));
      return tokens;
    };
    for (int turn = 0; turn < 120; ++turn) {
      const std::uint32_t slot = random(0, kSlots - 1);
      Tokens& sequence = sequences[slot];
      const auto room = static_cast<std::uint32_t>(kLength - sequence.size());
      switch (random(0, 3)) {
        case 0: {
          if (room == 0) break;
          const Tokens tokens = some(room);
          pool.feed(slot, tokens);
          sequence.insert(sequence.end(), tokens.begin(), tokens.end());
          break;
        }
        case 1: {
          if (room == 0) break;
          const Tokens tokens = some(room);
          const std::vector<float> logits = pool.score(slot, tokens);
          sequence.insert(sequence.end(), tokens.begin(), tokens.end());
          const std::vector<float> all = alone(model, sequence, LogitsOf::kAll);
          ASSERT_EQ(logits, std::vector<float>(all.end() - static_cast<std::ptrdiff_t>(logits.size()), all.end()));
          break;
        }
        case 2:
          pool.clear(slot);
          sequence.clear();
          break;
        default: {
          std::vector<Next> next;
          for (std::uint32_t s = kSlots; s-- > 0;) {
            if (sequences[s].size() == kLength || random(0, 3) == 0) continue;
            next.push_back({s, static_cast<std::int32_t>(random(0, 49))});
            sequences[s].push_back(next.back().token);
          }
          if (next.empty()) break;
          const std::span<const float> logits = pool.step(next);
          const std::size_t columns = model.num_logits();
          ASSERT_EQ(logits.size(), next.size() * columns);
          for (std::size_t i = 0; i < next.size(); ++i) {
            const std::span<const float> row = logits.subspan(i * columns, columns);
            ASSERT_EQ(std::vector<float>(row.begin(), row.end()), alone(model, sequences[next[i].slot]))
                << "turn " << turn << ", slot " << next[i].slot;
          }
        }
      }
      for (std::uint32_t s = 0; s < kSlots; ++s) ASSERT_EQ(pool.position(s), sequences[s].size());
    }
  }
}

TEST(SequencePool, WhatCannotBeMeantIsRefusedAndChangesNothing) {
  TinyConfig config;
  config.rope_short.assign(4, 1.0);
  config.rope_long.assign(4, 3.0);
  config.original_context = 10;
  const TinyModel tiny(config);
  ThreadPool threads(1);
  Model model(tiny.graph(), tiny.source, nullptr, threads);
  expect_error(ErrorCode::kInvalidArgument, "at least one slot", [&] { SequencePool(model, 0, 8); });
  expect_error(ErrorCode::kInvalidArgument, "at least one slot", [&] { SequencePool(model, 1, 0); });
  expect_error(ErrorCode::kCapacity, "exceed the context of 64", [&] { SequencePool(model, 2, 65); });
  expect_error(ErrorCode::kUnsupported, "rotates long ones", [&] { SequencePool(model, 2, 11); });
  SequencePool pool(model, 2, 10);
  const Tokens prompt = tiny.tokens(9, 3);
  pool.feed(1, prompt);
  expect_error(ErrorCode::kInvalidArgument, "slot below 2, found 2", [&] { pool.feed(2, prompt); });
  expect_error(ErrorCode::kInvalidArgument, "slot below 2, found 7", [&] { pool.clear(7); });
  expect_error(ErrorCode::kInvalidArgument, "outside the vocabulary", [&] { pool.feed(0, Tokens{50}); });
  expect_error(ErrorCode::kCapacity, "sequence of 11 tokens", [&] { pool.feed(1, Tokens{1, 2}); });
  expect_error(ErrorCode::kCapacity, "sequence of 18 tokens", [&] { static_cast<void>(pool.score(1, prompt)); });
  expect_error(ErrorCode::kInvalidArgument, "found none", [&] { static_cast<void>(pool.step({})); });
  expect_error(ErrorCode::kInvalidArgument, "slot 0 twice", [&] {
    static_cast<void>(pool.step(std::vector<Next>{{0, 1}, {1, 2}, {0, 3}}));
  });
  EXPECT_EQ(pool.position(0), 0U);
  EXPECT_EQ(pool.position(1), 9U);
  const std::span<const float> logits = pool.step(std::vector<Next>{{1, 4}});
  Tokens all = prompt;
  all.push_back(4);
  EXPECT_EQ(std::vector<float>(logits.begin(), logits.end()), alone(model, all));
}

}  // namespace
}  // namespace xw::transformer
