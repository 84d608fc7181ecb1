// Real models on every device: the same text and the same words of Y, and how busy the hardware's multipliers are.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <tuple>
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
  /// A compilation that ends with the status and a message that has this in it, and leaves no program.
  void expect_refused(const fs::path& checkpoint, const std::string& options, int status, const std::string& message) {
    const Outcome outcome = crossweave("compile " + checkpoint.string() + " -o " + program().string() + options);
    EXPECT_EQ(outcome.status, status) << options << ": " << outcome.output;
    EXPECT_NE(outcome.output.find(message), std::string::npos) << options << ": " << outcome.output;
    EXPECT_FALSE(fs::exists(program()));
  }
  [[nodiscard]] fs::path program() const { return folder_ / "model.xwp"; }

  /// Options for a chip of nine tiles of 256 x 256.
  [[nodiscard]] std::string write_nine_tiles() const {
    std::string chip = read_text_file(test::source_dir() / "arch/chips/hermes64-1p.toml");
    const std::string tiles = "num_tiles = 64";
    EXPECT_NE(chip.find(tiles), std::string::npos);
    chip.replace(chip.find(tiles), tiles.size(), "num_tiles = 9");
    std::ofstream(folder_ / "nine.toml") << chip;
    return " --chip " + (folder_ / "nine.toml").string();
  }

  /// Options for a chip of 64 tiles of 256 x 256 that a prompt keeps busy: fast memory and digital units.
  [[nodiscard]] std::string write_fast_memory() const {
    std::string chip = read_text_file(test::source_dir() / "arch/chips/hermes64-1p.toml");
    for (const auto& [key, before, now] :
         {std::tuple("memory_rate", "5.332", "460.0"), std::tuple("digital_mac_rate", "64.0", "4096.0"),
          std::tuple("digital_latency", "20.0", "1.0")}) {
      const std::size_t number = chip.find(before, chip.find(std::string("\n") + key));
      EXPECT_NE(number, std::string::npos) << key;
      chip.replace(number, std::string(before).size(), now);
    }
    std::ofstream(folder_ / "fast.toml") << chip;
    return " --chip " + (folder_ / "fast.toml").string();
  }

  static fs::path stories() { return test::source_dir() / "models/default/stories-2m.gguf"; }

  /// A few tokens without noise.
  std::string short_run() const {
    return "run " + program().string() +
           " -p 'One day, a little girl named Lily found' -n 5 --noise ideal --read-sigma 0 --json";
  }

  /// An option that uses free tiles for speed: the text and the work are those without it, prompts are faster, and the program is the same on every
  /// device. `same`: what else of a simulation stays. Returns the text.
  std::string expect_the_same_sooner(const std::string& chip, const std::string& option, const char* same) {
    const std::string simulate = "simulate " + program().string() + " --prompt-tokens 64 --tokens 0 --json";
    const auto simulated = [&] { return XW_HAVE_SYSTEMC ? json_of(simulate).at("runs").at(0) : json(); };
    compile(stories(), chip);
    const json without = json_of(short_run());
    const json simulated_without = simulated();
    compile(stories(), chip + option);
    const json with = json_of(short_run());
    EXPECT_EQ(with.at("text"), without.at("text")) << "there is no noise in it";
    EXPECT_EQ(with.at("device").at("macs"), without.at("device").at("macs"));
    expect_the_same_everywhere("One day, a little girl named Lily found", 0, 5);
    if (XW_HAVE_SYSTEMC) {
      const json simulated_with = simulated();
      EXPECT_LT(simulated_with.at("total_ns").get<double>(), 0.75 * simulated_without.at("total_ns").get<double>());
      EXPECT_EQ(simulated_with.at(same), simulated_without.at(same)) << "the same work elsewhere";
    }
    return without.at("text").get<std::string>();
  }

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
  const std::string nine = write_nine_tiles();
  const fs::path model = test::source_dir() / "models/default/stories-2m.gguf";
  EXPECT_EQ(crossweave("compile " + model.string() + " -o " + program().string() + nine).status, 4)
      << "too small alone";
  compile(model, nine + " --chips auto");
  expect_the_same_everywhere("One day, a little girl named Lily found", 0, 8);
  if (!XW_HAVE_SYSTEMC) return;
  const json run = json_of("run " + program().string() + " -p 'One day' -n 2 --device systemc:chip --json");
  EXPECT_NE(run.dump().find("links between chips"), std::string::npos);
}

// A chip of nine tiles for a model of 44: five rounds take turns. Words, writes and time by other ways than the program's.
TEST_F(RealModels, AModelThatIsWrittenRoundByRoundIsTheSameOnEveryDevice) {
  const std::string nine = write_nine_tiles();
  const fs::path model = test::source_dir() / "models/default/stories-2m.gguf";
  const std::string run =
      "run " + program().string() +
      " -p 'One day, a little girl' -n 6 --ignore-eos --noise pcm-afm --chip-seed 7 --read-sigma 0.02 "
      "--y-checksum --threads 1 --json --device ";
  compile(model, nine + " --chips auto");  // the same tiles, on five chips
  const json several = json_of(run + "functional");
  compile(model, nine + " --reload");
  const json reloaded = json_of(run + "functional");
  EXPECT_EQ(reloaded.at("text"), several.at("text"));
  EXPECT_EQ(reloaded.at("device").at("y_crc32"), several.at("device").at("y_crc32"));
  expect_the_same_everywhere("One day, a little girl named Lily found", 0, 5);

  // One pass for the prompt, one for each of the other tokens; tile t of a round lies in tile t of the chip.
  const json blocks = json_of("inspect " + program().string() + " --json").at("blocks");
  std::map<unsigned, std::set<unsigned>> rounds;  // tiles of the chip by round
  std::map<unsigned, unsigned> rows;
  for (const json& block : blocks) {
    const auto tile = block.at("tile").get<unsigned>();
    rounds[tile / 9].insert(tile % 9);
    rows[tile / 9] = std::max(rows[tile / 9], block.at("row0").get<unsigned>() + block.at("rows").get<unsigned>());
  }
  ASSERT_EQ(rounds.size(), 5U);
  std::map<unsigned, unsigned> writes;
  double write_ns = 0;
  for (const auto& [round, tiles] : rounds) {
    for (const unsigned tile : tiles) writes[tile] += 6;
    write_ns += rows[round] * 20000.0;
  }
  for (const json& tile : reloaded.at("device").at("tile_writes")) {
    const auto number = tile.at("tile").get<unsigned>();
    EXPECT_EQ(tile.at("writes").get<unsigned>(), writes[number]) << tile;
    writes.erase(number);
  }
  EXPECT_TRUE(writes.empty());
  if (!XW_HAVE_SYSTEMC) return;
  const json simulated = json_of("simulate " + program().string() + " --position 511 --json").at("runs").at(0);
  EXPECT_EQ(simulated.at("reload").at("rounds_written"), 5);
  EXPECT_NEAR(simulated.at("critical_path_ns").at("writing cells").get<double>(), write_ns, 1e-3);
  const json plans = json_of("plan " + model.string() + nine + " --json").at("plans");
  const auto plan =
      std::find_if(plans.begin(), plans.end(), [](const json& one) { return one.at("kind") == "reload"; });
  ASSERT_NE(plan, plans.end());
  EXPECT_NEAR(plan->at("token_ns").get<double>() / simulated.at("total_ns").get<double>(), 1, 0.05);
  EXPECT_NEAR(plan->at("token_pj").get<double>() / simulated.at("energy_pj_per_token").get<double>(), 1, 0.05);
  // On the device the prompt and every token write all five.
  const json on_chip = json_of(run + "systemc:chip");
  EXPECT_EQ(on_chip.at("device").at("tile_writes"), reloaded.at("device").at("tile_writes"));
  const double chip_ns = on_chip.at("device").at("chip_ns").get<double>();
  EXPECT_GT(chip_ns, 6 * write_ns);
  EXPECT_LT(chip_ns, 6 * write_ns * 1.05) << "the calls themselves take far less";
}

// Free tiles hold copies of calls, which take vectors in turn.
TEST_F(RealModels, CallsThatTheChipHoldsSeveralTimesAreTheSameOnEveryDevice) {
  const std::string fast = write_fast_memory();
  const std::string once = expect_the_same_sooner(fast, " --duplicate", "link_bytes");
  compile(stories(), fast + " --duplicate='layers.0.*=2,layers.1.down=3'");
  EXPECT_EQ(json_of(short_run()).at("text"), once);
}

// Free tiles hold blocks that would take turns: each works the same, elsewhere and sooner.
TEST_F(RealModels, BlocksSideBySideAreTheSameOnEveryDevice) {
  expect_the_same_sooner(write_fast_memory(), " --spread", "cell_macs");
}

TEST_F(RealModels, UsesOfFreeTilesThatCannotBeAreRefused) {
  const fs::path model = test::source_dir() / "models/default/stories-2m.gguf";
  const auto refused = [&](const std::string& options, int status, const std::string& message) {
    expect_refused(model, options, status, message);
  };
  refused(" --duplicate=0", 2, "--duplicate: expected auto, none, a number of tiles");
  refused(" --chip afm-512 --duplicate", 2, "expected how many copies may take");
  refused(" --chip hermes64-1p --duplicate=all=9", 4, "with the copies that --duplicate asks for");
  refused(" --chip hermes64-1p --duplicate=nothing=2", 2, "which matches none");
  refused(" --chip hermes64-1p --chips 2 --duplicate=all=2", 2, "for one chip");
  refused(" --chip hermes64-1p --duplicate=1", 4, "no copy of the slowest call fits");
  refused(" --chip hermes64-1p --spread=9999", 4, "expected at most");
  refused(" --chip hermes64-1p --chips 2 --spread", 2, "for one chip");
  refused(" --chip buchel3d --spread", 3, "would take turns");
}

TEST_F(RealModels, WhatCannotBeWrittenRoundByRoundIsRefused) {
  const std::string nine = write_nine_tiles();
  const fs::path model = test::source_dir() / "models/default/stories-2m.gguf";
  const auto refused = [&](const std::string& options, int status, const std::string& message) {
    expect_refused(model, nine + options, status, message);
  };
  refused(" --reload=2", 4, "need");
  refused(" --reload=0", 2, "--reload: expected auto, none or a number from 1");
  refused(" --reload --chips 2", 2, "reload: writes the tiles of one chip anew");
  compile(model, nine + " --reload");
  const std::string run = "run " + program().string() + " -p 'One day' -n 2 ";
  for (const char* option :
       {"--noise pcm-afm --time 1d", "--noise pcm-afm --compensation global", "--faults tiles=0.1"}) {
    const Outcome outcome = crossweave(run + option);
    EXPECT_NE(outcome.status, 0) << option;
    EXPECT_NE(outcome.output.find("compiled with --reload), which goes without"), std::string::npos) << outcome.output;
  }
  // A chip that is large enough is not written anew.
  compile(model, " --chip hermes64-1p --reload");
  const json run_json = json_of(run + "--json");
  EXPECT_FALSE(run_json.at("device").contains("tile_writes"));
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
