// Samples that lm-evaluation-harness made: their metrics come out of their log-likelihoods and texts as it computed them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "host/evaluation/score.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/evaluation/task_result.hpp"
#include "tests/support/paths.hpp"

namespace xw::evaluation {
namespace {

using Json = nlohmann::json;

std::filesystem::path fixture(const std::string& name) {
  return xw::test::source_dir() / "tests/fixtures/evaluation" /
         ("samples_" + name + "_2026-11-26T23-04-44.643301.jsonl");
}

std::vector<Json> lines_of(const std::string& name) {
  std::ifstream file(fixture(name));
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  return lines;
}

class HarnessSamples : public testing::TestWithParam<const char*> {};

TEST_P(HarnessSamples, HaveTheMetricsOfTheirLogLikelihoods) {
  const std::vector<Json> lines = lines_of(GetParam());
  const Task task = read_task(fixture(GetParam()));
  EXPECT_EQ(task.name, GetParam());
  ASSERT_EQ(task.items.size(), lines.size());
  std::vector<ItemResult> results;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(task.items[i].recorded.size(), task.items[i].requests.size());
    const bool is_greedy = lines[i]["filtered_resps"][0][1] == "True";
    results.push_back({task.items[i].recorded, is_greedy && task.kind == TaskKind::kContinuation, "", {}});
  }
  std::size_t compared = 0;
  for (const Metric& metric : metrics(task, results)) {
    const std::string key = metric.name == "log_likelihood" ? "perplexity" : metric.name;  // its name for them per item
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!lines[i].contains(key)) continue;  // not a metric of this task
      EXPECT_EQ(metric.values[i], lines[i][key].get<double>()) << metric.name << ", item " << i;
      ++compared;
    }
  }
  EXPECT_GE(compared, lines.size());
}

INSTANTIATE_TEST_SUITE_P(Tasks, HarnessSamples,
                         testing::Values("arc_own", "boolq_small", "hella", "lambada_own", "piqa_small", "wino"));

TEST(HarnessGeneration, FiltersAndComparesAlike) {
  const std::vector<Json> lines = lines_of("gsm");
  const Task task = read_task(fixture("gsm"));
  ASSERT_EQ(task.items.size() * 2, lines.size()) << "two filters";
  for (const Json& line : lines) {
    const TaskItem& item = task.items[line["doc_id"].get<std::size_t>()];
    GenerationRule rule = item.generation;
    EXPECT_EQ(rule.until, line["arguments"]["gen_args_0"]["arg_1"]["until"].get<std::vector<std::string>>());
    rule.filter = line["filter"] == "strict-match" ? AnswerFilter::kStrictMatch : AnswerFilter::kFlexibleExtract;
    const std::string answer = filtered_answer(line["resps"][0][0], rule.filter);
    EXPECT_EQ(answer, line["filtered_resps"][0].get<std::string>());
    EXPECT_EQ(is_answer(answer, item.answers, rule), line["exact_match"] == 1.0);
  }
}

}  // namespace
}  // namespace xw::evaluation
