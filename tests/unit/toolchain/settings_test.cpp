// Options by name and text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/settings.hpp"

#include <gmock/gmock.h>

#include "arch/support/setting_error.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::toolchain {
namespace {

using testing::ElementsAre;

TEST(Settings, SetWhatTheirNamesSay) {
  CompileOptions compile;
  set(compile, "chip", "tiny-64");
  set(compile, "chips", "auto");
  set(compile, "lm-head", "digital");
  set(compile, "first-token", "digital");
  set(compile, "digital", "a");
  set(compile, "digital", "b");
  set(compile, "row-cuts", "equal");
  set(compile, "adapt", "bypass");
  set(compile, "calibration-tokens", "77");
  set(compile, "replicate", "all=2");
  EXPECT_EQ(compile.chip, "tiny-64");
  EXPECT_EQ(compile.chips, 0U);
  EXPECT_FALSE(compile.lm_head_analog);
  EXPECT_TRUE(compile.first_token_digital);
  EXPECT_THAT(compile.digital, ElementsAre("a", "b"));
  EXPECT_EQ(compile.row_cuts, mapping::RowCuts::kEqual);
  ASSERT_TRUE(compile.adapt);
  EXPECT_EQ(compile.adapt->passes.rank, adapt_level("bypass").rank);
  EXPECT_EQ(compile.calibration.tokens, 77U);
  EXPECT_EQ(compile.replicas.size(), 1U);
  set(compile, "adapt", "none");
  EXPECT_FALSE(compile.adapt);
  EXPECT_FALSE(compile.reload);
  set(compile, "reload", "auto");
  EXPECT_EQ(compile.reload, 0U);
  set(compile, "reload", "16");
  EXPECT_EQ(compile.reload, 16U);
  set(compile, "reload", "none");
  EXPECT_FALSE(compile.spread_tiles);
  set(compile, "spread", "auto");
  EXPECT_EQ(compile.spread_tiles, 0U);
  set(compile, "spread", "12");
  EXPECT_EQ(compile.spread_tiles, 12U);
  set(compile, "spread", "none");
  EXPECT_FALSE(compile.spread_tiles);
  EXPECT_FALSE(compile.reload);
  RunOptions run;
  set(run, "noise", "gaussian:gamma=0.5");
  set(run, "chip-seed", "4294967295");
  set(run, "time", "1.5h");
  set(run, "recalibrate", "every:2min");
  set(run, "adc-mismatch", "0.125");
  set(run, "mode", "fp32");
  EXPECT_EQ(run.chip.noise, "gaussian:gamma=0.5");
  EXPECT_EQ(run.chip.chip_seed, 4294967295U);
  EXPECT_EQ(run.chip.seconds, 5400);
  EXPECT_EQ(run.chip.recalibrate, 120);
  EXPECT_EQ(run.chip.adc_mismatch.gain, 0.125);
  EXPECT_EQ(run.mode, Mode::kFp32);
}

TEST(Settings, RefuseTextsThatMeanNothingByName) {
  struct Case {
    const char *name, *text, *message;
  };
  for (const Case& c :
       {Case{"chips", "0", "chips: expected auto or a number from 1"}, Case{"chips", "2x", "found '2x'"},
        Case{"lm-head", "yes", "lm-head: expected analog or digital, found 'yes'"},
        Case{"reload", "0", "reload: expected auto, none or a number from 1"}, Case{"reload", "", "found ''"},
        Case{"row-cuts", "", "row-cuts: expected equal or fewest-tiles, found ''"},
        Case{"spread", "0", "spread: expected auto, none or a number of tiles"}, Case{"spread", "2x", "found '2x'"},
        Case{"calibration-tokens", "-1", "calibration-tokens: expected a whole number"}, Case{"weights", "w9", "w9"},
        Case{"ranges", "wide", "wide"}, Case{"adapt", "magic", "magic"},
        Case{"noise", "ideal", "noise: there is no such option; known: adapt, adapter"}}) {
    CompileOptions compile;
    test::expect_error(ErrorCode::kInvalidArgument, c.message, [&] { set(compile, c.name, c.text); });
  }
  for (const Case& c :
       {Case{"chip-seed", "4294967296", "chip-seed: expected a whole number"},
        Case{"time", "1 fortnight", "time: expected seconds or a number with a unit"},
        Case{"recalibrate", "every:0", "recalibrate: expected every:TIME with a time above 0"},
        Case{"adc-mismatch", "inf", "inf"}, Case{"read-sigma", "0.1x", "found '0.1x'"}, Case{"mode", "quick", "quick"},
        Case{"chip", "afm-512", "chip: there is no such option; known: adc-mismatch"}}) {
    RunOptions run;
    test::expect_error(ErrorCode::kInvalidArgument, c.message, [&] { set(run, c.name, c.text); });
  }
}

TEST(Settings, AreListedAndNoNameMeansTwoThings) {
  for (const std::string& name : compile_settings()) EXPECT_THAT(run_settings(), testing::Not(testing::Contains(name)));
  EXPECT_THAT(compile_settings(), testing::IsSupersetOf({"adapt", "chip", "weights"}));
  EXPECT_THAT(run_settings(), testing::IsSupersetOf({"chip-seed", "noise", "time"}));
}

}  // namespace
}  // namespace xw::toolchain
