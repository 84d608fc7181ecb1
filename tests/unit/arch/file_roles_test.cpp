// No output destroys an input, another output or a file of another kind.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/file_roles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "arch/support/error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using ::testing::HasSubstr;
using xw::FileRoles;
using xw::OutputKind;
using xw::test::TemporaryFolder;

const std::string kProgram("\x89XWP\r\n\x1a\nrest", 12);

class FileRolesTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  /// The message of check() for one output; empty if it is allowed.
  [[nodiscard]] std::string refusal(const std::filesystem::path& output, OutputKind kind,
                                    xw::ErrorCode code = xw::ErrorCode::kInvalidArgument) const {
    FileRoles roles = roles_;
    roles.add_output("-o", output, kind);
    try {
      roles.check();
    } catch (const xw::Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  FileRoles roles_;
};

TEST_F(FileRolesTest, AnOutputThatIsAnInputIsRefusedUnderAnyName) {
  put("m.gguf", "GGUF");
  std::filesystem::create_symlink("m.gguf", folder_ / "link");
  std::filesystem::create_symlink("link", folder_ / "link of link");
  std::filesystem::create_hard_link(folder_ / "m.gguf", folder_ / "hard");
  std::filesystem::create_directory(folder_ / "sub");
  roles_.add_input("the model", folder_ / "m.gguf");
  for (const char* name : {"m.gguf", "link", "link of link", "hard", "sub/../m.gguf", "./m.gguf"}) {
    EXPECT_THAT(refusal(folder_ / name, OutputKind::kProgram), HasSubstr("is also the model")) << name;
  }
  EXPECT_EQ(refusal(folder_ / "new.xwp", OutputKind::kProgram), "");
}

TEST_F(FileRolesTest, AnInputThroughALinkIsTheSameFile) {
  put("real.json", "{}");
  std::filesystem::create_symlink("real.json", folder_ / "a.json");
  roles_.add_input("the first report", folder_ / "a.json");
  EXPECT_THAT(refusal(folder_ / "real.json", OutputKind::kText), HasSubstr("is also the first report"));
}

TEST_F(FileRolesTest, FilesOfACheckpointFolderAreInputs) {
  std::filesystem::create_directory(folder_ / "model");
  put("model/model.safetensors", "x");
  put("model/config.json", "{}");
  put("model/old.xwp", kProgram);
  std::filesystem::create_directory_symlink("model", folder_ / "alias");
  roles_.add_input("the model", folder_ / "model");
  EXPECT_THAT(refusal(folder_ / "model/model.safetensors", OutputKind::kProgram), HasSubstr("is a file of the model"));
  EXPECT_THAT(refusal(folder_ / "alias/config.json", OutputKind::kText), HasSubstr("is a file of the model"));
  EXPECT_EQ(refusal(folder_ / "model/old.xwp", OutputKind::kProgram), "");
  EXPECT_EQ(refusal(folder_ / "model/new.xwp", OutputKind::kProgram), "");
  EXPECT_EQ(refusal(folder_ / "model2.json", OutputKind::kText), "");
}

TEST_F(FileRolesTest, FilesBesideACheckpointFileAreInputs) {
  put("m.gguf", "GGUF");
  put("tokenizer.json", "{}");
  put("notes.json", "{}");
  roles_.add_input("the model", folder_ / "m.gguf");
  EXPECT_THAT(refusal(folder_ / "tokenizer.json", OutputKind::kText), HasSubstr("belongs to the model"));
  EXPECT_EQ(refusal(folder_ / "notes.json", OutputKind::kText), "");
}

TEST_F(FileRolesTest, FilesOfACheckpointAreRefusedThroughTheLinksOfACache) {
  std::filesystem::create_directories(folder_ / "hf/snapshots/abc");
  std::filesystem::create_directories(folder_ / "hf/blobs");
  const std::filesystem::path snapshot = folder_ / "hf/snapshots/abc";
  const std::vector<std::pair<std::string, std::string>> files = {{"config.json", "1a"},
                                                                  {"model.safetensors", "2b"},
                                                                  {"rpu_config.json", "3c"},
                                                                  {"model.safetensors.index.json", "4d"}};
  for (const auto& [name, blob] : files) {
    put("hf/blobs/" + blob, "{}");
    std::filesystem::create_symlink("../../blobs/" + blob, snapshot / name);
  }
  put("hf/blobs/5e", "{}");
  std::filesystem::create_symlink("../../blobs/missing", snapshot / "tokenizer.json");
  put("hf/snapshots/abc/result.json", "{}");
  std::filesystem::create_directory_symlink("hf/snapshots/abc", folder_ / "alias");
  std::filesystem::create_symlink("alias/config.json", folder_ / "far.json");
  for (const char* input : {"hf/snapshots/abc", "alias", "hf/snapshots/abc/model.safetensors", "alias/config.json"}) {
    roles_ = {};
    roles_.add_input("the model", folder_ / input);
    for (const auto& [name, blob] : files) {
      EXPECT_NE(refusal(snapshot / name, OutputKind::kText), "") << input << " " << name;
      EXPECT_NE(refusal(folder_ / "alias" / name, OutputKind::kText), "") << input << " " << name;
      EXPECT_NE(refusal(folder_ / "hf/blobs" / blob, OutputKind::kText), "") << input << " " << name;
    }
    EXPECT_NE(refusal(folder_ / "far.json", OutputKind::kText), "") << input;
    EXPECT_NE(refusal(snapshot / "tokenizer.json", OutputKind::kText), "") << input << ": it is to come";
    EXPECT_EQ(refusal(folder_ / "hf/blobs/5e", OutputKind::kText), "") << input << ": of another snapshot";
    EXPECT_EQ(refusal(snapshot / "result.json", OutputKind::kText), "") << input;
  }
}

TEST_F(FileRolesTest, FilesBesideTheTargetOfALinkedCheckpointAreInputs) {
  std::filesystem::create_directories(folder_ / "real/below");
  put("real/model.safetensors", "x");
  put("real/config.json", "{}");
  put("real/below/params.json", "{}");
  std::filesystem::create_symlink("real/model.safetensors", folder_ / "m.safetensors");
  put("tokenizer.json", "{}");
  roles_.add_input("the model", folder_ / "m.safetensors");
  EXPECT_THAT(refusal(folder_ / "real/config.json", OutputKind::kText), HasSubstr("belongs to the model"));
  EXPECT_THAT(refusal(folder_ / "tokenizer.json", OutputKind::kText), HasSubstr("belongs to the model"));
  roles_ = {};
  roles_.add_input("the model", folder_ / "real");
  EXPECT_THAT(refusal(folder_ / "real/below/params.json", OutputKind::kText), HasSubstr("is a file of the model"));
}

TEST_F(FileRolesTest, ResultsInTheFolderOfAModelAreReplacedLikeElsewhere) {
  std::filesystem::create_directory(folder_ / "model");
  put("model/config.json", "{}");
  put("model/e.json", "{}");
  put("model/x.csv", "a,b\n");
  put("model/program.bin", kProgram);
  put("model/run.bin", "XWRUN\r\n\x1a");
  put("model/weights.bin", "1234");
  for (const char* input : {"model", "model/config.json"}) {
    roles_ = {};
    roles_.add_input("the model", folder_ / input);
    EXPECT_EQ(refusal(folder_ / "model/e.json", OutputKind::kText), "");
    EXPECT_EQ(refusal(folder_ / "model/x.csv", OutputKind::kText), "");
    EXPECT_EQ(refusal(folder_ / "model/program.bin", OutputKind::kProgram), "") << "its mark tells that it is none";
    EXPECT_EQ(refusal(folder_ / "model/run.bin", OutputKind::kCapture), "");
    EXPECT_NE(refusal(folder_ / "model/program.bin", OutputKind::kText), "");
    EXPECT_NE(refusal(folder_ / "model/weights.bin", OutputKind::kText), "");
    EXPECT_NE(refusal(folder_ / "model/weights.bin", OutputKind::kProgram), "");
    EXPECT_THAT(refusal(folder_ / "model/e.json", OutputKind::kProgram), HasSubstr("exists and is not a program"));
  }
}

TEST_F(FileRolesTest, FilesOfACheckpointAreKnownByTheirNames) {
  for (const char* name :
       {"config.json", "generation_config.json", "rpu_config.json", "rpu_config", "model-00001-of-00002.safetensors",
        "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "tokenizer.json",
        "tokenizer_config.json", "tokenizer.model", "tok512.bin", "special_tokens_map.json", "added_tokens.json",
        "chat_template.jinja", "vocab.json", "merges.txt", "params.json", "any.gguf"}) {
    EXPECT_TRUE(xw::is_checkpoint_file(name)) << name;
  }
  for (const char* name : {"e.json", "report.json", "config.json.old", "index.json", "a.csv", "README.md", ""}) {
    EXPECT_FALSE(xw::is_checkpoint_file(name)) << name;
  }
}

TEST_F(FileRolesTest, TwoOutputsInOneFileAreRefused) {
  std::filesystem::create_directory(folder_ / "sub");
  roles_.add_output("--json", folder_ / "out", OutputKind::kText);
  EXPECT_THAT(refusal(folder_ / "sub/../out", OutputKind::kText), HasSubstr("is also --json"));
  EXPECT_EQ(refusal(folder_ / "other", OutputKind::kText), "");
}

TEST_F(FileRolesTest, AnOutputReplacesItsOwnKindOnly) {
  put("p.xwp", kProgram);
  put("t.json", "{}\n");
  put("r.xwrun", "XWRUN\r\n\x1a");
  put("w.fst", std::string("\0\0\0\0\0\0\0\x01\x49", 9));
  put("s.sqlite", std::string("SQLite format 3\0", 16));
  put("m.gguf", "GGUF");
  put("empty", "");
  const std::vector<std::pair<const char*, OutputKind>> own = {{"p.xwp", OutputKind::kProgram},
                                                               {"t.json", OutputKind::kText},
                                                               {"r.xwrun", OutputKind::kCapture},
                                                               {"w.fst", OutputKind::kWaveform},
                                                               {"s.sqlite", OutputKind::kTable}};
  for (const auto kind :
       {OutputKind::kProgram, OutputKind::kText, OutputKind::kCapture, OutputKind::kWaveform, OutputKind::kTable}) {
    for (const auto& [name, its] : own) {
      if (its == kind) {
        EXPECT_EQ(refusal(folder_ / name, kind), "") << name;
      } else {
        EXPECT_THAT(refusal(folder_ / name, kind), HasSubstr("exists and is not")) << name;
      }
    }
    EXPECT_THAT(refusal(folder_ / "m.gguf", kind), HasSubstr("exists and is not"));
    EXPECT_EQ(refusal(folder_ / "empty", kind), "");
  }
}

TEST_F(FileRolesTest, WhatCannotBeWrittenIsToldBeforeTheWork) {
  constexpr auto kIo = xw::ErrorCode::kIo;
  EXPECT_THAT(refusal(folder_ / "no/such/out", OutputKind::kText, kIo), HasSubstr("No such file or directory"));
  EXPECT_THAT(refusal(folder_.path(), OutputKind::kText, kIo), HasSubstr("not a regular file"));
  EXPECT_THAT(refusal(folder_ / std::string(300, 'n'), OutputKind::kText, kIo), HasSubstr("File name too long"));
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder_ / "pipe", OutputKind::kText, kIo), HasSubstr("not a regular file"));
  EXPECT_THAT(folder_.names(), ::testing::ElementsAre("pipe"));
}

TEST_F(FileRolesTest, TextGoesToCharacterDevicesOtherKindsDoNot) {
  EXPECT_EQ(refusal("/dev/null", OutputKind::kText), "");
  FileRoles both;
  both.add_output("--json", "/dev/null", OutputKind::kText);
  both.add_output("--csv", "/dev/null", OutputKind::kText);
  EXPECT_NO_THROW(both.check());
  for (const auto kind : {OutputKind::kProgram, OutputKind::kCapture, OutputKind::kWaveform, OutputKind::kTable})
    EXPECT_THAT(refusal("/dev/null", kind, xw::ErrorCode::kIo), HasSubstr("not a regular file"));
}

TEST_F(FileRolesTest, StandardOutputAndAbsentFilesAreNoFiles) {
  roles_.add_input("--tokenizer", "");
  roles_.add_output("--json", "-", OutputKind::kText);
  EXPECT_EQ(refusal("", OutputKind::kText), "");
}

}  // namespace
