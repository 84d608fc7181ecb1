// `crossweave simulate` on a compiled tiny model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {
namespace {

struct Outcome {
  int status = 0;
  std::string output;  ///< of both streams
};
[[nodiscard]] Outcome crossweave(const std::string& arguments) {
  FILE* pipe = popen((std::string(XW_CROSSWEAVE) + " " + arguments + " 2>&1").c_str(), "r");
  Outcome outcome;
  std::array<char, 4096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.output.append(buffer.data(), count);
  }
  outcome.status = pclose(pipe) >> 8;
  return outcome;
}

class Simulate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("xw-simulate-" + std::to_string(getpid()));
    const std::filesystem::path model = write_tiny_model(folder_);
    program_ = folder_ / "tiny.xwp";
    const Outcome outcome =
        crossweave("compile " + model.string() + " --chip tiny-64 --lm-head analog --ranges fixed:4 " +
                   "--lambda 8 -o " + program_.string());
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] static nlohmann::json simulate(const std::string& options) {
    const Outcome outcome = crossweave("simulate " + program_.string() + " --json " + options);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output);
  }
  static inline std::filesystem::path folder_, program_;
};

[[nodiscard]] double sum(const nlohmann::json& object) {
  double total = 0;
  for (const auto& value : object) total += value.get<double>();
  return total;
}

TEST_F(Simulate, TokenIsCompleteAndAttributed) {
  const nlohmann::json run = simulate("--position 20")["runs"][0];
  EXPECT_EQ(run["kind"], "simulated");
  EXPECT_NEAR(sum(run["critical_path_ns"]), run["total_ns"].get<double>(), 1e-3);
  // All weights once: 2 layers of q, k, v, o, gate, up, down, and the output layer.
  constexpr std::uint64_t kLayer = 96 * (96 + 48 + 48) + 96 * 96 + 96 * 160 * 2 + 160 * 96;
  EXPECT_EQ(run["cell_macs"], 2 * kLayer + 96 * 300);
  EXPECT_EQ(run["layers"].size(), 3U);
  double layers = 0;
  for (const auto& layer : run["layers"]) layers += sum(layer["energy_pj"]);
  EXPECT_NEAR(layers + run["energy_pj"]["static power"].get<double>(), sum(run["energy_pj"]), 1e-3);
}

TEST_F(Simulate, AttentionGrowsInTheSweep) {
  const nlohmann::json runs = simulate("--sweep 64")["runs"];
  ASSERT_EQ(runs.size(), 7U);
  for (std::size_t i = 1; i < runs.size(); ++i) {
    EXPECT_GT(runs[i]["attention_ns"].get<double>(), runs[i - 1]["attention_ns"].get<double>());
    EXPECT_GT(runs[i]["total_ns"].get<double>(), runs[i - 1]["total_ns"].get<double>());
  }
}

TEST_F(Simulate, SequencesShareTheChip) {
  const nlohmann::json one = simulate("--tokens 2")["runs"][0];
  const nlohmann::json four = simulate("--tokens 2 --sequences 4")["runs"][0];
  EXPECT_EQ(four["cell_macs"].get<std::uint64_t>(), 4 * one["cell_macs"].get<std::uint64_t>());
  EXPECT_LT(four["total_ns"].get<double>(), 4 * one["total_ns"].get<double>());
  EXPECT_GE(four["total_ns"].get<double>(), one["total_ns"].get<double>());
}

TEST_F(Simulate, TextNamesWhatIsShown) {
  const Outcome outcome = crossweave("simulate " + program_.string() + " --prompt-tokens 3 --tokens 2 --layers");
  EXPECT_EQ(outcome.status, 0);
  for (const char* word : {"tokens/s", "TOPS/W", "output converters", "static power", "measured", "most time in"}) {
    EXPECT_THAT(outcome.output, testing::HasSubstr(word));
  }
}

TEST_F(Simulate, WrongUseIsRefused) {
  EXPECT_THAT(crossweave("simulate").output, testing::HasSubstr("no program given"));
  EXPECT_EQ(crossweave("simulate").status, 2);
  const Outcome other = crossweave("simulate " + program_.string() + " --chip afm-512");
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.output, testing::HasSubstr("tiles of 512x512, the program was mapped to tiles of 64x64"));
  EXPECT_THAT(crossweave("simulate " + program_.string() + " --tokens 0").output, testing::HasSubstr("0 tokens"));
}

}  // namespace
}  // namespace xw::test
