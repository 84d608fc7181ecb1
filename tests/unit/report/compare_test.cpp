// Two reports side by side, without the command.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "arch/support/error.hpp"

namespace xw::report {
namespace {

[[nodiscard]] std::string report_with(const std::string& parts) {
  return R"({"report": "made", )" + parts + "}";
}

[[nodiscard]] std::string error_of(const std::string& first, const std::string& second) {
  try {
    static_cast<void>(compare(first, "a.json", second, "b.json"));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Compare, NumbersOfBothOfOneAndOfTheOther) {
  const Comparison comparison = compare(report_with(R"("x": 2, "only a": 1, "time": {"value": 4, "unit": "ns"})"), "a",
                                        report_with(R"("time": {"value": 6, "unit": "ns"}, "x": 3, "only b": 7)"), "b");
  const nlohmann::ordered_json rows = to_json(comparison)["values"];
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[1], (nlohmann::ordered_json{
                         {"path", "x"}, {"first", 2.0}, {"second", 3.0}, {"difference", 1.0}, {"ratio", 1.5}}));
  EXPECT_EQ(rows[2], (nlohmann::ordered_json{{"path", "only a"}, {"first", 1.0}}));
  EXPECT_EQ(rows[3]["path"], "time");
  EXPECT_EQ(rows[3]["unit"], "ns");
  EXPECT_EQ(rows[4], (nlohmann::ordered_json{{"path", "only b"}, {"second", 7.0}}));
}

TEST(Compare, PlacesOfOneNameStayApart) {
  const std::string report = report_with(
      R"("calls": [{"name": "q", "t": 1}, {"name": "q", "t": 2}, {"name": "q", "t": 3}], "a.b": 4, "a": {"b": 5})");
  const Comparison comparison = compare(report, "a", report, "b");
  std::vector<std::string> paths;
  for (const ComparedValue& value : comparison.values) {
    EXPECT_TRUE(value.equal()) << value.path;
    paths.push_back(value.path);
  }
  EXPECT_THAT(paths, testing::ElementsAre("report", "calls[q].name", "calls[q].t", "calls[q].name#2", "calls[q].t#2",
                                          "calls[q].name#3", "calls[q].t#3", "a.b", "a.b#2"));
}

TEST(Compare, WhatIsNoReportIsRefused) {
  const std::string good = report_with(R"("x": 1)");
  EXPECT_THAT(error_of("", good), testing::HasSubstr("a.json: expected a JSON report, found no valid JSON"));
  EXPECT_THAT(error_of(good, "{\"a\": 1}"), testing::HasSubstr("b.json: expected a report of a program"));
  EXPECT_THAT(error_of(good, "{\"report\": 1}"), testing::HasSubstr("without the key 'report'"));
  EXPECT_THAT(error_of("\"\xff\"", good), testing::HasSubstr("no valid JSON"));
  EXPECT_THAT(error_of(R"({"report": "other"})", good), testing::HasSubstr("'other' in a.json and 'made' in b.json"));
  EXPECT_THAT(
      error_of(report_with(R"("x": {"value": 1, "unit": "ns"})"), report_with(R"("x": {"value": 1, "unit": "us"})")),
      testing::HasSubstr("x: expected one unit, found 'ns' in a.json and 'us' in b.json"));
  const std::string deep = report_with("\"x\": " + std::string(100, '[') + "1" + std::string(100, ']'));
  EXPECT_THAT(error_of(deep, good), testing::HasSubstr("a.json: expected at most 64 levels"));
}

}  // namespace
}  // namespace xw::report
