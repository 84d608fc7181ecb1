// Two evaluations side by side.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/comparison.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/expect_error.hpp"

namespace xw::evaluation {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using xw::test::expect_error;

/// An evaluation of two chips with a text of two windows and a task of three items.
Json evaluation(double shift, std::vector<int> right) {
  Json json = {
      {"report", "crossweave evaluation"},
      {"version", 1},
      {"run", "analog"},
      {"settings", {{"text", "crc"}, {"tokens", 0}, {"context", 512}, {"tasks", {{"arc", "crc32 1, 3 items"}}}}},
      {"runs", Json::array()}};
  for (int chip = 0; chip < 2; ++chip) {
    json["runs"].push_back(
        {{"chip_seed", chip},
         {"perplexity", {{"per_window", {{"tokens", {4, 6}}, {"nll_nats", {4 + shift, 12 + shift}}}}}},
         {"tasks", {{"arc", {{"per_item", {{"log_likelihoods", {{-1, -2}, {-1, -2}, {-1, -2}}}, {"acc", right}}}}}}}});
  }
  return json;
}

EvaluationComparison compare(const Json& a, const Json& b) {
  return compare_evaluations(a.dump(), "a.json", b.dump(), "b.json");
}

TEST(CompareEvaluations, PairsWindowsAndItems) {
  const EvaluationComparison both = compare(evaluation(0, {1, 0, 0}), evaluation(1, {1, 1, 0}));
  ASSERT_EQ(both.metrics.size(), 2U);
  const ComparedMetric& text = both.metrics[0];
  EXPECT_EQ(text.task, "perplexity");
  EXPECT_EQ(text.metric, "mean_nll_nats");
  EXPECT_EQ(text.items, 2U);
  EXPECT_DOUBLE_EQ(text.result.first_mean, 1.6);
  EXPECT_DOUBLE_EQ(text.result.second_mean, 1.8);
  const ComparedMetric& arc = both.metrics[1];
  EXPECT_EQ(arc.metric, "acc") << "log-likelihoods of choices are no metric";
  EXPECT_DOUBLE_EQ(arc.result.difference, 1.0 / 3);
  EXPECT_EQ(arc.result.gained, 1U);
  EXPECT_EQ(arc.first_runs, 2U);
  const Json json = to_json(both);
  EXPECT_EQ(json["report"], "crossweave comparison of evaluations");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["metrics"][0]["windows"], 2);
  EXPECT_NEAR(json["metrics"][0]["perplexity_ratio"].get<double>(), std::exp(0.2), 1e-12);
  EXPECT_EQ(json["metrics"][1]["items"], 3);
  EXPECT_EQ(json["metrics"][1]["chips_test"], "paired t");
  const std::string table = to_text(both);
  EXPECT_THAT(table, HasSubstr("+0.3333"));
  EXPECT_THAT(table, HasSubstr("1/0 of 3 items"));
}

TEST(CompareEvaluations, TellsWhatOnlyOneHas) {
  Json less = evaluation(0, {1, 0, 0}), other = evaluation(0, {1, 0, 0});
  less["settings"].erase("text");
  other["settings"]["tasks"]["piqa"] = "crc32 2, 1 items";
  const EvaluationComparison both = compare(less, other);
  EXPECT_EQ(both.metrics.size(), 1U);
  EXPECT_EQ(both.only_one, (std::vector<std::string>{"perplexity", "piqa"}));
  less["settings"].erase("tasks");
  expect_error(ErrorCode::kInvalidArgument, "a text or task that both have",
               [&] { static_cast<void>(compare(less, other)); });
}

TEST(CompareEvaluations, RefusesOtherItemsOfTheSameName) {
  Json other = evaluation(0, {1, 0, 0});
  other["settings"]["tasks"]["arc"] = "crc32 7, 3 items";
  expect_error(ErrorCode::kInvalidArgument, {"task arc: expected the same items", "crc32 7, 3 items", "b.json"}, [&] {
    static_cast<void>(compare(evaluation(0, {1, 0, 0}), other));
  });
  other = evaluation(0, {1, 0, 0});
  other["settings"]["context"] = 256;
  expect_error(ErrorCode::kInvalidArgument, {"perplexity: expected the same text", "context 512", "256"}, [&] {
    static_cast<void>(compare(evaluation(0, {1, 0, 0}), other));
  });
  other = evaluation(0, {1, 0, 0});
  other["runs"][1]["perplexity"]["per_window"]["tokens"] = {5, 5};
  expect_error(ErrorCode::kInvalidArgument, "the same tokens per window", [&] {
    static_cast<void>(compare(evaluation(0, {1, 0, 0}), other));
  });
}

TEST(CompareEvaluations, DamageIsNamed) {
  const Json good = evaluation(0, {1, 0, 0});
  const auto refused = [&](const Json& bad, const std::string& part) {
    expect_error(ErrorCode::kFormat, {"b.json: expected", part}, [&] { static_cast<void>(compare(good, bad)); });
  };
  refused(5, "an evaluation of `crossweave eval --json`");
  Json bad = good;
  bad["version"] = 2;
  refused(bad, "version 1");
  bad = good;
  bad["runs"] = Json::array();
  refused(bad, "at least one finished run");
  bad = good;
  bad["runs"][0].erase("chip_seed");
  refused(bad, "chip_seed");
  bad = good;
  bad["runs"][1]["tasks"]["arc"].erase("per_item");
  refused(bad, "per_item");
  bad = good;
  bad["runs"][1]["tasks"]["arc"]["per_item"]["acc"] = {1, "x", 0};
  refused(bad, "a list \"acc\" of numbers");
  bad = good;
  bad["runs"][0]["perplexity"]["per_window"]["nll_nats"] = Json::array();
  refused(bad, "a list \"nll_nats\" of numbers");
}

TEST(CompareEvaluations, KnowsAnEvaluation) {
  EXPECT_TRUE(is_evaluation(R"({"report": "crossweave evaluation"})"));
  EXPECT_FALSE(is_evaluation(R"({"report": "crossweave simulation"})"));
  EXPECT_FALSE(is_evaluation("[]"));
  EXPECT_FALSE(is_evaluation("not JSON"));
}

}  // namespace
}  // namespace xw::evaluation
