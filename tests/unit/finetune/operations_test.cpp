// Operations with gradients of their own against their definitions, which torch derives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/operations.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

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
