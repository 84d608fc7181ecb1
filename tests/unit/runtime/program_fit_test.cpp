// Programs that are well-formed files but must not run: each is a good program with one thing changed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/program_fit.hpp"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/program/program_check.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::make_program;

/// The parts of a program, to be changed and written again.
struct Parts {
  explicit Parts(const program::Program& program)
      : source(program),
        manifest(program.manifest()),
        code(program.code().begin(), program.code().end()),
        blocks(program.blocks().begin(), program.blocks().end()),
        images(program.images().begin(), program.images().end()),
        columns(program.columns().begin(), program.columns().end()) {}

  [[nodiscard]] std::shared_ptr<const program::Program> write() {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("xw-program-fit-" + std::to_string(getpid()) + ".xwp");
    program::ProgramWriter writer(path);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto stored = writer.add_targets(source.targets16(source.blocks()[i]));
      blocks[i].target_offset = stored.offset;
      blocks[i].target_crc = stored.crc ^ crc_error;
    }
    for (const auto& [name, constant] : source.constants()) {
      writer.begin_constant(name, constant.type, constant.shape);
      writer.add_constant_data(constant.data);
    }
    writer.finish(manifest, "", code, blocks, images, columns, {});
    auto program = program::Program::open(path);
    std::filesystem::remove(path);
    return program;
  }

  const program::Program& source;
  program::Manifest manifest;
  std::vector<program::EncodedInstruction> code;
  std::vector<program::BlockRecord> blocks;
  std::vector<program::ImageRecord> images;
  std::vector<program::ColumnRecord> columns;
  std::uint32_t crc_error = 0;
};

class ProgramFit : public testing::Test {
 protected:
  void expect_refused(const std::string& text, const std::function<void(Parts&)>& change) {
    Parts parts(*program);
    change(parts);
    const auto changed = parts.write();
    ThreadPool pool(1);
    functional::FunctionalDevice device(hardware.emulator(), pool);
    try {
      ChipInstance chip(changed, device, ChipOptions{}, pool);
      ADD_FAILURE() << "accepted; expected " << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFormat) << error.what();
      EXPECT_THAT(error.what(), testing::HasSubstr(text));
    }
  }

  Hardware hardware;
  std::shared_ptr<const program::Program> program =
      make_program({{{60, {100, 20}, {}}}, program::WeightMode::kAnalog, true}, hardware, 1);
};

TEST_F(ProgramFit, UnchangedProgramIsAccepted) {
  ThreadPool pool(1);
  functional::FunctionalDevice device(hardware.emulator(), pool);
  Parts parts(*program);
  ChipInstance chip(parts.write(), device, ChipOptions{}, pool);
}

TEST_F(ProgramFit, ImageOfAMissingEngine) {
  expect_refused("image 0: engine 1 of 1", [](Parts& parts) {
    parts.manifest.engine_image_bytes.push_back(parts.manifest.engine_image_bytes[0]);
    parts.images[0].engine = 1;
  });
}

TEST_F(ProgramFit, ImageOfAnotherLength) {
  expect_refused("image 1: expected", [](Parts& parts) { parts.images[1].image_length -= 1; });
}

TEST_F(ProgramFit, ImagesThatOverlap) {
  expect_refused("overlaps image", [](Parts& parts) { parts.images[1].image_offset -= 1; });
}

TEST_F(ProgramFit, BlockLargerThanAContext) {
  hardware.tile_cols = 128;
  program = make_program({{{60, {100}, {}}}}, hardware, 1);
  // The engine's contexts hold 64 columns on the device below.
  Parts parts(*program);
  arch::EmulatorDescription small = hardware.emulator();
  small.block_cols = 64;
  try {
    program::check_program(*program, small);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("do not fit a context of 64 x 64"));
  }
}

TEST_F(ProgramFit, CodeThatIsNotSafe) {
  expect_refused("is not safe to run: instruction", [](Parts& parts) {
    for (program::EncodedInstruction& words : parts.code) {
      program::Instruction instruction = program::decode(words).instruction;
      if (instruction.opcode != program::Opcode::kMvm) continue;
      instruction.wait0_count = instruction.wait1_count = 0;  // no longer waits for x and its block
      words = program::encode(instruction);
    }
  });
}

TEST_F(ProgramFit, CorruptTargets) {
  expect_refused("CRC", [](Parts& parts) { parts.crc_error = 1; });
}

TEST_F(ProgramFit, InputRangesThatDiffer) {
  expect_refused("input ranges of \"matrix.1\" differ from those of \"matrix.0\"",
                 [](Parts& parts) { parts.manifest.matrices[1].input_ranges[0].beta *= 2; });
}

TEST_F(ProgramFit, BiasThatIsMissingOrShort) {
  expect_refused("no constant \"nowhere\"", [](Parts& parts) { parts.manifest.matrices[0].bias = "nowhere"; });
  expect_refused("bias \"matrix.1.bias\": expected 100 numbers, found 20",
                 [](Parts& parts) { parts.manifest.matrices[0].bias = "matrix.1.bias"; });
}

}  // namespace
}  // namespace xw::runtime
