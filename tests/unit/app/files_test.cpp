// Files as users name them: any path, no output that destroys something, long work that is kept.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

using test::crossweave;
using test::Outcome;
using test::shell;

/// A word for the shell, whatever its bytes.
std::string quoted(const std::string& word) {
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}
std::string quoted(const fs::path& path) {
  return quoted(path.string());
}

bool has_control_characters(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20 && c != '\n') || c == 0x7F; });
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("xw-files-" + std::to_string(::getpid()) + "-" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    model_ = test::write_tiny_model(folder_);
    program_ = folder_ / "model.xwp";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void compile() const {
    const Outcome outcome =
        crossweave("compile " + quoted(model_) + " --chip tiny-64 --ranges fixed:3 --lambda 8 -o " + quoted(program_));
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  [[nodiscard]] std::string text() const {
    const fs::path path = folder_ / "text";
    std::ofstream(path) << "a bad cab fed a dead bee; a cab fed a bad bee; a dead bee fed a cab";
    return path.string();
  }

  fs::path folder_, model_, program_;
};

TEST_F(Files, PathsOfAnyBytesWorkInEveryOptionAndPosition) {
  const std::string text_file = text();
  for (const std::string& name : {std::string("a b"), std::string("a\nb"), std::string("caf\xE9"),
                                  std::string("gr\u00fc\u00df"), std::string("it's \"$HOME\""), std::string("-dash")}) {
    SCOPED_TRACE(name);
    const fs::path inner = folder_ / name;
    model_ = test::write_tiny_model(inner);
    fs::rename(model_, inner / (name + ".bin"));
    model_ = inner / (name + ".bin");
    program_ = inner / (name + ".xwp");
    const fs::path chip = inner / (name + ".toml");
    fs::copy_file(test::source_dir() / "arch/chips/tiny-64.toml", chip);
    const fs::path words = inner / (name + ".txt"), report = inner / (name + ".json"), csv = inner / (name + ".csv");
    fs::copy_file(text_file, words);
    const std::string tokenizer = quoted(inner / "tokenizer.bin");
    const Outcome compiled =
        crossweave("compile " + quoted(model_) + " --chip " + quoted(chip) + " --calibration-text " + quoted(words) +
                   " --tokenizer " + tokenizer + " -o " + quoted(program_) + " --json=" + quoted(report));
    ASSERT_EQ(compiled.status, 0) << compiled.output;
    EXPECT_TRUE(nlohmann::json::accept(read_text_file(report)));
    const Outcome run = crossweave("run " + quoted(program_) + " -p abc -n 1 --json=" + quoted(report));
    EXPECT_EQ(run.status, 0) << run.output;
    EXPECT_TRUE(nlohmann::json::accept(read_text_file(report)));
    const fs::path results = inner / (name + " results.json");
    const Outcome eval =
        crossweave("eval --text " + quoted(words) + " --context 8 " + quoted(program_) + " --json=" + quoted(results));
    EXPECT_EQ(eval.status, 0) << eval.output;
    const Outcome again =
        crossweave("eval --text " + quoted(words) + " --context 8 " + quoted(program_) + " --json=" + quoted(results));
    EXPECT_EQ(again.status, 0) << again.output;
    const Outcome inspect = crossweave("inspect " + quoted(program_) + " --json");
    EXPECT_EQ(inspect.status, 0) << inspect.output;
    EXPECT_TRUE(nlohmann::json::accept(inspect.output));
    const Outcome report_run = crossweave("report " + quoted(program_) + " --static --json=" + quoted(report));
    EXPECT_EQ(report_run.status, 0) << report_run.output;
    const Outcome compared = crossweave("compare " + quoted(report) + " " + quoted(report) + " --json");
    EXPECT_EQ(compared.status, 0) << compared.output;
    EXPECT_TRUE(nlohmann::json::accept(compared.output));
    const Outcome missing = crossweave("run " + quoted(inner / (name + " absent")) + " -p abc");
    EXPECT_EQ(missing.status, 3);
    EXPECT_FALSE(has_control_characters(missing.output));
    EXPECT_EQ(std::count(missing.output.begin(), missing.output.end(), '\n'), 1) << "one message is one line";
  }
}

TEST_F(Files, OutputsThatAreInputsAreRefusedBeforeAnythingIsRead) {
  compile();
  const std::string words = text();
  fs::create_hard_link(model_, folder_ / "hard.xwp");
  fs::create_symlink(model_, folder_ / "link.xwp");
  const std::string model = model_.string(), program = program_.string(), folder = folder_.string();
  const std::string before_model = read_text_file(model_), before_program = read_text_file(program_);
  for (const std::string& arguments :
       {"compile " + model + " --chip tiny-64 -o " + model,
        "compile " + model + " --chip tiny-64 -o " + folder + "/hard.xwp",
        "compile " + model + " --chip tiny-64 -o " + folder + "/link.xwp",
        "compile " + model + " --chip tiny-64 -o " + folder + "/new.xwp --json=" + folder + "/new.xwp",
        "compile " + model + " --chip tiny-64 -o " + folder + "/new.xwp --json=" + folder + "/tokenizer.bin",
        "run " + program + " -p abc -n 1 --json=" + program, "run " + model + " -p abc -n 1 --json=" + model,
        "run " + program + " -p abc --device verilated:save=" + program,
        "run " + program + " -p abc --device verilated:trace=" + program, "inspect " + program + " --json=" + program,
        "report " + program + " --static --json=" + program, "simulate " + program + " --trace " + program,
        "simulate " + program + " --csv " + program, "simulate " + program + " --json=" + program,
        "simulate " + program + " --csv " + folder + "/x --trace " + folder + "/x",
        "bench " + program + " --json=" + program, "eval " + program + " --text " + words + " --json=" + words,
        "eval " + program + " --text " + words + " --json=" + program, "replay " + program + " --json=" + program}) {
    const Outcome outcome = crossweave(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments << "\n" << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("nothing was read or written")) << arguments;
  }
  EXPECT_EQ(read_text_file(model_), before_model);
  EXPECT_EQ(read_text_file(program_), before_program);
  EXPECT_FALSE(fs::exists(folder_ / "new.xwp"));
}

TEST_F(Files, ACheckpointInACacheOfLinksStaysAndItsResultsMayBeWrittenAgain) {
  const test::TinyModel tiny = test::tiny_model("llama");
  nlohmann::json config = nlohmann::json::parse(tiny.config_json), tokenizer;
  config.erase("eos_token_id");
  config.erase("bos_token_id");
  for (int i = 0; i < 20; ++i) tokenizer["model"]["vocab"][std::string(1, static_cast<char>('a' + i))] = i;
  tokenizer["model"]["type"] = "BPE";
  tokenizer["model"]["merges"] = nlohmann::json::array();
  tokenizer["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  const fs::path snapshot = folder_ / "hf/snapshots/abc", blobs = folder_ / "hf/blobs";
  fs::create_directories(snapshot);
  fs::create_directories(blobs);
  const test::Bytes weights = test::safetensors_file(tiny.canonical);
  const std::vector<std::pair<std::string, std::string>> files = {
      {"model.safetensors", std::string(reinterpret_cast<const char*>(weights.data()), weights.size())},
      {"config.json", config.dump()},
      {"tokenizer.json", tokenizer.dump()}};
  for (const auto& [name, bytes] : files) {
    write_text_file(blobs / ("blob of " + name), bytes);
    fs::create_symlink("../../blobs/blob of " + name, snapshot / name);
  }
  for (const fs::path& model : {snapshot, snapshot / "model.safetensors"}) {
    const std::string run = "run " + model.string() + " --mode fp32 -p abc -n 1 --json=";
    for (const auto& [name, bytes] : files) {
      for (const fs::path& output : {snapshot / name, blobs / ("blob of " + name)}) {
        const Outcome outcome = crossweave(run + quoted(output));
        EXPECT_EQ(outcome.status, 2) << run << output << outcome.output;
        EXPECT_EQ(read_text_file(output), bytes) << run << output;
      }
    }
    const fs::path results = snapshot / "e.json";
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(crossweave(run + results.string()).status, 0);
      write_text_file(folder_ / "words", "abcabcadcafcadcabacadab");
      const Outcome eval =
          shell("cd " + snapshot.string() + "; " + test::crossweave_command() +
                " eval . --mode fp32 --context 8 --text " + (folder_ / "words").string() + " --json=e2.json 2>&1");
      EXPECT_EQ(eval.status, 0) << eval.output;
      EXPECT_TRUE(nlohmann::json::accept(read_text_file(snapshot / "e2.json")));
    }
  }
}

TEST_F(Files, JsonWithoutAFileNeverSwallowsAnArgument) {
  compile();
  const fs::path a = folder_ / "a.json", b = folder_ / "b.json";
  for (const fs::path& report : {a, b}) {
    ASSERT_EQ(crossweave("report " + program_.string() + " --static --json=" + report.string()).status, 0);
  }
  const std::string before = read_text_file(a), program = read_text_file(program_);
  const Outcome compared = crossweave("compare --json " + a.string() + " " + b.string());
  EXPECT_EQ(compared.status, 0) << compared.output;
  EXPECT_TRUE(nlohmann::json::parse(compared.output).is_object()) << "and nothing but JSON is printed";
  EXPECT_EQ(crossweave("compare --json " + a.string() + " " + b.string() + " " + a.string()).status, 2);
  EXPECT_EQ(crossweave("inspect --json " + program_.string() + " " + program_.string()).status, 2);
  const Outcome empty = crossweave("inspect " + program_.string() + " --json=");
  EXPECT_EQ(empty.status, 2) << empty.output;
  EXPECT_EQ(read_text_file(a), before);
  EXPECT_EQ(read_text_file(program_), program);
}

TEST_F(Files, AnEmptyMessageIsAMessage) {
  compile();
  // Standard input stays open and empty: whoever waits for it is ended by `timeout`.
  const std::string pipe = (folder_ / "pipe").string();
  const Outcome outcome = shell("mkfifo " + pipe + "; exec 3<>" + pipe + "; timeout 20 " + test::crossweave_command() +
                                " run " + program_.string() + " -c '' -n 1 <&3 2>&1");
  EXPECT_NE(outcome.status, 124) << "it waited for standard input";
  EXPECT_THAT(outcome.output, HasSubstr("chat template")) << "the tiny model has none, and that is found out at once";
}

TEST_F(Files, AFolderForTemporaryFilesThatIsMissingIsNamed) {
  const Outcome outcome = shell("TMPDIR=/nonexistent/tmp " + test::crossweave_command() + " run " + model_.string() +
                                " --mode analog --chip tiny-64 -p abc -n 1 2>&1");
  EXPECT_EQ(outcome.status, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("/nonexistent/tmp"));
}

TEST_F(Files, NamesThatAreTooLongAndPipesAreErrorsAtOnce) {
  const Outcome too_long = crossweave("run " + (folder_ / std::string(300, 'n')).string() + " -p abc");
  EXPECT_EQ(too_long.status, 3) << too_long.output;
  EXPECT_THAT(too_long.output, HasSubstr("File name too long"));
  const std::string pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  compile();
  for (const std::string& arguments :
       {"run " + pipe + " -p abc", "inspect " + pipe, "replay " + pipe, "compare " + pipe + " " + pipe,
        "eval " + program_.string() + " --text " + pipe}) {
    const Outcome outcome = shell("timeout 20 " + test::crossweave_command() + " " + arguments + " 2>&1");
    EXPECT_EQ(outcome.status, 3) << arguments << "\n" << outcome.output;
  }
}

TEST_F(Files, TimeHasUnitsAndCountsAreNotNegative) {
  compile();
  const std::string run = "run " + program_.string() + " -p abc -n 1 --noise pcm-aihwkit --json --time ";
  EXPECT_THAT(crossweave(run + "1d").output, HasSubstr("1 d after programming"));
  EXPECT_THAT(crossweave(run + "86400").output, HasSubstr("1 d after programming"));
  for (const char* time : {"-1", "1x", "''", "nan"}) {
    const Outcome outcome = crossweave(run + time);
    EXPECT_EQ(outcome.status, 2) << time;
    EXPECT_THAT(outcome.output, HasSubstr("--time: expected seconds or a number with a unit")) << time;
  }
  for (const char* count : {"--tokens", "--seed", "--chip-seed", "--top-k", "--threads"}) {
    const Outcome outcome = crossweave("run " + program_.string() + " -p abc " + count + " -1");
    EXPECT_EQ(outcome.status, 2) << count;
    EXPECT_THAT(outcome.output, HasSubstr(std::string(count) + ": expected a number of at least 0, found -1"));
  }
}

TEST_F(Files, WhatAFileSaysIsPrintedEscaped) {
  compile();
  const fs::path evil = folder_ / "evil\x1b[31m.xwp";
  fs::copy_file(program_, evil);
  for (const char* options : {"", " --all", " --code", " --graph", " --json"}) {
    const Outcome outcome = crossweave("inspect " + quoted(evil) + options);
    EXPECT_EQ(outcome.status, 0) << options << outcome.output;
    EXPECT_FALSE(has_control_characters(outcome.output)) << options;
  }
  const Outcome compiled =
      crossweave("compile " + quoted(model_) + " --chip tiny-64 --ranges fixed:3 --lambda 8 -o " + quoted(evil));
  EXPECT_EQ(compiled.status, 0);
  EXPECT_FALSE(has_control_characters(compiled.output)) << compiled.output;
  EXPECT_THAT(compiled.output, HasSubstr("evil\\x1b[31m.xwp"));
  const Outcome report = crossweave("report " + quoted(evil) + " --static");
  EXPECT_EQ(report.status, 0);
  EXPECT_FALSE(has_control_characters(report.output));
}

TEST_F(Files, AnAdaptedCheckpointReplacesOneAndNothingElse) {
  compile();
  const fs::path adapted = folder_ / "adapted.safetensors", calibration = folder_ / "calibration.txt";
  std::ofstream(calibration) << std::string(200, 'a') << "\n";
  const std::string common =
      "adapt " + model_.string() + " --chip tiny-64 --level fold --calibration-text " + calibration.string() + " -o ";
  for (int round = 0; round < 2; ++round) {
    const Outcome outcome = crossweave(common + adapted.string());
    ASSERT_EQ(outcome.status, 0) << "round " << round << "\n" << outcome.output;
  }
  const std::string program = read_text_file(program_), text = read_text_file(calibration);
  for (const fs::path& other : {program_, calibration, model_}) {
    const Outcome outcome = crossweave(common + other.string());
    EXPECT_EQ(outcome.status, 2) << other << "\n" << outcome.output;
  }
  EXPECT_EQ(read_text_file(program_), program);
  EXPECT_EQ(read_text_file(calibration), text);
}

TEST_F(Files, AnEvaluationKeepsWhatIsFinishedAndGoesOnLater) {
  compile();
  const fs::path results = folder_ / "results.json";
  const std::string common =
      "eval " + program_.string() + " --text " + text() + " --context 8 --noise pcm-afm --json=" + results.string();
  const auto read = [&] { return nlohmann::json::parse(read_text_file(results)); };
  const Outcome stopped = test::interrupted_crossweave(
      common + " --chip-seeds 100000", [&](pid_t) { return fs::exists(results) && !read().at("runs").empty(); });
  EXPECT_EQ(stopped.status, 130) << stopped.output;
  const std::size_t kept = read().at("runs").size();
  ASSERT_GT(kept, 0U);
  EXPECT_EQ(read().at("complete"), false);
  const auto first = read().at("runs").at(0);
  const Outcome resumed = crossweave(common + " --chip-seeds " + std::to_string(kept + 2));
  ASSERT_EQ(resumed.status, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr(std::to_string(kept) + " of " + std::to_string(kept + 2) + " seeds are in"));
  EXPECT_EQ(read().at("runs").size(), kept + 2);
  EXPECT_EQ(read().at("runs").at(0), first) << "not measured again";
  EXPECT_EQ(read().at("complete"), true);
  EXPECT_EQ(read().at("perplexity").at("values").size(), kept + 2);

  const Outcome again = crossweave(common + " --chip-seeds " + std::to_string(kept + 2));
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.output, HasSubstr("perplexity ")) << "what was measured before is told again";

  const std::string more = " --chip-seeds " + std::to_string(kept + 2);
  const Outcome other = crossweave(common + more + " --tokens 10");
  EXPECT_EQ(other.status, 2) << other.output;
  EXPECT_THAT(other.output, HasSubstr("tokens was 0 and is 10"));
  EXPECT_THAT(crossweave(common + more + " --read-sigma 0.5").output, HasSubstr("read_sigma was"));
  fs::remove(program_);
  model_ = test::write_tiny_model(folder_, -1, {96, 160, 2, 4, 2, 300, 64});
  compile();
  EXPECT_THAT(crossweave(common + more).output, HasSubstr("program was 'crc32"));
}

TEST_F(Files, WhatAnEvaluationCannotDoIsToldBeforeItBegins) {
  compile();
  const std::string common = "eval " + program_.string() + " --text " + text() + " --context 8 --chip-seeds 100000";
  const Outcome folder =
      shell("timeout 20 " + test::crossweave_command() + " " + common + " --json=/nonexistent/results.json 2>&1");
  EXPECT_EQ(folder.status, 3) << folder.output;
  const Outcome seeds =
      shell("timeout 20 " + test::crossweave_command() + " " + common + " --chip-seed 4294967000 2>&1");
  EXPECT_EQ(seeds.status, 2) << seeds.output;
  EXPECT_THAT(seeds.output, HasSubstr("--chip-seeds: the last seed would be 4295066999"));
}

}  // namespace
}  // namespace xw
