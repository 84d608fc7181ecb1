// `crossweave run --device systemc:chip` on a compiled tiny model: the tokens of every device in the time of
// `crossweave simulate`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {
namespace {

constexpr double kStaticWatt = 0.01;  // of tiny-64

class ChipRun : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("xw-chip-run-" + std::to_string(getpid()));
    program_ = folder_ / "tiny.xwp";
    const Outcome outcome =
        crossweave("compile " + write_tiny_model(folder_).string() + " --chip tiny-64 --lm-head analog " +
                   "--ranges fixed:2 --lambda 2 -o " + program_.string());
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] static Outcome run(const std::string& device, const std::string& more) {
    return crossweave("run " + program_.string() + " -p hello -n 4 --ignore-eos --noise pcm-afm --read-sigma 0.02 " +
                      "--y-checksum --device " + device + " " + more);
  }
  [[nodiscard]] static nlohmann::json run(const std::string& device) {
    const Outcome outcome = run(device, "--json");
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output);
  }
  static inline std::filesystem::path folder_, program_;
};

/// Time and energy (without static power) of the steps in tiles, by name.
using Steps = std::map<std::string, std::pair<double, double>>;
[[nodiscard]] Steps simulated_steps(const std::filesystem::path& program, const std::filesystem::path& csv) {
  const Outcome outcome = crossweave("simulate " + program.string() + " --csv " + csv.string());
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  Steps steps;
  std::ifstream file(csv);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line.substr(0, line.find(",input")), "step,name,kind,layer,time ns,energy pJ");
  while (std::getline(file, line)) {
    std::stringstream text(line);
    std::vector<std::string> fields;
    for (std::string field; std::getline(text, field, ',');) fields.push_back(field);
    if (fields.at(2) == "tiles") steps[fields.at(1)] = {std::stod(fields.at(4)), std::stod(fields.at(5))};
  }
  return steps;
}

TEST_F(ChipRun, HasTheTokensOfEveryDevice) {
  const nlohmann::json chip = run("systemc:chip");
  for (const char* device : {"functional", "systemc"}) {
    const nlohmann::json other = run(device);
    EXPECT_EQ(chip["tokens"], other["tokens"]) << device;
    EXPECT_FALSE(other.contains("chip"));
    for (const char* key : {"mvms", "macs", "adc_conversions", "adc_saturations", "y_crc32"}) {
      EXPECT_EQ(chip["device"][key], other["device"][key]) << device << ", " << key;
    }
  }
  EXPECT_GT(chip["device"]["adc_saturations"].get<int>(), 0);
}

TEST_F(ChipRun, HasTheTimeAndEnergyOfTheSimulatedCalls) {
  const Steps steps = simulated_steps(program_, folder_ / "steps.csv");
  ASSERT_EQ(steps.size(), 2U * 4 + 1);  // qkv, o, gate_up, down; the output layer
  double time = 0, energy = 0;
  for (const auto& [name, step] : steps) {
    time += step.first;
    energy += step.second;
  }
  for (const char* device : {"systemc:chip", "systemc:chip,timing-only"}) {
    const nlohmann::json chip = run(device)["chip"];
    const nlohmann::json& decode = chip["decode"];
    ASSERT_EQ(decode["tokens"], 3) << device;
    EXPECT_EQ(decode["chip_time"]["kind"], "simulated");
    EXPECT_EQ(decode["host_time"]["kind"], "measured");
    EXPECT_NEAR(decode["chip_time"]["value"].get<double>(), 3 * time, 1e-6 * time) << device;
    EXPECT_NEAR(decode["chip_energy"]["value"].get<double>(), 3 * (energy + kStaticWatt * time * 1e3), 1e-6 * energy);
    EXPECT_GT(decode["host_time"]["value"].get<double>(), 0);
    // Tokens of the prompt are on the chip together: not faster than one, not slower than one after another.
    const nlohmann::json& prefill = chip["prefill"];
    EXPECT_GE(prefill["chip_time"]["value"].get<double>(), time);
    EXPECT_LE(prefill["chip_time"]["value"].get<double>(), prefill["tokens"].get<double>() * time * (1 + 1e-9));
    double calls = 0, vectors = 0;
    for (const auto& call : chip["calls"]) {
      EXPECT_TRUE(steps.contains(call["name"])) << call["name"];
      calls += call["time_ns"].get<double>();
      vectors = std::max(vectors, call["vectors"].get<double>());
    }
    EXPECT_EQ(chip["calls"].size(), steps.size());
    EXPECT_NEAR(calls, prefill["chip_time"]["value"].get<double>() + decode["chip_time"]["value"].get<double>(),
                1e-6 * calls);
    EXPECT_EQ(vectors, prefill["tokens"].get<double>() + 3);
  }
}

TEST_F(ChipRun, QualityNeedsADeviceWithValues) {
  const std::filesystem::path text = folder_ / "text.txt";
  std::ofstream(text) << "abc abd abe the quick brown fox";
  const std::string evaluation = "eval " + program_.string() + " --text " + text.string() + " --context 8 --device ";
  EXPECT_EQ(crossweave(evaluation + "systemc").status, 0);
  const Outcome refused = crossweave(evaluation + "systemc:timing-only");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, testing::HasSubstr("the device simulates time only"));
}

TEST_F(ChipRun, StatisticsGiveTheTokenAsChipPlusHost) {
  const Outcome outcome = run("systemc:chip", "--stats");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.output,
              testing::ContainsRegex("decode +3 tokens: [0-9.]+ [mun]?s \\+ [0-9.]+ [mun]?s = [0-9.]+ [mun]?s per "
                                     "token; [0-9.]+ [mun]?J per token"));
  EXPECT_THAT(outcome.output, testing::HasSubstr("ns of the chip"));
  EXPECT_THAT(outcome.output, testing::HasSubstr("static power"));
  EXPECT_THAT(run("functional", "--stats").output, testing::Not(testing::HasSubstr("analog chip")));
  EXPECT_THAT(run("systemc:timing-only", "").output, testing::HasSubstr("the text means nothing"));
  EXPECT_THAT(run("systemc:chip,timing-only", "--stats").output, testing::HasSubstr("Y words: none"));
  const Outcome refused = run("systemc:chip=afm-512", "");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, testing::HasSubstr("expected tiles of 64x64"));
}

}  // namespace
}  // namespace xw::test
