// Fine-tuning as a user does it: what a killed run goes on with, what a trained checkpoint is worth on the integer engine.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "arch/support/file.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class FinetuneTest : public testing::Test {
 protected:
  FinetuneTest() : folder_(fs::temp_directory_path() / ("xw-finetune-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~FinetuneTest() override { fs::remove_all(folder_); }

  void write_recipe(const fs::path& model, const std::string& more) {
    std::ofstream(folder_ / "r.toml") << "[model]\ncheckpoint = \"" << model.string() << "\"\n[data]\npath = \""
                                      << (folder_ / "data").string() << "\"\n"
                                      << more;
  }
  [[nodiscard]] std::string path(const char* name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::vector<Json> metrics(const char* output) const {
    std::vector<Json> lines;
    std::ifstream file(path(output) + ".metrics.jsonl");
    for (std::string line; std::getline(file, line);) {
      lines.push_back(Json::parse(line));
      lines.back().erase("seconds");
    }
    return lines;
  }
  fs::path folder_;
};

TEST_F(FinetuneTest, AKilledRunThatGoesOnHasTheLossesOfAnUndisturbedOne) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const fs::path model = write_tiny_model(folder_ / "model");
  ASSERT_EQ(
      crossweave("generate-data " + model.string() + " -o " + path("data") + " --sequences 40 --length 32").status, 0);
  write_recipe(model,
               "[hardware]\nchip = \"tiny-64\"\n[clipping]\nalpha = 2.5\n[budget]\ntokens = 12800\n"
               "[run]\nthreads = 1\ncheckpoint_minutes = 0.001\nlog_seconds = 0.1\n");
  const std::string run = "finetune " + path("r.toml") + " --resume -o ";
  Outcome outcome = crossweave(run + path("whole.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  int resumed = 0;
  for (int kill = 0; kill < 5; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string command =
          "exec " + crossweave_command() + " " + run + path("parts.safetensors") + " >/dev/null 2>&1";
      ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    // Not before it has saved once, then at any moment.
    for (int i = 0; i < 1000 && !fs::exists(path("parts.safetensors.state")); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1500));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    resumed += WIFSIGNALED(status) ? 1 : 0;
  }
  EXPECT_GT(resumed, 0) << "no run was killed before its end";
  outcome = crossweave(run + path("parts.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("resumed at step"), std::string::npos) << outcome.output;
  const std::vector<Json> whole = metrics("whole.safetensors");
  EXPECT_EQ(whole.size(), 200U);
  const std::vector<Json> parts = metrics("parts.safetensors");
  ASSERT_EQ(parts.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(parts[i], whole[i]) << "line " << i + 1;
  EXPECT_EQ(read_text_file(path("parts.safetensors")), read_text_file(path("whole.safetensors")));
  // Another recipe does not go on with this state.
  outcome = crossweave(run + path("parts.safetensors") + " --set optimiser.lr=0.5");
  EXPECT_EQ(outcome.status, 2) << outcome.output;
}

TEST_F(FinetuneTest, ATrainedCheckpointCompilesForItsConvertersAndForNoOthers) {
  const fs::path model = write_tiny_model(folder_ / "model");
  ASSERT_EQ(
      crossweave("generate-data " + model.string() + " -o " + path("data") + " --sequences 40 --length 32").status, 0);
  write_recipe(model, "[hardware]\nchip = \"tiny-64\"\nlambda = 7.0\n[budget]\ntokens = 1280\n[run]\nthreads = 1\n");
  Outcome outcome = crossweave("finetune " + path("r.toml") + " -o " + path("t.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  outcome = crossweave("compile " + path("t.safetensors") + " --chip tiny-64 -o " + path("t.xwp") +
                       " --json=" + path("c.json"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const std::string inspected = crossweave("inspect " + path("t.xwp")).output;
  EXPECT_NE(inspected.find("input ranges stored in the checkpoint, ADC range 7"), std::string::npos) << inspected;
  // What was digital in training stays on the host: the output layer by default, here all of down_proj, too.
  outcome =
      crossweave("finetune " + path("r.toml") + " --set 'hardware.digital=*.down_proj' -o " + path("d.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  outcome = crossweave("compile " + path("d.safetensors") + " --chip tiny-64 -o " + path("d.xwp"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const std::string layers = crossweave("inspect " + path("d.xwp") + " --layers").output;
  EXPECT_EQ(layers.find("down_proj"), std::string::npos) << layers;
  EXPECT_NE(layers.find("up_proj"), std::string::npos) << layers;
  // The same chip with a DAC of another width.
  std::string chip = read_text_file(source_dir() / "arch" / "chips" / "tiny-64.toml");
  const std::size_t bits = chip.find("dac_bits = 8");
  ASSERT_NE(bits, std::string::npos);
  chip.replace(bits, 12, "dac_bits = 6");
  std::ofstream(folder_ / "six.toml") << chip;
  outcome = crossweave("compile " + path("t.safetensors") + " --chip " + path("six.toml") + " -o " + path("six.xwp"));
  EXPECT_EQ(outcome.status, 3) << outcome.output;
  EXPECT_NE(outcome.output.find("forward.inp_res: found 254 steps, expected 62"), std::string::npos) << outcome.output;
}

/// Rounded weights in training are the rounded weights of digital-w4a8: trainer and integer engine measure the same perplexity.
TEST_F(FinetuneTest, FourBitTrainingMeansFourBitEvaluation) {
  const fs::path model = write_tiny_model(folder_ / "model");
  ASSERT_EQ(
      crossweave("generate-data " + model.string() + " -o " + path("data") + " --sequences 40 --length 32").status, 0);
  write_recipe(model,
               "[method]\nname = \"qat\"\n[hardware]\nchip = \"tiny-64\"\n[budget]\ntokens = 3200\n"
               "[run]\nthreads = 1\n[evaluation]\nevery = 1000000\n");
  Outcome outcome = crossweave("finetune " + path("r.toml") + " -o " + path("q.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  double integer = 0;
  for (const Json& line : metrics("q.safetensors")) {
    if (line.contains("held_out")) integer = line.at("held_out").get<double>();
  }
  const std::size_t after = outcome.output.find("after training");
  ASSERT_NE(after, std::string::npos) << outcome.output;
  const std::size_t place = outcome.output.find("converters ", after);
  ASSERT_NE(place, std::string::npos) << outcome.output;
  const double trained = std::stod(outcome.output.substr(place + 11));
  EXPECT_NEAR(integer, trained, 0.01 * trained) << outcome.output;
  outcome = crossweave("compile " + path("q.safetensors") + " --chip tiny-64 -o " + path("q.xwp"));
  EXPECT_EQ(outcome.status, 3) << outcome.output;
  EXPECT_NE(outcome.output.find("modifier.res"), std::string::npos) << outcome.output;
  outcome = crossweave("compile " + path("q.safetensors") + " --chip tiny-64 --weights w4 -o " + path("q.xwp"));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

/// Adapters are trained beside weights that stay: the checkpoint with them, and the plain model with the adapter that PEFT can read,
/// are the same program, whose bits do not depend on threads.
TEST_F(FinetuneTest, AdaptersAreTrainedBesideTheChip) {
  const fs::path model = write_tiny_model(folder_ / "model");
  ASSERT_EQ(
      crossweave("generate-data " + model.string() + " -o " + path("data") + " --sequences 40 --length 32").status, 0);
  write_recipe(model,
               "[method]\nname = \"lora\"\n[hardware]\nchip = \"tiny-64\"\ngamma = 0.1\n[adapter]\nrank = 4\n"
               "[optimiser]\nlr = 1e-2\nmicro_batch = 8\n[budget]\ntokens = 25600\n[run]\nthreads = 1\n");
  Outcome outcome =
      crossweave("finetune " + path("r.toml") + " --json=" + path("l.json") + " -o " + path("l.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const Json summary = Json::parse(read_text_file(path("l.json")));
  EXPECT_LT(summary.at("loss").get<double>(), 0.97 * summary.at("first_loss").get<double>()) << outcome.output;
  const Json config = Json::parse(read_text_file(path("l.safetensors.adapter/adapter_config.json")));
  EXPECT_EQ(config.at("peft_type"), "LORA");
  EXPECT_EQ(config.at("r"), 4);
  const std::string fp32 = " --mode fp32 --context 64 --text " + path("text.txt") + " --json=";
  std::ofstream(folder_ / "text.txt") << std::string(200, 'a') + std::string(200, 'b');
  ASSERT_EQ(crossweave("eval " + path("l.safetensors") + fp32 + path("whole.json")).status, 0);
  outcome =
      crossweave("eval " + model.string() + " --adapter " + path("l.safetensors.adapter") + fp32 + path("beside.json"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto perplexity = [&](const char* file) {
    return Json::parse(read_text_file(path(file))).at("perplexity").at("mean").get<double>();
  };
  EXPECT_NEAR(perplexity("whole.json"), perplexity("beside.json"), 1e-4 * perplexity("whole.json"));
  outcome = crossweave("compile " + model.string() + " --adapter " + path("l.safetensors.adapter") +
                       " --chip tiny-64 --lm-head digital -o " + path("l.xwp"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const auto checksum = [&](const char* more) {
    const Outcome run = crossweave(
        "run " + path("l.xwp") + " -p a -n 6 --ignore-eos --noise pcm-afm --y-checksum --stats --temperature 0" + more);
    EXPECT_EQ(run.status, 0) << run.output;
    const std::size_t place = run.output.find("CRC-32 ");
    EXPECT_NE(place, std::string::npos) << run.output;
    return place == std::string::npos ? std::string() : run.output.substr(place, 15);
  };
  EXPECT_EQ(checksum(" --threads 1"), checksum(" --threads 3"));
}

/// From random weights to a model that knows its text, and on to one for the chip.
TEST_F(FinetuneTest, PretrainingBeginsWithNothing) {
  const fs::path model = write_tiny_model(folder_ / "model");
  ASSERT_EQ(crossweave("generate-data " + model.string() + " -o " + path("data") +
                       " --sequences 40 --length 32 --temperature 0.3")
                .status,
            0);
  write_recipe(model,
               "[method]\nname = \"pretrain\"\nstart = \"random\"\n[optimiser]\nlr = 5e-3\nmicro_batch = 8\n"
               "[budget]\ntokens = 51200\n[run]\nthreads = 1\n");
  Outcome outcome =
      crossweave("finetune " + path("r.toml") + " --json=" + path("p.json") + " -o " + path("p.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  const Json summary = Json::parse(read_text_file(path("p.json")));
  EXPECT_LT(summary.at("loss").get<double>(), 0.8 * summary.at("first_loss").get<double>()) << outcome.output;
  outcome =
      crossweave("finetune " + path("r.toml") + " --set model.checkpoint=" + path("p.safetensors") +
                 " --set method.name=afm --set method.start=checkpoint --set hardware.chip=tiny-64 --tokens 512 -o " +
                 path("a.safetensors"));
  ASSERT_EQ(outcome.status, 0) << outcome.output;
  outcome = crossweave("compile " + path("a.safetensors") + " --chip tiny-64 -o " + path("a.xwp"));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

/// Every document of a text begins with BOS, and so does every sequence.
TEST_F(FinetuneTest, ASeparatorBecomesTheTokenThatTextsBeginWith) {
  const fs::path model = write_tiny_model(folder_ / "model");
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += std::string(i == 0 ? "" : "=====") + std::string(20, static_cast<char>('a' + i % 3));
  std::ofstream(folder_ / "text.txt") << text;
  const auto shard_of = [&](const std::string& more, const char* data) {
    const Outcome outcome = crossweave("generate-data " + model.string() + " --text " + path("text.txt") + more +
                                       " --length 8 --batch 1000 -o " + path(data));
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    const std::string bytes = read_text_file(folder_ / data / "shard-000000.xwt");
    std::vector<int> ids;
    for (std::size_t i = 64; i + 1 < bytes.size(); i += 2)
      ids.push_back(static_cast<unsigned char>(bytes[i]) + 256 * static_cast<unsigned char>(bytes[i + 1]));
    return ids;
  };
  const std::vector<int> plain = shard_of("", "plain"), split = shard_of(" --separator =====", "split");
  ASSERT_FALSE(split.empty());
  const int bos = split[0];
  const auto count = [&](const std::vector<int>& ids) { return std::count(ids.begin(), ids.end(), bos); };
  EXPECT_EQ(count(plain), static_cast<std::ptrdiff_t>(plain.size() / 8));
  const auto documents = count(split) - static_cast<std::ptrdiff_t>(split.size() / 8);
  EXPECT_GE(documents, 27);  // less the remainder that fills no sequence
  EXPECT_LE(documents, 29);
  EXPECT_EQ(
      crossweave("generate-data " + model.string() + " --separator x -o " + path("none") + " --sequences 1").status, 2);

  // And back: the documents again, cut where sequences end, but for what filled no sequence.
  shard_of(" --separator ===== --to-text " + path("back.txt"), "split");
  const auto without = [](std::string from, const std::string& what) {
    for (std::size_t at = from.find(what); at != std::string::npos; at = from.find(what)) from.erase(at, what.size());
    return from;
  };
  const std::string back = without(read_text_file(path("back.txt")), "=====");
  EXPECT_GT(back.size(), 500U);
  EXPECT_EQ(back, without(text, "=====").substr(0, back.size()));
}

TEST_F(FinetuneTest, TwoMinutesTakeAQuarterOfTheLossOnANoisyChip) {
  const auto stories = shared_path("data/weights/stories260K/stories260K.bin");
  if (!stories) GTEST_SKIP() << "needs data/weights/stories260K beside the project";
  const std::string sample = "generate-data " + stories->string() + " --length 256 --batch 512 -o ";
  ASSERT_EQ(crossweave(sample + path("data") + " --tokens 524288").status, 0);
  const Outcome recipe =
      crossweave("finetune " + (source_dir() / "models" / "recipes" / "stories-afm.toml").string() +
                 " --set model.checkpoint=" + stories->string() + " --set data.path=" + path("data") +
                 // As many tokens as two quiet minutes take, whatever else the machine does.
                 " --set budget.minutes=0 --set budget.tokens=500000 --set run.threads=1" +
                 " --set evaluation.every=1000000 --set evaluation.chips=10 -o " + path("t.safetensors"));
  ASSERT_EQ(recipe.status, 0) << recipe.output;
  // Held-out text of the teacher on the integer engine with the chip's noise: first before, last after training.
  std::vector<double> held_out;
  for (const Json& line : metrics("t.safetensors")) {
    if (line.contains("held_out")) held_out.push_back(line.at("held_out").get<double>());
  }
  ASSERT_GE(held_out.size(), 2U);
  const std::size_t place = recipe.output.find("teacher ");
  ASSERT_NE(place, std::string::npos) << recipe.output;
  const double fp32 = std::stod(recipe.output.substr(place + 8));
  EXPECT_LT(held_out.back() - fp32, 0.75 * (held_out.front() - fp32)) << recipe.output;
}

}  // namespace
}  // namespace xw::test
