// The container: round trips, and every kind of corruption has its error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "compiler/program/container.hpp"
#include "compiler/program/program.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/program/program_fixture.hpp"

namespace xw::program {
namespace {

using test::make_parts;
using test::ProgramParts;
using test::TemporaryDirectory;

std::vector<std::byte> written(ProgramParts parts) {
  const TemporaryDirectory directory;
  parts.write(directory / "p.xwp");
  return test::read_bytes(directory / "p.xwp");
}

/// Opening fails with this message, which names the file.
void expect_refused(const std::vector<std::byte>& bytes, const std::string& what, ErrorCode code = ErrorCode::kFormat) {
  test::expect_error(code, {"p.xwp: ", what}, [&] { (void)Program::from_bytes(bytes, "p.xwp"); });
}

template <typename T>
void store_at(std::vector<std::byte>& bytes, std::size_t offset, const T& value) {
  ASSERT_LE(offset + sizeof(T), bytes.size());
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

SectionEntry entry_of(const std::vector<std::byte>& bytes, std::size_t index) {
  return load_at<SectionEntry>(bytes, kFileHeaderBytes + index * kSectionEntryBytes);
}

class Modes : public ::testing::TestWithParam<WeightMode> {};

TEST_P(Modes, RoundTripIsExact) {
  const TemporaryDirectory directory;
  ProgramParts parts = make_parts(GetParam());
  parts.write(directory / "p.xwp");
  const auto program = Program::open(directory / "p.xwp");
  EXPECT_EQ(program->path(), (directory / "p.xwp").string());
  EXPECT_EQ(program->file_bytes(), std::filesystem::file_size(directory / "p.xwp"));
  EXPECT_EQ(program->manifest(), parts.manifest);
  EXPECT_EQ(program->graph_text(), parts.graph_text);
  EXPECT_TRUE(std::equal(parts.code.begin(), parts.code.end(), program->code().begin(), program->code().end()));
  EXPECT_TRUE(std::equal(parts.blocks.begin(), parts.blocks.end(), program->blocks().begin(), program->blocks().end()));
  EXPECT_TRUE(std::equal(parts.images.begin(), parts.images.end(), program->images().begin(), program->images().end()));
  EXPECT_TRUE(
      std::equal(parts.columns.begin(), parts.columns.end(), program->columns().begin(), program->columns().end()));
  EXPECT_TRUE(std::equal(parts.tokenizer.begin(), parts.tokenizer.end(), program->tokenizer().begin(),
                         program->tokenizer().end()));
  for (std::uint32_t i = 0; i < parts.blocks.size(); ++i) {
    program->check_targets(i);
    const auto targets16 = program->targets16(program->blocks()[i]);
    const auto targets8 = program->targets8(program->blocks()[i]);
    if (GetParam() == WeightMode::kAnalog) {
      EXPECT_TRUE(std::equal(targets16.begin(), targets16.end(), parts.targets16[i].begin(), parts.targets16[i].end()));
      EXPECT_TRUE(targets8.empty());
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(targets16.data()) % 64, 0U);
    } else {
      EXPECT_TRUE(std::equal(targets8.begin(), targets8.end(), parts.targets8[i].begin(), parts.targets8[i].end()));
      EXPECT_TRUE(targets16.empty());
    }
    program->release_targets(i);
    program->check_targets(i);
  }
}

TEST_P(Modes, Constants) {
  const auto program = Program::from_bytes(written(make_parts(GetParam())), "p.xwp");
  ASSERT_EQ(program->constants().size(), 2U);
  const Constant& embedding = program->constants().at("embedding");
  EXPECT_EQ(embedding.type, ConstantType::kF32);
  EXPECT_EQ(embedding.shape, (std::vector<std::uint64_t>{4, 9}));
  ASSERT_EQ(embedding.data.size(), 144U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(embedding.data.data()) % 64, 0U);
  EXPECT_EQ(std::memcmp(embedding.data.data(), make_parts().embedding.data(), 144), 0);
  EXPECT_TRUE(program->constants().at("empty").data.empty());
}

INSTANTIATE_TEST_SUITE_P(All, Modes, ::testing::Values(WeightMode::kAnalog, WeightMode::kW8, WeightMode::kW4),
                         [](const auto& mode) { return std::string(name(mode.param)); });

TEST(ProgramFile, ChipsAreKept) {
  ProgramParts parts = make_parts();
  EXPECT_EQ(Program::from_bytes(written(parts), "p.xwp")->manifest().tiles_per_chip, 0U);
  parts.manifest.tiles_per_chip = 30;
  EXPECT_EQ(Program::from_bytes(written(parts), "p.xwp")->manifest(), parts.manifest);
}

TEST(ProgramFile, RoundsAreKept) {
  ProgramParts parts = make_parts();
  EXPECT_FALSE(Program::from_bytes(written(parts), "p.xwp")->manifest().rounds.any());
  parts.manifest.rounds = {47, 2};
  const auto program = Program::from_bytes(written(parts), "p.xwp");
  EXPECT_EQ(program->manifest(), parts.manifest);
  // By hand: tiles 0 to 46 stay, 47 to 93 and 94 to 99 take turns in tiles 47 to 93 of the chip.
  const TileRounds& rounds = program->manifest().rounds;
  EXPECT_EQ(rounds.count(100), 3U);
  EXPECT_EQ(rounds.places(100), 94U);
  EXPECT_EQ(rounds.place_of(46), 46U);
  EXPECT_FALSE(rounds.is_reloaded(46));
  EXPECT_EQ(rounds.place_of(47), 47U);
  EXPECT_TRUE(rounds.is_reloaded(47));
  EXPECT_EQ(rounds.place_of(93), 93U);
  EXPECT_EQ(rounds.place_of(94), 47U);
  EXPECT_EQ(rounds.place_of(99), 52U);
  EXPECT_EQ(rounds.round_of(99), 2U);
}

TEST(ProgramFile, WritingIsDeterministic) {
  EXPECT_EQ(written(make_parts()), written(make_parts()));
}

TEST(ProgramFile, EveryDifferenceGivesAnotherIdentity) {
  const auto identity = [](ProgramParts parts) {
    return Program::from_bytes(written(std::move(parts)), "p.xwp")->identity();
  };
  const std::uint32_t one = identity(make_parts());
  EXPECT_EQ(identity(make_parts()), one);
  ProgramParts renamed = make_parts();
  renamed.manifest.model_name += "x";
  EXPECT_NE(identity(std::move(renamed)), one);
  ProgramParts other = make_parts();
  other.tokenizer.push_back(std::byte{1});
  EXPECT_NE(identity(std::move(other)), one);
}

TEST(ProgramFile, SectionsAreNamedAlignedAndInside) {
  const auto program = Program::from_bytes(written(make_parts()), "p.xwp");
  ASSERT_EQ(program->sections().size(), kSectionNames.size());
  for (std::size_t i = 0; i < kSectionNames.size(); ++i) {
    const auto& section = program->sections()[i];
    EXPECT_EQ(section.name, kSectionNames[i]);
    EXPECT_EQ(section.offset % 64, 0U);
    EXPECT_LE(section.offset + section.bytes, program->file_bytes());
  }
  EXPECT_EQ(program->sections()[0].offset, 4096U);
}

TEST(ProgramFile, MissingFile) {
  try {
    (void)Program::open("/nonexistent/p.xwp");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFileNotFound);
  }
}

TEST(ProgramFile, WeightModesByName) {
  for (const WeightMode mode : {WeightMode::kAnalog, WeightMode::kW8, WeightMode::kW4})
    EXPECT_EQ(weight_mode_from(name(mode)), mode);
  EXPECT_THROW((void)weight_mode_from("w5"), Error);
}

/// One bit of every byte of the file, one at a time: nothing goes unnoticed but padding inside the bulk section.
TEST(ProgramCorruption, EveryFlippedBitIsNoticed) {
  const std::vector<std::byte> good = written(make_parts());
  const auto reference = Program::from_bytes(good, "p.xwp");
  std::vector<bool> is_piece(good.size(), false);
  const std::uint64_t bulk = reference->sections()[0].offset;
  const std::uint64_t bulk_end = bulk + reference->sections()[0].bytes;
  for (const BlockRecord& block : reference->blocks()) {
    for (std::size_t i = 0; i < std::size_t{block.rows} * block.cols * 2; ++i)
      is_piece[bulk + block.target_offset + i] = true;
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::vector<std::byte> bad = good;
    bad[at] ^= static_cast<std::byte>(1U << (at % 8));
    try {
      const auto program = Program::from_bytes(bad, "p.xwp");
      ASSERT_TRUE(at >= bulk && at < bulk_end) << "flip at " << at << " is not noticed";
      bool is_noticed = false;
      for (std::uint32_t block = 0; block < program->blocks().size(); ++block) {
        try {
          program->check_targets(block);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ErrorCode::kFormat);
          EXPECT_NE(std::string(error.what()).find("targets do not have their CRC"), std::string::npos);
          is_noticed = true;
        }
      }
      ASSERT_EQ(is_noticed, is_piece[at]) << "flip at " << at;
    } catch (const Error& error) {
      ASSERT_TRUE(error.code() == ErrorCode::kFormat) << error.what();
    }
  }
}

TEST(ProgramCorruption, EveryTruncationIsNoticed) {
  const std::vector<std::byte> good = written(make_parts());
  std::vector<std::size_t> lengths = {0, 1, 7, 8, 63, 64, 65};
  for (std::size_t i = 0; i < kSectionNames.size(); ++i) {
    const SectionEntry entry = entry_of(good, i);
    for (const std::size_t at : {kFileHeaderBytes + i * kSectionEntryBytes, entry.offset, entry.offset + entry.bytes}) {
      for (const std::size_t length : {at - 1, at, at + 1}) {
        if (length < good.size()) lengths.push_back(length);
      }
    }
  }
  lengths.push_back(good.size() - 1);
  const std::size_t content =
      entry_of(good, kSectionNames.size() - 1).offset + entry_of(good, kSectionNames.size() - 1).bytes;
  for (const std::size_t length : lengths) {
    std::vector<std::byte> bad(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    SCOPED_TRACE(length);
    expect_refused(bad, "");
    if (length < kFileHeaderBytes || length >= content) continue;            // without its last padding a file is whole
    store_at(bad, offsetof(FileHeader, file_bytes), std::uint64_t{length});  // and a header that admits it
    reseal_container(bad);
    expect_refused(bad, "");
  }
}

/// Changes one header field and repairs the header's CRC.
template <typename T>
std::vector<std::byte> with_header(std::size_t offset, const T& value) {
  std::vector<std::byte> bytes = written(make_parts());
  store_at(bytes, offset, value);
  reseal_container(bytes);
  return bytes;
}

TEST(ProgramCorruption, Header) {
  expect_refused(std::vector<std::byte>(10), "at least 64 bytes, found 10");
  expect_refused(with_header(0, std::uint8_t{'P'}), "not a Crossweave program");
  expect_refused(with_header(offsetof(FileHeader, format), std::uint32_t{2}), "expected program format 1, found 2");
  expect_refused(with_header(offsetof(FileHeader, contract_hash), std::uint8_t{0x12}),
                 std::string(arch::kContractHashText), ErrorCode::kContractMismatch);
  expect_refused(with_header(offsetof(FileHeader, file_bytes), std::uint64_t{1} << 63),
                 "expected 9223372036854775808 bytes");
  expect_refused(with_header(offsetof(FileHeader, num_sections), std::uint32_t{0xFFFFFFFF}), "found 4294967295");
  expect_refused(with_header(offsetof(FileHeader, num_sections), std::uint32_t{8}), "expected 9 sections, found 8");
  expect_refused(with_header(offsetof(FileHeader, reserved), std::uint32_t{1}), "reserved words");
  std::vector<std::byte> bytes = written(make_parts());
  bytes[offsetof(FileHeader, header_crc)] ^= std::byte{1};
  expect_refused(bytes, "header: expected CRC");
  bytes = written(make_parts());
  bytes[kFileHeaderBytes + 8] ^= std::byte{1};
  expect_refused(bytes, "section table: expected CRC");
}

/// Changes one entry of the section table and repairs all CRCs.
std::vector<std::byte> with_entry(std::size_t index, const std::function<void(SectionEntry&)>& change) {
  std::vector<std::byte> bytes = written(make_parts());
  SectionEntry entry = entry_of(bytes, index);
  change(entry);
  store_at(bytes, kFileHeaderBytes + index * kSectionEntryBytes, entry);
  reseal_container(bytes);
  return bytes;
}

TEST(ProgramCorruption, SectionTable) {
  expect_refused(with_entry(1, [](auto& e) { e.name[0] = 'x'; }), "expected section manifest at place 1");
  expect_refused(with_entry(3, [](auto& e) { e.offset += 4; }), "section code: offset");
  expect_refused(with_entry(3, [](auto& e) { e.bytes = ~std::uint64_t{0}; }), "beyond the end of the file");
  expect_refused(with_entry(3, [](auto& e) { e.bytes = ~std::uint64_t{0} - e.offset + 1; }),
                 "beyond the end of the file");
  expect_refused(with_entry(3, [](auto& e) { e.offset = ~std::uint64_t{0} - 63; }), "beyond the end of the file");
  expect_refused(with_entry(3, [](auto& e) { e.reserved[2] = 1; }), "section code: reserved words");
  expect_refused(with_entry(3, [](auto& e) { e.check = 1; }), "section code: unknown protection 1");
  expect_refused(with_entry(0, [](auto& e) { e.check = 0; }), "section bulk: unknown protection 0");
  expect_refused(with_entry(3, [](auto& e) { e.offset -= 64; }), "section code: overlaps the section before it");
  expect_refused(with_entry(0, [](auto& e) { e.bytes -= 64; }), "the bytes before it are not zero");
  expect_refused(with_entry(0,
                            [](auto& e) {
                              e.offset += 4096;
                              e.bytes = 0;
                            }),
                 "unused bytes before it");
  expect_refused(with_entry(3, [](auto& e) { e.bytes -= 4; }), "");
  expect_refused(with_entry(5, [](auto& e) { e.bytes -= 4; }), "");
  std::vector<std::byte> bytes = written(make_parts());
  bytes[entry_of(bytes, 8).offset] ^= std::byte{1};
  expect_refused(bytes, "section tokenizer: expected CRC");
  bytes = written(make_parts());
  bytes[entry_of(bytes, 0).offset - 1] = std::byte{1};
  expect_refused(bytes, "section bulk: the bytes before it are not zero");
}

TEST(ProgramCorruption, TablesOfPartialRecords) {
  for (const auto& [index, name] :
       {std::pair(3, "code"), std::pair(4, "blocks"), std::pair(5, "images"), std::pair(6, "columns")}) {
    auto bytes = written(make_parts());
    const auto at = static_cast<std::size_t>(index);
    SectionEntry entry = entry_of(bytes, at);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(entry.offset + entry.bytes - 4), 4, std::byte{0});
    entry.bytes -= 4;
    store_at(bytes, kFileHeaderBytes + at * kSectionEntryBytes, entry);
    reseal_container(bytes);
    expect_refused(bytes, std::string("section ") + name + ": expected a multiple of");
  }
}

/// Writes `text` over the JSON of section `index`, replacing `from`, both of the same length.
std::vector<std::byte> with_json(std::size_t index, const std::string& from, const std::string& to,
                                 const ProgramParts& parts = make_parts()) {
  EXPECT_EQ(from.size(), to.size());
  std::vector<std::byte> bytes = written(parts);
  const SectionEntry entry = entry_of(bytes, index);
  std::string json(reinterpret_cast<const char*>(bytes.data()) + entry.offset, entry.bytes);
  const std::size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << json;
  if (at != std::string::npos) json.replace(at, to.size(), to);
  std::memcpy(bytes.data() + entry.offset, json.data(), json.size());
  reseal_container(bytes);
  return bytes;
}

TEST(ProgramCorruption, ManifestJson) {
  expect_refused(with_json(1, "{", "["), "section manifest: [json");
  expect_refused(with_json(1, "\"model_name\"", "\"model_nane\""), "manifest: key \"model_name\" is missing");
  expect_refused(with_json(1, "\"num_tiles\": 100", "\"num_tiles\": \"1\""),
                 "manifest.num_tiles: expected an unsigned integer");
  expect_refused(with_json(1, "\"num_tiles\": 100", "\"num_tiles\": -10"),
                 "manifest.num_tiles: expected an unsigned integer");
  expect_refused(with_json(1, "\"num_tiles\": 100", "\"num_tiles\": 1.5"),
                 "manifest.num_tiles: expected an unsigned integer");
  expect_refused(with_json(1, "\"tool_version\": \"1.2.3\"", "\"tool_version\":   12345"),
                 "manifest.tool_version: expected a string");
  expect_refused(with_json(1, "\"lm_head_analog\": true", "\"lm_head_analog\": 1   "),
                 "manifest.lm_head_analog: expected true or false");
  expect_refused(with_json(1, "\"weight_mode\": \"analog\"", "\"weight_mode\": \"analox\""),
                 "manifest.weight_mode: weight mode: expected analog, w8 or w4");
  expect_refused(with_json(1, "\"in_features\": 40", "\"in_features\":1e9"),
                 "manifest.matrices[0].in_features: expected an unsigned integer");
  expect_refused(with_json(1, "\"lambda\": 12.699999809265137", "\"lambda\": 12.6999998092e+137"),
                 "manifest.matrices[0].lambda: expected a finite fp32");
  expect_refused(with_json(1, "\"lambda\": 12.699999809265137", "\"lambda\": \"2.69999980926513\""),
                 "manifest.matrices[0].lambda: expected a number");
  expect_refused(with_json(1, "\"entry\": 0", "\"entry\":[]"), "manifest.calls[0].entry: expected an unsigned integer");
}

TEST(ProgramCorruption, RoundsJson) {
  ProgramParts parts = make_parts();
  parts.manifest.rounds = {94, 1};
  EXPECT_NO_THROW(Program::from_bytes(written(parts), "p.xwp"));
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& message) {
    expect_refused(with_json(1, from, to, parts), message);
  };
  refused("\"areas\": 1", "\"area5\": 1", "manifest: key \"areas\" is missing");
  refused("\"tiles_per_round\": 94", "\"tiles_per_lound\": 94", "manifest: key \"tiles_per_round\" is missing");
  refused("\"tiles_per_round\": 94", "\"tiles_per_round\":  0",
          "manifest.tiles_per_round: expected at least 1, found 0");
  refused("\"tiles_per_round\": 94", "\"tiles_per_round\": -1",
          "manifest.tiles_per_round: expected an unsigned integer");
  refused("\"areas\": 1", "\"areas\":[]", "manifest.areas: expected an unsigned integer");
  refused("\"areas\": 1", "\"areas\": 9", "areas: expected at least 1 and fewer than the 2 rounds, found 9");
  refused("\"tiles_per_round\": 94", "\"tiles_per_round\": 97", "of the same call in round");
}

TEST(ProgramCorruption, ConstantsJson) {
  expect_refused(with_json(7, "[", "{"), "section constants: [json");
  expect_refused(with_json(7, "\"f32\"", "\"f64\""), "constants[0].type: expected f32, f16 or bf16, found \"f64\"");
  expect_refused(with_json(7, "\"bytes\": 144", "\"bytes\": 140"), "constants[0].shape: does not give 140 bytes");
  expect_refused(with_json(7, "\"embedding\"", "\"empty\"    "), "constant empty: appears twice");
  const std::vector<std::byte> good = written(make_parts());
  const auto program = Program::from_bytes(good, "p.xwp");
  const auto* base = program->constants().at("embedding").data.data();
  const auto at = static_cast<std::size_t>(
                      base - reinterpret_cast<const std::byte*>(program->targets16(program->blocks()[0]).data())) +
                  kBulkOffset;
  std::vector<std::byte> bad = good;
  bad[at] ^= std::byte{1};
  expect_refused(bad, "constant embedding: data do not have their CRC");
  const std::string offset = "\"offset\": " + std::to_string(at - kBulkOffset);
  std::string odd = offset;
  odd.back() = static_cast<char>(odd.back() ^ 1);
  expect_refused(with_json(7, offset, odd), "constant embedding: data are not aligned");
}

TEST(ProgramWriter, MisuseIsReported) {
  const TemporaryDirectory directory;
  const auto expect_misuse = [&](const std::string& what, const std::function<void(ProgramWriter&)>& use) {
    ProgramWriter writer(directory / "q.xwp");
    try {
      use(writer);
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInternal);
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  };
  const std::vector<std::byte> four(4);
  expect_misuse("without a constant", [&](ProgramWriter& w) { w.add_constant_data(four); });
  expect_misuse("more data than its shape", [&](ProgramWriter& w) {
    w.begin_constant("c", ConstantType::kF16, {1});
    w.add_constant_data(four);
  });
  expect_misuse("constant c has 4 of 8 bytes", [&](ProgramWriter& w) {
    w.begin_constant("c", ConstantType::kF16, {4});
    w.add_constant_data(four);
    w.begin_constant("d", ConstantType::kF16, {4});
  });
  expect_misuse("constant c has 0 of 2 bytes", [&](ProgramWriter& w) {
    w.begin_constant("c", ConstantType::kF16, {1});
    (void)w.add_targets(std::vector<std::int8_t>{1});
  });
  expect_misuse("constant c is added twice", [&](ProgramWriter& w) {
    w.begin_constant("c", ConstantType::kF16, {0});
    w.begin_constant("c", ConstantType::kF16, {0});
  });
  expect_misuse("constant c is too large", [&](ProgramWriter& w) {
    w.begin_constant("c", ConstantType::kF16, {1ULL << 40, 1ULL << 40});
  });
  expect_misuse("inconsistent program", [&](ProgramWriter& w) {
    ProgramParts parts = make_parts();
    parts.code.pop_back();
    w.finish(parts.manifest, parts.graph_text, parts.code, {}, {}, {}, {});
  });
  EXPECT_FALSE(std::filesystem::exists(directory / "q.xwp"));
}

TEST(ProgramWriter, NamesThatAreNotUtf8AreEscaped) {
  const TemporaryDirectory directory;
  ProgramParts parts = make_parts();
  parts.manifest.model_name = "caf\xE9\n\u202E";
  parts.manifest.source_path_name = "\xFF.gguf";
  parts.write(directory / "q.xwp");
  const auto program = Program::open(directory / "q.xwp");
  EXPECT_EQ(program->manifest().model_name, "caf\\xe9\n\u202E");
  EXPECT_EQ(program->manifest().source_path_name, "\\xff.gguf");
}

TEST(ProgramFile, UnitsOfAMatrixOrOfItsOutputs) {
  const TemporaryDirectory directory;
  ProgramParts parts = make_parts();
  const auto units_of_first = [&] {
    parts.write(directory / "u.xwp");
    const auto program = Program::open(directory / "u.xwp");
    EXPECT_EQ(program->manifest(), parts.manifest);
    return output_units(*program, program->manifest().matrices[0]);
  };
  MatrixInfo& matrix = parts.manifest.matrices[0];
  EXPECT_EQ(units_of_first(), std::vector<float>(24, matrix.unit)) << "as in programs of before";
  matrix.unit = 0;
  matrix.units = "embedding";  // 36 numbers, not 24
  EXPECT_THROW((void)units_of_first(), Error);
  parts.embedding.resize(24, 0.0F);
  for (std::size_t i = 0; i < 24; ++i) parts.embedding[i] = 1.5F + static_cast<float>(i);
  EXPECT_EQ(units_of_first(), parts.embedding);
  for (const float bad : {0.0F, -1.0F, 1e-40F, std::numeric_limits<float>::infinity()}) {
    parts.embedding[23] = bad;
    EXPECT_THROW((void)units_of_first(), Error) << bad;
  }
  matrix.units = "elsewhere";
  EXPECT_THROW((void)units_of_first(), Error);
}

TEST(ProgramWriter, RefusesNumbersThatJsonCannotHold) {
  const TemporaryDirectory directory;
  for (const auto& change : std::vector<std::function<void(Manifest&)>>{
           [](Manifest& m) { m.matrices[0].unit = std::numeric_limits<float>::infinity(); },
           [](Manifest& m) { m.matrices[0].lambda = std::numeric_limits<float>::quiet_NaN(); }}) {
    ProgramParts parts = make_parts();
    change(parts.manifest);
    EXPECT_THROW(parts.write(directory / "q.xwp"), Error);
    EXPECT_FALSE(std::filesystem::exists(directory / "q.xwp"));
  }
}

}  // namespace
}  // namespace xw::program
