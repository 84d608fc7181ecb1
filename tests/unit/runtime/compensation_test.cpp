// Compensation of a chip instance: its calibrations run on the device, and the gains that follow are those of the definition.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/codegen/calibration.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/reference.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::make_program;
using test::ProgramShape;

constexpr double kDay = 86400, kMonth = 30 * kDay;
const ProgramShape kShape{{{130, {67, 20}, {}, 2}, {40, {30}, {}}}, program::WeightMode::kAnalog, true};

class CompensationTest : public testing::Test {
 protected:
  /// Words of the outputs of a call for codes that use the whole converter.
  std::vector<std::int32_t> words(ChipInstance& chip, std::uint32_t call) {
    const program::CallInfo& info = program->manifest().calls[call];
    const std::vector<std::int32_t> y = chip.run_codes(call, codes(call), kVectors, 3);
    std::vector<std::int32_t> all;
    for (const std::uint32_t matrix : info.matrices) {
      std::vector<std::int32_t> one(std::size_t{kVectors} * program->manifest().matrices[matrix].out_features);
      for (const program::OutputSegment& segment : info.outputs) {
        if (segment.matrix != matrix) continue;
        for (std::uint32_t v = 0; v < kVectors; ++v) {
          std::copy_n(y.begin() + v * (info.y_stride_bytes / 4) + segment.y_word, segment.length,
                      one.begin() + v * (one.size() / kVectors) + segment.out_begin);
        }
      }
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }
  std::vector<std::int32_t> expected(const ChipOptions& options, std::uint32_t call) {
    const test::ReferenceResult result = test::reference_call(*program, call, options, codes(call), kVectors, 3);
    std::vector<std::int32_t> all;
    for (const test::ReferenceOutput& one : result.matrices) all.insert(all.end(), one.words.begin(), one.words.end());
    return all;
  }
  std::vector<std::int8_t> codes(std::uint32_t call) {
    std::vector<std::int8_t> x(std::size_t{kVectors} * program->manifest().calls[call].in_features);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int8_t>(static_cast<int>(i * 7919 % 255) - 127);
    return x;
  }
  /// Root of the sum of squared differences over that of squares of `b`.
  static double distance(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
    double difference = 0, magnitude = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
      magnitude += std::pow(static_cast<double>(b[i]), 2);
    }
    return std::sqrt(difference / magnitude);
  }

  static constexpr std::uint32_t kVectors = 9;
  Hardware hardware;
  ThreadPool pool{2};
  std::shared_ptr<const program::Program> program = make_program(kShape, hardware, 11);
  functional::FunctionalDevice device{hardware.emulator(), pool};
};

TEST_F(CompensationTest, GainsAreThoseOfTheDefinition) {
  for (const char* compensation :
       {"global:vectors=1", "global:vectors=6", "column:vectors=5", "column:vectors=70,reference=exact"}) {
    for (const double recalibrate : {0.0, 7 * kDay, 2 * kMonth}) {
      SCOPED_TRACE(compensation + std::string(" every ") + std::to_string(recalibrate));
      ChipOptions options{.chip_seed = 9, .noise = "pcm-aihwkit", .read_sigma = 0.01, .seconds = kMonth};
      options.compensation = compensation;
      options.recalibrate = recalibrate;
      ChipInstance chip(program, device, options, pool);
      for (std::uint32_t call = 0; call < 2; ++call) EXPECT_EQ(words(chip, call), expected(options, call)) << call;
    }
  }
}

TEST_F(CompensationTest, AgesBackAndForthWithoutLosingTheReference) {
  ChipOptions options{.chip_seed = 9, .noise = "pcm-hermes:devices=2", .read_sigma = 0};
  options.compensation = "column:vectors=20";
  ChipInstance chip(program, device, options, pool);
  EXPECT_EQ(chip.calibration()->runs, 1U) << "at programming time";
  const std::vector<std::int32_t> fresh = words(chip, 0);
  EXPECT_EQ(fresh, expected(options, 0));
  for (const double seconds : {kDay, kMonth, 60.0}) {
    chip.age(seconds);
    options.seconds = seconds;
    EXPECT_EQ(words(chip, 0), expected(options, 0)) << seconds;
  }
  chip.age(0);
  EXPECT_EQ(words(chip, 0), fresh);
  const CalibrationStats& stats = *chip.calibration();
  EXPECT_EQ(stats.runs, 4U) << "none at 0 seconds but the first";
  EXPECT_EQ(stats.vectors, 20U);
  // Every column of every block, copies included, has answered every known input; calls have counted nothing of it.
  std::uint64_t columns = 0;
  for (const program::BlockRecord& block : program->blocks()) columns += block.cols;
  EXPECT_EQ(stats.columns, columns);
  EXPECT_EQ(stats.device.adc_conversions, columns * 20 * 4);
  EXPECT_EQ(chip.stats()[0].vectors, 5 * kVectors);
}

TEST_F(CompensationTest, BringsTheOutputsBack) {
  ChipOptions options{.chip_seed = 3, .noise = "pcm-aihwkit", .read_sigma = 0};
  ChipInstance fresh_chip(program, device, options, pool);
  const std::vector<std::int32_t> fresh = words(fresh_chip, 0);
  options.seconds = kMonth;
  const auto error = [&](const char* compensation) {
    options.compensation = compensation;
    ChipInstance chip(program, device, options, pool);
    return distance(words(chip, 0), fresh);
  };
  // The mean nu of these devices is about 0.06: (30 d / 20 s)^-0.06 = 0.5.
  const double none = error("none"), global = error("global:vectors=64"), column = error("column:vectors=128");
  EXPECT_GT(none, 0.3);
  EXPECT_LT(none, 0.5);
  EXPECT_LT(global, 0.3);
  EXPECT_LT(column, 1.1 * global);
}

TEST_F(CompensationTest, AnExactReferenceFindsTheGainsOfTheConverters) {
  ChipOptions options{.chip_seed = 3, .noise = "ideal", .read_sigma = 0};
  ChipInstance alike(program, device, options, pool);
  const std::vector<std::int32_t> wanted = words(alike, 0);
  options.adc_mismatch.gain = 0.1;
  const auto error = [&](const char* compensation) {
    options.compensation = compensation;
    ChipInstance chip(program, device, options, pool);
    EXPECT_EQ(words(chip, 0), expected(options, 0)) << compensation;
    return distance(words(chip, 0), wanted);
  };
  const double none = error("none");
  EXPECT_GT(none, 0.03) << "0.1 over the root of the blocks and copies of an output";
  EXPECT_LT(none, 0.15);
  EXPECT_LT(error("column:vectors=64,reference=exact"), none / 5) << "at programming time";
  EXPECT_NEAR(error("column:vectors=64"), none, 1e-9) << "the chip's own answers have the same gains";
  for (const double mismatch : {-0.1, 0.3}) {
    options.adc_mismatch.gain = mismatch;
    test::expect_error(ErrorCode::kInvalidArgument, "mismatch of converters: expected gain=S with S of 0..0.2",
                       [&] { ChipInstance chip(program, device, options, pool); });
  }
}

TEST_F(CompensationTest, OffsetsAreMeasuredAndTakenAway) {
  ChipOptions options{.chip_seed = 3, .noise = "ideal", .read_sigma = 0};
  ChipInstance alike(program, device, options, pool);
  const std::vector<std::int32_t> wanted = words(alike, 0);
  options.adc_mismatch.offset = 6;
  const auto error = [&](const char* compensation) {
    options.compensation = compensation;
    ChipInstance chip(program, device, options, pool);
    EXPECT_EQ(words(chip, 0), expected(options, 0)) << compensation;
    if (chip.calibration() != nullptr) {
      // An odd number of known inputs is filled up to pairs; the reference is a reading of its own.
      const CalibrationStats& stats = *chip.calibration();
      EXPECT_EQ(stats.offset_vectors, (stats.vectors + 1) / 2 * 2);
      EXPECT_EQ(stats.device.adc_conversions, stats.columns * (stats.offset_vectors + stats.vectors));
    }
    return distance(words(chip, 0), wanted);
  };
  const double none = error("none");
  EXPECT_GT(none, 0.04) << "6 codes of each of three blocks, of outputs up to 300";
  EXPECT_LT(error("global:vectors=63"), none / 20) << "0.3 / sqrt(64) codes are left";
  EXPECT_LT(error("column:vectors=4"), none / 6);
  options.adc_mismatch.gain = 0.1;
  EXPECT_LT(error("column:vectors=64,reference=exact"), none / 5) << "gains after offsets";
  options.adc_mismatch.offset = 0;
  options.compensation = "column:vectors=4";
  ChipInstance without(program, device, options, pool);
  EXPECT_EQ(without.calibration()->offset_vectors, 0U) << "nothing to measure";
  for (const double offset : {-1.0, 257.0}) {
    options.adc_mismatch.offset = offset;
    test::expect_error(ErrorCode::kInvalidArgument, "offset=S with S of 0..256 codes",
                       [&] { ChipInstance chip(program, device, options, pool); });
  }
}

TEST_F(CompensationTest, EveryColumnAnswersOnceHoweverTheEntriesAreCut) {
  for (const std::uint32_t most_words : {1U << 17U, 100U, 1U}) {
    const codegen::CalibrationCode code = codegen::make_calibration(*program, hardware.emulator(), most_words);
    std::vector<int> seen(program->images().size());
    auto next = static_cast<std::uint32_t>(program->code().size());
    for (const codegen::CalibrationEntry& entry : code.entries) {
      EXPECT_EQ(entry.entry, next) << "entries follow each other behind the program";
      next += entry.num_instructions;
      std::uint32_t end = 0;
      for (const codegen::CalibrationImage& one : entry.images) {
        ++seen[one.image];
        EXPECT_EQ(program->images()[one.image].call, entry.call);
        EXPECT_GE(one.y_word, end) << "answers do not overlap";
        end = one.y_word + program->images()[one.image].cols;
      }
      EXPECT_LE(end * 4, entry.y_stride_bytes);
      EXPECT_TRUE(entry.y_stride_bytes <= most_words * 4 || entry.images.size() == 1);
    }
    EXPECT_EQ(next, program->code().size() + code.code.size());
    EXPECT_EQ(seen, std::vector<int>(seen.size(), 1));
  }
}

TEST_F(CompensationTest, OptionsThatMeanNothingAreRefused) {
  const auto make = [&](const char* compensation, double recalibrate) {
    ChipOptions options{.chip_seed = 3, .noise = "pcm-aihwkit", .read_sigma = 0};
    options.compensation = compensation;
    options.recalibrate = recalibrate;
    ChipInstance chip(program, device, options, pool);
  };
  test::expect_error(ErrorCode::kInvalidArgument, {"expected none, global or column", "'local'"},
                     [&] { make("local", 0); });
  test::expect_error(ErrorCode::kInvalidArgument, "there is no compensation to recalibrate", [&] { make("none", 60); });
  test::expect_error(ErrorCode::kInvalidArgument, "expected 0..1e10 seconds", [&] { make("global", -1); });
}

}  // namespace
}  // namespace xw::runtime
