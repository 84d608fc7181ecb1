// Programs and checkpoints, opened in every mode.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/opened_model.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "arch/description/description.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "host/backends/registry/devices.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"
#include "tests/unit/toolchain/temporary_folder_variable.hpp"

namespace xw::toolchain {
namespace {

using xw::test::expect_error;

class OpenedModelTest : public test::CompiledModel {
 protected:
  static std::vector<float> logits(OpenedModel& opened) {
    transformer::Session session(opened.model());
    const std::vector<std::int32_t> tokens{1, 260, 261, 262};
    return session.forward(tokens, transformer::LogitsOf::kLast);
  }
  static RunOptions in(Mode mode) {
    RunOptions run;
    run.mode = mode;
    return run;
  }
};

TEST_F(OpenedModelTest, AProgramRunsOnADeviceACheckpointInFp32) {
  OpenedModel program(program_, {}, {}, 1);
  EXPECT_EQ(program.mode(), Mode::kAnalog);
  EXPECT_TRUE(program.was_compiled());
  ASSERT_NE(program.chip(), nullptr);
  EXPECT_THAT(program.describe(), testing::StartsWith("analog, "));
  OpenedModel checkpoint(checkpoint_, {}, {}, 1);
  EXPECT_EQ(checkpoint.mode(), Mode::kFp32);
  EXPECT_EQ(checkpoint.program(), nullptr);
  EXPECT_EQ(checkpoint.chip(), nullptr);
  EXPECT_FALSE(checkpoint.was_compiled());
}

TEST_F(OpenedModelTest, ACheckpointIsCompiledForOtherModesToTheSameLogits) {
  for (const Mode mode : {Mode::kAnalog, Mode::kDigitalW8A8, Mode::kDigitalW4A8}) {
    OpenedModel from_program(program_, in(mode), {}, 1);
    OpenedModel from_checkpoint(checkpoint_, in(mode), options_, 1);
    EXPECT_FALSE(from_checkpoint.was_compiled());
    EXPECT_EQ(logits(from_program), logits(from_checkpoint)) << name(mode);
  }
}

/// The first token does not see the chip, whichever it is, wherever its batch ends, on every device; the others do.
TEST_F(OpenedModelTest, AFirstTokenOnTheHostIsTheSameOnEveryChip) {
  CompileOptions options = options_;
  options.first_token_digital = true;
  options.lm_head_analog = false;  // its logits are the chip's at all positions
  const std::filesystem::path file = folder_ / "first.xwp";
  ThreadPool pool(1);
  (void)compile_checkpoint(checkpoint_, options, file, pool);
  const std::vector<std::int32_t> tokens{1, 260, 261, 262, 270};
  const auto all_logits = [&](OpenedModel& opened, std::size_t batch) {
    transformer::Session session(opened.model());
    std::vector<float> logits;
    for (int context = 0; context < 2; ++context) {
      for (std::size_t t = 0; t < tokens.size(); t += batch) {
        const auto part = session.forward(std::span(tokens).subspan(t, std::min(batch, tokens.size() - t)),
                                          transformer::LogitsOf::kAll);
        logits.insert(logits.end(), part.begin(), part.end());
      }
      session.reset();
    }
    return logits;
  };
  RunOptions run;
  run.chip.noise = "gaussian:gamma=0.05";
  OpenedModel opened(file, run, {}, 2);
  const std::vector<float> logits = all_logits(opened, tokens.size());
  const std::size_t vocabulary = opened.model().vocab_size();
  EXPECT_TRUE(std::equal(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(logits.size() / 2),
                         logits.begin() + static_cast<std::ptrdiff_t>(logits.size() / 2)));
  for (const std::size_t batch : {1U, 2U, 3U}) EXPECT_EQ(all_logits(opened, batch), logits) << batch;
  opened.reprogram(5);
  const std::vector<float> other = all_logits(opened, 2);
  EXPECT_TRUE(std::equal(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(vocabulary), other.begin()));
  EXPECT_FALSE(std::equal(logits.begin() + static_cast<std::ptrdiff_t>(vocabulary), logits.end(),
                          other.begin() + static_cast<std::ptrdiff_t>(vocabulary)));
  for (const registry::DeviceKind& kind : registry::devices()) {
    if (kind.name != "systemc" || !kind.built()) continue;
    run.device = "systemc";
    OpenedModel on_device(file, run, {}, 2);
    EXPECT_EQ(all_logits(on_device, 2), logits);
  }
  // Digital references have the same first token: it never sees converters or requantised weights.
  for (const Mode mode : {Mode::kDigitalW8A8, Mode::kDigitalW4A8}) {
    OpenedModel digital(file, in(mode), {}, 1);
    const std::vector<float> reference = all_logits(digital, 1);
    EXPECT_TRUE(
        std::equal(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(vocabulary), reference.begin()));
    EXPECT_NE(reference, logits);
  }
}

/// Copies of everything, with all noise on: the same words on every device, and other ones than those of one copy.
TEST_F(OpenedModelTest, CopiesGiveTheSameWordsOnEveryDevice) {
  CompileOptions options = options_;
  options.replicas = passes::parse_replica_rules("all=2,*.down_proj=3");
  const std::filesystem::path file = folder_ / "copies.xwp";
  ThreadPool pool(1);
  (void)compile_checkpoint(checkpoint_, options, file, pool);
  const auto checksums = [](const std::filesystem::path& path, const std::string& device, std::vector<float>& result) {
    RunOptions run;
    run.device = device;
    run.chip.noise = "pcm-afm";
    run.chip.read_sigma = 0.03;
    run.chip.checksum_y = true;
    OpenedModel opened(path, run, {}, 2);
    result = logits(opened);
    std::vector<std::uint32_t> all;
    for (const runtime::CallStats& call : opened.chip()->stats()) all.push_back(call.y_crc32);
    return all;
  };
  std::vector<float> expected, single;
  const std::vector<std::uint32_t> words = checksums(file, "functional", expected);
  EXPECT_NE(checksums(program_, "functional", single), words);
  for (const std::string device : {"systemc", "systemc:chip", "verilated"}) {
    SCOPED_TRACE(device);
    const auto& kinds = registry::devices();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const registry::DeviceKind& row) {
      return device.substr(0, device.find(':')) == row.name;
    });
    ASSERT_NE(kind, kinds.end());
    if (!kind->built()) continue;
    std::vector<float> found;
    EXPECT_EQ(checksums(file, device, found), words);
    EXPECT_EQ(found, expected);
  }
}

TEST_F(OpenedModelTest, ATemporaryProgramHasNoNameAnyMoreWhileItRuns) {
  const std::filesystem::path folder = folder_ / "temporary";
  std::filesystem::create_directory(folder);
  const test::TemporaryFolderVariable variable(folder);
  for (const Mode mode : {Mode::kAnalog, Mode::kDigitalW8A8}) {
    OpenedModel opened(checkpoint_, in(mode), options_, 1);
    EXPECT_TRUE(std::filesystem::is_empty(folder)) << "a kill would leave it for ever";
    EXPECT_FALSE(opened.was_compiled());
    OpenedModel from_program(program_, in(mode), {}, 1);
    EXPECT_EQ(logits(opened), logits(from_program)) << name(mode);
    EXPECT_NO_THROW(check_mapped_files()) << "losing its name is no change of the file";
  }
  EXPECT_NO_THROW(check_mapped_files());
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(OpenedModelTest, ReprogrammingIsAnotherChip) {
  RunOptions run;
  run.chip.noise = "gaussian:gamma=0.1";
  run.chip.chip_seed = 3;
  OpenedModel opened(program_, run, {}, 1);
  const std::vector<float> third = logits(opened);
  opened.reprogram(4);
  EXPECT_EQ(opened.chip()->options().chip_seed, 4U);
  EXPECT_NE(logits(opened), third);
  opened.reprogram(3);
  EXPECT_EQ(logits(opened), third);
  OpenedModel digital(program_, in(Mode::kDigitalW8A8), {}, 1);
  expect_error(ErrorCode::kInvalidArgument, "only analog runs", [&] { digital.reprogram(1); });
}

TEST_F(OpenedModelTest, AProgramHasTheTableOfItsCells) {
  const std::filesystem::path chips = folder_ / "chips", program = folder_ / "cells.xwp";
  std::filesystem::create_directory(chips);
  write_text_file(chips / "mine.toml",
                  arch::with_noise(arch::load_chip("tiny-64"), "custom:table=mine.csv,t0=10").text);
  const std::string head = "r,programming,drift,drift_spread,read\n";
  write_text_file(chips / "mine.csv", head + "0,0.01,0.1,0,0\n1,0.05,0.02,0.01,0.01\n");
  CompileOptions compile = options_;
  compile.chip = (chips / "mine.toml").string();
  ThreadPool pool(1);
  compile_checkpoint(checkpoint_, compile, program, pool);  // the folder of the command is another
  RunOptions as_points;
  as_points.chip.noise =
      "custom:programming=0@0.01/1@0.05,drift=0@0.1/1@0.02,drift-spread=0@0/1@0.01,read=0@0/1@0.01,t0=10";
  as_points.chip.seconds = 86400;
  OpenedModel expected(program_, as_points, {}, 1);
  RunOptions run;
  run.chip.seconds = 86400;
  const std::vector<float> wanted = logits(expected);
  write_text_file(chips / "mine.csv", head + "0,0.5,0.1,0,0\n1,0.5,0.02,0.01,0.01\n");
  OpenedModel changed(program, run, {}, 1);
  EXPECT_EQ(logits(changed), wanted) << "the file has other numbers now";
  std::filesystem::remove_all(chips);
  OpenedModel gone(program, run, {}, 1);
  EXPECT_EQ(logits(gone), wanted);
  RunOptions ideal = run;
  ideal.chip.noise = "ideal";
  ideal.chip.seconds = 0;
  OpenedModel without(program, ideal, {}, 1);
  EXPECT_NE(logits(without), wanted);
}

TEST_F(OpenedModelTest, ATableOfTheCommandIsReadOnce) {
  const std::filesystem::path csv = folder_ / "own.csv";
  const std::string head = "r,programming,drift,drift_spread,read\n";
  write_text_file(csv, head + "0,0.01,0.1,0,0\n1,0.05,0.02,0.01,0.01\n");
  RunOptions run;
  run.chip.noise = "custom:table=" + csv.string();
  OpenedModel opened(program_, run, {}, 1);
  opened.age(86400);
  const std::vector<float> aged = logits(opened);
  opened.age(0);
  write_text_file(csv, head + "0,0.3,0.1,0,0\n1,0.5,0.02,0.01,0.01\n");
  opened.age(86400);
  EXPECT_EQ(logits(opened), aged) << "the same chip, whatever happens to the file";
}

TEST_F(OpenedModelTest, RefusesWhatCannotBeOpened) {
  expect_error(ErrorCode::kInvalidArgument, "no model given", [] { OpenedModel({}, {}, {}, 1); });
  expect_error(ErrorCode::kFileNotFound, "nowhere.xwp", [] { OpenedModel(folder_ / "nowhere.xwp", {}, {}, 1); });
  expect_error(ErrorCode::kInvalidArgument, "holds only targets",
               [] { OpenedModel(program_, in(Mode::kFp32), {}, 1); });
  RunOptions unknown;
  unknown.device = "fpga";
  expect_error(ErrorCode::kInvalidArgument, {"'fpga'", "functional"}, [&] { OpenedModel(program_, unknown, {}, 1); });
}

}  // namespace
}  // namespace xw::toolchain
