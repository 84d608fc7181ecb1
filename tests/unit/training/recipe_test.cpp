// Recipes: what they say is read, and what they should not say is refused by line and key.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/recipe/recipe.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/expect_error.hpp"
#include "tests/support/paths.hpp"

namespace xw::finetune {
namespace {

constexpr const char* kLeast = R"([model]
checkpoint = "model.gguf"
[data]
path = "data"
[budget]
tokens = 1000
)";

TEST(Recipe, AbsentKeysHaveDefaults) {
  const Recipe recipe = parse_recipe(kLeast, "r.toml");
  EXPECT_EQ(recipe.model.checkpoint, "model.gguf");
  EXPECT_EQ(recipe.budget.tokens, 1000U);
  EXPECT_EQ(recipe.hardware.chip, "afm-512");
  EXPECT_EQ(recipe.optimiser.micro_batch, 2U);
  EXPECT_EQ(recipe.run.device, "cpu");
}

TEST(Recipe, KeysAreRead) {
  const std::string text = std::string(kLeast) + R"([hardware]
gamma = 0.02
lambda = 6
digital = "*.down_proj, model.layers.0.*"
first_token = "digital"
[ranges]
start = "kappa"
learn = "off"
[clipping]
alpha = 2.5
exempt = 5.0
[optimiser]
lr = 2e-4
decay = "cosine"
[evaluation]
every = 20
[export]
type = "bf16"
)";
  const Recipe recipe = parse_recipe(text, "r.toml");
  EXPECT_DOUBLE_EQ(recipe.hardware.gamma, 0.02);
  EXPECT_DOUBLE_EQ(recipe.hardware.lambda, 6);
  EXPECT_EQ(recipe.hardware.digital, (std::vector<std::string>{"*.down_proj", "model.layers.0.*"}));
  EXPECT_TRUE(recipe.hardware.first_token_digital);
  EXPECT_EQ(recipe.ranges.start, RangeStart::kKappa);
  EXPECT_FALSE(recipe.ranges.learn);
  EXPECT_DOUBLE_EQ(recipe.clipping.exempt, 5);
  EXPECT_DOUBLE_EQ(recipe.optimiser.lr, 2e-4);
  EXPECT_EQ(recipe.optimiser.decay, LrDecay::kCosine);
  EXPECT_EQ(recipe.evaluation.every, 20U);
  EXPECT_EQ(recipe.export_type, ExportType::kBf16);
}

TEST(Recipe, OverridesReplaceAndAddKeys) {
  const Recipe recipe = parse_recipe(kLeast, "r.toml",
                                     {"budget.minutes=2.5", "optimiser.lr=1e-5", "run.device=cuda",
                                      "hardware.digital=*.o_proj", "model.checkpoint=a/b=c"});
  EXPECT_DOUBLE_EQ(recipe.budget.minutes, 2.5);
  EXPECT_DOUBLE_EQ(recipe.optimiser.lr, 1e-5);
  EXPECT_EQ(recipe.run.device, "cuda");
  EXPECT_EQ(recipe.hardware.digital, std::vector<std::string>{"*.o_proj"});
  EXPECT_EQ(recipe.model.checkpoint, "a/b=c");
  EXPECT_EQ(recipe.budget.tokens, 1000U);
  for (const char* bad : {"lr", "optimiser=3", "=3", "optimiser.=3"})
    test::expect_error(ErrorCode::kInvalidArgument, {"SECTION.KEY=VALUE", bad},
                       [&] { static_cast<void>(parse_recipe(kLeast, "r.toml", {bad})); });
  test::expect_error(ErrorCode::kFormat, {"r.toml", "speed"},
                     [] { static_cast<void>(parse_recipe(kLeast, "r.toml", {"run.speed=3"})); });
}

TEST(Recipe, MethodsAreRead) {
  EXPECT_EQ(parse_recipe(kLeast, "r.toml").method, Method::kAfm);
  Recipe recipe = parse_recipe(std::string(kLeast) + "[method]\nname = \"qat\"\nweight_bits = 8\n", "r.toml");
  EXPECT_EQ(recipe.method, Method::kQat);
  EXPECT_EQ(recipe.weight_bits, 8U);
  recipe = parse_recipe(
      std::string(kLeast) + "[method]\nname = \"lora\"\n[adapter]\nrank = 4\nlinears = \"*.q_proj\"\n", "r.toml");
  EXPECT_EQ(recipe.method, Method::kAdapters);
  EXPECT_EQ(recipe.adapters.rank, 4U);
  EXPECT_EQ(recipe.adapters.linears, std::vector<std::string>{"*.q_proj"});
  EXPECT_FALSE(recipe.ranges.learn);
  recipe = parse_recipe(std::string(kLeast) + "[method]\nname = \"pretrain\"\nstart = \"random\"\n", "r.toml");
  EXPECT_EQ(recipe.method, Method::kPretrain);
  EXPECT_TRUE(recipe.starts_random);
  EXPECT_EQ(recipe_json(recipe)["method"]["name"], "pretrain");
}

TEST(Recipe, ChipsHaveAnAge) {
  const std::string text =
      std::string(kLeast) + "[hardware]\nnoise = \"pcm-afm\"\ntime = \"1d\"\ncompensation = \"global\"\n";
  Recipe recipe = parse_recipe(text, "r.toml");
  EXPECT_EQ(recipe.hardware.seconds, 86400);
  EXPECT_EQ(recipe.hardware.compensation, "global");
  EXPECT_EQ(parse_recipe(text + "[evaluation]\ntokens = 100\n", "r.toml").evaluation.seconds, 86400);
  EXPECT_EQ(parse_recipe(text + "[evaluation]\nnoise = \"ideal\"\n", "r.toml").evaluation.seconds, 0);
  EXPECT_EQ(parse_recipe(text + "[evaluation]\nnoise = \"pcm-hermes\"\ntime = \"2h\"\n", "r.toml").evaluation.seconds,
            7200);
}

TEST(Recipe, MistakesAreNamed) {
  const auto refused = [](const std::string& text, const test::Parts& parts) {
    test::expect_error(ErrorCode::kFormat, parts, [&] { static_cast<void>(parse_recipe(text, "r.toml")); });
  };
  refused(std::string(kLeast) + "[optimizer]\nlr = 1\n", {"r.toml", "optimizer"});
  refused(std::string(kLeast) + "[optimiser]\nrate = 1\n", {"r.toml:8", "rate"});
  refused(std::string(kLeast) + "[optimiser]\nlr = \"fast\"\n", {"r.toml:8", "lr"});
  refused(std::string(kLeast) + "[optimiser]\ndecay = \"step\"\n", {"r.toml:8", "linear, cosine, none", "step"});
  refused(std::string(kLeast) + "[method]\nname = \"magic\"\n", {"r.toml:8", "afm, qat, lora, pretrain", "magic"});
  refused(std::string(kLeast) + "[method]\nweight_bits = 5\n", {"r.toml:8", "4 or 8", "5"});
  refused(std::string(kLeast) + "[method]\nstart = \"random\"\n", {"r.toml:8", "pretrain", "random"});
  refused(std::string(kLeast) + "[run]\ndevice = \"tpu\"\n", {"r.toml:8", "cuda", "tpu"});
  refused("[model]\ncheckpoint = \"m\"\n[data]\npath = \"d\"\n", {"budget"});
  refused("[data]\npath = \"d\"\n[budget]\ntokens = 1\n", {"model"});
  refused(std::string(kLeast) + "[method]\nname = \"lora\"\n[clipping]\nalpha = 2.5\n", {"r.toml", "clipping"});
  refused(std::string(kLeast) + "[hardware]\nnoise = \"pcm-afm\"\ntime = \"soon\"\n", {"r.toml:9", "1d", "soon"});
  refused(std::string(kLeast) + "[hardware]\ntime = \"1d\"\n", {"r.toml:8", "drifts", "gaussian"});
  refused("[model\n", {"r.toml"});
}

TEST(Recipe, TheOnesOfTheProjectAreRead) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "models" / "recipes")) {
    if (entry.path().extension() != ".toml") continue;
    const Recipe recipe = load_recipe(entry.path());
    EXPECT_TRUE(recipe_json(recipe).contains("optimiser")) << entry.path();
    ++found;
  }
  EXPECT_GE(found, 3);
}

}  // namespace
}  // namespace xw::finetune
