// Token shards and data sets: what is written is read back, damage is found, a killed writer goes on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/data/data_set.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::finetune {
namespace {

namespace fs = std::filesystem;

class DataSetTest : public testing::Test {
 protected:
  DataSetTest() : folder_(fs::temp_directory_path() / ("xw-data-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
  }
  ~DataSetTest() override { fs::remove_all(folder_); }

  static DataPlan plan(std::uint32_t vocabulary = 1000) {
    DataPlan plan;
    plan.origin = {{"seed", 1}};
    plan.vocab_size = vocabulary;
    plan.length = 7;
    plan.shard_sequences = 3;
    plan.sequences = 8;
    return plan;
  }
  /// Token t of sequence s, by a formula.
  static std::int32_t token(std::uint64_t s, std::uint32_t t, std::uint32_t vocabulary) {
    return static_cast<std::int32_t>((s * 7919 + t * 104729 + 5) % vocabulary);
  }
  static MakeShard maker(const DataPlan& plan) {
    return [plan](const ShardTask& task) {
      std::vector<std::int32_t> tokens;
      for (std::uint64_t s = task.first; s < task.first + task.count; ++s) {
        for (std::uint32_t t = 0; t < plan.length; ++t) tokens.push_back(token(s, t, plan.vocab_size));
      }
      return tokens;
    };
  }
  void expect_whole(const DataPlan& plan) const {
    const DataSet data(folder_);
    ASSERT_EQ(data.sequences(), plan.sequences);
    std::vector<std::int32_t> sequence(plan.length);
    for (std::uint64_t s = 0; s < plan.sequences; ++s) {
      data.read(s, 0, sequence);
      for (std::uint32_t t = 0; t < plan.length; ++t) EXPECT_EQ(sequence[t], token(s, t, plan.vocab_size));
    }
  }
  static void overwrite(const fs::path& path, std::streamoff offset, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << bytes;
  }

  fs::path folder_;
};

TEST_F(DataSetTest, IsReadAsItWasWrittenWithNarrowAndWideIds) {
  for (const std::uint32_t vocabulary : {1000U, 65536U, 70000U}) {
    fs::remove_all(folder_);
    const DataSummary summary = write_data(folder_, plan(vocabulary), maker(plan(vocabulary)));
    EXPECT_EQ(summary.tokens, 56U);
    EXPECT_EQ(summary.made, 56U);
    EXPECT_EQ(fs::file_size(folder_ / "shard-000002.xwt"), 64U + 2 * 7 * (vocabulary <= 65536 ? 2 : 4));
    expect_whole(plan(vocabulary));
  }
}

TEST_F(DataSetTest, GoesOnWhereItsWriterEnded) {
  // It ends in the second shard: one is there.
  int calls = 0;
  const MakeShard dies = [&](const ShardTask& task) {
    if (++calls == 2) throw Error(ErrorCode::kInterrupted, "killed");
    return maker(plan())(task);
  };
  EXPECT_THROW(static_cast<void>(write_data(folder_, plan(), dies)), Error);
  EXPECT_EQ(DataSet(folder_).sequences(), 3U) << "finished shards are data already";
  const DataSummary rest = write_data(folder_, plan(), maker(plan()));
  EXPECT_EQ(rest.made, 35U);
  expect_whole(plan());
  // A shard without its line in the manifest, as a kill between both leaves it.
  fs::remove(folder_ / kManifestName);
  const DataSummary again = write_data(folder_, plan(), maker(plan()));
  EXPECT_EQ(again.made, 0U);
  expect_whole(plan());
}

TEST_F(DataSetTest, OtherSettingsAreRefusedByName) {
  static_cast<void>(write_data(folder_, plan(), maker(plan())));
  DataPlan other = plan();
  other.origin["seed"] = 2;
  test::expect_error(ErrorCode::kInvalidArgument, {"origin.seed 1", "this would be 2"},
                     [&] { static_cast<void>(write_data(folder_, other, maker(other))); });
  expect_whole(plan());
}

TEST_F(DataSetTest, DamageIsFound) {
  const auto fresh = [&] {
    fs::remove_all(folder_);
    static_cast<void>(write_data(folder_, plan(), maker(plan())));
    return folder_ / "shard-000001.xwt";
  };
  const auto expect_damage = [&](const test::Parts& parts) {
    test::expect_error(ErrorCode::kFormat, parts, [&] { const DataSet data(folder_); });
  };
  overwrite(fresh(), 70, "\x2a");
  expect_damage({"shard-000001.xwt", "checksum"});
  overwrite(fresh(), 0, "NOSHARD!");
  expect_damage({"shard-000001.xwt", "XWTOKENS"});
  overwrite(fresh(), 8, "\x02");
  expect_damage({"version 1", "2"});
  overwrite(fresh(), 20, "\xff\xff\xff\x7f");  // length: 2^31 tokens
  expect_damage({"sequences of 1 to"});
  overwrite(fresh(), 24, "\xff\xff\xff");  // sequences
  expect_damage({"bytes"});
  fs::resize_file(fresh(), 80);
  expect_damage({"80"});
  fs::resize_file(fresh(), 30);
  expect_damage({"XWTOKENS"});
  fresh();
  std::ofstream(folder_ / kManifestName) << "{";
  expect_damage({"manifest.json"});
  fresh();
  std::ofstream(folder_ / kManifestName)
      << R"({"format":"crossweave token shards","version":1,"settings":{"vocab_size":1000,"length":99999999,"shard_sequences":3,"sequences":8},"shards":[]})";
  expect_damage({"length", "99999999"});
}

TEST_F(DataSetTest, RandomBytesNeverReadOutside) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  fs::create_directories(folder_);
  const fs::path path = folder_ / "shard";
  for (int round = 0; round < 300; ++round) {
    static_cast<void>(write_shard(path, {0, 100, 5, 4, 0}, std::vector<std::int32_t>(20, 99)));
    for (int change = 0; change < 3; ++change)
      overwrite(path, static_cast<std::streamoff>(8 + random() % 32), std::string(1, static_cast<char>(random())));
    try {
      const TokenShard shard(path);
      std::vector<std::int32_t> tokens(shard.header().length);
      for (std::uint32_t s = 0; s < shard.header().sequences; ++s) shard.read(s, 0, tokens);
      for (const std::int32_t id : tokens) EXPECT_LT(static_cast<std::uint32_t>(id), shard.header().vocab_size);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kFormat) << error.what();
    }
  }
}

TEST_F(DataSetTest, PlacesOutsideAreRefused) {
  static_cast<void>(write_data(folder_, plan(), maker(plan())));
  const DataSet data(folder_);
  std::vector<std::int32_t> tokens(7);
  EXPECT_THROW(data.read(8, 0, tokens), Error);
  EXPECT_THROW(data.read(0, 1, tokens), Error);
  EXPECT_NO_THROW(data.read(7, 1, std::span(tokens).first(6)));
}

}  // namespace
}  // namespace xw::finetune
