// What is said when a model does not fit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "compiler/mapping/plan.hpp"
#include "tests/unit/mapping/model_shapes.hpp"

namespace xw::mapping {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string complaint(const std::vector<MatrixShape>& matrices, const TileShape& tile) {
  try {
    (void)make_plan(matrices, tile);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCapacity);
    return error.what();
  }
  return "fits";
}

TEST(Capacity, SaysWhatIsMissingAndWhatWouldFit) {
  const auto matrices = test::llama_matrices(test::kSmolLm2);
  EXPECT_EQ(complaint(matrices, {512, 512, 405}), "fits");
  EXPECT_THAT(complaint(matrices, {512, 512, 400}),
              AllOf(HasSubstr("need 405 tiles of 512 x 512, the chip has 400: 5 missing"),
                    HasSubstr("101.2 % of the chip's cells"), HasSubstr("at least 405 tiles are needed by area"),
                    HasSubstr("- a chip of 405 such tiles"), HasSubstr("- model.layers.*.self_attn.k_proj digital ("),
                    HasSubstr("- tiles of 1024 x 1024 (161 tiles)")));
}

TEST(Capacity, SuggestionsReallyFit) {
  auto matrices = test::llama_matrices(test::kSmolLm2);
  std::erase_if(matrices, [](const MatrixShape& matrix) { return matrix.name.ends_with("k_proj"); });
  const TileShape tile{512, 512, 400};
  EXPECT_NO_THROW(verify_plan(make_plan(matrices, tile), matrices, tile));
}

TEST(Capacity, CopiesCanBeGivenUp) {
  auto matrices = test::llama_matrices(test::kSmolLm2);
  for (MatrixShape& matrix : matrices) {
    if (matrix.name.ends_with("down_proj")) matrix.replicas = 2;
  }
  EXPECT_THAT(complaint(matrices, {512, 512, 450}),
              AllOf(HasSubstr("need 507 tiles"), HasSubstr("- one copy of every matrix (405 tiles)")));
  EXPECT_THAT(complaint(matrices, {512, 512, 400}), Not(HasSubstr("one copy")));
}

TEST(Capacity, CombinesLayersWhenOneKindIsNotEnough) {
  EXPECT_THAT(complaint(test::llama_matrices(test::kSmolLm2), {512, 512, 100}),
              HasSubstr("model.layers.*.mlp.up_proj, model.layers.*.mlp.gate_proj, model.layers.*.mlp.down_proj, "
                        "model.layers.*.self_attn.q_proj digital"));
}

TEST(Capacity, PromisesNothingThatDoesNotFit) {
  const std::vector<MatrixShape> matrices{{"a", 5000, 5000, {}}};
  EXPECT_THAT(complaint(matrices, {512, 512, 1}),
              AllOf(HasSubstr("missing"), Not(HasSubstr("digital")), Not(HasSubstr("1024 x 1024"))));
}

}  // namespace
}  // namespace xw::mapping
