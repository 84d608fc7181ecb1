// Losses of networks: values, gradients, and that steps against them help.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/objective.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "tests/unit/finetune/models.hpp"
#include "tests/unit/finetune/tensors.hpp"

namespace xw::finetune {
namespace {

using test::ids_of;
using test::random_tokens;
using test::Tiny;
using torch::Tensor;

AnalogSettings gaussian() {
  AnalogSettings analog;
  analog.max_rows = 10;
  return analog;
}

/// Chunked and hand-written, the loss and its gradients are those that torch derives from the logits.
TEST(Objective, IsWhatTorchDerives) {
  const Tiny tiny("llama");
  Network teacher = tiny.network({}, false);
  const Tensor ids = ids_of({random_tokens(10, 1), random_tokens(10, 2), random_tokens(10, 3)});
  const auto changed = [&] {
    Network student = tiny.network({}, true, &teacher);
    const torch::NoGradGuard guard;
    torch::manual_seed(1);
    for (Parameter& parameter : student.parameters()) {
      if (parameter.kind != Parameter::Kind::kRange)
        parameter.value.mul_(1.3).add_(at::randn_like(parameter.value), 0.02);
    }
    return student;
  };
  Network own = changed(), other = changed();
  Objective objective;
  objective.language = 0.5;
  objective.scale = 0.25;
  objective.chunk = 10;
  const Tensor loss = train_step(own, &teacher, ids, Mode::kDigital, objective);
  const Tensor logits = other.forward(ids, Mode::kDigital);
  Tensor expected;
  {
    Tensor target;
    {
      const torch::NoGradGuard guard;
      target = teacher.forward(ids, Mode::kDigital);
    }
    const Tensor q = at::log_softmax(logits, -1), p = at::log_softmax(target, -1);
    const Tensor divergence = (p.exp() * (p - q)).sum(-1).mean();
    const Tensor next = at::cross_entropy_loss(logits.slice(1, 0, -1).reshape({-1, 20}), ids.slice(1, 1).reshape({-1}));
    expected = divergence + 0.5 * next;
  }
  (expected * 0.25).backward();
  EXPECT_GT(expected.item<double>(), 0.01);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-4 * expected.item<double>());
  for (std::size_t i = 0; i < own.parameters().size(); ++i) {
    const Parameter& parameter = own.parameters()[i];
    const Tensor found = parameter.value.grad(), derived = other.parameters()[i].value.grad();
    const double size = derived.abs().max().item<double>();
    EXPECT_LT((found - derived).abs().max().item<double>(), 1e-3 * size + 1e-7) << parameter.name;
    if (parameter.kind == Parameter::Kind::kMatrix) {
      EXPECT_GT(size, 0) << parameter.name;
    }
  }
}

TEST(Objective, LanguageLossIsThatOfTheLogits) {
  const Tiny tiny("qwen2");
  Network network = tiny.network();
  const Tensor ids = ids_of({random_tokens(10, 1), random_tokens(10, 2)});
  const torch::NoGradGuard guard;
  const Tensor logits = network.forward(ids, Mode::kDigital);
  const Tensor expected =
      at::cross_entropy_loss(logits.slice(1, 0, -1).reshape({-1, 20}), ids.slice(1, 1).reshape({-1}));
  EXPECT_NEAR(language_loss(network, ids, Mode::kDigital).item<double>(), expected.item<double>(), 1e-5);
}

class Training : public testing::TestWithParam<torch::ScalarType> {};

/// Plain gradient steps under noise bring the noisy student nearer to its teacher.
TEST_P(Training, ReducesTheDivergenceUnderNoise) {
  const Tiny tiny("llama");
  NetworkOptions options;
  options.compute = GetParam();
  options.is_trainable = false;
  Network teacher(tiny.graph, *tiny.checkpoint, options, {});
  options.is_trainable = true;
  Network student(tiny.graph, *tiny.checkpoint, options, gaussian(), &teacher);
  const Tensor ids = ids_of({random_tokens(24, 1), random_tokens(24, 2), random_tokens(24, 3), random_tokens(24, 4)});
  student.initialise_ranges({ids}, {});
  {
    const torch::NoGradGuard guard;
    for (Parameter& parameter : student.parameters()) {
      if (parameter.kind == Parameter::Kind::kMatrix) parameter.value.mul_(0.8);
    }
  }
  std::vector<double> losses;
  for (int step = 0; step < 60; ++step) {
    student.seed_noise(static_cast<std::uint64_t>(step));
    student.zero_gradients();
    losses.push_back(train_step(student, &teacher, ids, Mode::kAnalogTrain, {}).item<double>());
    const torch::NoGradGuard guard;
    for (Parameter& parameter : student.parameters()) {
      ASSERT_TRUE(at::isfinite(parameter.value.grad()).all().item<bool>()) << parameter.name;
      const double size = parameter.value.grad().norm().item<double>();
      if (size > 0) parameter.value.add_(parameter.value.grad(), -0.01 * parameter.value.norm().item<double>() / size);
    }
  }
  const auto mean = [&](std::size_t begin) {
    double sum = 0;
    for (std::size_t i = begin; i < begin + 10; ++i) sum += losses[i] / 10;
    return sum;
  };
  EXPECT_LT(mean(50), 0.7 * mean(0));
}

INSTANTIATE_TEST_SUITE_P(Types, Training, testing::Values(torch::kFloat32, torch::kBFloat16),
                         [](const auto& made) { return made.param == torch::kFloat32 ? "fp32" : "bf16"; });

TEST(Objective, DistillationNeedsATeacher) {
  const Tiny tiny("llama");
  Network student = tiny.network();
  EXPECT_THROW(static_cast<void>(train_step(student, nullptr, ids_of({{1, 2, 3}}), Mode::kDigital, {})), Error);
}

}  // namespace
}  // namespace xw::finetune
