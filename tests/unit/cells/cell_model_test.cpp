// The table of cell models: how users name them, what is refused, and that cells never change unnoticed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "arch/description/description.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "tests/support/paths.hpp"

namespace xw::cells {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& noise) {
  try {
    (void)parse_noise(noise);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "accepted";
}

TEST(CellModels, EveryRowIsWholeAndUnique) {
  std::set<std::string_view> names;
  for (const CellModel& model : cell_models()) {
    SCOPED_TRACE(model.name);
    EXPECT_TRUE(names.insert(model.name).second);
    EXPECT_FALSE(model.summary.empty());
    EXPECT_NE(model.make, nullptr);
    for (const Parameter& parameter : model.parameters) {
      SCOPED_TRACE(parameter.name);
      EXPECT_FALSE(parameter.meaning.empty());
      EXPECT_FALSE(parameter.unit.empty());
      EXPECT_LE(parameter.lowest, parameter.fallback);
      EXPECT_LE(parameter.fallback, parameter.highest);
    }
  }
}

TEST(CellModels, EveryModelIsInTheHelpAndInTheDocumentation) {
  std::ifstream file(test::source_dir() / "docs/numerics.md");
  std::ostringstream documentation;
  documentation << file.rdbuf();
  for (const CellModel& model : cell_models()) {
    EXPECT_THAT(documentation.str(), HasSubstr("\n| `" + std::string(model.name) + "` |"));
    EXPECT_THAT(noise_help(), HasSubstr(std::string(model.name)));
    for (const Parameter& parameter : model.parameters)
      EXPECT_THAT(noise_help(), HasSubstr(std::string(parameter.name)));
  }
}

TEST(CellModels, OnlyThoseThatDriftAcceptATime) {
  for (const CellModel& model : cell_models()) {
    SCOPED_TRACE(model.name);
    const ProgrammingOptions aged{.noise = std::string(model.name), .seconds = 1};
    if (model.drifts) {
      EXPECT_NE(make_programming_model(aged), nullptr);
    } else {
      EXPECT_THROW((void)make_programming_model(aged), Error);
    }
  }
}

TEST(CellModels, ATextNamesAModelWithItsParameters) {
  for (const CellModel& model : cell_models()) {
    const NoiseChoice choice = parse_noise(model.name);
    EXPECT_EQ(choice.model, &model);
    const NoiseChoice again = parse_noise(choice.text());
    EXPECT_EQ(again.model, &model);
    EXPECT_EQ(again.parameters, choice.parameters);
  }
  EXPECT_EQ(parse_noise("ideal").text(), "ideal");
  EXPECT_EQ(parse_noise("gaussian").text(), "gaussian:gamma=0.03");
  EXPECT_EQ(parse_noise("gaussian:gamma=5e-2").text(), "gaussian:gamma=0.05");
}

TEST(CellModels, ImpossibleTextsAreRefused) {
  EXPECT_EQ(refusal("magic"), "programming model 'magic' is unknown; known: " + model_names());
  EXPECT_EQ(refusal(""), "programming model '' is unknown; known: " + model_names());
  for (const char* name : {"ideal", "gaussian", "pcm-afm", "pcm-aihwkit"}) EXPECT_THAT(model_names(), HasSubstr(name));
  EXPECT_EQ(refusal("pcm-afm:gamma=0.1"), "programming model 'pcm-afm' has no parameter 'gamma'; it has none");
  EXPECT_EQ(refusal("gaussian:sigma=0.1"), "programming model 'gaussian' has no parameter 'sigma'; it has: gamma");
  EXPECT_EQ(refusal("gaussian:"), "programming model 'gaussian' has no parameter ''; it has: gamma");
  EXPECT_EQ(refusal("gaussian:gamma=0.1,gamma=0.2"), "programming model 'gaussian' has 'gamma' twice");
  for (const std::string value : {"", "x", "0.1x", " 0.1", "-0.1", "10.001", "nan", "inf", "1e999"}) {
    EXPECT_EQ(refusal("gaussian:gamma=" + value),
              "programming model 'gaussian' has gamma '" + value + "', must be 0..10 w_max");
  }
}

TEST(CellModels, EveryBuiltInChipNamesOneOfThem) {
  for (const std::string& name : arch::builtin_chips()) {
    EXPECT_EQ(refusal(arch::load_chip(name).noise), "accepted") << name;
  }
}

// A program's chip instance is a function of seed and model, so its cells may not change from one release to the next. The
// checksums are those of the portable loops when the models got streams of their own (pcm-afm and ideal: of the first
// implementation).
TEST(CellModels, CellsAreThoseThatWereRecorded) {
  struct Case {
    const char* noise;
    double seconds;
    std::uint32_t crc[4];  ///< full scales 32767, 127, 7 and one that no program stores
  };
  const Case cases[] = {
      {"ideal", 0, {0x0D3648D4, 0x28B22995, 0xFF132AB6, 0x2445B915}},
      {"gaussian:gamma=0.05", 0, {0x9FEB3B96, 0x9D868FAB, 0x7D8783F8, 0xD980CE4A}},
      {"pcm-afm", 0, {0x649E4DF6, 0x8A5004FA, 0x6E16C685, 0x53A9D81B}},
      {"pcm-afm", 86400, {0xE181425E, 0x268B860D, 0xAA05448D, 0x5AA48B0D}},
      {"pcm-aihwkit", 0, {0x4BFE8144, 0x7902C9BD, 0x409C1E72, 0xF1A21AF7}},
      {"pcm-aihwkit", 3600, {0x09B6CFBC, 0x43296590, 0xEEC46669, 0x8F2D80C6}},
      {"pcm-aihwkit", 86400.0 * 365, {0x0BA92C83, 0x3ECE3107, 0x98E24273, 0xEE180508}},
  };
  constexpr int kFullScales[4] = {32767, 127, 7, 100};
  constexpr int kRows = 4, kCols = 1000;
  for (const Case& c : cases) {
    const auto model = make_programming_model({c.noise, 42, 96, c.seconds});
    for (std::size_t scale = 0; scale < 4; ++scale) {
      const int full_scale = kFullScales[scale];
      std::vector<std::int8_t> all;
      for (int row = 0; row < kRows; ++row) {
        std::vector<std::int16_t> wide(kCols);
        for (int col = 0; col < kCols; ++col) {
          wide[static_cast<std::size_t>(col)] =
              static_cast<std::int16_t>((row * kCols + col) * 7919 % (2 * full_scale + 1) - full_scale);
        }
        std::vector<std::int8_t> cells(kCols);
        if (full_scale > 127) {
          model->program_row(5, static_cast<std::uint32_t>(row), 3, wide, full_scale, cells);
        } else {
          const std::vector<std::int8_t> narrow(wide.begin(), wide.end());
          model->program_row(5, static_cast<std::uint32_t>(row), 3, narrow, full_scale, cells);
        }
        all.insert(all.end(), cells.begin(), cells.end());
      }
      EXPECT_EQ(crc32(std::as_bytes(std::span(all))), c.crc[scale]) << c.noise << ' ' << c.seconds << ' ' << full_scale;
    }
  }
}

}  // namespace
}  // namespace xw::cells
