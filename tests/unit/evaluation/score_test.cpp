// Requests of an item: the same bits as each alone, in passes that share.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/score.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "host/evaluation/likelihood.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/evaluation/bigram.hpp"
#include "tests/unit/transformer/tiny_model.hpp"

namespace xw::evaluation {
namespace {

using test::Bigram;
using test::Tokens;
using transformer::test::TinyConfig;
using transformer::test::TinyModel;
using xw::test::expect_error;

/// Every request in a session of its own, token by token.
std::vector<RequestScore> alone(transformer::Model& model, const std::vector<EncodedRequest>& requests) {
  std::vector<RequestScore> scores;
  for (const EncodedRequest& request : requests) {
    const std::size_t inputs = request.tokens.size() - 1;
    transformer::Session session(model);
    session.reset(0, static_cast<std::uint32_t>(inputs));
    RequestScore one{0, true};
    for (std::size_t i = 0; i < inputs; ++i) {
      const auto logits = session.forward({&request.tokens[i], 1}, transformer::LogitsOf::kLast);
      if (i + 1 < request.context) continue;
      const Likelihood found = likelihood(logits, request.tokens[i + 1]);
      one.log_likelihood += found.log_probability;
      one.is_greedy = one.is_greedy && found.is_argmax;
    }
    scores.push_back(one);
  }
  return scores;
}

/// A context, and what follows it.
EncodedRequest joined(Tokens context, const Tokens& rest) {
  const std::size_t length = context.size();
  context.insert(context.end(), rest.begin(), rest.end());
  return {context, length};
}

void expect_equal(const std::vector<RequestScore>& found, const std::vector<RequestScore>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].log_likelihood, expected[i].log_likelihood) << i;
    EXPECT_EQ(found[i].is_greedy, expected[i].is_greedy) << i;
  }
}

class ScoreBits : public testing::TestWithParam<unsigned> {
 protected:
  void check(const TinyModel& tiny, const std::vector<EncodedRequest>& requests) {
    ThreadPool pool(GetParam());
    transformer::Model model(tiny.graph(), tiny.source, nullptr, pool);
    transformer::Session session(model);
    static_cast<void>(session.forward(tiny.tokens(30, 99), transformer::LogitsOf::kNone));  // left by another item
    expect_equal(score(model, session, requests, 5, "here"), alone(model, requests));
  }
};

TEST_P(ScoreBits, OfChoicesAreThoseOfEachAlone) {
  TinyConfig windowed;
  windowed.window = 5;
  for (const TinyConfig& config : {TinyConfig{}, windowed}) {
    const TinyModel tiny(config);
    const Tokens context = tiny.tokens(17, 1);
    check(tiny, {joined(context, tiny.tokens(6, 2)), joined(context, tiny.tokens(1, 3)),
                 joined(context, tiny.tokens(9, 4)), joined(context, tiny.tokens(2, 5))});
  }
}

TEST_P(ScoreBits, OfSingleTokensNeedNoTokenOfTheirOwn) {
  const TinyModel tiny(TinyConfig{});
  const Tokens context = tiny.tokens(12, 6);
  check(tiny, {joined(context, {1}), joined(context, {2}), joined(context, {3})});
}

TEST_P(ScoreBits, OfContextsThatDifferAreThoseOfEachAlone) {
  const TinyModel tiny(TinyConfig{});
  Tokens one = tiny.tokens(10, 7), two = one;
  one.push_back(4);
  two.insert(two.end(), {5, 6});
  const Tokens rest = tiny.tokens(7, 8);
  check(tiny, {joined(one, rest), joined(two, rest)});
  check(tiny, {joined(tiny.tokens(5, 9), rest), joined(tiny.tokens(6, 10), rest)});  // nothing in common
}

TEST_P(ScoreBits, OfChoicesThatBeginAlikeOrAreEqual) {
  const TinyModel tiny(TinyConfig{});
  const Tokens context = tiny.tokens(8, 11);
  check(tiny, {joined(context, {1, 2, 3, 4}), joined(context, {1, 2, 3, 5, 6}), joined(context, {1, 2})});
  check(tiny, {joined(context, {1, 2}), joined(context, {1, 2})});
  check(tiny, {joined(context, {7, 8, 9})});
}

TEST_P(ScoreBits, OfLengthsWithOtherRotationsAreNotShared) {
  TinyConfig config;
  config.rope_short = {1.0, 1.2, 1.4, 1.6};
  config.rope_long = {1.0, 2.5, 6.0, 14.0};
  config.original_context = 20;
  const TinyModel tiny(config);
  const Tokens context = tiny.tokens(15, 12);
  // 18, 20, 21 and 30 inputs
  check(tiny, {joined(context, tiny.tokens(4, 13)), joined(context, tiny.tokens(7, 14)),
               joined(context, tiny.tokens(6, 15)), joined(context, tiny.tokens(16, 16))});
}

TEST_P(ScoreBits, DoNotDependOnHowManyLogitsFitInMemory) {
  TinyConfig config;
  config.vocab = 70'000;  // fewer rows of logits at a time than the choices have
  config.context = 700;
  config.layers = 1;
  const TinyModel tiny(config);
  const Tokens context = tiny.tokens(30, 17);
  check(tiny, {joined(context, tiny.tokens(200, 18)), joined(context, tiny.tokens(150, 19))});
}

TEST_P(ScoreBits, OfRandomItems) {
  const std::uint32_t seed = 20260101;
  SCOPED_TRACE(seed);
  std::mt19937 generator(seed);
  const TinyModel tiny(TinyConfig{});
  for (int round = 0; round < 30; ++round) {
    const Tokens context = tiny.tokens(1 + generator() % 20, static_cast<std::uint32_t>(generator()));
    std::vector<EncodedRequest> requests;
    for (std::size_t choice = 1 + generator() % 5; choice > 0; --choice) {
      Tokens own = context;
      own.resize(1 + generator() % own.size());
      const Tokens more = tiny.tokens(generator() % 3, static_cast<std::uint32_t>(generator()));
      own.insert(own.end(), more.begin(), more.end());
      requests.push_back(joined(own, tiny.tokens(1 + generator() % 12, static_cast<std::uint32_t>(generator()))));
    }
    check(tiny, requests);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ScoreBits, testing::Values(1U, 3U));

TEST(Score, AddsTheLogProbabilitiesOfTheContinuation) {
  Bigram bigram(64);
  transformer::Session session(*bigram.model);
  // a b | c d and a b | space
  const std::vector<EncodedRequest> requests{{{1, 2, 3, 4}, 2}, {{1, 2, 5}, 2}};
  bigram.table[5 * test::kVocab + 2] += 20;  // the space follows b
  const std::vector<RequestScore> found = score(*bigram.model, session, requests, 0, "here");
  EXPECT_NEAR(found[0].log_likelihood, bigram.log_probability(3, 2) + bigram.log_probability(4, 3), 1e-5);
  EXPECT_NEAR(found[1].log_likelihood, bigram.log_probability(5, 2), 1e-5);
  EXPECT_FALSE(found[0].is_greedy);
  EXPECT_TRUE(found[1].is_greedy);
}

TEST(Score, WhatIsSharedIsComputedOnceAndVectorsFollowEachOther) {
  Bigram bigram(64);
  transformer::Session session(*bigram.model);
  const std::vector<EncodedRequest> requests{{{1, 2, 3, 4, 4}, 3}, {{1, 2, 3, 1, 2, 2}, 3}};
  static_cast<void>(score(*bigram.model, session, requests, 100, "here"));
  // Logits from the third input on, which both share; then input 4 of the first and inputs 4 and 5 of the second.
  EXPECT_EQ(bigram.vectors, (std::vector<std::uint32_t>{102, 103, 104, 105}));
  EXPECT_EQ(computed_tokens(*bigram.model, requests), 6U);
}

TEST(Score, RefusesWhatIsNotFiniteOrOutsideTheVocabulary) {
  Bigram bigram(64);
  transformer::Session session(*bigram.model);
  const std::vector<EncodedRequest> outside{{{1, 2, 6}, 2}};
  expect_error(ErrorCode::kInvalidArgument, "here: token id 6 is outside the vocabulary of 6 tokens",
               [&] { static_cast<void>(score(*bigram.model, session, outside, 0, "here")); });
  bigram.table[4 * test::kVocab + 2] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<EncodedRequest> requests{{{1, 2, 4}, 2}};
  expect_error(ErrorCode::kNotFinite, "here: the logits of request 1 are not finite",
               [&] { static_cast<void>(score(*bigram.model, session, requests, 0, "here")); });
}

}  // namespace
}  // namespace xw::evaluation
