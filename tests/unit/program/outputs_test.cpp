// Calls that are safe to run and compute something else than their tables say.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/outputs.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "compiler/codegen/codegen.hpp"
#include "tests/unit/codegen/model_fixture.hpp"
#include "tests/unit/program/random_executor.hpp"

namespace xw::program {
namespace {

/// One call of 40 inputs and 24 + 10 outputs on two engines, in 2 x 3 blocks.
struct Example {
  arch::EmulatorDescription emulator = test::make_emulator(2, 16, 32, 32, 2, 64, 64);
  test::Model model;
  codegen::Output output;

  Example() {
    model.add_call(40, {24, 10}, 32, 16);
    output = codegen::generate(model.input(), emulator);
  }
  [[nodiscard]] std::vector<Violation> outputs() const {
    std::vector<std::uint32_t> images_of_call(output.images.size());
    std::iota(images_of_call.begin(), images_of_call.end(), 0U);
    return check_outputs(output.code, emulator,
                         {output.calls[0], model.matrices, model.blocks, output.images, images_of_call});
  }
  [[nodiscard]] std::vector<Violation> hazards() const {
    CallMemory memory = {output.calls[0].x_stride_bytes, output.calls[0].y_stride_bytes, output.engine_image_bytes, {}};
    for (const ImageRecord& image : output.images) {
      memory.images.push_back({image.engine, image.image_offset, model.blocks[image.block].rows, image.cols});
    }
    return check_call(output.code, 0, emulator, memory);
  }
  /// The index of the `skip`-th instruction with an opcode.
  [[nodiscard]] std::size_t find(Opcode opcode, std::size_t skip = 0) const {
    for (std::size_t i = 0; i < output.code.size(); ++i) {
      if (decode(output.code[i]).instruction.opcode == opcode && skip-- == 0) return i;
    }
    return output.code.size();
  }
  void change(std::size_t index, const std::function<void(Instruction&)>& how) {
    Instruction instruction = decode(output.code.at(index)).instruction;
    how(instruction);
    output.code[index] = encode(instruction);
  }
};

/// Safe to run, and refused with `what` for its outputs.
void expect_refused(const Example& example, const std::string& what) {
  EXPECT_TRUE(example.hazards().empty()) << example.hazards().front().what;
  const auto violations = example.outputs();
  ASSERT_FALSE(violations.empty()) << "accepted; expected " << what;
  std::string all;
  for (const Violation& violation : violations) all += violation.what + "\n";
  EXPECT_NE(all.find(what), std::string::npos) << all << "expected: " << what;
}

TEST(CheckOutputs, AcceptsGeneratedCode) {
  const Example example;
  EXPECT_TRUE(example.outputs().empty()) << example.outputs().front().what;
}

TEST(CheckOutputs, AnOutputStoredTwiceWhileAnotherIsNeverStored) {
  Example example;
  const std::size_t first = example.find(Opcode::kStoreY), second = example.find(Opcode::kStoreY, 1);
  const std::uint32_t place = decode(example.output.code[first]).instruction.y_offset;
  example.change(second, [&](Instruction& store) { store.y_offset = place; });
  expect_refused(example, "of Y a second time");
  EXPECT_GT(example.outputs().size(), 1U);  // and the words that are never stored
}

TEST(CheckOutputs, AnOutputNeverStored) {
  Example example;
  example.change(example.find(Opcode::kStoreY), [](Instruction& store) { store.length -= 1; });
  expect_refused(example, "and is nothing");
}

TEST(CheckOutputs, AnOutputInThePlaceOfAnother) {
  Example example;
  std::swap(example.output.calls[0].outputs[0].out_begin, example.output.calls[0].outputs[1].out_begin);
  expect_refused(example, "is to be output 12 of m0, and is output 0 of m0");
}

TEST(CheckOutputs, ASumThatLacksABlock) {
  Example example;
  for (std::size_t i = 0;; ++i) {
    const std::size_t mvm = example.find(Opcode::kMvm, i);
    ASSERT_LT(mvm, example.output.code.size()) << "no MVM accumulates";
    if (!decode(example.output.code[mvm]).instruction.accumulate) continue;
    example.change(mvm, [](Instruction& changed) { changed.accumulate = false; });  // forgets what was there
    break;
  }
  expect_refused(example, "inputs of 40");
}

TEST(CheckOutputs, InputsOfAnotherBlock) {
  Example example;
  example.change(example.find(Opcode::kMvm), [](Instruction& mvm) { mvm.xbuf_offset = mvm.xbuf_offset == 0 ? 1 : 0; });
  const auto violations = example.outputs();
  ASSERT_FALSE(violations.empty());
  EXPECT_NE(violations.front().what.find("multiplies input"), std::string::npos) << violations.front().what;
}

TEST(CheckOutputs, AnImageThatIsMultipliedTwice) {
  Example example;
  const std::size_t mvm = example.find(Opcode::kMvm);
  Instruction again = decode(example.output.code[mvm]).instruction;
  again.wait0_count = again.wait1_count = 0;
  again.accumulate = true;
  again.signal = false;
  example.output.code.insert(example.output.code.begin() + static_cast<std::ptrdiff_t>(mvm), encode(again));
  std::swap(example.output.code[mvm], example.output.code[mvm + 1]);
  ++example.output.calls[0].num_instructions;
  const auto violations = example.outputs();
  ASSERT_FALSE(violations.empty());
  EXPECT_NE(violations.front().what.find("a second time"), std::string::npos) << violations.front().what;
}

/// What may be changed in an instruction so that it still decodes.
void mutate(std::vector<EncodedInstruction>& code, std::mt19937_64& random) {
  const std::size_t at = random() % (code.size() - 1);
  Instruction instruction = decode(code[at]).instruction;
  const bool is_mvm = instruction.opcode == Opcode::kMvm, is_store = instruction.opcode == Opcode::kStoreY;
  const bool is_load = instruction.opcode == Opcode::kLoadX;
  switch (random() % 7) {
    case 0:
      if (is_mvm || is_store) instruction.ybuf_offset = static_cast<std::uint16_t>(instruction.ybuf_offset ^ 16);
      break;
    case 1:
      if (is_mvm) instruction.accumulate = !instruction.accumulate;
      break;
    case 2:
      if (is_store) instruction.y_offset ^= 64;
      break;
    case 3:
      if (is_store) instruction.engine_mask ^= 3;
      break;
    case 4:
      if (is_mvm || is_load) instruction.xbuf_offset = static_cast<std::uint16_t>(instruction.xbuf_offset ^ 1);
      break;
    case 5:
      if ((is_store || is_load) && instruction.length > 1) --instruction.length;
      break;
    default:
      if (const std::size_t other = random() % (code.size() - 1);
          decode(code[other]).instruction.opcode == instruction.opcode) {
        std::swap(code[at], code[other]);
      }
      return;
  }
  code[at] = encode(instruction);
}

/// Damaged calls against the product with the dense matrix, modulo 2^64: what both checks accept must be right.
TEST(CheckOutputs, AcceptsOnlyWhatComputesTheMatrixProduct) {
  constexpr std::uint64_t kSeed = 515;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  int accepted = 0, refused = 0, wrong = 0;
  for (int repeat = 0; repeat < 2500; ++repeat) {
    Example example;
    const std::vector<EncodedInstruction> good = example.output.code;
    mutate(example.output.code, random);
    if (example.output.code == good || !example.hazards().empty()) continue;
    std::vector<std::uint64_t> x(example.output.calls[0].x_stride_bytes, 0);
    for (std::size_t i = 0; i < 40; ++i) x[i] = random();
    std::map<std::pair<std::uint32_t, std::uint32_t>, test::OracleImage> images;
    std::vector<std::vector<std::uint64_t>> product;
    for (const MatrixInfo& matrix : example.model.matrices) product.emplace_back(matrix.out_features, 0);
    for (const ImageRecord& record : example.output.images) {
      const BlockRecord& block = example.model.blocks[record.block];
      test::OracleImage image{block.rows, record.cols, {}};
      for (std::uint32_t row = 0; row < block.rows; ++row) {
        for (std::uint32_t col = 0; col < record.cols; ++col) {
          image.weights.push_back(random());
          product[block.matrix][block.out_begin + record.col_begin + col] +=
              x[block.in_begin + row] * image.weights.back();
        }
      }
      images[{record.engine, record.image_offset}] = std::move(image);
    }
    test::RandomExecutor executor(example.emulator, x, example.output.calls[0].y_stride_bytes / 4, images, random(), 4);
    bool is_right = executor.run(example.output.code, 0).empty();
    for (const OutputSegment& segment : example.output.calls[0].outputs) {
      for (std::uint32_t i = 0; i < segment.length; ++i) {
        is_right = is_right && executor.y()[segment.y_word + i] == product[segment.matrix][segment.out_begin + i];
      }
    }
    const bool is_accepted = example.outputs().empty();
    ASSERT_FALSE(is_accepted && !is_right) << "repeat " << repeat;
    ++(is_accepted ? accepted : refused);
    wrong += !is_right;
  }
  std::printf("accepted %d, refused %d, of which %d are wrong\n", accepted, refused, wrong);
  EXPECT_GT(accepted, 10);
  EXPECT_GT(wrong * 10, refused * 9);  // refuses little that would have been right
}

}  // namespace
}  // namespace xw::program
