// Real models on every device: the same text and the same words of Y, and how busy the hardware's multipliers are.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arch/support/file.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/unit/app/command_json.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::crossweave;
using test::json_of;
using test::Outcome;

/// Devices of this build beside `functional`, and which of them count cycles.
struct Device {
  std::string uri;
  bool cycles = false;
};
[[nodiscard]] std::vector<Device> other_devices() {
  std::vector<Device> devices;
  if (XW_HAVE_VERILATOR) devices.push_back({"verilated", true});
  if (XW_HAVE_SYSTEMC) devices.insert(devices.end(), {{"systemc", true}, {"systemc:chip", false}});
  return devices;
}

class RealModels : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("xw-e2e-devices-" + std::to_string(::getpid()) + "-" +
                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    if (other_devices().empty()) GTEST_SKIP() << "built without Verilator and SystemC";
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// A random adapter of rank 3 beside two layers, as PEFT writes them.
  [[nodiscard]] fs::path write_adapter(std::uint32_t width, std::uint32_t inner) const {
    const fs::path folder = folder_ / "adapter";
    fs::create_directories(folder);
    std::ofstream(folder / "adapter_config.json")
        << R"({"peft_type": "LORA", "r": 3, "lora_alpha": 6, "bias": "none", "target_modules": ["q_proj", "down_proj"]})";
    std::vector<checkpoint::TensorSpec> specs;
    for (const auto& [layer, inputs] : {std::pair{"0.self_attn.q_proj", width}, std::pair{"1.mlp.down_proj", inner}}) {
      const std::string name = std::string("base_model.model.model.layers.") + layer;
      specs.push_back({name + ".lora_A.weight", checkpoint::Dtype::kF32, {3, inputs}});
      specs.push_back({name + ".lora_B.weight", checkpoint::Dtype::kF32, {width, 3}});
    }
    checkpoint::SafetensorsWriter writer(folder / "adapter_model.safetensors", specs, {{"format", "pt"}});
    std::mt19937 engine(7);
    std::normal_distribution<float> number(0, 0.2F);
    for (const checkpoint::TensorSpec& spec : specs) {
      std::vector<float> values(spec.shape[0] * spec.shape[1]);
      for (float& value : values) value = number(engine);
      writer.add(spec.name, std::span<const float>(values));
    }
    writer.commit();
    return folder;
  }

  void compile(const fs::path& checkpoint, const std::string& options = "") {
    const Outcome compiled = crossweave("compile " + checkpoint.string() + " -o " + program().string() + options);
    ASSERT_EQ(compiled.status, 0) << compiled.output;
  }
  [[nodiscard]] fs::path program() const { return folder_ / "model.xwp"; }

  /// Programming noise and read noise on; `prompt_tokens` as a check of what was meant, 0: more than 8.
  void expect_the_same_everywhere(const std::string& prompt, unsigned prompt_tokens, unsigned new_tokens) const {
    const std::string common = "run " + program().string() + " --prompt '" + prompt + "' -n " +
                               std::to_string(new_tokens) +
                               " --ignore-eos --noise pcm-afm --chip-seed 7 --read-sigma 0.02 --y-checksum --json "
                               "--threads 1 --device ";
    const json expected = json_of(common + "functional");
    if (prompt_tokens == 0) {
      ASSERT_GT(expected.at("prefill_tokens"), 8);
    } else {
      ASSERT_EQ(expected.at("prefill_tokens"), prompt_tokens);
    }
    ASSERT_EQ(expected.at("tokens").size(), new_tokens);
    std::vector<std::uint64_t> cycles;
    for (const Device& device : other_devices()) {
      SCOPED_TRACE(device.uri);
      const json actual = json_of(common + device.uri);
      ASSERT_TRUE(actual.is_object());
      EXPECT_EQ(actual.at("text"), expected.at("text"));
      EXPECT_EQ(actual.at("tokens"), expected.at("tokens"));
      for (const char* key : {"y_crc32", "mvms", "macs", "adc_conversions", "adc_saturations"}) {
        EXPECT_EQ(actual.at("device").at(key), expected.at("device").at(key)) << key;
      }
      if (device.cycles) cycles.push_back(actual.at("device").at("cycles").get<std::uint64_t>());
    }
    if (cycles.size() == 2) {
      EXPECT_NEAR(static_cast<double>(cycles[1]) / static_cast<double>(cycles[0]), 1, 0.02) << cycles[0];
    }
  }

  fs::path folder_;
};

TEST_F(RealModels, Stories260KIsTheSameOnEveryDevice) {
  const auto checkpoint = test::shared_path("data/weights/stories260K/stories260K.bin");
  if (!checkpoint) GTEST_SKIP() << "needs data/weights/stories260K beside the project";
  compile(*checkpoint);
  expect_the_same_everywhere("Once upon a time", 5, 50);
}

TEST_F(RealModels, TheDefaultModelIsTheSameOnEveryDevice) {
  compile(test::source_dir() / "models/default/stories-2m.gguf");
  expect_the_same_everywhere("One day, a little girl named Lily found", 0, 12);
}

// Tiles are numbered through, so that devices run such a program as any other; the simulated chips have links between them.
TEST_F(RealModels, AModelOnSeveralChipsIsTheSameOnEveryDevice) {
  std::string chip = read_text_file(test::source_dir() / "arch/chips/hermes64-1p.toml");
  const std::string tiles = "num_tiles = 64";
  ASSERT_NE(chip.find(tiles), std::string::npos);
  chip.replace(chip.find(tiles), tiles.size(), "num_tiles = 9");
  std::ofstream(folder_ / "nine.toml") << chip;
  const std::string nine = " --chip " + (folder_ / "nine.toml").string();
  const fs::path model = test::source_dir() / "models/default/stories-2m.gguf";
  EXPECT_EQ(crossweave("compile " + model.string() + " -o " + program().string() + nine).status, 4)
      << "too small alone";
  compile(model, nine + " --chips auto");
  expect_the_same_everywhere("One day, a little girl named Lily found", 0, 8);
  if (!XW_HAVE_SYSTEMC) return;
  const json run = json_of("run " + program().string() + " -p 'One day' -n 2 --device systemc:chip --json");
  EXPECT_NE(run.dump().find("links between chips"), std::string::npos);
}

// The adapter's products are the host's: the chip is programmed as without it, and runs on what they make of the stream.
TEST_F(RealModels, TheDefaultModelWithAnAdapterIsTheSameOnEveryDevice) {
  const fs::path model = test::source_dir() / "models/default/stories-2m.gguf";
  const std::string run =
      "run " + program().string() + " --prompt 'One day, a little girl' -n 12 --noise ideal --y-checksum --json";
  compile(model);
  const json plain = json_of(run);
  compile(model, " --adapter " + write_adapter(192, 512).string());
  const json with_adapter = json_of(run);
  EXPECT_NE(with_adapter.at("device").at("y_crc32"), plain.at("device").at("y_crc32"));
  EXPECT_EQ(with_adapter.at("device").at("macs"), plain.at("device").at("macs"));
  expect_the_same_everywhere("One day, a little girl named Lily found", 0, 12);
}

// Windows of some layers, norms of heads and gelu: what the other models here do not have. The sequence passes the window.
TEST_F(RealModels, RandomModelsOfOtherFamiliesAreTheSameOnEveryDevice) {
  for (const std::string family : {"gemma3", "qwen3"}) {
    SCOPED_TRACE(family);
    const fs::path model = folder_ / family;
    test::write_tiny_model(model);  // for its tokenizer
    fs::remove(model / "model.bin");
    const std::string script = (test::source_dir() / "scripts/make_random_model.py").string();
    const std::string command = std::string(XW_PYTHON) + " '" + script + "' --out '" + model.string() + "' --family " +
                                family +
                                " --hidden-size 96 --intermediate-size 160 --layers 3 --heads 4 --kv-heads 2 " +
                                "--head-dim 32 --vocab-size 300 --context 64 > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    json config = json::parse(read_text_file(model / "config.json"));
    config.update({{"sliding_window", 8}, {"use_sliding_window", true}});
    config["layer_types"] = {"sliding_attention", "full_attention", "sliding_attention"};
    std::ofstream(model / "config.json") << config;
    compile(model, " --chip tiny-64");
    expect_the_same_everywhere("the quick brown fox", 0, 12);
  }
}

TEST_F(RealModels, SmolLm2IsTheSameOnEveryDeviceAndKeepsTheHardwareBusy) {
  const char* given = std::getenv("XW_MODEL");
  const fs::path checkpoint =
      given != nullptr ? fs::path(given) : xw::test::source_dir() / ".cache/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(checkpoint)) {
    GTEST_SKIP() << "SmolLM2-135M is not here; scripts/fetch_model.sh smollm2-135m gets it, or set XW_MODEL";
  }
  compile(checkpoint);
  expect_the_same_everywhere("The capital of France is Paris. The capital of Germany is Berlin. The capital", 16, 4);

  // alveo-u55c: 64 bytes per cycle and engine port, 150 cycles of latency; every block is streamed for every call.
  for (const Device& device : other_devices()) {
    if (!device.cycles) continue;
    SCOPED_TRACE(device.uri);
    const json report = json_of("report " + program().string() +
                                " --prefill-tokens 16 --decode-tokens 2 --threads 1 --json --device " + device.uri);
    ASSERT_TRUE(report.is_object());
    const auto utilisation = [&](const char* phase) {
      return report.at("run").at(phase).at("activity").at("mac_utilisation").get<double>();
    };
    EXPECT_GE(utilisation("prefill"), 0.85);
    EXPECT_GE(utilisation("decode"), 0.70);
  }
}

}  // namespace
}  // namespace xw
