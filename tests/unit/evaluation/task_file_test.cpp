// Files of tasks: what is read, and what is refused.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/task_file.hpp"

#include <gtest/gtest.h>

#include "tests/support/expect_error.hpp"
#include "tests/support/shared_data.hpp"

namespace xw::evaluation {
namespace {

using Indices = std::vector<std::uint32_t>;
using xw::test::expect_error;

TaskItem item(const std::string& line) {
  Task task = parse_task(line, "f", "f");
  EXPECT_EQ(task.items.size(), 1U);
  return task.items.at(0);
}

TEST(TaskFile, ChoicesFollowTheContextBehindADelimiter) {
  const Task task = parse_task(
      "{\"query\": \"Q?\", \"choices\": [\"caf\\u00e9\", \"b\"], \"gold\": 1, \"more\": {}}\n\n \r\n"
      "{\"context\": \"C\", \"choices\": [\"x\", \"yy\", \"z\"], \"gold\": [0, 2], \"delimiter\": \"\\n\"}",
      "f.jsonl", "t");
  EXPECT_EQ(task.name, "t");
  EXPECT_EQ(task.kind, TaskKind::kChoice);
  EXPECT_TRUE(task.normalized);
  ASSERT_EQ(task.items.size(), 2U);
  EXPECT_EQ(task.items[0].requests, (std::vector<Request>{{"Q?", " caf\xC3\xA9"}, {"Q?", " b"}}));
  EXPECT_EQ(task.items[0].gold, Indices{1});
  EXPECT_EQ(task.items[0].characters, (Indices{4, 1}));
  EXPECT_EQ(task.items[0].bytes, (Indices{5, 1}));
  EXPECT_EQ(task.items[1].requests, (std::vector<Request>{{"C", "\nx"}, {"C", "\nyy"}, {"C", "\nz"}}));
  EXPECT_EQ(task.items[1].gold, (Indices{0, 2}));
  EXPECT_EQ(task.items[1].place, "f.jsonl:4");
}

TEST(TaskFile, ContextsMayBeTheChoices) {
  const TaskItem one = item(R"({"contexts": ["The a", "The b"], "continuation": "is.", "gold": 0})");
  EXPECT_EQ(one.requests, (std::vector<Request>{{"The a", " is."}, {"The b", " is."}}));
  EXPECT_TRUE(one.characters.empty()) << "nothing to divide by";
  EXPECT_EQ(item(R"({"context_options": ["The a", "The b"], "continuation": "is.", "gold": 0})"), one);
}

TEST(TaskFile, ContinuationsAndAnswers) {
  const Task last = parse_task(R"({"context": "a b", "continuation": "c"})", "f", "f");
  EXPECT_EQ(last.kind, TaskKind::kContinuation);
  EXPECT_EQ(last.items[0].requests, (std::vector<Request>{{"a b", " c"}}));
  const Task made = parse_task(R"({"context": "2+2=", "answers": ["4", "four"], "until": ["\n"], "max_tokens": 8,)"
                               R"( "filter": "flexible-extract", "ignore_case": true})",
                               "f", "f");
  EXPECT_EQ(made.kind, TaskKind::kGeneration);
  const GenerationRule& rule = made.items[0].generation;
  EXPECT_EQ(rule, (GenerationRule{{"\n"}, 8, AnswerFilter::kFlexibleExtract, true, false}));
  EXPECT_EQ(made.items[0].answers, (std::vector<std::string>{"4", "four"}));
  EXPECT_EQ(item(R"({"context": "?", "answer": "x", "aliases": ["y"]})").answers, (std::vector<std::string>{"x", "y"}));
}

TEST(TaskFile, ExportsOfSeveralVersionsSayTheSame) {
  const char* older =
      R"({"doc_id": 0, "doc": {}, "target": 1, "arguments": [["Q", " a"], ["Q", " bb"]],)"
      R"( "resps": [[[-1.5, false]], [[-2.5, true]]], "filtered_resps": [[-1.5, false], [-2.5, true]]})";
  const char* newer =
      R"({"doc_id": 0, "doc": {}, "target": "1", "arguments": {"gen_args_0": {"arg_0": "Q", "arg_1": " a"},)"
      R"( "gen_args_1": {"arg_0": "Q", "arg_1": " bb"}}, "filtered_resps": [["-1.5", "False"], ["-2.5", "True"]],)"
      R"( "filter": "none"})";
  const TaskItem one = item(newer);
  EXPECT_EQ(item(older), one);
  EXPECT_EQ(one.requests, (std::vector<Request>{{"Q", " a"}, {"Q", " bb"}}));
  EXPECT_EQ(one.gold, Indices{1});
  EXPECT_EQ(one.characters, (Indices{1, 2})) << "the delimiter is not part of a choice";
  EXPECT_EQ(one.recorded, (std::vector<double>{-1.5, -2.5}));
}

TEST(TaskFile, TargetsOfExportsAreIndicesOrTexts) {
  const auto gold = [](const std::string& target) {
    return item(R"({"arguments": [["Q", " a"], ["Q", " bb"], ["Q", " 7"]], "target": )" + target + "}").gold;
  };
  EXPECT_EQ(gold("\"bb\""), Indices{1});
  EXPECT_EQ(gold("[0, 1]"), (Indices{0, 1}));
  EXPECT_EQ(gold("\"[0, 2]\""), (Indices{0, 2}));
  expect_error(ErrorCode::kFormat, {"f:1: expected an index or the text of a choice", "found \"c\""},
               [&] { static_cast<void>(gold("\"c\"")); });
  expect_error(ErrorCode::kFormat, {"f:1: expected a \"target\" from 0 to 2", "found 7"},
               [&] { static_cast<void>(gold("\"7\"")); });
}

TEST(TaskFile, ExportedContextsGetTheirAnswerFromTheDocument) {
  const std::string line = R"({"arguments": [["The a", " is."], ["The b", " is."]], "target": "is.", "doc": )";
  EXPECT_EQ(item(line + R"({"answer": "2", "option1": "a"}})").gold, Indices{1});
  expect_error(ErrorCode::kFormat, "\"doc\".\"answer\"", [&] { static_cast<void>(item(line + "{}}")); });
}

TEST(TaskFile, ChoicesThatAreAskedWithoutContextAgainAreLeftOut) {
  const TaskItem one =
      item(R"({"arguments": [["Q", " a"], ["Q", " b"], ["", " a"], ["", " b"]], "target": 0, "metrics": ["acc"]})");
  EXPECT_EQ(one.requests.size(), 2U);
}

TEST(TaskFile, OfSeveralFiltersOfAnExportTheFirstCounts) {
  const auto line = [](const std::string& filter) {
    return R"({"arguments": {"gen_args_0": {"arg_0": "Q:", "arg_1": {"until": ["\n\n"], "max_gen_toks": 32,)"
           R"( "do_sample": false}}}, "target": "so #### 5", "filter": ")" +
           filter + "\"}\n";
  };
  const Task task = parse_task(line("strict-match") + line("strict-match") + line("flexible-extract"), "f", "f");
  ASSERT_EQ(task.items.size(), 2U);
  EXPECT_EQ(task.items[0].generation, (GenerationRule{{"\n\n"}, 32, AnswerFilter::kStrictMatch, true, false}));
  EXPECT_EQ(task.items[0].answers, std::vector<std::string>{"so #### 5"});
  expect_error(ErrorCode::kFormat, {"f:1", "strict-match", "found \"get-answer\""},
               [&] { static_cast<void>(parse_task(line("get-answer"), "f", "f")); });
}

TEST(TaskFile, OnlyTheFirstItemsIfAsked) {
  const std::string line = R"({"context": "a", "continuation": "b"})";
  const std::string text = line + "\n\n" + line + "\nnot read";
  EXPECT_EQ(parse_task(text, "f", "f", 2).items.size(), 2U);
  EXPECT_THROW(static_cast<void>(parse_task(text, "f", "f", 3)), Error);
}

TEST(TaskFile, NamesTheLineOfAMistake) {
  const auto expect = [](const std::string& text, const xw::test::Parts& parts) {
    expect_error(ErrorCode::kFormat, parts, [&] { static_cast<void>(parse_task(text, "f.jsonl", "f")); });
  };
  const std::string good = "{\"context\": \"a\", \"continuation\": \"b\"}\n";
  expect("", "f.jsonl: expected at least one item, found none");
  expect(good + "{\"context\": \"a\"", "f.jsonl:2: expected one JSON object, found no valid JSON");
  expect(good + good + "[1]", "f.jsonl:3: expected one JSON object, found a list of 1");
  expect("{\"x\": 1}", {"f.jsonl:1: expected a string \"context\"", "\"arguments\""});
  expect("{\"context\": \"a\"}", {"f.jsonl:1: expected \"choices\", a \"continuation\" or \"answers\""});
  expect("{\"context\": 3, \"continuation\": \"b\"}", "f.jsonl:1: expected a string \"context\", found 3");
  const auto choice = [](const std::string& members) { return "{\"context\": \"a\", " + members + "}"; };
  expect(choice("\"choices\": \"x\", \"gold\": 0"), "a list \"choices\" of strings, found \"x\"");
  expect(choice("\"choices\": [\"x\"], \"gold\": 0"), "from 2 to 1024 choices, found 1");
  expect(choice("\"choices\": [\"x\", 5], \"gold\": 0"), "a list \"choices\" of strings, found 5");
  expect(choice("\"choices\": [\"x\", \"\"], \"gold\": 0"), "choices with a text, found nothing in choice 1");
  expect(choice("\"choices\": [\"x\", \"y\"]"), "the right choice as \"gold\", found none");
  expect(choice("\"choices\": [\"x\", \"y\"], \"gold\": 2"), "a \"gold\" from 0 to 1 or a list of some, found 2");
  expect(choice("\"choices\": [\"x\", \"y\"], \"gold\": -1"), "found -1");
  expect(choice("\"choices\": [\"x\", \"y\"], \"gold\": []"), "found a list of 0");
  expect(choice("\"choices\": [\"x\", \"y\"], \"gold\": 0") + "\n" + good,
         "f.jsonl:2: expected a choice like the lines before, found a continuation");
  expect(choice("\"choices\": [\"x\", \"y\"], \"gold\": 0") +
             "\n{\"contexts\": [\"x\", \"y\"], \"continuation\": \"z\", \"gold\": 0}",
         "f.jsonl:2: expected a choice like the lines before, found a choice of another form");
  expect(choice("\"answers\": [\"x\"], \"max_tokens\": 0"), "a number \"max_tokens\" from 1 to 65536, found 0");
  expect(choice("\"answers\": [\"x\"], \"filter\": \"regex\""), {"a filter none, strip", "found \"regex\""});
  expect(choice("\"answers\": [\"x\"], \"ignore_case\": 1"), "true or false for \"ignore_case\", found 1");
  expect("{\"arguments\": [], \"target\": 0}", "pairs of a context and what follows it, found a list of 0");
  expect("{\"arguments\": {\"gen_args_1\": {}}, \"target\": 0}", "the key \"gen_args_0\"");
  expect("{\"arguments\": [[\"a\"]], \"target\": 0}", "pairs of a context");
  expect("{\"arguments\": [[\"a\", 5]], \"target\": 0}", "a continuation in \"arguments\", found 5");
  expect("{\"arguments\": [[\"a\", \"b\"], [\"a\", \"c\"]]}", "the right choice as \"target\"");
  expect("{\"arguments\": [[\"a\", {\"do_sample\": true}]], \"target\": \"x\"}", "\"do_sample\" false");
  expect_error(ErrorCode::kFileNotFound, "absent.jsonl", [] { static_cast<void>(read_task("absent.jsonl")); });
}

TEST(TaskFile, LongValuesAreShortInMessages) {
  const std::string line = "{\"context\": [\"" + std::string(1000, 'x') + "\"], \"continuation\": \"b\"}";
  try {
    static_cast<void>(
        parse_task("{\"arguments\": \"" + std::string(39, 'y') + std::string(1000, '\xC3') + "\"}", "f", "f"));
  } catch (const Error& error) {
    EXPECT_LT(std::string(error.what()).size(), 300U);
  }
  expect_error(ErrorCode::kFormat, "found a list of 1", [&] { static_cast<void>(parse_task(line, "f", "f")); });
}

TEST(TaskFile, IsNamedAfterItsFile) {
  EXPECT_EQ(task_name("data/arc_easy.jsonl"), "arc_easy");
  EXPECT_EQ(task_name("samples_arc_easy_2026-01-31T12-00-00.123456.jsonl"), "arc_easy");
  EXPECT_EQ(task_name("samples_mmlu_2026.jsonl"), "mmlu_2026");
  EXPECT_EQ(task_name("samples_x.jsonl"), "x");
}

TEST(TaskFile, IdentityKnowsEverythingThatDecidesAResult) {
  const auto identity_of = [](const std::string& line) { return identity(parse_task(line, "f", "f")); };
  const std::string choice = R"({"context": "a", "choices": ["x", "y"], "gold": 0})";
  EXPECT_EQ(identity_of(choice), identity_of(choice));
  EXPECT_NE(identity_of(choice), identity_of(R"({"context": "a", "choices": ["x", "y"], "gold": 1})"));
  EXPECT_NE(identity_of(choice), identity_of(R"({"context": "a", "choices": ["x", "z"], "gold": 0})"));
  EXPECT_NE(identity_of(choice), identity_of(choice + "\n" + choice));
  EXPECT_NE(identity_of(R"({"context": "a", "answers": ["x"]})"),
            identity_of(R"({"context": "a", "answers": ["x"], "max_tokens": 3})"));
}

TEST(TaskFile, ReadsThePublishedSets) {
  const auto lambada = xw::test::shared_path("data/eval/lambada_openai.jsonl");
  const auto arc = xw::test::shared_path("data/eval/arc_easy.jsonl");
  if (!lambada || !arc) GTEST_SKIP() << "needs data/eval beside the project";
  const Task words = read_task(*lambada);
  ASSERT_EQ(words.items.size(), 5153U);
  EXPECT_EQ(words.items[0].requests[0].continuation, " signs");
  const Task questions = read_task(*arc);
  ASSERT_EQ(questions.items.size(), 2376U);
  EXPECT_EQ(questions.name, "arc_easy");
  EXPECT_EQ(questions.items[1].requests[1].continuation, " breathing mask");
}

}  // namespace
}  // namespace xw::evaluation
