// The checker against an independent oracle: calls that were damaged at random. Whatever the checker accepts must run without
// deadlock, without leftovers and with the same Y in every interleaving; the oracle must see enough of what it refuses.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "compiler/codegen/codegen.hpp"
#include "compiler/program/check.hpp"
#include "tests/unit/codegen/model_fixture.hpp"
#include "tests/unit/program/random_executor.hpp"

namespace xw::program {
namespace {

using test::OracleImage;
using test::RandomExecutor;

using Images = std::map<std::pair<std::uint32_t, std::uint32_t>, OracleImage>;

Images make_images(const test::Model& model, const codegen::Output& output, std::mt19937_64& random) {
  Images images;
  for (const ImageRecord& record : output.images) {
    OracleImage image{model.blocks[record.block].rows, record.cols, {}};
    for (std::uint32_t i = 0; i < image.rows * image.cols; ++i) image.weights.push_back(random() % 1000);
    images[{record.engine, record.image_offset}] = std::move(image);
  }
  return images;
}

/// Damages one or two instructions in a way that still decodes.
void mutate(std::vector<EncodedInstruction>& code, std::mt19937_64& random) {
  for (std::uint64_t changes = 1 + random() % 2; changes > 0; --changes) {
    const std::size_t at = random() % (code.size() - 1);
    Instruction instruction = decode(code[at]).instruction;
    switch (random() % 8) {
      case 0:
        instruction.wait0_count = 0;
        break;
      case 1:
        instruction.wait1_count = 0;
        break;
      case 2:
        instruction.signal = false;
        break;
      case 3:
        if (at + 2 < code.size()) std::swap(code[at], code[at + 1]);
        continue;
      case 4:
        if (instruction.opcode == Opcode::kMvm || instruction.opcode == Opcode::kLoadBlock) instruction.context ^= 1;
        break;
      case 5:
        if (instruction.opcode == Opcode::kMvm)
          instruction.ybuf_offset = static_cast<std::uint16_t>(instruction.ybuf_offset ^ 16);
        break;
      case 6:
        if (instruction.opcode == Opcode::kMvm) instruction.accumulate = !instruction.accumulate;
        break;
      default:
        code.erase(code.begin() + static_cast<std::ptrdiff_t>(at));
        continue;
    }
    code[at] = encode(instruction);
  }
}

struct Tally {
  int accepted = 0, refused = 0, seen_by_oracle = 0;
};

/// What fails in some interleaving; empty if all give the same Y.
std::string oracle_objection(const arch::EmulatorDescription& emulator, const CallInfo& call, const Images& images,
                             const std::vector<EncodedInstruction>& code, const std::vector<std::uint64_t>& x,
                             std::mt19937_64& random) {
  std::vector<std::uint64_t> first;
  for (int run = 0; run < 12; ++run) {
    RandomExecutor executor(emulator, x, call.y_stride_bytes / 4, images, random(), 1 + random() % 8);
    const std::string failure = executor.run(code, 0);
    if (!failure.empty()) return failure;
    if (run == 0) first = executor.y();
    if (executor.y() != first) return "Y depends on the interleaving";
  }
  return {};
}

TEST(CheckAgainstOracle, AcceptsOnlyWhatRunsTheSameInEveryInterleaving) {
  constexpr std::uint64_t kSeed = 20240;
  std::mt19937_64 random(kSeed);
  Tally tally;
  for (int model_index = 0; model_index < 30; ++model_index) {
    const auto emulator = test::make_emulator(static_cast<std::uint32_t>(1 + random() % 4), 16, 16, 32, 2, 64, 64);
    test::Model model;
    model.add_call(static_cast<std::uint32_t>(17 + random() % 40), {static_cast<std::uint32_t>(20 + random() % 150)},
                   16, 32);
    const codegen::Output output = codegen::generate(model.input(), emulator);
    const CallInfo& call = output.calls[0];
    CallMemory memory = {call.x_stride_bytes, call.y_stride_bytes, output.engine_image_bytes};
    for (const ImageRecord& image : output.images) {
      memory.images.push_back({image.engine, image.image_offset, model.blocks[image.block].rows, image.cols});
    }
    const Images images = make_images(model, output, random);
    std::vector<std::uint64_t> x;
    for (std::uint32_t i = 0; i < call.x_stride_bytes; ++i) x.push_back(random() % 255 - 127);
    for (int mutant = 0; mutant < 60; ++mutant) {
      std::vector<EncodedInstruction> code = output.code;
      mutate(code, random);
      if (code == output.code) continue;
      const bool is_accepted = check_call(code, 0, emulator, memory).empty();
      const std::string objection = oracle_objection(emulator, call, images, code, x, random);
      ASSERT_FALSE(is_accepted && !objection.empty())
          << "seed " << kSeed << ", model " << model_index << ", mutant " << mutant << ": " << objection;
      ++(is_accepted ? tally.accepted : tally.refused);
      if (!is_accepted && !objection.empty()) ++tally.seen_by_oracle;
    }
  }
  std::printf("accepted %d, refused %d, of which the oracle saw %d\n", tally.accepted, tally.refused,
              tally.seen_by_oracle);
  EXPECT_GT(tally.accepted, 50);
  EXPECT_GT(tally.refused, 500);
  EXPECT_GT(tally.seen_by_oracle * 10, tally.refused * 8);  // an oracle that sees nothing proves nothing
}

}  // namespace
}  // namespace xw::program
