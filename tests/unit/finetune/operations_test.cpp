// Operations with gradients of their own against their definitions, which torch derives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/operations.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "models/finetune/cpu_attention.hpp"
#include "tests/unit/finetune/tensors.hpp"

namespace xw::finetune {
namespace {

using test::random_tensor;
using torch::Tensor;

using Operation = std::function<Tensor(const std::vector<Tensor>&)>;

/// Results and gradients of `own` are those of `definition`, which is computed in double precision.
void expect_equal(const std::vector<Tensor>& inputs, const Operation& own, const Operation& definition) {
  const auto run = [&](const Operation& operation, torch::ScalarType type, std::vector<Tensor>& leaves) {
    for (const Tensor& input : inputs) leaves.push_back(input.detach().clone().to(type).requires_grad_(true));
    const Tensor y = operation(leaves);
    const Tensor outer = random_tensor(y.sizes().vec(), 99).to(type);
    y.backward(outer);
    return y.detach().to(torch::kFloat64);
  };
  std::vector<Tensor> found, expected;
  const Tensor y = run(own, torch::kFloat32, found), z = run(definition, torch::kFloat64, expected);
  EXPECT_TRUE(at::allclose(y, z, 1e-5, 1e-5));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(at::allclose(found[i].grad().to(torch::kFloat64), expected[i].grad(), 1e-4, 1e-5)) << "input " << i;
  }
}

TEST(Operations, RmsNorm) {
  for (const std::int64_t groups : {1, 3}) {
    expect_equal(
        {random_tensor({2, 5, 12}, 1), random_tensor({12 / groups}, 2)},
        [](const std::vector<Tensor>& in) { return rms_norm(in[0], in[1], 1e-3, torch::kFloat32); },
        [groups](const std::vector<Tensor>& in) {
          const Tensor x = in[0].view({2, 5, groups, 12 / groups});
          return (x / (x.square().mean(-1, true) + 1e-3).sqrt() * in[1]).view({2, 5, 12});
        });
  }
}

/// softmax of masked scores, by torch's operations.
Tensor defined_attention(const std::vector<Tensor>& in, double scale, std::int64_t window) {
  const std::int64_t batch = in[0].size(0), positions = in[0].size(1), heads = in[0].size(2),
                     group = heads / in[1].size(2);
  const auto by_head = [&](const Tensor& x, std::int64_t copies) {
    return x.repeat_interleave(copies, 2).transpose(1, 2);
  };
  Tensor scores = at::matmul(by_head(in[0], 1), by_head(in[1], group).transpose(2, 3)) * scale;
  const Tensor query = at::arange(positions).unsqueeze(1), key = at::arange(positions).unsqueeze(0);
  Tensor hidden = at::gt(key, query);
  if (window > 0) hidden = hidden.logical_or(at::le(key, query - window));
  scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
  return at::matmul(scores.softmax(-1), by_head(in[2], group)).transpose(1, 2).reshape({batch, positions, -1});
}

TEST(Operations, Attention) {
  struct Case {
    std::int64_t batch, positions, heads, kv_heads, dim, window;
  };
  // Features and positions that fill vectors and blocks of queries, and that do not; heads that share keys; windows.
  const std::vector<Case> cases = {
      {1, 1, 1, 1, 8, 0},  {2, 7, 4, 2, 8, 0},    {1, 33, 2, 1, 20, 0},  {2, 64, 3, 3, 64, 0},  {1, 100, 6, 2, 32, 0},
      {1, 70, 2, 2, 5, 1}, {1, 131, 4, 1, 16, 9}, {2, 96, 2, 1, 80, 40}, {1, 50, 2, 2, 33, 50}, {1, 90, 2, 2, 8, 200}};
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.positions) + " positions, " + std::to_string(c.heads) + " heads of " +
                 std::to_string(c.dim) + ", window " + std::to_string(c.window));
    const double scale = 1 / std::sqrt(static_cast<double>(c.dim));
    const std::vector<Tensor> inputs = {random_tensor({c.batch, c.positions, c.heads, c.dim}, 1, 2.0F),
                                        random_tensor({c.batch, c.positions, c.kv_heads, c.dim}, 2, 2.0F),
                                        random_tensor({c.batch, c.positions, c.kv_heads, c.dim}, 3)};
    expect_equal(
        inputs, [&](const std::vector<Tensor>& in) { return attention(in[0], in[1], in[2], scale, c.window); },
        [&](const std::vector<Tensor>& in) { return defined_attention(in, scale, c.window); });
  }
}

TEST(Operations, AttentionOfScoresThatAreFarApart) {
  const std::vector<Tensor> inputs = {random_tensor({1, 40, 1, 8}, 1, 30.0F), random_tensor({1, 40, 1, 8}, 2, 30.0F),
                                      random_tensor({1, 40, 1, 8}, 3)};
  const Tensor y = attention(inputs[0], inputs[1], inputs[2], 1, 0);
  const std::vector<Tensor> exact = {inputs[0].to(torch::kFloat64), inputs[1].to(torch::kFloat64),
                                     inputs[2].to(torch::kFloat64)};
  EXPECT_TRUE(at::allclose(y.to(torch::kFloat64), defined_attention(exact, 1, 0), 1e-3, 1e-3));
}

TEST(Operations, AttentionInBf16IsThatOfRoundedNumbers) {
  std::vector<Tensor> half, whole;
  for (const std::uint64_t seed : {1, 2, 3}) {
    half.push_back(random_tensor({2, 37, 4, 16}, seed).to(torch::kBFloat16).requires_grad_(true));
    whole.push_back(half.back().detach().to(torch::kFloat64).requires_grad_(true));
  }
  const Tensor y = attention(half[0], half[1], half[2], 0.25, 0), z = defined_attention(whole, 0.25, 0);
  EXPECT_TRUE(at::allclose(y.to(torch::kFloat64), z, 5e-3, 1e-3));
  const Tensor outer = random_tensor(y.sizes().vec(), 99).to(torch::kBFloat16);
  y.backward(outer);
  z.backward(outer.to(torch::kFloat64));
  for (std::size_t i = 0; i < half.size(); ++i)
    EXPECT_TRUE(at::allclose(half[i].grad().to(torch::kFloat64), whole[i].grad(), 5e-3, 2e-3)) << "input " << i;
}

TEST(Operations, AttentionOfEveryInstructionSet) {
  const cpu::AttentionShape shape{2, 75, 4, 2, 24, 30, 0.2F};
  const auto numbers = [](std::int64_t heads, std::uint32_t seed) { return random_tensor({2, 75, heads, 24}, seed); };
  const Tensor q = numbers(4, 1), k = numbers(2, 2), v = numbers(2, 3), dy = numbers(4, 4);
  std::vector<Tensor> leaves;
  for (const Tensor& input : {q, k, v}) leaves.push_back(input.to(torch::kFloat64).requires_grad_(true));
  const Tensor expected = defined_attention(leaves, 0.2F, 30);
  expected.backward(dy.to(torch::kFloat64).view(expected.sizes()));
  for (const auto& [name, kernels] : cpu::runnable_attention()) {
    SCOPED_TRACE(name);
    Tensor y = at::empty_like(q), logs = at::empty({2, 4, 75});
    std::vector<Tensor> gradients = {at::empty_like(q), at::empty_like(k), at::empty_like(v)};
    const auto data = [](const Tensor& x) { return x.data_ptr<float>(); };
    kernels->forward(shape, data(q), data(k), data(v), data(y), data(logs));
    kernels->backward(shape, data(q), data(k), data(v), data(logs), data(dy), data(gradients[0]), data(gradients[1]),
                      data(gradients[2]));
    EXPECT_TRUE(at::allclose(y.to(torch::kFloat64).view(expected.sizes()), expected, 1e-5, 1e-5));
    for (std::size_t i = 0; i < leaves.size(); ++i)
      EXPECT_TRUE(at::allclose(gradients[i].to(torch::kFloat64), leaves[i].grad(), 1e-4, 1e-5)) << "input " << i;
  }
}

TEST(Operations, AttentionIsTheSameWithAnyNumberOfThreads) {
  const std::vector<Tensor> inputs = {random_tensor({2, 65, 4, 16}, 1), random_tensor({2, 65, 2, 16}, 2),
                                      random_tensor({2, 65, 2, 16}, 3)};
  const int before = at::get_num_threads();
  std::vector<Tensor> results;
  for (const int threads : {1, 3}) {
    at::set_num_threads(threads);
    std::vector<Tensor> leaves;
    for (const Tensor& input : inputs) leaves.push_back(input.clone().requires_grad_(true));
    const Tensor y = attention(leaves[0], leaves[1], leaves[2], 0.25, 0);
    y.square().sum().backward();
    results.push_back(at::cat(
        {y.detach().flatten(), leaves[0].grad().flatten(), leaves[1].grad().flatten(), leaves[2].grad().flatten()}));
  }
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(results[0], results[1]));
}

TEST(Operations, SwiGlu) {
  expect_equal(
      {random_tensor({4, 9}, 3, 2.0F), random_tensor({4, 9}, 4)},
      [](const std::vector<Tensor>& in) { return swiglu(in[0], in[1]); },
      [](const std::vector<Tensor>& in) { return in[0] / (1 + (-in[0]).exp()) * in[1]; });
}

TEST(Operations, GeGlu) {
  expect_equal(
      {random_tensor({4, 9}, 3, 2.0F), random_tensor({4, 9}, 4)},
      [](const std::vector<Tensor>& in) { return geglu(in[0], in[1]); },
      [](const std::vector<Tensor>& in) {
        const Tensor& x = in[0];
        return 0.5 * x * (1 + (0.7978845608028654 * (x + 0.044715 * x.pow(3))).tanh()) * in[1];
      });
}

/// A pair is a complex number that is multiplied by e^(i angle).
TEST(Operations, Rotate) {
  for (const bool is_interleaved : {false, true}) {
    for (const std::int64_t dim : {8, 10}) {
      const std::int64_t pairs = 4;
      const Tensor angles = random_tensor({6, pairs}, 7, 2.0F);
      expect_equal(
          {random_tensor({2, 6, 3, dim}, 8)},
          [&](const std::vector<Tensor>& in) { return rotate(in[0], angles.cos(), angles.sin(), is_interleaved); },
          [&](const std::vector<Tensor>& in) {
            const Tensor head = in[0].slice(3, 0, 2 * pairs), rest = in[0].slice(3, 2 * pairs);
            const Tensor pair = is_interleaved ? head.reshape({2, 6, 3, pairs, 2})
                                               : head.reshape({2, 6, 3, 2, pairs}).transpose(-1, -2);
            const Tensor turn =
                at::polar(torch::ones_like(angles), angles).to(torch::kComplexDouble).view({6, 1, pairs});
            const Tensor turned = at::view_as_real(at::complex(pair.select(-1, 0), pair.select(-1, 1)) * turn);
            const Tensor back = (is_interleaved ? turned : turned.transpose(-1, -2)).reshape({2, 6, 3, 2 * pairs});
            return at::cat({back, rest}, 3);
          });
    }
  }
}

TEST(Operations, DigitalLinearAddsToTheGradient) {
  const Tensor weight = random_tensor({5, 7}, 1).requires_grad_(true),
               bias = random_tensor({5}, 2).requires_grad_(true);
  const Tensor x = random_tensor({2, 3, 7}, 3).requires_grad_(true), dy = random_tensor({2, 3, 5}, 4);
  Tensor gradient = torch::ones({5, 7});
  const Tensor y = digital_linear(x, weight.detach(), gradient, weight, bias);
  y.backward(dy);
  const Tensor xs = x.detach().clone().requires_grad_(true), ws = weight.detach().clone().requires_grad_(true);
  const Tensor expected = at::matmul(xs, ws.t()) + bias.detach();
  expected.backward(dy);
  EXPECT_TRUE(at::allclose(y, expected, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(x.grad(), xs.grad(), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(gradient, ws.grad() + 1, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(bias.grad(), dy.reshape({-1, 5}).sum(0), 1e-5, 1e-5));
}

TEST(Divergence, IsTheForwardKullbackLeiblerDivergence) {
  for (const double temperature : {1.0, 2.0}) {
    const Tensor student = random_tensor({6, 30}, 1, 2.0F), teacher = random_tensor({6, 30}, 2, 2.0F);
    const Divergence found = divergence(student, teacher, temperature, 0.25);
    const Tensor s = student.to(torch::kFloat64).requires_grad_(true);
    const Tensor p = at::softmax(teacher.to(torch::kFloat64) / temperature, 1);
    const Tensor loss = (p * (p.log() - at::log_softmax(s / temperature, 1))).sum() * temperature * temperature;
    (loss * 0.25).backward();
    EXPECT_NEAR(found.loss.item<double>(), loss.item<double>(), 1e-4);
    EXPECT_TRUE(at::allclose(found.gradient.to(torch::kFloat64), s.grad(), 1e-4, 1e-6));
  }
}

TEST(Divergence, ProbabilitiesOfZeroCountNothing) {
  Tensor student = torch::zeros({1, 4}), teacher = torch::zeros({1, 4});
  teacher[0][0] = 1000;  // the others underflow
  const Divergence found = divergence(student, teacher, 1, 1);
  EXPECT_NEAR(found.loss.item<double>(), std::log(4.0), 1e-5);
  EXPECT_TRUE(at::isfinite(found.gradient).all().item<bool>());
  EXPECT_NEAR(divergence(teacher, teacher, 1, 1).loss.item<double>(), 0, 1e-6);
}

TEST(Likelihood, IsTheCrossEntropyOfCountedRows) {
  const Tensor logits = random_tensor({5, 11}, 1);
  const Tensor targets = torch::tensor({3, -100, 0, 10, -100}, torch::kInt64);
  const Divergence found = likelihood(logits, targets, 0.5);
  const Tensor s = logits.clone().requires_grad_(true);
  const Tensor loss = at::cross_entropy_loss(s, targets, {}, at::Reduction::Sum, -100);
  (loss * 0.5).backward();
  EXPECT_NEAR(found.loss.item<double>(), loss.item<double>(), 1e-4);
  EXPECT_TRUE(at::allclose(found.gradient, s.grad(), 1e-4, 1e-6));
}

}  // namespace
}  // namespace xw::finetune
