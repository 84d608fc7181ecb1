// The `crossweave` command as users run it: results, messages, exit codes, files left behind.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "arch/support/file.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

using test::crossweave;
using test::Outcome;
using test::shell;

class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("xw-app-" + std::to_string(::getpid()) + "-" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    model_ = test::write_tiny_model(folder_);
    program_ = folder_ / "model.xwp";
  }
  void TearDown() override { fs::remove_all(folder_); }

  Outcome compile(const std::string& options = "--chip tiny-64") const {
    return crossweave("compile " + model_.string() + " " + options + " -o " + program_.string() +
                      " --calibration-tokens 64");
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_, model_, program_;
};

TEST_F(CommandLine, ExplainsItself) {
  const Outcome help = crossweave("--help");
  EXPECT_EQ(help.status, 0);
  for (const char* command : {"compile", "run", "eval", "sensitivity", "inspect", "report", "bench"}) {
    EXPECT_THAT(help.output, HasSubstr(command));
    const Outcome detail = crossweave(std::string(command) + " --help");
    EXPECT_EQ(detail.status, 0) << command;
    EXPECT_THAT(detail.output, HasSubstr("Examples:"));
  }
  EXPECT_EQ(crossweave("").status, 2);
  EXPECT_EQ(crossweave("--version").status, 0);
}

TEST_F(CommandLine, CompilesRunsAndReports) {
  ASSERT_EQ(compile().status, 0);
  const Outcome run =
      crossweave("run " + program_.string() + " --prompt abc -n 8 --ignore-eos --noise pcm-afm --chip-seed 3 --json");
  ASSERT_EQ(run.status, 0) << run.output;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json.at("tokens").size(), 8U);
  EXPECT_GT(json.at("device").at("mvms").get<std::uint64_t>(), 0U);

  const Outcome report = crossweave("report " + program_.string() + " --prefill-tokens 8 --decode-tokens 2 --json");
  ASSERT_EQ(report.status, 0) << report.output;
  const auto figures = nlohmann::json::parse(report.output);
  // Closed form: each block does one MVM per vector, in prefill and decode alike.
  std::uint64_t blocks = 0;
  for (const auto& call : figures.at("calls")) blocks += call.at("blocks").get<std::uint64_t>();
  EXPECT_EQ(figures.at("run").at("decode").at("tokens"), 2);
  EXPECT_EQ(figures.at("run").at("decode").at("macs").get<std::uint64_t>(),
            2 * figures.at("cells").get<std::uint64_t>());
  // In the last layer only the last token needs more than its key and value: o, gate, up, down and the output layer run once.
  const std::uint64_t qkv = 96 * 96 + 2 * 48 * 96;
  const std::uint64_t layer = qkv + 96 * 96 + 3 * 160 * 96;
  const std::uint64_t head = 300 * 96;
  EXPECT_EQ(figures.at("cells").get<std::uint64_t>(), 2 * layer + head);
  EXPECT_EQ(figures.at("run").at("prefill").at("macs").get<std::uint64_t>(),
            8 * layer + 8 * qkv + (layer - qkv) + head);
  EXPECT_GE(figures.at("run").at("decode").at("mvms").get<std::uint64_t>(), 2 * blocks);

  const Outcome text = crossweave("inspect " + program_.string() + " --all --verify");
  EXPECT_EQ(text.status, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("model.layers.1.mlp.down_proj"));
  EXPECT_THAT(text.output, HasSubstr("blocks have their CRC"));
  EXPECT_THAT(crossweave("inspect " + program_.string() + " --code").output, HasSubstr("halt"));
}

TEST_F(CommandLine, ResultsDoNotDependOnThreads) {
  ASSERT_EQ(compile().status, 0);
  const std::string run = "run " + program_.string() +
                          " --prompt abc -n 12 --ignore-eos --noise pcm-afm --read-sigma 0.02 --json --threads ";
  const auto tokens = [&](const char* threads) {
    const Outcome outcome = crossweave(run + threads);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output).at("tokens");
  };
  EXPECT_EQ(tokens("1"), tokens("3"));
}

TEST_F(CommandLine, EvaluatesSeveralChips) {
  ASSERT_EQ(compile().status, 0);
  std::ofstream(folder_ / "text.txt") << "a bad cab fed a deaf babe; a faded cafe";
  std::ofstream(folder_ / "last.jsonl") << R"({"context": "a bad cab", "continuation": "fed"})"
                                        << "\n";
  const Outcome outcome =
      crossweave("eval " + program_.string() + " --text " + (folder_ / "text.txt").string() + " --task " +
                 (folder_ / "last.jsonl").string() + " --context 16 --chip-seeds 3 --noise pcm-afm --json");
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto json = nlohmann::json::parse(outcome.output);
  ASSERT_EQ(json.at("runs").size(), 3U);
  for (const auto& run : json.at("runs")) EXPECT_GT(run.at("perplexity").at("perplexity").get<double>(), 1.0);
  EXPECT_GT(json.at("perplexity").at("std").get<double>(), 0.0) << "three chips must differ";
  EXPECT_EQ(json.at("tasks").at("last").at("acc").at("values").size(), 3U);
}

TEST_F(CommandLine, ComparesTwoEvaluations) {
  ASSERT_EQ(compile().status, 0);
  std::ofstream(folder_ / "colors.jsonl") << R"({"context": "a bad cab", "choices": ["fed", "a deaf babe"], "gold": 1})"
                                          << "\n"
                                          << R"({"context": "a faded", "choices": ["cafe", "bed"], "gold": 0})"
                                          << "\n";
  const auto evaluate = [&](const char* noise, const char* file) {
    return crossweave("eval " + program_.string() + " --task " + (folder_ / "colors.jsonl").string() + " --noise " +
                      noise + " --chip-seeds 2 --json=" + (folder_ / file).string());
  };
  ASSERT_EQ(evaluate("ideal", "a.json").status, 0);
  ASSERT_EQ(evaluate("gaussian:gamma=0.3", "b.json").status, 0);
  const std::string files = (folder_ / "a.json").string() + " " + (folder_ / "b.json").string();
  const Outcome text = crossweave("compare " + files);
  ASSERT_EQ(text.status, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("acc_norm"));
  const Outcome outcome = crossweave("compare --json " + files);
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto json = nlohmann::json::parse(outcome.output);
  ASSERT_EQ(json.at("metrics").size(), 3U);
  EXPECT_EQ(json.at("metrics")[0].at("items"), 2);
  EXPECT_EQ(json.at("metrics")[0].at("second").at("chips"), 2);
  const Outcome twice = crossweave("eval " + program_.string() + " --task " + (folder_ / "colors.jsonl").string() +
                                   " --task " + (folder_ / "colors.jsonl").string());
  EXPECT_EQ(twice.status, 2);
  EXPECT_THAT(twice.output, HasSubstr("two tasks are named 'colors'"));
}

TEST_F(CommandLine, SamplesSeveralAnswers) {
  ASSERT_EQ(compile().status, 0);
  std::ofstream(folder_ / "words.jsonl") << R"({"context": "a bad", "answers": ["cab"], "max_tokens": 5})"
                                         << "\n"
                                         << R"({"context": "a faded", "answers": ["cafe"], "max_tokens": 3})"
                                         << "\n";
  const auto evaluate = [&](const std::string& options, const char* file) {
    return crossweave("eval " + program_.string() + " --task " + (folder_ / "words.jsonl").string() + options +
                      " --json=" + (folder_ / file).string());
  };
  const Outcome told = evaluate(" --samples 4 --temperature 50 --chip-seeds 2 --noise pcm-afm", "a.json");
  ASSERT_EQ(told.status, 0) << told.output;
  EXPECT_THAT(told.output, HasSubstr("words majority@4 "));
  const auto json = nlohmann::json::parse(read_text_file(folder_ / "a.json"));
  EXPECT_EQ(json.at("settings").at("temperature"), 50);
  for (const auto& run : json.at("runs")) {
    const auto& items = run.at("tasks").at("words").at("per_item").at("answer");
    ASSERT_EQ(items.size(), 2U);
    for (const auto& answers : items) EXPECT_EQ(answers.size(), 4U);
    EXPECT_NE(items[0][0], items[0][1]) << "at this temperature five tokens hardly come twice";
  }
  // The same again from its file; fewer samples are the first of more; two results can be compared.
  EXPECT_THAT(evaluate(" --samples 4 --temperature 50 --chip-seeds 2 --noise pcm-afm", "a.json").output,
              HasSubstr("2 of 2 seeds"));
  ASSERT_EQ(evaluate(" --samples 2 --temperature 50 --chip-seeds 2 --noise pcm-afm", "b.json").status, 0);
  const auto fewer = nlohmann::json::parse(read_text_file(folder_ / "b.json"));
  EXPECT_EQ(fewer["runs"][1]["tasks"]["words"]["per_item"]["answer"][1][1],
            json["runs"][1]["tasks"]["words"]["per_item"]["answer"][1][1]);
  const Outcome compared = crossweave("compare " + (folder_ / "a.json").string() + " " + (folder_ / "b.json").string());
  EXPECT_EQ(compared.status, 0) << compared.output;
  EXPECT_THAT(compared.output, HasSubstr("pass@2"));
  ASSERT_EQ(evaluate(" --samples 2", "d.json").status, 0);
  EXPECT_EQ(nlohmann::json::parse(read_text_file(folder_ / "d.json")).at("settings").at("temperature"), 1);
  EXPECT_THAT(evaluate(" --samples 2 --temperature 0", "c.json").output,
              HasSubstr("--samples: expected a temperature above 0"));
  write_text_file(folder_ / "plain.txt", "a bad cab");
  EXPECT_THAT(
      crossweave("eval " + program_.string() + " --samples 2 --text " + (folder_ / "plain.txt").string()).output,
      HasSubstr("expected a task with generated answers"));
  EXPECT_THAT(evaluate(" --samples 0", "c.json").output, HasSubstr("--samples: expected 1 to 1024, found 0"));
}

TEST_F(CommandLine, TellsWhichPartsLoseQuality) {
  const std::string options = " --noise pcm-afm --context 16 --by kind,layer";
  const std::filesystem::path text = folder_ / "parts.txt", csv = folder_ / "parts.csv", json = folder_ / "parts.json";
  write_text_file(text, "abc abd abe the quick brown fox abc abd abe");
  ASSERT_EQ(compile().status, 0);
  const Outcome told = crossweave("sensitivity " + program_.string() + " --text " + text.string() + options +
                                  " --csv " + csv.string() + " --json=" + json.string());
  ASSERT_EQ(told.status, 0) << told.output;
  EXPECT_THAT(told.output, HasSubstr("by kind"));
  EXPECT_THAT(told.output, HasSubstr("layers.0"));
  const auto document = nlohmann::json::parse(read_text_file(json));
  EXPECT_EQ(document["complete"], true);
  const std::string table = read_text_file(csv);
  EXPECT_EQ(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')),
            document["sensitivity"]["groups"].size() + 1);
  const std::string aged = "sensitivity " + program_.string() + " --text " + text.string() + options + " --times 0,1d";
  const Outcome ages = crossweave(aged + " --csv " + csv.string() + " --json=-");
  ASSERT_EQ(ages.status, 0) << ages.output;
  EXPECT_EQ(nlohmann::json::parse(ages.output)["sensitivity"]["times"][1]["time"], "1 d");
  EXPECT_THAT(read_text_file(csv), HasSubstr("\n86400.0,layer,"));
  EXPECT_THAT(crossweave(aged + " --time 1h").output, HasSubstr("--time and --times exclude each other"));
  EXPECT_EQ(crossweave("sensitivity " + program_.string()).status, 2);
  EXPECT_THAT(crossweave("sensitivity " + program_.string() + " --text " + text.string() + " --by tile").output,
              HasSubstr("found 'tile'"));
  EXPECT_THAT(
      crossweave("sensitivity " + program_.string() + " --text " + text.string() + " --csv " + text.string()).output,
      HasSubstr("--text"));
}

TEST_F(CommandLine, ReferenceModesRunFromACheckpoint) {
  for (const char* mode : {"fp32", "int8", "digital-w8a8", "digital-w4a8", "analog"}) {
    const Outcome outcome = crossweave("run " + model_.string() +
                                       " --chip tiny-64 --calibration-tokens 64 --prompt abc -n 4 --mode " + mode);
    EXPECT_EQ(outcome.status, 0) << mode << ": " << outcome.output;
  }
}

TEST_F(CommandLine, UsageErrorsAreTwo) {
  EXPECT_EQ(crossweave("frobnicate").status, 2);
  EXPECT_EQ(crossweave("compile --frobnicate").status, 2);
  EXPECT_EQ(crossweave("compile " + model_.string()).status, 2);
  const Outcome weights = compile("--chip tiny-64 --weights w3");
  EXPECT_EQ(weights.status, 2);
  EXPECT_THAT(weights.output, HasSubstr("w3"));
  const Outcome lambda = compile("--chip tiny-64 --lambda -3");
  EXPECT_EQ(lambda.status, 2);
  EXPECT_THAT(lambda.output, HasSubstr("positive number or auto"));
  EXPECT_EQ(files(), 2U) << "nothing may be left behind";
}

TEST_F(CommandLine, InputErrorsNameTheFile) {
  const Outcome missing = crossweave("run " + (folder_ / "nothing.gguf").string() + " -p x");
  EXPECT_EQ(missing.status, 3);
  EXPECT_THAT(missing.output, HasSubstr("nothing.gguf"));
  const Outcome chip = compile("--chip " + (folder_ / "no-chip.toml").string());
  EXPECT_EQ(chip.status, 3);
  EXPECT_THAT(chip.output, HasSubstr("no-chip.toml"));
  std::ofstream(folder_ / "bad.toml") << "[chip]\nname = \"bad\"\nrows = -1\n";
  const Outcome bad = compile("--chip " + (folder_ / "bad.toml").string());
  EXPECT_NE(bad.status, 0);
  EXPECT_THAT(bad.output, HasSubstr("bad.toml"));
  fs::resize_file(model_, fs::file_size(model_) / 2);
  const Outcome truncated = compile();
  EXPECT_EQ(truncated.status, 3);
  EXPECT_THAT(truncated.output, HasSubstr("model.bin"));
  EXPECT_FALSE(fs::exists(program_));
}

TEST_F(CommandLine, RangesCanBeFixedWithoutDataOrTokenizer) {
  fs::remove(folder_ / "tokenizer.bin");
  const Outcome data = compile();
  EXPECT_EQ(data.status, 2) << data.output;
  EXPECT_THAT(data.output, HasSubstr("needs a tokenizer"));
  EXPECT_THAT(data.output, HasSubstr("(--tokenizer)\n"));
  EXPECT_EQ(compile("--chip tiny-64 --ranges fixed:zero").status, 2);
  ASSERT_EQ(compile("--chip tiny-64 --ranges fixed:3.5").status, 0);
  const Outcome inspect = crossweave("inspect " + program_.string() + " --json");
  const auto json = nlohmann::json::parse(inspect.output);
  for (const auto& matrix : json.at("matrices")) {
    EXPECT_EQ(matrix.at("input_ranges").at(0).at("beta").get<float>(), 3.5F);
  }
}

TEST_F(CommandLine, OptionsThatCannotApplyAreRefused) {
  ASSERT_EQ(compile().status, 0);
  const std::string program = program_.string();
  const std::string checkpoint = model_.string();
  for (const std::string& arguments :
       {"run " + program + " -p abc --weights w4", "run " + checkpoint + " -p abc --mode fp32 --noise pcm-afm",
        "run " + program + " -p abc --system x", "run " + program + " -p abc --noise pcm-afm:gamma=0.1",
        "run " + program + " -p abc --read-sigma -1", "run " + program + " -p abc -n -5",
        "run " + program + " -p abc --threads 100000", "run " + program + " -p abc --threads -3",
        "run " + program + " -p abc --top-p 2", "eval " + program + " --text x --chip-seeds -1",
        "bench " + program + " --chip tiny-64"}) {
    const Outcome outcome = crossweave(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments << ": " << outcome.output;
  }
}

TEST_F(CommandLine, ChipsAge) {
  ASSERT_EQ(compile().status, 0);
  const std::string run = "run " + program_.string() + " -p abc -n 4 --noise ";
  EXPECT_EQ(crossweave(run + "pcm-aihwkit --time 86400").status, 0);
  const Outcome refused = crossweave(run + "gaussian --time 86400");
  EXPECT_EQ(refused.status, 2) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("pcm-aihwkit"));
  write_text_file(folder_ / "ages.txt", "abc abd abe");
  const std::string eval = "eval " + program_.string() + " --text " + (folder_ / "ages.txt").string() +
                           " --context 8 --noise pcm-hermes --times ";
  const Outcome aged = crossweave(eval + "0,1h,1y --csv " + (folder_ / "ages.csv").string());
  EXPECT_EQ(aged.status, 0) << aged.output;
  EXPECT_THAT(aged.output, HasSubstr("1 y: perplexity "));
  EXPECT_THAT(read_text_file(folder_ / "ages.csv"), HasSubstr("\n0,31536000.0,text,perplexity,"));
  // Compensated, with faults and spares: said in text and JSON, and the same words on every device.
  const std::string life =
      run +
      "pcm-aihwkit --time 30d --compensation column:vectors=3 --recalibrate every:1d --read-sigma 0.01 "
      "--faults stuck-low=0.01,columns=0.05,tiles=0.1,seed=2 --spares columns=4,tiles=2 "
      "--ignore-eos --y-checksum ";
  const Outcome text = crossweave(life + "--stats");
  EXPECT_EQ(text.status, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("30 d after programming"));
  EXPECT_THAT(text.output, HasSubstr("faults: tiles "));
  EXPECT_THAT(text.output, HasSubstr("calibrated 2 times with 3 known inputs"));
  const Outcome functional = crossweave(life + "--json");
  const Outcome systemc = crossweave(life + "--json --device systemc");
  ASSERT_EQ(functional.status, 0) << functional.output;
  const auto device = nlohmann::json::parse(functional.output).at("device");
  EXPECT_EQ(device.at("calibration").at("runs"), 2);
  EXPECT_GT(device.at("cell_writes").get<std::uint64_t>(), 0U);
  EXPECT_TRUE(device.at("faults").contains("moved_tiles"));
  if (systemc.status == 0) {
    EXPECT_EQ(nlohmann::json::parse(systemc.output).at("device").at("y_crc32"), device.at("y_crc32"));
  }
  const Outcome report =
      crossweave("report " + program_.string() + " --static --compensation global --recalibrate every:1h");
  EXPECT_EQ(report.status, 0) << report.output;
  EXPECT_THAT(report.output, HasSubstr("every 1 h: 24 a day"));
  for (const char* wrong : {"--compensation some", "--recalibrate 1h --compensation global", "--recalibrate every:1h",
                            "--faults rows=2", "--spares rows=1"}) {
    EXPECT_EQ(crossweave(run + "pcm-aihwkit " + wrong).status, 2) << wrong;
  }
  for (const char* times : {"1h,,1d", "1h,x", "1d,1h", "0,1h --time 1d"}) {
    const Outcome wrong = crossweave(eval + times);
    EXPECT_EQ(wrong.status, 2) << times << ": " << wrong.output;
  }
}

TEST_F(CommandLine, AFailedWriteToStandardOutputIsAnError) {
  ASSERT_EQ(compile().status, 0);
  for (const std::string& arguments : {std::string("--help"), "inspect " + program_.string() + " --all",
                                       "run " + program_.string() + " -p abc -n 2 --json"}) {
    const Outcome outcome = shell(xw::test::crossweave_command() + " " + arguments + " 2>&1 >/dev/full </dev/null");
    EXPECT_EQ(outcome.status, 3) << arguments;
    EXPECT_THAT(outcome.output, HasSubstr("No space left on device"));
  }
}

TEST_F(CommandLine, MessagesOfAChatCannotForgeControlTokens) {
  ASSERT_EQ(compile().status, 0);
  const Outcome outcome = crossweave("run " + program_.string() + " --chat 'abc </s> abc' -n 2");
  EXPECT_NE(outcome.status, 0);
}

TEST_F(CommandLine, NanWeightsAreRefused) {
  model_ = test::write_tiny_model(folder_, 300 * 96 + 2 * 96 + 5);  // wq of layer 0, row 0, column 5
  const Outcome outcome = compile();
  EXPECT_EQ(outcome.status, 3) << outcome.output;
  EXPECT_FALSE(fs::exists(program_));
}

TEST_F(CommandLine, ATooSmallChipSaysByHowMuch) {
  std::ifstream source(xw::test::source_dir() / "arch/chips/tiny-64.toml");
  std::string text((std::istreambuf_iterator<char>(source)), {});
  const std::size_t key = text.find("num_tiles");
  ASSERT_NE(key, std::string::npos);
  text.replace(key, text.find('\n', key) - key, "num_tiles = 3");
  std::ofstream(folder_ / "small.toml") << text;
  const Outcome outcome = compile("--chip " + (folder_ / "small.toml").string());
  EXPECT_EQ(outcome.status, 4) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("tiles"));
  EXPECT_FALSE(fs::exists(program_));
}

TEST_F(CommandLine, CorruptProgramsAreRefused) {
  ASSERT_EQ(compile().status, 0);
  const fs::path broken = folder_ / "broken.xwp";
  fs::copy_file(program_, broken);
  fs::resize_file(broken, fs::file_size(broken) - 100);
  const Outcome truncated = crossweave("run " + broken.string() + " -p abc");
  EXPECT_EQ(truncated.status, 3) << truncated.output;
  EXPECT_THAT(truncated.output, HasSubstr("broken.xwp"));
}

TEST_F(CommandLine, PlacementOptionsReachTheProgram) {
  const Outcome made = compile(
      "--chip tiny-64 --first-token digital --replicate '*.down_proj=3,*.k_proj=2' --replicate '*.v_proj=2' --row-cuts "
      "equal");
  ASSERT_EQ(made.status, 0) << made.output;
  const Outcome outcome = crossweave("inspect " + program_.string() + " --json --layers");
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto json = nlohmann::json::parse(outcome.output);
  std::map<std::string, std::uint32_t> copies;
  for (const auto& matrix : json.at("matrices")) copies[matrix.at("name")] = matrix.at("replicas");
  EXPECT_EQ(copies.at("model.layers.1.mlp.down_proj"), 3U);
  EXPECT_EQ(copies.at("model.layers.0.self_attn.k_proj"), 2U);
  EXPECT_EQ(copies.at("model.layers.0.self_attn.v_proj"), 2U);
  EXPECT_EQ(copies.at("model.layers.0.self_attn.q_proj"), 1U);
  for (const auto& block : json.at("blocks")) EXPECT_LE(block.at("rows"), 54) << "160 = 54 + 53 + 53, 96 = 48 + 48";
  const Outcome graph = crossweave("inspect " + program_.string() + " --graph");
  EXPECT_THAT(graph.output, HasSubstr("digital_positions = 1"));
  EXPECT_EQ(crossweave("run " + program_.string() + " -p abc -n 2 --ignore-eos").status, 0);
  const std::pair<const char*, const char*> wrong[] = {
      {"--replicate '*.q=2'", "found '*.q', which matches none"},
      {"--replicate all", "expected PATTERN=COUNT with a count from 1 to 64, found 'all'"},
      {"--row-cuts fine", "--row-cuts: expected equal or fewest-tiles, found 'fine'"},
      {"--first-token host", "--first-token: expected analog or digital, found 'host'"},
  };
  for (const auto& [options, message] : wrong) {
    const Outcome refused = compile(std::string("--chip tiny-64 ") + options);
    EXPECT_EQ(refused.status, 2) << options;
    EXPECT_THAT(refused.output, HasSubstr(message));
  }
}

TEST_F(CommandLine, UnwritableOutputLeavesTheOldProgram) {
  ASSERT_EQ(compile().status, 0);
  const auto size = fs::file_size(program_);
  const Outcome outcome = shell("ulimit -f 8; " + xw::test::crossweave_command() + " compile " + model_.string() +
                                " --chip tiny-64 --calibration-tokens 64 -o " + program_.string() + " 2>&1");
  EXPECT_NE(outcome.status, 0);
  EXPECT_EQ(fs::file_size(program_), size) << "the old program must survive";
  const Outcome folder = crossweave("compile " + model_.string() + " --chip tiny-64 --calibration-tokens 64 -o " +
                                    (folder_ / "no/such/folder/x.xwp").string());
  EXPECT_EQ(folder.status, 3);
  EXPECT_THAT(folder.output, HasSubstr("x.xwp"));
}

TEST_F(CommandLine, Fp32NeedsTheCheckpoint) {
  ASSERT_EQ(compile().status, 0);
  const Outcome outcome = crossweave("run " + program_.string() + " --mode fp32 -p abc");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, HasSubstr("fp32 needs the checkpoint"));
}

TEST_F(CommandLine, InterruptEndsALongRunCleanly) {
  test::TinyShape shape;
  shape.context = 100000;  // far more tokens than a second can generate
  model_ = test::write_tiny_model(folder_, -1, shape);
  ASSERT_EQ(compile().status, 0);
  const fs::path text = folder_ / "text";
  const Outcome outcome =
      test::interrupted_crossweave("run " + program_.string() + " -p abc -n 99000 --ignore-eos >" + text.string(),
                                   [&](pid_t) { return fs::exists(text) && fs::file_size(text) > 100; });
  EXPECT_EQ(outcome.status, 130) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("interrupted"));
  fs::remove(text);
  EXPECT_EQ(files(), 3U);
}

TEST_F(CommandLine, InterruptEndsAConversationThatWaits) {
  ASSERT_EQ(compile().status, 0);
  const Outcome outcome =
      shell("sleep 5 | timeout --foreground --preserve-status -s INT 1 " + xw::test::crossweave_command() + " run " +
            program_.string() + " --interactive >/dev/null 2>&1; echo status $?");
  EXPECT_THAT(outcome.output, HasSubstr("status 130"));
}

}  // namespace
}  // namespace xw
