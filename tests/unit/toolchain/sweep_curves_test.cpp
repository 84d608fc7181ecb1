// Curves of studies: means and intervals, what they are drawn over, what is refused.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/curves.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/expect_error.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;
using testing::DoubleNear;

Json record(const std::map<std::string, std::string>& point, double perplexity) {
  return {{"point", point},
          {"figures", {{"perplexity", perplexity}, {"mean_nll_nats", std::log(perplexity)}, {"task.acc", 0.5}}},
          {"seconds_measured", 2.0},
          {"worker", "host-" + point.at("chip-seed")}};
}

/// Two adaptations, three times, three chips: perplexity 10, 12, 17 by chip, one more for every time, ten times as much with "none".
SweepSource study() {
  SweepSource source;
  const char* times[] = {"30d", "2h", "0"};
  for (const char* adapt : {"none", "fold"})
    for (int time = 0; time < 3; ++time)
      for (int chip = 0; chip < 3; ++chip) {
        const double base = (chip == 0 ? 10 : chip == 1 ? 12 : 17) + (2 - time);
        source.records.push_back(
            record({{"model", "m"}, {"adapt", adapt}, {"time", times[time]}, {"chip-seed", std::to_string(chip)}},
                   adapt[0] == 'n' ? 10 * base : base));
      }
  source.points = 20;
  return source;
}

TEST(SweepCurves, MeansAndIntervalsAreThoseOfStudentsTables) {
  const Json json = curves(study(), {});
  EXPECT_EQ(json["x"]["option"], "time");
  EXPECT_EQ(json["x"]["values"], (Json{"0", "2h", "30d"}));
  EXPECT_EQ(json["x"]["numbers"], (Json{0.0, 7200.0, 2592000.0}));
  EXPECT_EQ(json["lines"]["option"], "adapt");
  EXPECT_EQ(json["over"], Json::array({"chip-seed"}));
  EXPECT_EQ(json["options"], (Json{{"model", "m"}}));
  EXPECT_EQ(json["points"], 20);
  EXPECT_EQ(json["shown"], 18);
  EXPECT_EQ(json["workers"], 3);
  EXPECT_EQ(json["seconds_measured"], 36.0);
  ASSERT_EQ(json["metrics"].size(), 2U);  // the perplexity stands for its logarithm
  const Json& perplexity = json["metrics"][0];
  EXPECT_EQ(perplexity["metric"], "perplexity");
  EXPECT_EQ(perplexity["curves"][0]["line"], "fold");
  const Json& first = perplexity["curves"][0]["points"][0];
  EXPECT_EQ(first["values"], (Json{10.0, 12.0, 17.0}));
  EXPECT_THAT(first["mean"].get<double>(), DoubleNear(13, 1e-12));
  EXPECT_THAT(first["std"].get<double>(), DoubleNear(std::sqrt(13.0), 1e-12));  // (9 + 1 + 16) / 2
  const double half = 4.302652729911275 * std::sqrt(13.0 / 3);                  // t of 97.5 % with 2 degrees of freedom
  EXPECT_THAT(first["low"].get<double>(), DoubleNear(13 - half, 1e-9));
  EXPECT_THAT(first["high"].get<double>(), DoubleNear(13 + half, 1e-9));
  EXPECT_THAT(perplexity["curves"][1]["points"][2]["mean"].get<double>(), DoubleNear(150, 1e-9));
}

TEST(SweepCurves, WhatIsDrawnCanBeChosen) {
  const Json json = curves(study(), {"chip-seed", "none", {"mean_nll_nats"}, {{"adapt", "fold"}, {"time", "0"}}});
  EXPECT_FALSE(json.contains("lines"));
  EXPECT_EQ(json["shown"], 3);
  ASSERT_EQ(json["metrics"].size(), 1U);
  const Json& points = json["metrics"][0]["curves"][0]["points"];
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[2]["values"], Json::array({std::log(17.0)}));
  EXPECT_FALSE(points[2].contains("low"));  // one value has no interval
  const Json swapped = curves(study(), {"adapt", "time", {}, {}});
  EXPECT_EQ(swapped["x"]["option"], "adapt");
  EXPECT_EQ(swapped["lines"]["option"], "time");
  EXPECT_EQ(curves(study(), {"", "", {}, {{"time", "0"}}})["x"]["option"], "adapt");  // seeds come last
}

TEST(SweepCurves, FailedPointsAreCountedAndOptionsThatOneDoesNotHaveAreNamed) {
  SweepSource source = study();
  source.records.push_back(
      {{"point", {{"model", "m"}, {"chip-seed", "0"}, {"time", "0"}}}, {"error", {{"message", "no"}}}});
  const Json json = curves(source, {});
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["errors"][0]["message"], "no");
  EXPECT_EQ(json["lines"]["values"], (Json{"fold", "none", "not given"}));
  EXPECT_TRUE(json["metrics"][0]["curves"][2]["points"].empty());
}

TEST(SweepCurves, RefusesWhatThereIsNot) {
  const auto refused = [](const CurveOptions& options, const std::string& message) {
    test::expect_error(ErrorCode::kInvalidArgument, message, [&] { static_cast<void>(curves(study(), options)); });
  };
  refused({"nose", "", {}, {}}, "x: expected an option of the points (adapt, chip-seed, model, time), found 'nose'");
  refused({"time", "time", {}, {}}, "lines: expected another option than 'time'");
  refused({"", "", {"acc"}, {}}, "metric: expected a figure of the points (perplexity, mean_nll_nats, task.acc)");
  refused({"", "", {}, {{"nose", "1"}}}, "where: no point has the option 'nose'");
  refused({"", "", {}, {{"time", "1d"}}}, "where: no point that is left has time=1d; there are 0, 2h, 30d");
  test::expect_error(ErrorCode::kInvalidArgument, "nothing has been measured",
                     [] { static_cast<void>(curves({}, {})); });
}

}  // namespace
}  // namespace xw::toolchain
