// Chip and emulator descriptions: the built-in ones, and every check.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/description/description.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "arch/description/table_reader.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using xw::Error;
using xw::ErrorCode;
using xw::arch::ChipDescription;
using xw::arch::EmulatorDescription;
using xw::test::TemporaryFolder;

constexpr const char* kChip = R"([chip]
name = "test"
num_tiles = 2
rows = 64
cols = 32
adcs_per_tile = 16
emulator = "tiny-64"
)";

constexpr const char* kEmulator = R"([emulator]
name = "test"
num_engines = 2
lanes = 16
block_rows = 64
block_cols = 64
contexts = 2
xbuf_bytes = 1024
ybuf_words = 256
max_batch = 4
adc_columns_per_cycle = 2
data_width_bits = 128
max_outstanding = 4
clock_mhz = 100
memory_latency_cycles = 20
memory_bytes_per_cycle = 16.0
memory_bytes = 1048576
)";

/// `text` with the line of `key` replaced by `line` (removed if empty), or `line` added if there is no such key.
std::string with(std::string text, const std::string& key, const std::string& line) {
  const std::size_t at = text.find("\n" + key + " =");
  if (at == std::string::npos) return text + line + "\n";
  const std::size_t end = text.find('\n', at + 1);
  return text.replace(at, end - at, line.empty() ? "" : "\n" + line);
}

template <class Body>
Error error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::kInternal, "no error was thrown"};
}

Error chip_error(const std::string& text) {
  return error_of([&] { static_cast<void>(xw::arch::parse_chip(text, "a.toml")); });
}
Error emulator_error(const std::string& text) {
  return error_of([&] { static_cast<void>(xw::arch::parse_emulator(text, "a.toml")); });
}

/// Names of the files of arch/chips with a table `[section]`, sorted.
std::vector<std::string> files_with(const std::string& section) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(xw::test::source_dir() / "arch/chips")) {
    if (xw::read_text_file(entry.path()).find("\n[" + section + "]") != std::string::npos) {
      names.push_back(entry.path().stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

TEST(BuiltinDescriptions, AreThoseOfTheFolder) {
  EXPECT_EQ(xw::arch::builtin_chips(), files_with("chip"));
  EXPECT_EQ(xw::arch::builtin_emulators(), files_with("emulator"));
  EXPECT_THAT(xw::arch::builtin_chips(), ::testing::IsSupersetOf({"afm-512", "tiny-64"}));
  EXPECT_THAT(xw::arch::builtin_emulators(), ::testing::IsSupersetOf({"alveo-u55c", "tiny-64"}));
}

TEST(BuiltinDescriptions, EveryOneIsInTheDocumentation) {
  const std::string text = xw::read_text_file(xw::test::source_dir() / "docs/chip-description.md");
  const std::string table =
      text.substr(text.find("| built-in |"), text.find("Every key is checked") - text.find("| built-in |"));
  for (const std::string section : {"chip", "emulator"}) {
    for (const std::string& name : files_with(section)) EXPECT_THAT(table, HasSubstr("`" + name + "`"));
  }
}

TEST(BuiltinDescriptions, AllParseAndNameAnEmulatorThatParses) {
  for (const std::string& name : xw::arch::builtin_chips()) {
    const ChipDescription chip = xw::arch::load_chip(name);
    EXPECT_EQ(chip.name, name);
    EXPECT_FALSE(chip.doc.empty());
    EXPECT_NO_THROW(static_cast<void>(xw::arch::load_emulator(chip.emulator))) << name;
    const auto& timing = chip.timing;
    ASSERT_EQ(timing.count("mvm"), 1U) << name;
    EXPECT_EQ(timing.at("mvm").unit, "ns");
    for (const auto* table : {&chip.timing, &chip.energy, &chip.area}) {
      EXPECT_FALSE(table->empty() && table != &chip.area) << name;  // an area that nobody published is left out
      for (const auto& [key, constant] : *table) EXPECT_FALSE(constant.source.empty()) << name << " " << key;
    }
  }
  for (const std::string& name : xw::arch::builtin_emulators()) EXPECT_EQ(xw::arch::load_emulator(name).name, name);
}

TEST(BuiltinDescriptions, Afm512IsThePapersChip) {
  const ChipDescription chip = xw::arch::load_chip("afm-512");
  EXPECT_EQ(chip.num_tiles, 0U);
  EXPECT_EQ(chip.rows, 512U);
  EXPECT_EQ(chip.cols, 512U);
  EXPECT_EQ(chip.dac_max(), 127);
  EXPECT_EQ(chip.adc_max(), 127);
  EXPECT_EQ(chip.g_unit, 96);
  EXPECT_EQ(chip.lambda, 12.0F);
  EXPECT_EQ(chip.noise, "pcm-afm");
  EXPECT_EQ(chip.emulator, "alveo-u55c");
  const EmulatorDescription emulator = xw::arch::load_emulator(chip.emulator);
  EXPECT_EQ(emulator.num_engines, 4U);
  EXPECT_EQ(emulator.lanes, 64U);
  EXPECT_EQ(emulator.contexts, 4U);
  EXPECT_EQ(emulator.memory_bytes, 16ULL << 30);
}

double mvm_nanojoules(const ChipDescription& chip) {
  const auto& e = chip.energy;
  const double rows = chip.rows;
  const double cols = chip.cols;
  return (rows * e.at("dac_conversion").value + rows * cols * e.at("cell_mac").value +
          cols * (e.at("adc_conversion").value + e.at("rescale_output").value)) /
         1000;
}

// Published: 10.5 TOPS/W per core; 63.1 TOPS and 9.76 TOPS/W for 64 cores. An MVM is 2 * 256 * 256 operations.
TEST(BuiltinDescriptions, HermesAddsUpToThePublishedNumbers) {
  const ChipDescription chip = xw::arch::load_chip("hermes-256");
  const double operations = 2.0 * 256 * 256;
  const double core = mvm_nanojoules(chip);
  EXPECT_NEAR(operations / core / 1000, 10.5, 0.1);
  const double mvm_ns = chip.timing.at("mvm").value;
  EXPECT_NEAR(chip.num_tiles * operations / mvm_ns / 1000, 63.1, 0.5);
  const double chip_nanojoules = core + chip.energy.at("static_power").value * mvm_ns / chip.num_tiles;
  EXPECT_NEAR(operations / chip_nanojoules / 1000, 9.76, 0.1);
}

// Published model: 0.1 W for 100 ns = 10 nJ per MVM of 512 x 512.
TEST(BuiltinDescriptions, Afm512AddsUpToTenNanojoules) {
  EXPECT_NEAR(mvm_nanojoules(xw::arch::load_chip("afm-512")), 10.0, 0.02);
}

TEST(ParseChip, ReadsValuesAndDefaults) {
  const ChipDescription chip = xw::arch::parse_chip(kChip, "a.toml");
  EXPECT_EQ(chip.name, "test");
  EXPECT_EQ(chip.num_tiles, 2U);
  EXPECT_EQ(chip.rows, 64U);
  EXPECT_EQ(chip.cols, 32U);
  EXPECT_EQ(chip.adcs_per_tile, 16U);
  EXPECT_EQ(chip.dac_bits, 8U);
  EXPECT_EQ(chip.adc_bits, 8U);
  EXPECT_EQ(chip.g_unit, 96);
  EXPECT_EQ(chip.lambda, 12.0F);
  EXPECT_EQ(chip.noise, "ideal");
  EXPECT_TRUE(chip.timing.empty());
  EXPECT_EQ(chip.text, kChip);
}

TEST(ParseEmulator, ReadsEveryValue) {
  const EmulatorDescription e = xw::arch::parse_emulator(kEmulator, "a.toml");
  EXPECT_EQ(e.num_engines, 2U);
  EXPECT_EQ(e.lanes, 16U);
  EXPECT_EQ(e.xbuf_bytes, 1024U);
  EXPECT_EQ(e.ybuf_words, 256U);
  EXPECT_EQ(e.clock_mhz, 100.0);
  EXPECT_EQ(e.memory_bytes_per_cycle, 16.0);
  EXPECT_EQ(e, xw::arch::parse_emulator(e.text, "elsewhere"));
}

TEST(ParseChip, MessagesNameFileLineKeyExpectedAndFound) {
  EXPECT_STREQ(chip_error(with(kChip, "rows", "rows = 4096")).what(),
               "a.toml:4: chip.rows: expected an integer in 1..1024, found 4096");
  EXPECT_STREQ(chip_error(with(kChip, "rows", "rows = \"many\"")).what(),
               "a.toml:4: chip.rows: expected an integer in 1..1024, found the string 'many'");
  EXPECT_STREQ(chip_error(with(kChip, "rows", "")).what(), "a.toml:1: chip.rows: expected this key, found nothing");
  EXPECT_THAT(
      chip_error(with(kChip, "colour", "colour = 1")).what(),
      StartsWith("a.toml:8: chip.colour: expected one of the keys adc_bits, adcs_per_tile, area, buffer_bytes, cols,"));
}

struct Case {
  const char* key;
  const char* line;
  ErrorCode code;
  const char* message;
};

TEST(ParseChip, RejectsEveryImpossibleSetting) {
  const std::vector<Case> cases = {
      {"name", "name = \"\"", ErrorCode::kFormat, "chip.name: expected one line of text"},
      {"name", "name = \"a b\"", ErrorCode::kFormat, "letters, digits"},
      {"name", "name = \"-a\"", ErrorCode::kFormat, "letters, digits"},
      {"name", "name = 7", ErrorCode::kFormat, "expected a string, found 7"},
      {"doc", "doc = \"two\\nlines\"", ErrorCode::kFormat, "found the string 'two\\nlines'"},
      {"num_tiles", "num_tiles = -1", ErrorCode::kFormat, "0..16777216, found -1"},
      {"num_tiles", "num_tiles = 1.5", ErrorCode::kFormat, "found 1.5"},
      {"num_tiles", "num_tiles = 99999999999", ErrorCode::kFormat, "found 99999999999"},
      {"rows", "rows = 0", ErrorCode::kFormat, "1..1024, found 0"},
      {"rows", "rows = [1]", ErrorCode::kFormat, "found an array"},
      {"rows", "rows = { a = 1 }", ErrorCode::kFormat, "found a table"},
      {"rows", "rows = true", ErrorCode::kFormat, "found true"},
      {"rows", "rows = 2024-01-01", ErrorCode::kFormat, "found a date or time"},
      {"cols", "cols = 1025", ErrorCode::kFormat, "1..1024, found 1025"},
      {"dac_bits", "dac_bits = 9", ErrorCode::kFormat, "2..8, found 9"},
      {"dac_bits", "dac_bits = 1", ErrorCode::kFormat, "2..8, found 1"},
      {"adc_bits", "adc_bits = 3", ErrorCode::kFormat, "4..12, found 3"},
      {"adc_bits", "adc_bits = 13", ErrorCode::kFormat, "4..12, found 13"},
      {"adcs_per_tile", "adcs_per_tile = 33", ErrorCode::kFormat, "1..32, found 33"},
      {"adcs_per_tile", "adcs_per_tile = 5", ErrorCode::kFormat, "a divisor of cols = 32, found 5"},
      {"mesh_columns", "mesh_columns = -1", ErrorCode::kFormat, "0..16777216, found -1"},
      {"buffer_bytes", "buffer_bytes = 1.5", ErrorCode::kFormat, "found 1.5"},
      {"sum_bytes", "sum_bytes = 0", ErrorCode::kFormat, "1..4, found 0"},
      {"sum_bytes", "sum_bytes = 5", ErrorCode::kFormat, "1..4, found 5"},
      {"g_unit", "g_unit = 128", ErrorCode::kFormat, "1..127, found 128"},
      {"lambda", "lambda = 0", ErrorCode::kFormat, "(0, 1024], found 0"},
      {"lambda", "lambda = nan", ErrorCode::kFormat, "chip.lambda"},
      {"lambda", "lambda = inf", ErrorCode::kFormat, "chip.lambda"},
      {"lambda", "lambda = \"12\"", ErrorCode::kFormat, "expected a number"},
      {"lambda", "lambda = 65", ErrorCode::kFormat, "at most rows = 64"},
      {"read_sigma", "read_sigma = -0.1", ErrorCode::kFormat, "[0, 1024]"},
      {"read_sigma", "read_sigma = 12.5", ErrorCode::kFormat, "at most lambda"},
      {"noise", "noise = \"a\\tb\"", ErrorCode::kFormat, "chip.noise"},
      {"noise", "noise = \"gaussian gamma\"", ErrorCode::kFormat, "chip.noise: expected at most 262144 letters"},
      {"noise", "noise = \":gamma=1\"", ErrorCode::kFormat, "chip.noise"},
      {"emulator", "", ErrorCode::kFormat, "an [emulator] section, found neither"},
      {"timing", "timing = 3", ErrorCode::kFormat, "chip.timing: expected a table, found 3"},
  };
  for (const Case& c : cases) {
    const Error error = chip_error(with(kChip, c.key, c.line));
    EXPECT_EQ(error.code(), c.code) << c.line << ": " << error.what();
    EXPECT_THAT(error.what(), HasSubstr(c.message)) << c.line;
    EXPECT_THAT(error.what(), StartsWith("a.toml:")) << c.line;
  }
}

TEST(ParseChip, AReadSigmaMustFitTheContract) {
  std::string text = with(with(kChip, "rows", "rows = 1024"), "lambda", "lambda = 1024");
  text = with(text, "g_unit", "g_unit = 127");
  EXPECT_THAT(chip_error(with(text, "read_sigma", "read_sigma = 1000")).what(), HasSubstr("bits of read_sigma_q"));
}

TEST(ParseChip, NoiseMayHaveParameters) {
  const ChipDescription chip = xw::arch::parse_chip(std::string(kChip) + "noise = \"gaussian:gamma=2e-2\"\n", "a");
  EXPECT_EQ(chip.noise, "gaussian:gamma=2e-2");
}

TEST(ParseChip, AnotherNoiseIsTheOnlyThingThatChanges) {
  const std::string before = std::string(kChip) + "# \u00fcber noise = \"gaussian\"\n", after = "# the end\n";
  const std::string line = "noise   =   'gaussian:gamma=2e-2' # with \u00e9t\u00e9\n";
  const std::string wanted = "custom:programming=0@0.01/1@2e-05,t0=1e+02";
  const ChipDescription chip = xw::arch::parse_chip(before + line + after, "a");
  const ChipDescription changed = xw::arch::with_noise(chip, wanted);
  EXPECT_EQ(changed.noise, wanted);
  EXPECT_EQ(changed.text, before + "noise   =   \"" + wanted + "\" # with \u00e9t\u00e9\n" + after);
  EXPECT_EQ(changed.rows, chip.rows);
  // On a line with characters of several bytes before it, and as the last bytes of a document.
  const std::string table = "x = { 'd\u00f6c' = '\u20ac', y = \"old\" }\nz = 'old'";
  using xw::arch::replace_text;
  EXPECT_EQ(replace_text(table, {"x", "y"}, "new", "t"), "x = { 'd\u00f6c' = '\u20ac', y = \"new\" }\nz = 'old'");
  EXPECT_EQ(replace_text(table, {"z"}, "new", "t"), "x = { 'd\u00f6c' = '\u20ac', y = \"old\" }\nz = \"new\"");
  EXPECT_EQ(replace_text("a = \"\"\"\nold\"\"\" # b\n", {"a"}, "new", "t"), "a = \"new\" # b\n");
  xw::test::expect_error(ErrorCode::kInvalidArgument, "t: x.w: expected a string", [&] {
    (void)replace_text(table, {"x", "w"}, "new", "t");
  });
  xw::test::expect_error(ErrorCode::kFormat, "chip.noise", [&] { (void)xw::arch::with_noise(chip, "two words"); });
}

TEST(ParseChip, ConstantsAreCompleteWithTheirUnitAndSource) {
  const std::string area = std::string(kChip) + "[chip.area]\n";
  const std::string tile = "tile = { value = 0.5, unit = \"mm2\", source = \"measured\" }\n";
  const std::string digital = "digital = { value = 0, unit = \"mm2\", source = \"none\" }\n";
  const ChipDescription chip = xw::arch::parse_chip(area + tile + digital, "a.toml");
  EXPECT_EQ(chip.area.at("tile").value, 0.5);
  EXPECT_EQ(chip.area.at("tile").source, "measured");
  EXPECT_THAT(chip_error(area + tile).what(),
              HasSubstr("chip.area.digital: expected the constant { value = ..., unit = \"mm2\", source = ... }, found "
                        "nothing; a chip with [chip.area] has all of its constants"));
  EXPECT_THAT(chip_error(area + tile + digital + "roof = { value = 1, unit = \"mm2\", source = \"x\" }\n").what(),
              HasSubstr("chip.area.roof: expected one of the keys digital, tile, found this unknown key"));
  EXPECT_THAT(chip_error(area + digital + "tile = { value = 1, unit = \"m2\", source = \"x\" }\n").what(),
              HasSubstr("chip.area.tile.unit: expected the unit 'mm2', found 'm2'"));
  EXPECT_THAT(chip_error(area + digital + "tile = { value = 1, unit = \"mm2\" }\n").what(),
              HasSubstr("chip.area.tile.source: expected this key"));
  EXPECT_THAT(chip_error(area + digital + "tile = { value = 1, unit = \"mm2\", source = \"x\", note = 1 }\n").what(),
              HasSubstr("chip.area.tile.note"));
  EXPECT_THAT(chip_error(area + digital + "tile = { value = 0, unit = \"mm2\", source = \"x\" }\n").what(),
              HasSubstr("chip.area.tile.value: expected a number in (0"));
  EXPECT_THAT(chip_error(area + tile + "digital = { value = -1, unit = \"mm2\", source = \"x\" }\n").what(),
              HasSubstr("chip.area.digital.value: expected a number in [0"));
}

TEST(ParseChip, LinksAndProgrammingHaveDefaultsWithSources) {
  const ChipDescription chip = xw::arch::parse_chip(kChip, "a.toml");
  EXPECT_EQ(chip.links.topology, xw::arch::LinkTopology::kChain);
  EXPECT_EQ(chip.links.constants.at("rate").value, 25);
  EXPECT_EQ(chip.links.constants.at("latency").value, 20);
  EXPECT_EQ(chip.links.constants.at("byte").value, 14);
  EXPECT_EQ(chip.programming.at("row").value, 20000);
  EXPECT_EQ(chip.programming.at("cell").value, 400);
  EXPECT_EQ(chip.programming.at("tiles_at_once").value, 0);
  EXPECT_EQ(chip.programming.at("endurance").value, 1e8);
  for (const auto* table : {&chip.links.constants, &chip.programming}) {
    for (const auto& [key, constant] : *table) EXPECT_THAT(constant.source, HasSubstr("assumed:")) << key;
  }
}

TEST(ParseChip, LinksAreChecked) {
  const auto constant = [](const std::string& key, const std::string& unit) {
    return key + " = { value = 3.0, unit = \"" + unit + "\", source = \"made\" }\n";
  };
  const std::string all = constant("rate", "bytes/ns") + constant("latency", "ns") + constant("byte", "pJ");
  const auto chip = [&](const std::string& links) { return std::string(kChip) + "[chip.links]\n" + links; };
  const ChipDescription mesh = xw::arch::parse_chip(chip("topology = \"mesh\"\nmesh_columns = 4\n" + all), "a.toml");
  EXPECT_EQ(mesh.links.topology, xw::arch::LinkTopology::kMesh);
  EXPECT_EQ(mesh.links.mesh_columns, 4U);
  EXPECT_EQ(mesh.links.constants.at("byte").value, 3);
  EXPECT_EQ(xw::arch::parse_chip(chip(all), "a.toml").links.topology, xw::arch::LinkTopology::kChain);
  const auto complaint = [&](const std::string& links) { return std::string(chip_error(chip(links)).what()); };
  EXPECT_THAT(complaint("topology = \"ring\"\n" + all),
              HasSubstr("topology: expected chain, star or mesh, found 'ring'"));
  EXPECT_THAT(complaint("topology = \"mesh\"\n" + all), HasSubstr("mesh_columns: expected at least 1"));
  EXPECT_THAT(complaint("mesh_columns = 2\n" + all),
              HasSubstr("mesh_columns: expected 0 without topology = \"mesh\", found 2"));
  EXPECT_THAT(complaint(constant("rate", "bytes/ns") + constant("byte", "pJ")), HasSubstr("has all of its constants"));
  EXPECT_THAT(complaint(all + "speed = 1\n"), HasSubstr("unknown key"));
  const Error unit =
      chip_error(std::string(kChip) + "[chip.programming]\n" + constant("row", "us") + constant("cell", "pJ") +
                 constant("tiles_at_once", "tiles") + constant("endurance", "writes"));
  EXPECT_THAT(unit.what(), HasSubstr("expected the unit 'ns', found 'us'"));
}

TEST(ParseChip, TilesOfAMeshHangOnTheLinksOfTheirRow) {
  ChipDescription chip =
      xw::arch::parse_chip(with(kChip, "colour", "mesh_columns = 3\nbuffer_bytes = 4096\nsum_bytes = 2"), "a.toml");
  EXPECT_EQ(chip.buffer_bytes, 4096U);
  EXPECT_EQ(chip.sum_bytes, 2U);
  EXPECT_EQ(chip.hops_of(0), 1U);
  EXPECT_EQ(chip.hops_of(2), 3U);
  EXPECT_EQ(chip.hops_of(3), 1U);
  EXPECT_EQ(chip.row_of(5), 1U);
  EXPECT_EQ(chip.link_of(5, 0), 5U);  // its own
  EXPECT_EQ(chip.link_of(5, 2), 1U);
  EXPECT_EQ(chip.link_of(6, 2), 0U);
  chip = xw::arch::parse_chip(kChip, "a.toml");
  EXPECT_EQ(chip.buffer_bytes, 0U);
  EXPECT_EQ(chip.sum_bytes, 4U);
  EXPECT_EQ(chip.hops_of(7), 0U);
  EXPECT_EQ(chip.link_of(7, 2), 1U);
}

TEST(ParseChip, ConstantsPerHopNeedAMesh) {
  const ChipDescription complete = xw::arch::load_chip("afm-512");
  const auto table_of = [](const std::map<std::string, xw::arch::Sourced>& constants, const std::string& more) {
    std::string text;
    for (const auto& [key, constant] : constants) {
      text += key + " = { value = 1, unit = \"" + constant.unit + "\", source = \"made\" }\n";
    }
    return text + more;
  };
  const std::string mesh = with(kChip, "colour", "mesh_columns = 4\n");
  for (const std::string& table :
       {"[chip.timing]\n" +
            table_of(complete.timing, "hop_latency = { value = 1, unit = \"ns\", source = \"made\" }\n"),
        "[chip.energy]\n" +
            table_of(complete.energy, "hop_byte = { value = 1, unit = \"pJ\", source = \"made\" }\n")}) {
    EXPECT_THAT(chip_error(kChip + table).what(),
                HasSubstr("chip.mesh_columns: expected at least 1 with constants per hop"));
    EXPECT_NO_THROW(static_cast<void>(xw::arch::parse_chip(mesh + table, "a.toml"))) << table;
  }
}

TEST(ParseChip, AnEmulatorIsNamedOrInTheFileButNotBoth) {
  const std::string both = std::string(kChip) + kEmulator;
  EXPECT_THAT(chip_error(both).what(), HasSubstr("either this key or an [emulator] section, found both"));
  const ChipDescription chip = xw::arch::parse_chip(with(kChip, "emulator", "") + kEmulator, "a.toml");
  EXPECT_EQ(chip.emulator, "a.toml");
}

TEST(ParseChip, WhatIsNoDescriptionIsAnError) {
  EXPECT_THAT(chip_error("").what(), HasSubstr("chip: expected a table, found nothing"));
  EXPECT_THAT(chip_error("[chip\n").what(), HasSubstr("a.toml:1: not TOML"));
  EXPECT_THAT(chip_error("a = 1\n[chip]\n").what(), HasSubstr("a: expected one of the keys chip"));
  EXPECT_THAT(chip_error(std::string(kChip) + "rows = 3\n").what(), HasSubstr("a.toml:8: not TOML"));
  EXPECT_THAT(chip_error("chip = 5\n").what(), HasSubstr("chip: expected a table, found 5"));
  EXPECT_THAT(chip_error("[chip]\nname = \"\xff\"\n").what(), HasSubstr("not TOML"));
  EXPECT_THAT(chip_error(std::string((1 << 20) + 1, '#')).what(), HasSubstr("expected at most 1048576 bytes"));
  EXPECT_EQ(chip_error("x = " + std::string(5000, '[')).code(), ErrorCode::kFormat);
}

TEST(ParseChip, LongAndOddKeysAreShownShort) {
  const std::string key(5000, 'k');
  EXPECT_LT(std::string(chip_error(std::string(kChip) + key + " = 1\n").what()).size(), 600U);
  const Error error = chip_error(std::string(kChip) + "\"a\\u001b[31mb\" = 1\n");
  EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
}

TEST(ParseEmulator, RejectsEveryImpossibleSetting) {
  const std::vector<Case> cases = {
      {"num_engines", "num_engines = 0", ErrorCode::kFormat, "1..8, found 0"},
      {"num_engines", "num_engines = 9", ErrorCode::kFormat, "1..8, found 9"},
      {"lanes", "lanes = 2", ErrorCode::kFormat, "4..256, found 2"},
      {"lanes", "lanes = 48", ErrorCode::kFormat, "a power of two, found 48"},
      {"block_rows", "block_rows = 1025", ErrorCode::kFormat, "1..1024"},
      {"block_cols", "block_cols = 72", ErrorCode::kFormat, "a multiple of lanes = 16, found 72"},
      {"contexts", "contexts = 1", ErrorCode::kFormat, "2..256, found 1"},
      {"contexts", "contexts = 257", ErrorCode::kFormat, "2..256, found 257"},
      {"xbuf_bytes", "xbuf_bytes = 1000", ErrorCode::kFormat, "a multiple of 64, found 1000"},
      {"xbuf_bytes", "xbuf_bytes = 65600", ErrorCode::kFormat, "64..65536, found 65600"},
      {"block_rows", "block_rows = 1024\nxbuf_bytes_ = 1", ErrorCode::kFormat, "emulator.xbuf_bytes_"},
      {"ybuf_words", "ybuf_words = 8", ErrorCode::kFormat, "16..65536, found 8"},
      {"ybuf_words", "ybuf_words = 100", ErrorCode::kFormat, "a multiple of 16, found 100"},
      {"ybuf_words", "ybuf_words = 48", ErrorCode::kFormat, "at least block_cols = 64, found 48"},
      {"max_batch", "max_batch = 257", ErrorCode::kFormat, "1..256, found 257"},
      {"adc_columns_per_cycle", "adc_columns_per_cycle = 17", ErrorCode::kFormat, "1..16, found 17"},
      {"adc_columns_per_cycle", "adc_columns_per_cycle = 3", ErrorCode::kFormat, "a divisor of lanes = 16"},
      {"data_width_bits", "data_width_bits = 96", ErrorCode::kFormat, "a power of two, found 96"},
      {"data_width_bits", "data_width_bits = 64", ErrorCode::kFormat, "data_width_bits / 8 = 8"},
      {"max_outstanding", "max_outstanding = 0", ErrorCode::kFormat, "1..256, found 0"},
      {"clock_mhz", "clock_mhz = 0.0", ErrorCode::kFormat, "(0, 10000]"},
      {"memory_latency_cycles", "memory_latency_cycles = -1", ErrorCode::kFormat, "0..100000, found -1"},
      {"memory_bytes", "memory_bytes = 5000", ErrorCode::kFormat, "a multiple of 4096, found 5000"},
      {"memory_bytes", "memory_bytes = 281474976714752", ErrorCode::kFormat, "4096..281474976710656"},
      {"memory_bytes", "", ErrorCode::kFormat, "emulator.memory_bytes: expected this key"},
      {"speed", "speed = 1", ErrorCode::kFormat, "emulator.speed: expected one of the keys"},
  };
  for (const Case& c : cases) {
    const Error error = emulator_error(with(kEmulator, c.key, c.line));
    EXPECT_EQ(error.code(), c.code) << c.line << ": " << error.what();
    EXPECT_THAT(error.what(), HasSubstr(c.message)) << c.line;
  }
  EXPECT_THAT(
      emulator_error(with(with(kEmulator, "xbuf_bytes", "xbuf_bytes = 64"), "block_rows", "block_rows = 65")).what(),
      HasSubstr("xbuf_bytes: expected at least block_rows = 65, found 64"));
  EXPECT_THAT(emulator_error(kChip).what(), HasSubstr("emulator: expected a table, found nothing"));
}

TEST(LoadDescription, UnknownNamesListTheKnownOnes) {
  const Error chip = error_of([] { static_cast<void>(xw::arch::load_chip("afm-513")); });
  EXPECT_EQ(chip.code(), ErrorCode::kInvalidArgument);
  EXPECT_STREQ(chip.what(), ("unknown chip 'afm-513': expected one of " + joined(files_with("chip")) +
                             ", or the path of a .toml file")
                                .c_str());
  const Error emulator = error_of([] { static_cast<void>(xw::arch::load_emulator("u56c")); });
  EXPECT_THAT(emulator.what(), HasSubstr("unknown emulator 'u56c': expected one of " + joined(files_with("emulator"))));
  const Error other = error_of([] { static_cast<void>(xw::arch::load_emulator("afm-512")); });
  EXPECT_THAT(other.what(), HasSubstr("afm-512:1: emulator: expected a table, found nothing"));
}

TEST(LoadDescription, FilesAreFoundByPathAndTheirEmulatorBesideThem) {
  const TemporaryFolder folder;
  std::ofstream(folder / "chip.toml") << with(kChip, "emulator", "emulator = \"emu.toml\"");
  std::ofstream(folder / "emu.toml") << kEmulator;
  std::ofstream(folder / "one.toml") << with(kChip, "emulator", "") << kEmulator;
  const ChipDescription chip = xw::arch::load_chip(folder / "chip.toml");
  EXPECT_EQ(chip.emulator, folder / "emu.toml");
  EXPECT_EQ(xw::arch::load_emulator(chip.emulator).num_engines, 2U);
  const ChipDescription one = xw::arch::load_chip(folder / "one.toml");
  EXPECT_EQ(xw::arch::load_emulator(one.emulator).name, "test");
  const Error error = error_of([&] { static_cast<void>(xw::arch::load_chip(folder / "none.toml")); });
  EXPECT_EQ(error.code(), ErrorCode::kFileNotFound);
}

}  // namespace
