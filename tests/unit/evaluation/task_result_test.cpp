// Metrics of given results, and results as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/task_result.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "host/evaluation/task_file.hpp"
#include "tests/support/expect_error.hpp"

namespace xw::evaluation {
namespace {

using Json = nlohmann::ordered_json;
using xw::test::expect_error;

/// Choices of 2 code points and 6 bytes, and of 4 of each.
Task choices() {
  const std::string line = R"({"context": "Q", "choices": ["\u65e5\u672c", "abcd"], "gold": 0})";
  return parse_task(line + "\n" + line + "\n" + line + "\n", "f", "choices");
}

ItemResult item(double first, double second) {
  return {{first, second}, false, "", {}};
}

TEST(Metrics, DivideByCodePointsOrBytes) {
  // 1: the first is likeliest at once. 2: only per byte, -3 / 6 > -2.8 / 4. 3: not even so; per code point never.
  const auto all = metrics(choices(), {item(-1, -9), item(-3, -2.8), item(-9, -1)});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].name, "acc");
  EXPECT_EQ(all[0].values, (std::vector<double>{1, 0, 0}));
  EXPECT_DOUBLE_EQ(all[0].mean, 1.0 / 3);
  EXPECT_NEAR(all[0].standard_error, std::sqrt((4.0 / 9 + 1.0 / 9 + 1.0 / 9) / 2 / 3), 1e-15);
  EXPECT_EQ(all[1].name, "acc_norm");
  EXPECT_EQ(all[1].values, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(all[2].name, "acc_bytes");
  EXPECT_EQ(all[2].values, (std::vector<double>{1, 1, 0}));
}

TEST(Metrics, OfEqualChoicesTheFirstIsTaken) {
  EXPECT_EQ(metrics(choices(), {item(-2, -2)})[0].mean, 1);
}

TEST(Metrics, AnyOfSeveralRightOnesCounts) {
  const Task task = parse_task(R"({"context": "Q", "choices": ["a", "b", "c"], "gold": [0, 2]})", "f", "t");
  EXPECT_EQ(metrics(task, {{{-3, -2, -1}, false, "", {}}})[0].mean, 1);
  EXPECT_EQ(metrics(task, {{{-3, -1, -2}, false, "", {}}})[0].mean, 0);
}

TEST(Metrics, ContextsHaveNoLengths) {
  const Task task = parse_task(R"({"contexts": ["a", "b"], "continuation": "c", "gold": 1})", "f", "t");
  const auto all = metrics(task, {item(-2, -1)});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].name, "acc");
  EXPECT_STREQ(main_metric(task), "acc");
  EXPECT_STREQ(main_metric(choices()), "acc_norm");
}

TEST(TaskResultJson, ComesBack) {
  const Task words = parse_task(R"({"context": "a", "continuation": "b"})"
                                "\n"
                                R"({"context": "a", "continuation": "c"})",
                                "f", "words");
  const Task made = parse_task(R"({"context": "a", "answers": ["b"]})", "f", "made");
  const std::vector<std::pair<Task, TaskResult>> samples = {
      {choices(), {{item(-1.25, -9), item(-3, -1e-17)}, 17, 2.5}},
      {words, {{{{-0.5}, true, "", {}}, {{-1.5}, false, "", {}}}, 4, 1}},
      {made, {{{{}, false, "b \"quoted\"", {}}}, 9, 1}},
      {choices(), {}}};
  for (const auto& [task, result] : samples) {
    for (const Json& json : {to_json(task, result), kept_json(task, result)}) {
      const TaskResult back = parse_task_result(task, Json::parse(json.dump()), "here");
      EXPECT_EQ(back.items, result.items);
      EXPECT_EQ(back.tokens, result.tokens);
      EXPECT_EQ(back.seconds, result.seconds);
    }
  }
  const Json json = to_json(words, samples[1].second);
  EXPECT_EQ(json["kind"], "continuation");
  EXPECT_EQ(json["acc"], 0.5);
  EXPECT_NEAR(json["perplexity"].get<double>(), std::exp(1.0), 1e-12);
  EXPECT_NEAR(json["perplexity_stderr"].get<double>(), std::exp(1.0) * 0.5, 1e-12);
  EXPECT_EQ(json["per_item"]["log_likelihood"], (std::vector<double>{-0.5, -1.5}));
}

TEST(TaskResultJson, DamageIsNamed) {
  const Task task = choices();
  const Json good = to_json(task, {{item(-1, -2), item(-3, -4)}, 17, 2.5});
  const auto refused = [&](const Json& json) {
    expect_error(ErrorCode::kFormat, {"here: tasks.choices is damaged", "remove this one"},
                 [&] { static_cast<void>(parse_task_result(task, json, "here")); });
  };
  refused(nullptr);
  refused(Json::array());
  refused({{"per_item", 5}});
  for (const Json& values : {Json(5), Json({5}), Json::array({{1}}), Json::array({{1, "2"}}),
                             Json::array({{1, nullptr}}), Json::array({{1, 2}, {1, 2}, {1, 2}, {1, 2}})}) {
    Json json = good;
    json["per_item"]["log_likelihoods"] = values;
    refused(json);
  }
  Json json = good;
  json["seconds_measured"] = "x";
  refused(json);
}

TEST(TaskResultText, SaysTheMetricsAndTheDistanceFromTheFile) {
  Task task = choices();
  EXPECT_EQ(to_text(task, {{item(-1, -9), item(-3, -2.8), item(-9, -1)}, 17, 2.5}),
            "choices: acc 0.3333 +- 0.3333, acc_norm 0.3333 +- 0.3333, acc_bytes 0.6667 +- 0.3333 (3 items, 2.5 s)");
  task.items[0].recorded = {-1.5, -9};
  const Json json = to_json(task, {{item(-1, -9)}, 0, 0});
  EXPECT_EQ(json["recorded"]["max_difference_nats"], 0.5);
  EXPECT_EQ(json["recorded"]["mean_difference_nats"], 0.25);
}

TEST(TaskResultText, APerplexityBeyondAllNumbersIsAnError) {
  const Task task = parse_task(R"({"context": "a", "continuation": "b"})", "f", "t");
  expect_error(ErrorCode::kNotFinite, "beyond the largest number", [&] {
    static_cast<void>(to_json(task, {{{{-800}, false, "", {}}}, 0, 0}));
  });
  EXPECT_NO_THROW(static_cast<void>(kept_json(task, {{{{-800}, false, "", {}}}, 0, 0})));
}

}  // namespace
}  // namespace xw::evaluation
