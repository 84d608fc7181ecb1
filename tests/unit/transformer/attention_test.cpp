// Attention against a direct double-precision evaluation, and its independence of batches and threads.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/attention.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "arch/support/half.hpp"
#include "arch/support/parallel.hpp"
#include "tests/unit/transformer/tensors.hpp"

namespace xw::transformer {
namespace {

using test::random_vector;

struct Case {
  std::uint32_t heads, kv_heads, dim, window, tokens;
  RopeStyle style;
};

RopeConfig rope_of(const Case& c) {
  RopeConfig config;
  config.style = c.style;
  config.dims = c.dim;
  return config;
}

struct Data {
  std::vector<float> q, k, v;
};
Data make(const Case& c, std::uint32_t seed) {
  return {random_vector(std::size_t{c.tokens} * c.heads * c.dim, seed),
          random_vector(std::size_t{c.tokens} * c.kv_heads * c.dim, seed + 1),
          random_vector(std::size_t{c.tokens} * c.kv_heads * c.dim, seed + 2)};
}

/// Runs in pieces of `batch` tokens.
std::vector<float> run(const Case& c, const Data& data, std::uint32_t batch, unsigned threads,
                       KvCache::Storage storage = KvCache::Storage::kF32) {
  ThreadPool pool(threads);
  const AttentionConfig config{c.heads, c.kv_heads, c.dim, c.window, 0.3F};
  RopeTable rope(rope_of(c), 10000);
  rope.extend(c.tokens);
  KvCache cache(c.kv_heads, c.dim, storage);
  AttentionScratch scratch;
  std::vector<float> y(data.q.size());
  for (std::uint32_t begin = 0; begin < c.tokens; begin += batch) {
    const std::uint32_t n = std::min(batch, c.tokens - begin);
    const std::size_t q = std::size_t{c.heads} * c.dim;
    const std::size_t kv = std::size_t{c.kv_heads} * c.dim;
    attend(config, c.style == RopeStyle::kNone ? nullptr : &rope, cache, scratch,
           std::span(data.q).subspan(begin * q, n * q), std::span(data.k).subspan(begin * kv, n * kv),
           std::span(data.v).subspan(begin * kv, n * kv), n, begin, std::span(y).subspan(begin * q, n * q), pool);
  }
  return y;
}

/// The definition, in double precision, without any blocking.
std::vector<double> reference(const Case& c, const Data& data) {
  const auto rotated = [&](const std::vector<float>& x, std::uint32_t heads) {
    std::vector<double> y(x.begin(), x.end());
    if (c.style == RopeStyle::kNone) return y;
    for (std::uint32_t t = 0; t < c.tokens; ++t) {
      for (std::uint32_t h = 0; h < heads; ++h) {
        for (std::uint32_t i = 0; i < c.dim / 2; ++i) {
          const std::size_t base = (std::size_t{t} * heads + h) * c.dim;
          const std::size_t a = base + (c.style == RopeStyle::kHalf ? i : 2 * i);
          const std::size_t b = c.style == RopeStyle::kHalf ? a + c.dim / 2 : a + 1;
          const double angle = t * std::pow(10000.0, -2.0 * i / c.dim);
          const double xa = x[a];
          const double xb = x[b];
          y[a] = xa * std::cos(angle) - xb * std::sin(angle);
          y[b] = xa * std::sin(angle) + xb * std::cos(angle);
        }
      }
    }
    return y;
  };
  const auto q = rotated(data.q, c.heads);
  const auto k = rotated(data.k, c.kv_heads);
  std::vector<double> y(data.q.size());
  for (std::uint32_t t = 0; t < c.tokens; ++t) {
    for (std::uint32_t h = 0; h < c.heads; ++h) {
      const std::uint32_t kv = h / (c.heads / c.kv_heads);
      std::vector<double> p;
      double sum = 0;
      const std::uint32_t begin = c.window != 0 && t + 1 > c.window ? t + 1 - c.window : 0;
      for (std::uint32_t j = begin; j <= t; ++j) {
        double score = 0;
        for (std::uint32_t i = 0; i < c.dim; ++i) {
          score += q[(std::size_t{t} * c.heads + h) * c.dim + i] * k[(std::size_t{j} * c.kv_heads + kv) * c.dim + i];
        }
        p.push_back(std::exp(static_cast<double>(0.3F) * score));
        sum += p.back();
      }
      for (std::uint32_t i = 0; i < c.dim; ++i) {
        double value = 0;
        for (std::uint32_t j = begin; j <= t; ++j) {
          value += p[j - begin] / sum * static_cast<double>(data.v[(std::size_t{j} * c.kv_heads + kv) * c.dim + i]);
        }
        y[(std::size_t{t} * c.heads + h) * c.dim + i] = value;
      }
    }
  }
  return y;
}

const Case kCases[] = {
    {1, 1, 8, 0, 5, RopeStyle::kNone},    {4, 2, 16, 0, 40, RopeStyle::kHalf},
    {9, 3, 64, 0, 130, RopeStyle::kHalf}, {6, 6, 20, 0, 33, RopeStyle::kInterleaved},
    {4, 1, 32, 7, 70, RopeStyle::kHalf},  {2, 2, 8, 1, 20, RopeStyle::kInterleaved},
    {8, 2, 24, 16, 90, RopeStyle::kNone}, {3, 1, 128, 50, 200, RopeStyle::kHalf},
};

TEST(Attention, MatchesItsDefinition) {
  for (const Case& c : kCases) {
    const Data data = make(c, 100);
    const auto y = run(c, data, c.tokens, 2);
    const auto expected = reference(c, data);
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(y[i], expected[i], 2e-5)
          << "heads " << c.heads << " dim " << c.dim << " window " << c.window << " element " << i;
    }
  }
}

TEST(Attention, BitsDependNeitherOnBatchesNorOnThreads) {
  for (const Case& c : kCases) {
    const Data data = make(c, 200);
    const auto expected = run(c, data, c.tokens, 1);
    for (const std::uint32_t batch : {1U, 2U, 7U, 16U, 64U}) {
      for (const unsigned threads : {1U, 2U, 3U}) {
        EXPECT_EQ(run(c, data, batch, threads), expected)
            << "dim " << c.dim << " window " << c.window << " batch " << batch;
      }
    }
  }
}

TEST(Attention, WindowForgetsOldKeys) {
  // A value outside the window must have no influence at all.
  const Case c{2, 1, 16, 8, 40, RopeStyle::kHalf};
  Data data = make(c, 300);
  const auto before = run(c, data, 5, 1);
  for (std::size_t i = 0; i < 10 * 16; ++i) data.k[i] = data.v[i] = 1e3F;  // tokens 0 to 9
  const auto after = run(c, data, 5, 1);
  const std::size_t width = 2 * 16;
  for (std::size_t t = 0; t < c.tokens; ++t) {
    const bool sees_changed = t < 10 + 8 - 1;
    const bool equal = std::equal(before.begin() + static_cast<std::ptrdiff_t>(t * width),
                                  before.begin() + static_cast<std::ptrdiff_t>((t + 1) * width),
                                  after.begin() + static_cast<std::ptrdiff_t>(t * width));
    EXPECT_EQ(equal, !sees_changed) << "token " << t;
  }
}

TEST(Attention, LargeScoresStayFinite) {
  const Case c{1, 1, 16, 0, 30, RopeStyle::kNone};
  Data data = make(c, 400);
  for (float& value : data.q) value *= 1e4F;
  const auto y = run(c, data, 30, 1);
  for (const float value : y) ASSERT_TRUE(std::isfinite(value));
}

TEST(Attention, ClearedCacheIsLikeANewOne) {
  const Case c{4, 2, 16, 0, 20, RopeStyle::kNone};
  const Data data = make(c, 500);
  ThreadPool pool(1);
  const AttentionConfig config{c.heads, c.kv_heads, c.dim, 0, 0.3F};
  KvCache cache(c.kv_heads, c.dim);
  AttentionScratch scratch;
  std::vector<float> y(data.q.size());
  Data poison = data;
  for (float& value : poison.k) value = std::nanf("");
  for (float& value : poison.v) value = std::nanf("");
  attend(config, nullptr, cache, scratch, poison.q, poison.k, poison.v, c.tokens, 0, y, pool);
  EXPECT_TRUE(std::isnan(y[0]));
  cache.clear();
  const std::size_t q = 64;
  const std::size_t kv = 32;
  attend(config, nullptr, cache, scratch, std::span(data.q).first(3 * q), std::span(data.k).first(3 * kv),
         std::span(data.v).first(3 * kv), 3, 0, std::span(y).first(3 * q), pool);
  const auto expected = run(c, data, 3, 1);
  for (std::size_t i = 0; i < 3 * q; ++i) EXPECT_EQ(y[i], expected[i]);
}

TEST(Attention, ANarrowCacheHoldsTheNearestHalves) {
  for (const Case& c : {Case{4, 2, 16, 0, 150, RopeStyle::kNone}, Case{3, 1, 20, 33, 90, RopeStyle::kNone}}) {
    const Data data = make(c, 600);
    Data halves = data;
    for (std::vector<float>* values : {&halves.k, &halves.v}) {
      for (float& value : *values) value = half_to_float(float_to_half(value));
    }
    const auto narrow = run(c, data, 7, 2, KvCache::Storage::kF16);
    EXPECT_EQ(narrow, run(c, halves, 7, 1));
    EXPECT_EQ(narrow, run(c, data, c.tokens, 1, KvCache::Storage::kF16));
    EXPECT_NE(narrow, run(c, data, 7, 1));
  }
}

TEST(Attention, ANarrowCacheKeepsFiniteValuesFinite) {
  const Case c{2, 1, 16, 0, 40, RopeStyle::kNone};
  Data data = make(c, 650);
  data.v[16 * 39] = 1e6F;  // of the last token, which the others do not see
  data.k[16 * 39 + 1] = -1e6F;
  const auto whole = run(c, data, 40, 1, KvCache::Storage::kF16);
  EXPECT_EQ(whole, run(c, data, 1, 1, KvCache::Storage::kF16));
  for (const float value : whole) ASSERT_TRUE(std::isfinite(value));
}

TEST(Attention, ACopyOfANarrowCacheGoesOnLikeIt) {
  const Case c{4, 2, 16, 0, 100, RopeStyle::kNone};
  const Data data = make(c, 700);
  const auto expected = run(c, data, c.tokens, 1, KvCache::Storage::kF16);
  ThreadPool pool(1);
  const AttentionConfig config{c.heads, c.kv_heads, c.dim, 0, 0.3F};
  KvCache cache(c.kv_heads, c.dim, KvCache::Storage::kF16), copy(c.kv_heads, c.dim, KvCache::Storage::kF16);
  AttentionScratch scratch;
  const std::size_t q = 64, kv = 32;
  std::vector<float> y(data.q.size());
  attend(config, nullptr, cache, scratch, std::span(data.q).first(70 * q), std::span(data.k).first(70 * kv),
         std::span(data.v).first(70 * kv), 70, 0, std::span(y).first(70 * q), pool);
  copy.copy(cache, 70, 200);
  attend(config, nullptr, copy, scratch, std::span(data.q).subspan(70 * q), std::span(data.k).subspan(70 * kv),
         std::span(data.v).subspan(70 * kv), 30, 70, std::span(y).subspan(70 * q), pool);
  EXPECT_EQ(y, expected);
}

TEST(Attention, CapacityGrowsGeometrically) {
  KvCache cache(1, 8);
  std::uint32_t growths = 0;
  std::uint32_t capacity = 0;
  for (std::uint32_t end = 1; end <= 10000; ++end) {
    cache.reserve(end);
    ASSERT_GE(cache.capacity(), end);
    ASSERT_EQ(cache.capacity() % 16, 0U);
    growths += cache.capacity() != capacity ? 1 : 0;
    capacity = cache.capacity();
  }
  EXPECT_LT(growths, 20U);
}

TEST(Attention, RejectsImpossibleHeads) {
  ir::Node node;
  node.kind = ir::OpKind::kAttention;
  node.attributes = {{"num_heads", std::int64_t{4}},
                     {"num_kv_heads", std::int64_t{3}},
                     {"head_dim", std::int64_t{8}},
                     {"window", std::int64_t{0}},
                     {"scale", 1.0}};
  const auto message = [&] {
    try {
      static_cast<void>(attention_config(node));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFormat);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message(), "attention: num_heads 4 is not a multiple of num_kv_heads 3");
  node.attributes["num_kv_heads"] = std::int64_t{0};
  EXPECT_EQ(message(), "attention: impossible num_kv_heads 0");
  node.attributes["num_kv_heads"] = std::int64_t{2};
  node.attributes["window"] = std::int64_t{-1};
  EXPECT_EQ(message(), "attention: impossible window -1");
}

}  // namespace
}  // namespace xw::transformer
