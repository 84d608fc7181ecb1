// What cannot be compiled is refused by name, and leaves no file behind.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "arch/support/error.hpp"
#include "tests/unit/pipeline/compile_example.hpp"

namespace xw::compiler {
namespace {

using test::CompileExample;

struct Case {
  const char* what;
  std::function<void(CompileExample&)> change;
  ErrorCode code;
  const char* expected;
};

TEST(CompileErrors, EveryOneIsNamed) {
  const std::vector<Case> cases = {
      {"cells that nobody knows", [](CompileExample& e) { e.chip.noise = "magic"; }, ErrorCode::kInvalidArgument,
       "noise: programming model 'magic' is unknown; known: "},
      {"NaN in a weight",
       [](CompileExample& e) {
         e.o[700 * 704 + 3] = std::nanf("");
         e.checkpoint.add("o.weight", {704, 704}, e.o);
       },
       ErrorCode::kNotFinite,
       "memory@o.weight: tensor 'o.weight', row 700, column 3: expected a finite weight, found nan"},
      {"infinity in a fused weight",
       [](CompileExample& e) {
         e.qkv[710 * 704 + 703] = std::numeric_limits<float>::infinity();
         e.checkpoint.add_bf16("qkv.weight", {832, 704}, e.qkv);
       },
       ErrorCode::kNotFinite, "tensor 'qkv.weight', row 710, column 703: expected a finite weight, found inf"},
      {"NaN in a constant",
       [](CompileExample& e) {
         std::vector<float> values(50 * 704, 1.0F);
         values[49 * 704 + 1] = std::nanf("");
         e.checkpoint.add_bf16("embed.weight", {50, 704}, values);
       },
       ErrorCode::kNotFinite, "tensor 'embed.weight', row 49, column 1: expected a finite number"},
      {"NaN in a vector",
       [](CompileExample& e) {
         std::vector<float> values(704, 1.0F);
         values[7] = std::nanf("");
         e.checkpoint.add("norm.weight", {704}, values);
       },
       ErrorCode::kNotFinite, "tensor 'norm.weight', row 0, column 7"},
      {"quantised constant beyond fp16",
       [](CompileExample& e) {
         std::vector<std::byte> q8(std::size_t{704} * 704 / 32 * 34);
         q8[64 * 704 / 32 * 34 + 1] = std::byte{0x7B};  // scale 57344
         q8[64 * 704 / 32 * 34 + 2] = std::byte{2};
         e.checkpoint.add("down.weight", checkpoint::Dtype::kQ8_0, {704, 704}, q8);
       },
       ErrorCode::kUnsupported, "tensor 'down.weight': expected numbers within the range of fp16, found 114688"},
      {"tensor missing", [](CompileExample& e) { e.graph.nodes[7].attributes["weight"] = ir::TensorRef{"nothing"}; },
       ErrorCode::kFormat, "expected tensor 'nothing', found none"},
      {"tensor of another shape",
       [](CompileExample& e) {
         e.checkpoint.add("o.weight", {352, 1408}, e.o);
       },
       ErrorCode::kShapeMismatch, "for layers.0.o_proj: expected [704][704], found [352][1408]"},
      {"rows beyond the tensor",
       [](CompileExample& e) {
         e.graph.nodes[5].attributes["weight"] = ir::TensorRef{"qkv.weight", 800, 864};
       },
       ErrorCode::kShapeMismatch, "for layers.0.v_proj"},
      {"bias of another length",
       [](CompileExample& e) { e.graph.nodes[5].attributes["bias"] = ir::TensorRef{"norm.weight"}; },
       ErrorCode::kShapeMismatch, "bias of layers.0.v_proj: expected [64], found 704 elements"},
      {"no calibration", [](CompileExample& e) { e.calibration.layers.erase("layers.0.v_proj"); },
       ErrorCode::kInvalidArgument, "found none for layers.0.v_proj"},
      {"ranges with a gap", [](CompileExample& e) { e.calibration.layers["layers.0.o_proj"].inputs[1].begin = 301; },
       ErrorCode::kInvalidArgument, "calibration of layers.0.o_proj: expected ranges that cover inputs 0 to 704"},
      {"ranges too short", [](CompileExample& e) { e.calibration.layers["layers.0.o_proj"].inputs.pop_back(); },
       ErrorCode::kInvalidArgument, "expected ranges for 704 inputs, found 300"},
      {"negative range", [](CompileExample& e) { e.calibration.layers["layers.0.o_proj"].inputs[0].beta = -1; },
       ErrorCode::kInvalidArgument, "expected a positive range, found -1"},
      {"NaN range", [](CompileExample& e) { e.calibration.layers["layers.0.o_proj"].inputs[0].beta = std::nanf(""); },
       ErrorCode::kInvalidArgument, "expected a positive range"},
      {"negative lambda", [](CompileExample& e) { e.calibration.layers["layers.0.o_proj"].lambda = -2; },
       ErrorCode::kInvalidArgument, "expected lambda >= 0"},
      {"everything digital", [](CompileExample& e) { e.options.digital = {"*"}; }, ErrorCode::kInvalidArgument,
       "expected at least one analog linear layer"},
      {"unknown digital layer", [](CompileExample& e) { e.options.digital = {"*.gate_proj"}; },
       ErrorCode::kInvalidArgument, "'*.gate_proj', which matches none"},
      {"chip too small", [](CompileExample& e) { e.chip.num_tiles = 1; }, ErrorCode::kCapacity, "the chip has 1"},
      {"broken graph", [](CompileExample& e) { e.graph.nodes.pop_back(); }, ErrorCode::kFormat,
       "expected one output node"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    CompileExample example;
    c.change(example);
    const test::TemporaryFile file("error.xwp");
    try {
      (void)example.compile(file.path());
      ADD_FAILURE() << "compiled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), c.code) << error.what();
      EXPECT_THAT(error.what(), ::testing::HasSubstr(c.expected));
    }
    EXPECT_FALSE(std::filesystem::exists(file.path())) << "no half-written program";
  }
}

TEST(CompileErrors, UnwritableOutput) {
  CompileExample example;
  try {
    (void)example.compile("/nonexistent-directory/model.xwp");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}

}  // namespace
}  // namespace xw::compiler
