// The simulated chip in `crossweave report`: the numbers of `crossweave simulate`, their kinds, shares and utilisation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/paths.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {
namespace {

using testing::HasSubstr;

class SimulatedReport : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("xw-simulated-report-" + std::to_string(getpid()));
    program_ = folder_ / "tiny.xwp";
    const Outcome outcome =
        crossweave("compile " + write_tiny_model(folder_).string() + " --chip tiny-64 --lm-head analog " +
                   "--ranges fixed:4 --lambda 8 -o " + program_.string());
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] static nlohmann::json json_of(const std::string& command, const std::string& options) {
    const Outcome outcome = crossweave(command + " " + program_.string() + " --json " + options);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output);
  }
  static inline std::filesystem::path folder_, program_;
};

[[nodiscard]] double sum(const nlohmann::json& numbers) {
  double total = 0;
  for (const auto& number : numbers) total += number.get<double>();
  return total;
}

/// Whether everything in `simulated` is in `reported`, equal; host time is measured anew.
void expect_in(const nlohmann::json& simulated, const nlohmann::json& reported) {
  for (const auto& [key, value] : simulated.items()) {
    if (key == "host_ms") continue;
    ASSERT_TRUE(reported.contains(key)) << key;
    if (value.is_object()) {
      expect_in(value, reported[key]);
    } else {
      EXPECT_EQ(value, reported[key]) << key;
    }
  }
}

TEST_F(SimulatedReport, HasTheNumbersOfSimulate) {
  const nlohmann::json chip = json_of("report", "--static --context 40 --prefill-tokens 9")["chip_simulation"];
  expect_in(json_of("simulate", "--position 39")["runs"][0], chip["decode"]);
  EXPECT_EQ(chip["decode"]["context"], 40);
  nlohmann::json prompt = json_of("simulate", "--prompt-tokens 9 --tokens 1")["runs"][0];
  const double total = prompt["total_ns"], energy = sum(prompt["energy_pj"]);
  prompt.erase("tokens_per_s");  // per generated token; the report has them per token of the prompt
  prompt.erase("energy_pj_per_token");
  expect_in(prompt, chip["prefill"]);
  EXPECT_EQ(chip["prefill"]["tokens"], 9);
  EXPECT_NEAR(chip["prefill"]["prompt_tokens_per_s"].get<double>(), 9e9 / total, 1e-6 * 9e9 / total);
  EXPECT_NEAR(chip["prefill"]["energy_pj_per_prompt_token"].get<double>(), energy / 9, 1e-9 * energy);
}

TEST_F(SimulatedReport, SharesAddUpToOneAndTheLargestComesFirst) {
  const Outcome outcome = crossweave("report " + program_.string() + " --static --json");
  const auto chip = nlohmann::ordered_json::parse(outcome.output)["chip_simulation"];
  for (const char* phase : {"decode", "prefill"}) {
    const auto& run = chip[phase];
    for (const char* what : {"critical_path", "energy"}) {
      const auto& shares = run[std::string(what) + "_shares"];
      const auto& parts = run[std::string(what) + (std::string(what) == "energy" ? "_pj" : "_ns")];
      ASSERT_EQ(shares.size(), parts.size());
      EXPECT_NEAR(sum(shares), 1, 1e-12) << phase << ", " << what;
      const double total = sum(parts);
      double before = 1;
      for (const auto& [component, share] : shares.items()) {
        EXPECT_NEAR(share.get<double>(), parts[component].get<double>() / total, 1e-12) << component;
        EXPECT_LE(share.get<double>(), before);
        before = share;
      }
    }
    EXPECT_EQ(run["critical_path_shares"].begin().key(), run["bottleneck"].get<std::string>());
    const double waiting = run["waiting_share"];
    EXPECT_GE(waiting, 0);
    EXPECT_LT(waiting, 1);
  }
}

TEST_F(SimulatedReport, UtilisationOfEveryTile) {
  const nlohmann::json report = json_of("report", "--static --prefill-tokens 20");
  for (const char* phase : {"decode", "prefill"}) {
    const nlohmann::json& busy = report["chip_simulation"][phase]["utilisation"];
    const nlohmann::json& tiles = busy["each_tile"];
    ASSERT_EQ(tiles.size(), report["tiles"].get<std::size_t>());
    EXPECT_NEAR(sum(tiles) / static_cast<double>(tiles.size()), busy["tiles_mean"].get<double>(), 1e-12);
    const auto most = std::max_element(tiles.begin(), tiles.end());
    EXPECT_EQ(*most, busy["tiles_largest"]);
    EXPECT_NEAR(tiles[busy["busiest_tile"].get<std::size_t>()].get<double>(), most->get<double>(), 1e-9);
    for (const auto& tile : tiles) {
      EXPECT_GT(tile.get<double>(), 0);
      EXPECT_LE(tile.get<double>(), 1);
    }
    EXPECT_FALSE(busy["busiest_tile_calls"].empty());
    EXPECT_FALSE(busy["each_input_link"].empty());
    EXPECT_FALSE(busy["each_output_link"].empty());
  }
  // Tokens of a prompt share the chip.
  EXPECT_GT(report["chip_simulation"]["prefill"]["utilisation"]["tiles_mean"],
            report["chip_simulation"]["decode"]["utilisation"]["tiles_mean"]);
}

TEST_F(SimulatedReport, EverySectionSaysItsKind) {
  const nlohmann::json report = json_of("report", "--prefill-tokens 4 --decode-tokens 1");
  EXPECT_EQ(report["chip_estimate"]["kind"], "modelled");
  EXPECT_EQ(report["chip_simulation"]["kind"], "simulated");
  EXPECT_EQ(report["chip_simulation"]["decode"]["kind"], "simulated");
  EXPECT_EQ(report["chip_simulation"]["decode"]["host_ms"]["kind"], "measured");
  EXPECT_EQ(report["chip_simulation"]["prefill"]["kind"], "simulated");
  EXPECT_EQ(report["run"]["kind"], "measured");
  const double ratio = report["chip_simulation"]["decode"]["total_ns"].get<double>() /
                       report["chip_estimate"]["decode"]["time"]["value"].get<double>();
  EXPECT_NEAR(report["chip_simulation"]["decode"]["time_to_static_estimate"].get<double>(), ratio, 1e-12);

  const Outcome text = crossweave("report " + program_.string() + " --prefill-tokens 4 --decode-tokens 1");
  for (const char* part : {"chip time modelled", "(modelled: static", "Chip (simulated:", "This machine (measured)",
                           "bound by", "critical path:", "TOPS/W", "busy: tiles", "static estimate (no contention)"}) {
    EXPECT_THAT(text.output, HasSubstr(part));
  }
}

TEST_F(SimulatedReport, CountsOfTheChipDeviceAreChipTime) {
  const std::string options = "--prefill-tokens 4 --decode-tokens 2 --device ";
  const nlohmann::json decode = json_of("report", options + "systemc:chip")["run"]["decode"];
  EXPECT_EQ(decode["chip_time"]["kind"], "simulated");
  EXPECT_EQ(decode["chip_time"]["unit"], "ns");
  double calls = 0;
  for (const auto& call : decode["calls"]) {
    EXPECT_FALSE(call.contains("cycles"));
    calls += call["chip_time"]["value"].get<double>();
  }
  EXPECT_GT(calls, 0);
  EXPECT_EQ(decode["chip_time"]["value"], calls);
  EXPECT_THAT(crossweave("report " + program_.string() + " " + options + "systemc:chip").output,
              HasSubstr("analog chip (simulated): "));

  const nlohmann::json emulator = json_of("report", options + "systemc")["run"]["decode"];
  EXPECT_FALSE(emulator.contains("chip_time"));
  EXPECT_EQ(emulator["activity"]["kind"], "simulated");
  EXPECT_EQ(emulator["activity"]["cycles_per_s"]["kind"], "measured");
  EXPECT_GT(emulator["calls"][0]["cycles"].get<std::uint64_t>(), 0U);
}

TEST_F(SimulatedReport, CompareHidesTheUnitsUnlessAsked) {
  const std::string file = (folder_ / "report.json").string();
  ASSERT_EQ(crossweave("report " + program_.string() + " --static --json=" + file).status, 0);
  const Outcome brief = crossweave("compare " + file + " " + file);
  EXPECT_THAT(brief.output, HasSubstr("chip_simulation.decode.tops_per_watt"));
  EXPECT_THAT(brief.output, testing::Not(HasSubstr("each_tile")));
  EXPECT_THAT(crossweave("compare " + file + " " + file + " --details").output, HasSubstr("utilisation.each_tile[0]"));
}

TEST_F(SimulatedReport, AChipWithoutConstantsSaysSo) {
  std::ifstream built_in(xw::test::source_dir() / "arch/chips/tiny-64.toml");
  std::string text{std::istreambuf_iterator<char>(built_in), {}};
  const auto begin = text.find("[chip.energy]");
  ASSERT_NE(begin, std::string::npos);
  const auto end = text.find("\n[", begin);
  text.erase(begin, end == std::string::npos ? end : end + 1 - begin);
  const std::filesystem::path chip = folder_ / "bare.toml", program = folder_ / "bare.xwp";
  std::ofstream(chip) << text;
  const Outcome compiled = crossweave("compile " + (folder_ / "model.bin").string() + " --chip " + chip.string() +
                                      " --ranges fixed:4 --lambda 8 -o " + program.string());
  ASSERT_EQ(compiled.status, 0) << compiled.output;
  const Outcome report = crossweave("report " + program.string() + " --static");
  EXPECT_EQ(report.status, 0);
  EXPECT_THAT(report.output, HasSubstr("Chip (simulated): none, "));
  EXPECT_THAT(report.output, HasSubstr("found no energy constants"));
  EXPECT_THAT(report.output, HasSubstr("has no timing and energy constants"));
  const nlohmann::json whole =
      nlohmann::json::parse(crossweave("report " + program.string() + " --static --json").output);
  EXPECT_FALSE(whole.contains("chip_estimate"));
  const nlohmann::json& json = whole["chip_simulation"];
  EXPECT_THAT(json["absent"].get<std::string>(), HasSubstr("found no energy constants"));
  EXPECT_FALSE(json.contains("decode"));
}

}  // namespace
}  // namespace xw::test
