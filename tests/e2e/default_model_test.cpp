// The model of models/default: small enough to be in the repository, and trained for the chip that it runs on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "compiler/checkpoint/gguf_file.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/app/command_json.hpp"

namespace xw {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::crossweave;
using test::json_of;
using test::Outcome;

class DefaultModel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("xw-default-model-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    const Outcome compiled = crossweave("compile " + model().string() + " --chip afm-512 -o " + program().string());
    ASSERT_EQ(compiled.status, 0) << compiled.output;
    // The ranges are those of its training.
    ASSERT_NE(crossweave("inspect " + program().string()).output.find("stored in the checkpoint"), std::string::npos);
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  static fs::path room() { return test::source_dir() / "models/default"; }
  static fs::path model() { return room() / "stories-2m.gguf"; }
  static fs::path program() { return folder_ / "stories.xwp"; }
  static double perplexity(const fs::path& what, const std::string& options) {
    const json result = json_of("eval " + what.string() + " --text " + (room() / "held-out.txt").string() +
                                " --tokens 4096 --context 256 --json " + options);
    return result.is_object() ? result.at("perplexity").at("mean").get<double>() : 0;
  }

  static inline fs::path folder_;
};

TEST_F(DefaultModel, KeepsItsQualityOnNoisyChips) {
  const double fp32 = perplexity(model(), "--mode fp32");
  EXPECT_GT(fp32, 3);  // less would be text that it has learnt by heart
  EXPECT_LT(fp32, 17);
  EXPECT_LT(perplexity(program(), "--noise ideal"), 1.04 * fp32);
  EXPECT_LT(perplexity(program(), "--noise pcm-afm --chip-seeds 3"), 1.1 * fp32);
}

TEST_F(DefaultModel, TellsStoriesOfWordsUnderNoise) {
  const json run = json_of("run " + program().string() +
                           " --prompt 'Once upon a time, there was a' -n 60 --noise pcm-afm --chip-seed 3 --json");
  ASSERT_TRUE(run.is_object());
  const auto text = run.at("text").get<std::string>();
  EXPECT_GT(text.size(), 120U) << text;
  // Words that every such story has, and nothing but ASCII.
  EXPECT_NE((" " + text + " ").find(" the "), std::string::npos) << text;
  EXPECT_NE(text.find(". "), std::string::npos) << text;
  for (const char c : text) EXPECT_LT(static_cast<unsigned char>(c), 128) << text;
}

TEST_F(DefaultModel, IsSmallAndEightBitsWide) {
  EXPECT_LT(fs::file_size(model()), 8'000'000U);
  const checkpoint::GgufFile file(model());
  for (const auto& [name, tensor] : file.tensors()) {
    EXPECT_EQ(tensor.dtype, tensor.shape.size() == 2 ? checkpoint::Dtype::kQ8_0 : checkpoint::Dtype::kF32) << name;
  }
}

}  // namespace
}  // namespace xw
