// What is finished is kept, what was made differently is refused.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <numeric>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace xw::evaluation {
namespace {

using ::testing::HasSubstr;
using Json = Journal::Json;

class JournalTest : public ::testing::Test {
 protected:
  [[nodiscard]] Json read() const { return Json::parse(read_text_file(path_)); }
  [[nodiscard]] std::string refusal(const Json& settings, const std::vector<std::uint32_t>& seeds) const {
    try {
      const Journal journal(path_, {}, settings, seeds);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "";
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "results.json";
  const Json settings_ = {{"program", "crc32 12345678"}, {"tokens", 100}};
  const std::vector<std::uint32_t> seeds_ = {0, 1, 2};
};

TEST_F(JournalTest, ASecondCallFindsWhatTheFirstFinished) {
  {
    Journal journal(path_, {{"model", "m.xwp"}}, settings_, seeds_);
    EXPECT_EQ(journal.find(0), nullptr);
    journal.add(0, {{"chip_seed", 0}, {"x", 1.5}});
    EXPECT_EQ(read()["runs"].size(), 1U) << "the first result is written at once";
    journal.add(1, {{"chip_seed", 1}, {"x", 2.5}});
  }  // as after Ctrl-C
  EXPECT_EQ(read()["complete"], false);
  Journal journal(path_, {{"model", "m.xwp"}}, settings_, seeds_);
  EXPECT_EQ(journal.size(), 2U);
  ASSERT_NE(journal.find(1), nullptr);
  EXPECT_EQ((*journal.find(1))["x"], 2.5);
  EXPECT_EQ(journal.find(2), nullptr);
  journal.add(2, {{"chip_seed", 2}, {"x", 3.5}});
  const Json whole = journal.finish({{"mean", 2.5}});
  EXPECT_EQ(read(), whole);
  EXPECT_EQ(whole["complete"], true);
  EXPECT_EQ(whole["model"], "m.xwp");
  EXPECT_EQ(whole["mean"], 2.5);
  EXPECT_EQ(whole["runs"].size(), 3U);
}

TEST_F(JournalTest, MoreSeedsMayBeAskedForLater) {
  {
    Journal journal(path_, {}, settings_, seeds_);
    journal.add(2, {{"chip_seed", 2}});
    (void)journal.finish({});
  }
  const Journal more(path_, {}, settings_, std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  EXPECT_NE(more.find(2), nullptr);
}

TEST_F(JournalTest, OtherSettingsAreRefusedByName) {
  {
    Journal journal(path_, {}, settings_, seeds_);
    journal.add(2, {{"chip_seed", 2}});
  }
  EXPECT_THAT(refusal({{"program", "crc32 12345678"}, {"tokens", 200}}, seeds_),
              HasSubstr("tokens was 100 and is 200"));
  EXPECT_THAT(refusal({{"program", "crc32 0"}, {"tokens", 100}}, seeds_),
              HasSubstr("program was 'crc32 12345678' and is 'crc32 0'"));
  EXPECT_THAT(refusal({{"program", "crc32 12345678"}}, seeds_), HasSubstr("tokens was 100 and is absent"));
  EXPECT_THAT(refusal({{"program", "crc32 12345678"}, {"tokens", 100}, {"noise", "x"}}, seeds_),
              HasSubstr("noise was absent and is 'x'"));
  EXPECT_THAT(refusal(settings_, {0, 1}), HasSubstr("holds a result of chip seed 2, which is not asked for"));
  EXPECT_EQ(refusal(settings_, seeds_), "");
}

TEST_F(JournalTest, DamagedRunsAreRefused) {
  for (const char* runs : {"5", "[5]", "[{}]", "[{\"chip_seed\": -1}]", "[{\"chip_seed\": 1}, {\"chip_seed\": 1}]",
                           "[{\"chip_seed\": 4294967296}]"}) {
    write_text_file(path_, "{\"settings\": " + settings_.dump() + ", \"runs\": " + runs + "}");
    EXPECT_THROW(Journal(path_, {}, settings_, seeds_), Error) << runs;
  }
}

TEST_F(JournalTest, RunsWithoutTheirFiguresAreDamaged) {
  const auto open = [&](const std::string& members) {
    write_text_file(path_, "{\"settings\": " + settings_.dump() + ", \"runs\": [{\"chip_seed\": 0, \"y\": {\"b\": 1}," +
                               " \"x\": {\"a\": 2.5}}, {\"chip_seed\": 1" + members + "}]}");
    return Journal(path_, {}, settings_, seeds_, {{"x", "a"}, {"y", "b"}}).size();
  };
  EXPECT_EQ(open(", \"x\": {\"a\": 1}, \"y\": {\"b\": 0}"), 2U);
  for (const char* members :
       {"", ", \"x\": {\"a\": 1}", ", \"x\": {\"a\": 1}, \"y\": null", ", \"x\": {\"a\": 1}, \"y\": {}",
        ", \"x\": {\"a\": 1}, \"y\": [1]", ", \"x\": {\"a\": 1}, \"y\": 5", ", \"x\": {\"a\": 1}, \"y\": {\"b\": null}",
        ", \"x\": {\"a\": \"1\"}, \"y\": {\"b\": 1}", ", \"x\": {\"a\": true}, \"y\": {\"b\": 1}"}) {
    SCOPED_TRACE(members);
    xw::test::expect_error(ErrorCode::kFormat, {"results.json: runs: run 1 is damaged", "x.a", "y.b"},
                           [&] { (void)open(members); });
  }
}

TEST_F(JournalTest, WhatIsBegunIsKeptUntilItIsFinished) {
  {
    Journal journal(path_, {}, settings_, seeds_);
    journal.add(0, {{"chip_seed", 0}});
    EXPECT_FALSE(journal.due()) << "not twice in a second";
    journal.keep(1, {{"x", {1, 2}}});
  }  // as after Ctrl-C
  EXPECT_EQ(read()["unfinished"], (Json{{"x", {1, 2}}, {"chip_seed", 1}}));
  Journal journal(path_, {}, settings_, seeds_);
  EXPECT_EQ(journal.find_unfinished(0), nullptr);
  ASSERT_NE(journal.find_unfinished(1), nullptr);
  EXPECT_EQ((*journal.find_unfinished(1))["x"], (std::vector<int>{1, 2}));
  EXPECT_EQ(journal.size(), 1U) << "it is no run";
  journal.add(1, {{"chip_seed", 1}});
  EXPECT_EQ(journal.find_unfinished(1), nullptr);
  EXPECT_FALSE(read().contains("unfinished"));
}

TEST_F(JournalTest, DamagedBeginningsAreRefused) {
  for (const char* rest : {"5", "{}", "{\"chip_seed\": \"1\"}", "[1]"}) {
    write_text_file(path_, "{\"settings\": " + settings_.dump() + ", \"runs\": [], \"unfinished\": " + rest + "}");
    xw::test::expect_error(ErrorCode::kFormat, {"results.json: \"unfinished\" is damaged"},
                           [&] { const Journal journal(path_, {}, settings_, seeds_); });
  }
}

TEST(JournalText, ListsOfNumbersTakeOneLine) {
  const Json json = {{"a", {{"list", {1, 2.5, 3}}, {"rows", {{1, 2}, {3, 4}}}, {"empty", Json::object()}}},
                     {"objects", {{{"b", "c"}}}}};
  EXPECT_EQ(Journal::text(json), R"({
  "a": {
    "list": [1,2.5,3],
    "rows": [[1,2],[3,4]],
    "empty": {}
  },
  "objects": [
    {
      "b": "c"
    }
  ]
})");
  EXPECT_EQ(Json::parse(Journal::text(json)), json);
}

TEST_F(JournalTest, SettingsInsideOthersAreNamedToo) {
  const Json settings = {{"tasks", {{"arc", "crc 1"}, {"piqa", "crc 2"}}}};
  {
    Journal journal(path_, {}, settings, seeds_);
    journal.add(0, {{"chip_seed", 0}});
  }
  EXPECT_THAT(refusal({{"tasks", {{"arc", "crc 1"}, {"piqa", "crc 3"}}}}, seeds_),
              HasSubstr("tasks.piqa was 'crc 2' and is 'crc 3'"));
  EXPECT_THAT(refusal({{"tasks", {{"arc", "crc 1"}}}}, seeds_), HasSubstr("tasks.piqa was 'crc 2' and is absent"));
  EXPECT_EQ(refusal(settings, seeds_), "");
}

TEST_F(JournalTest, ManyRunsAreReadInTimeThatGrowsWithTheirNumber) {
  std::vector<std::uint32_t> seeds(200'000);
  std::iota(seeds.begin(), seeds.end(), 7U);
  std::string runs;
  for (const std::uint32_t seed : seeds)
    runs += (runs.empty() ? "" : ",") + ("{\"chip_seed\":" + std::to_string(seed)) + "}";
  write_text_file(path_, "{\"settings\": " + settings_.dump() + ", \"runs\": [" + runs + "]}");
  const std::clock_t start = std::clock();
  EXPECT_EQ(Journal(path_, {}, settings_, seeds).size(), seeds.size());
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 10);
}

TEST_F(JournalTest, AnotherDocumentIsReplacedOnlyByResults) {
  write_text_file(path_, "{\"report\": 1}\n");
  {
    const Journal journal(path_, {}, settings_, seeds_);
    EXPECT_EQ(journal.size(), 0U);
  }
  EXPECT_EQ(read_text_file(path_), "{\"report\": 1}\n");
}

TEST_F(JournalTest, SettingsWithNamesThatAreNotUtf8AreTheSameSettings) {
  const Json settings = {{"model", "caf\xE9.xwp"}};
  {
    Journal journal(path_, {}, settings, seeds_);
    journal.add(0, {{"chip_seed", 0}});
  }
  EXPECT_EQ(refusal(settings, seeds_), "");
}

TEST_F(JournalTest, WithoutAFileNothingIsWritten) {
  for (const char* name : {"", "-"}) {
    Journal journal(name, {}, settings_, seeds_);
    journal.add(0, {{"chip_seed", 0}});
    EXPECT_EQ(journal.finish({})["runs"].size(), 1U);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace xw::evaluation
