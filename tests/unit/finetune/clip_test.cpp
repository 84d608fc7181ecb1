// Clipping of master weights against the original's vectors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/finetune/clip.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/finetune/tensors.hpp"
#include "tests/unit/reference/golden.hpp"

namespace xw::finetune {
namespace {

using test::random_tensor;
using test::tensor_of;
using test::vector_of;
using torch::Tensor;
using xw::test::GoldenTensor;
using xw::test::relative_error;

TEST(ClipBounds, EqualLightning) {
  const nlohmann::json golden = xw::test::read_golden();
  int tried = 0;
  for (const auto& c : golden.at("lightning")) {
    if (c.value("case", "") != "clip_perchannel") continue;
    ++tried;
    const GoldenTensor weight(c.at("weight"));
    const Tensor w =
        tensor_of(weight.data, {static_cast<std::int64_t>(weight.rows), static_cast<std::int64_t>(weight.cols)});
    const Tensor bounds = clip_bounds(w, c.at("sigma"), 0, 1);
    EXPECT_LT(relative_error(vector_of(at::clamp(w, bounds.neg(), bounds)), GoldenTensor(c.at("clipped")).data), 1e-6);
  }
  EXPECT_EQ(tried, 1);
}

TEST(ClipBounds, RowsWithOutliersAreExempt) {
  Tensor weight = random_tensor({3, 400}, 5);
  weight[1][7] = 60;
  const Tensor bounds = clip_bounds(weight, 2.5, 8, 1);
  EXPECT_TRUE(std::isinf(bounds[1].item<float>()));
  for (const int row : {0, 2}) EXPECT_NEAR(bounds[row].item<double>(), 2.5 * weight[row].std().item<double>(), 1e-4);
}

TEST(ClipBounds, StepsApproachTheBound) {
  Tensor weight = random_tensor({2, 300}, 6);
  const Tensor largest = weight.abs().amax(1, true);
  const Tensor full = clip_bounds(weight, 1.0, 0, 1), part = clip_bounds(weight, 1.0, 0, 0.25);
  EXPECT_TRUE(at::allclose(part, largest + 0.25 * (full - largest), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(clip_bounds(weight, 100.0, 0, 0.25), clip_bounds(weight, 100.0, 0, 1)));
}

}  // namespace
}  // namespace xw::finetune
