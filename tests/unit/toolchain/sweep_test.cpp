// Studies: reading, running, going on, merging.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/sweep.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <set>

#include "arch/support/file.hpp"
#include "host/toolchain/sweep/source.hpp"
#include "host/toolchain/sweep/sqlite.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::SizeIs;

class Sweep : public test::CompiledModel {
 protected:
  Sweep()
      : results_(folder_ / ("results-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    write_text_file(folder_ / "text.txt", "abcabcab cab abc bca cab abc abca bcab cabc abcab");
  }
  /// `rest`: tables after what is measured.
  [[nodiscard]] Study study(const std::string& rest) const {
    return parse_study("[measure]\ntext = \"text.txt\"\ntokens = 20\ncontext = 64\n" + rest, folder_ / "study.toml");
  }
  [[nodiscard]] Study grid() const {
    return study("[options]\nmodel = \"" + checkpoint_.filename().string() +
                 "\"\nchip = \"tiny-64\"\ncalibration-tokens = 64\nnoise = \"pcm-hermes\"\n"
                 "[grid]\nchip-seed = \"3..4\"\ntime = [0, \"1d\"]\nweights = [\"analog\", \"w8\"]\n");
  }
  [[nodiscard]] SweepOptions options(Shard shard = {}) const { return {results_, shard, 1, nullptr, nullptr}; }
  /// Perplexities by point.
  [[nodiscard]] std::map<StudyPoint, double> figures(const Study& study) const {
    std::map<StudyPoint, double> found;
    for (const auto& record : merged(study, measure_of(study), read_records(results_)))
      found[record["point"].get<StudyPoint>()] = record["figures"]["perplexity"];
    return found;
  }
  fs::path results_;
};

TEST_F(Sweep, AGridIsEveryCombinationAndTimesOfAChipStandTogether) {
  const Study all = grid();
  ASSERT_THAT(all.points, SizeIs(8));
  EXPECT_THAT(std::set(all.points.begin(), all.points.end()), SizeIs(8));
  EXPECT_THAT(all.chip, ElementsAre(0, 0, 1, 1, 2, 2, 3, 3));
  for (std::size_t i = 0; i < 8; i += 2) {
    EXPECT_EQ(all.points[i].at("time"), "0");
    EXPECT_EQ(all.points[i + 1].at("time"), "1d");
    EXPECT_EQ(all.points[i].at("chip-seed"), all.points[i + 1].at("chip-seed"));
  }
  const Study listed = study(
      "[options]\nmodel = \"m\"\n[[points]]\nchip-seed = 2\n[[points]]\nchip-seed = 1\n[[points]]\nchip-seed = 2\n");
  ASSERT_THAT(listed.points, SizeIs(2));
  EXPECT_EQ(listed.points[0].at("chip-seed"), "1");
}

TEST_F(Sweep, PointsHaveTheFiguresOfAnEvaluation) {
  const Study all = grid();
  const SweepProgress progress = run_sweep(all, options());
  EXPECT_EQ(progress.done, 8U);
  EXPECT_EQ(progress.failed, 0U);
  const std::map<StudyPoint, double> found = figures(all);
  ASSERT_THAT(found, SizeIs(8));
  EvaluationPlan plan = all.plan;
  plan.text = read_text_file(folder_ / "text.txt");
  for (const auto& [point, perplexity] : found) {  // each in a model of its own, opened at its age
    RunOptions run;
    CompileOptions compile = options_;
    compile.weights = program::weight_mode_from(point.at("weights"));
    run.mode = Mode::kAnalog;
    run.chip.noise = "pcm-hermes";
    run.chip.chip_seed = point.at("chip-seed") == "3" ? 3 : 4;
    run.chip.seconds = point.at("time") == "0" ? 0 : 86400;
    OpenedModel opened(checkpoint_, run, compile, 1);
    EXPECT_EQ(perplexity, evaluate(opened, plan, {run.chip.chip_seed, 1}, {}).perplexity->mean);
  }
  std::size_t programs = 0;
  for (const auto& entry : fs::directory_iterator(results_ / "programs"))
    programs += entry.path().extension() == ".xwp" ? 1U : 0U;
  EXPECT_EQ(programs, 2U);  // one for each kind of weights
}

TEST_F(Sweep, ChipsWithoutDriftAreWhatTheyWereAtAllTimes) {
  const Study all = study("[options]\nmodel = \"" + checkpoint_.filename().string() +
                          "\"\nchip = \"tiny-64\"\ncalibration-tokens = 64\nread-sigma = 0.05\n"
                          "[grid]\nnoise = [\"ideal\", \"pcm-hermes\"]\ntime = [0, \"1d\"]\n");
  EXPECT_EQ(run_sweep(all, options()).failed, 0U);
  std::map<std::string, std::map<std::string, double>> found;
  for (const auto& [point, perplexity] : figures(all)) found[point.at("noise")][point.at("time")] = perplexity;
  EXPECT_EQ(found["ideal"]["1d"], found["ideal"]["0"]);
  EXPECT_NE(found["pcm-hermes"]["1d"], found["pcm-hermes"]["0"]);
}

TEST_F(Sweep, ShardsShareTheWorkAndGiveWhatOneGives) {
  const Study all = grid();
  const SweepProgress a = run_sweep(all, options({0, 3})), b = run_sweep(all, options({1, 3})),
                      c = run_sweep(all, options({2, 3}));
  EXPECT_EQ(a.points + b.points + c.points, 8U);
  EXPECT_GT(b.points, 0U);
  const std::map<StudyPoint, double> shared = figures(all);
  EXPECT_THAT(shared, SizeIs(8));
  fs::remove_all(results_);
  run_sweep(all, options());
  EXPECT_EQ(figures(all), shared);
}

TEST_F(Sweep, GoesOnAfterAnInterruptAndATornLine) {
  const Study all = grid();
  SweepOptions stops = options();
  stops.on_progress = [](const SweepProgress& now) {
    if (now.done == 3) throw Error(ErrorCode::kInterrupted, "interrupted");
  };
  test::expect_error(ErrorCode::kInterrupted, "interrupted", [&] { run_sweep(all, stops); });
  EXPECT_EQ(count_records(results_), 3U);
  // A worker that was killed while it wrote its second line.
  std::string kept;
  for (const auto& entry : fs::directory_iterator(results_)) {
    if (entry.path().extension() != ".jsonl") continue;
    kept = read_text_file(entry.path());
    fs::remove(entry.path());
  }
  const std::size_t first = kept.find('\n') + 1;
  write_text_file(results_ / "killed-1-0.jsonl", kept.substr(0, first + 25));
  const SweepProgress progress = run_sweep(all, options());
  EXPECT_EQ(progress.kept, 1U);
  EXPECT_EQ(progress.done, 8U);
  EXPECT_THAT(figures(all), SizeIs(8));
  EXPECT_EQ(count_records(results_), 8U);  // no point twice
  EXPECT_EQ(run_sweep(all, options()).kept, 8U);
}

TEST_F(Sweep, APointThatCannotBeIsRecordedAndTheOthersGoOn) {
  const Study all = study(
      "[options]\nmodel = \"" + checkpoint_.filename().string() +
      "\"\nchip = \"tiny-64\"\ncalibration-tokens = 64\nmode = \"analog\"\n[grid]\nnoise = [\"ideal\", \"loud\"]\n");
  const SweepProgress progress = run_sweep(all, options());
  EXPECT_EQ(progress.done, 2U);
  EXPECT_EQ(progress.failed, 1U);
  const auto records = merged(all, measure_of(all), read_records(results_));
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_FALSE(records[0].contains("error"));
  EXPECT_THAT(records[1]["error"]["message"].get<std::string>(), testing::HasSubstr("loud"));
  const std::string csv = to_csv(records);
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "calibration-tokens,chip,mode,model,noise,perplexity,mean_nll_nats,tokens,error");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_EQ(run_sweep(all, options()).kept, 1U);  // what failed is tried again
}

TEST_F(Sweep, OtherTextsAreOtherMeasurements) {
  const Study one =
      study("[options]\nmodel = \"" + checkpoint_.filename().string() + "\"\nmode = \"fp32\"\n[[points]]\n");
  run_sweep(one, options());
  EXPECT_EQ(run_sweep(one, options()).kept, 1U);
  write_text_file(folder_ / "text.txt", "cab abc bca cab abc abca bcab cabc abcab");
  EXPECT_EQ(run_sweep(one, options()).kept, 0U);
  EXPECT_THAT(merged(one, measure_of(one), read_records(results_)), SizeIs(1));
}

TEST_F(Sweep, AFunctionMeasuresPointsWithOptionsOfItsOwn) {
  const Study all =
      parse_study("[measure]\nfunction = \"squares\"\n[options]\nkind = \"even\"\n[grid]\nside = [4, 6, 8]\n",
                  folder_ / "function.toml");
  ASSERT_THAT(all.points, SizeIs(3));
  EXPECT_THAT(all.chip, ElementsAre(0, 1, 2));
  std::size_t calls = 0;
  SweepOptions options = this->options();
  options.function = [&](const StudyPoint& point) -> nlohmann::ordered_json {
    ++calls;
    EXPECT_EQ(point.at("kind"), "even");
    const int side = std::stoi(point.at("side"));
    if (side == 6) return {{"error", {{"kind", "Six"}, {"message", "no sixes"}}}};
    return {{"figures", {{"area", side * side}}}};
  };
  EXPECT_EQ(run_sweep(all, options).failed, 1U);
  const auto records = merged(all, measure_of(all), read_records(results_));
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0]["figures"]["area"], 16);
  EXPECT_EQ(records[1]["error"]["message"], "no sixes");
  EXPECT_EQ(run_sweep(all, options).kept, 2U);
  EXPECT_EQ(calls, 4U);
  test::expect_error(ErrorCode::kInvalidArgument, "'squares' is a function of a program",
                     [&] { run_sweep(all, this->options()); });
  options.folder = results_ / "other";
  test::expect_error(ErrorCode::kInvalidArgument, "expected function", [&] { run_sweep(grid(), options); });
}

TEST_F(Sweep, ResultsAreReadByStudyFolderAndTable) {
  const Study all = grid();
  run_sweep(all, options());
  write_text_file(folder_ / "study.toml",
                  "[measure]\ntext = \"text.txt\"\ntokens = 20\ncontext = 64\n[options]\nmodel = \"" +
                      checkpoint_.filename().string() +
                      "\"\nchip = \"tiny-64\"\ncalibration-tokens = 64\nnoise = \"pcm-hermes\"\n"
                      "[grid]\nchip-seed = \"3..4\"\ntime = [0, \"1d\"]\nweights = [\"analog\", \"w8\"]\n");
  const SweepSource by_study = read_source(folder_ / "study.toml", results_), by_folder = read_source(results_, {});
  EXPECT_EQ(by_study.points, 8U);
  EXPECT_THAT(by_folder.records, testing::UnorderedElementsAreArray(by_study.records));
  const fs::path table = folder_ / "table.sqlite";
  write_text_file(table, to_sqlite(by_study.records));
  const SweepSource by_table = read_source(table, {});
  ASSERT_THAT(by_table.records, SizeIs(8));
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(by_table.records[i]["point"], by_study.records[i]["point"]);
    EXPECT_EQ(by_table.records[i]["figures"]["perplexity"], by_study.records[i]["figures"]["perplexity"]);
  }
  // Records of another text in the same folder: whose figures are meant, the study says.
  write_text_file(folder_ / "text.txt", "cab abc bca cab abc abca bcab cabc abcab");
  run_sweep(all, options());
  EXPECT_THAT(read_source(folder_ / "study.toml", results_).records, SizeIs(8));
  test::expect_error(ErrorCode::kInvalidArgument, "several measurements",
                     [&] { static_cast<void>(read_source(results_, {})); });
  write_text_file(table, std::string("SQLite format 3\0 and nothing", 28));
  test::expect_error(ErrorCode::kFormat, "table.sqlite: expected a table 'points'",
                     [&] { static_cast<void>(read_source(table, {})); });
}

TEST_F(Sweep, RefusesWhatIsNoStudy) {
  const auto refused = [&](ErrorCode code, const std::string& toml, const std::string& message) {
    test::expect_error(code, message, [&] { static_cast<void>(parse_study(toml, "s.toml")); });
  };
  const std::string measure = "[measure]\ntext = \"t\"\n";
  refused(ErrorCode::kFormat, "[measure\n", "s.toml");
  refused(ErrorCode::kFormat, "", "s.toml: measure: expected a table");
  refused(ErrorCode::kFormat, "[measure]\ntokens = 3\n", "text, tasks or both");
  refused(ErrorCode::kFormat, "[measure]\nfunction = \"f\"\ntext = \"t\"\n", "nothing beside function");
  refused(ErrorCode::kFormat, measure + "[mesure]\n", "mesure");
  refused(ErrorCode::kFormat, measure, "at least one point");
  refused(ErrorCode::kFormat, measure + "[grid]\nchip-seed = [1]\n", "a model for every point");
  refused(ErrorCode::kFormat, "[measure]\ntext = \"t\"\ntokens = -1\n", "measure.tokens");
  refused(ErrorCode::kFormat, measure + "[grid]\nnoise = [true]\n", "grid.noise: expected a text or a number");
  refused(ErrorCode::kInvalidArgument, measure + "[grid]\nmodel = \"m\"\nnose = [\"x\"]\n",
          "s.toml: grid.nose: nose: there is no such option");
  refused(ErrorCode::kInvalidArgument, measure + "[grid]\nmodel = \"m\"\ntime = [\"soon\"]\n",
          "grid.time: time: expected seconds");
  refused(ErrorCode::kFormat, measure + "[grid]\nmodel = \"m\"\nchip-seed = \"0..2000000\"\n", "at most a million");
  for (const char* shard : {"3", "3/3", "/2", "1/", "-1/2", "1/2x"})
    test::expect_error(ErrorCode::kInvalidArgument, "INDEX/COUNT", [&] { static_cast<void>(parse_shard(shard)); });
  EXPECT_EQ(parse_shard("3/8").index, 3U);
  write_text_file(folder_ / "damaged.jsonl", "{\"point\": 3}\n");
  test::expect_error(ErrorCode::kFormat, "damaged.jsonl:1", [&] { static_cast<void>(read_records(folder_)); });
  fs::remove(folder_ / "damaged.jsonl");
}

}  // namespace
}  // namespace xw::toolchain
