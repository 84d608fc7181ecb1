// Temporary files of processes that live, end and are killed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/temporary_file.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"
#include "tests/unit/toolchain/temporary_folder_variable.hpp"

namespace xw::toolchain {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class TemporaryFileTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  test::TemporaryFolderVariable variable_{folder_.path()};
};

TEST_F(TemporaryFileTest, IsGoneWithItsOwnerOrBefore) {
  std::optional<TemporaryFile> file(std::in_place, "stem", "file");
  EXPECT_EQ(file->path().filename(), "file");
  EXPECT_EQ(file->path().parent_path().parent_path(), folder_.path());
  EXPECT_FALSE(std::filesystem::exists(file->path()));
  write_text_file(file->path(), "x");
  file->remove();
  EXPECT_THAT(folder_.names(), IsEmpty());
  file.emplace("stem", "file");
  write_text_file(file->path(), "x");
  file.reset();
  EXPECT_THAT(folder_.names(), IsEmpty());
}

/// A child that makes a file, is in the middle of writing another, and is killed.
void be_killed(bool commits) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto* const file = new TemporaryFile("stem", "file");
    auto* const output = new OutputFile(file->path());
    output->write("half");
    if (commits) output->commit();
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST_F(TemporaryFileTest, WhatKilledProcessesLeftIsRemovedByTheNextOne) {
  const TemporaryFile living("stem", "file");
  write_text_file(living.path(), "x");
  be_killed(false);
  EXPECT_THAT(folder_.names(), SizeIs(2)) << "the test is about what was left";
  be_killed(true);  // removes the first one's
  EXPECT_THAT(folder_.names(), SizeIs(2));
  { const TemporaryFile other("another", "file"); }
  EXPECT_THAT(folder_.names(), SizeIs(2)) << "of another stem";
  { const TemporaryFile next("stem", "file"); }
  EXPECT_THAT(folder_.names(), testing::ElementsAre(living.path().parent_path().filename()));
  EXPECT_EQ(read_text_file(living.path()), "x");
}

TEST_F(TemporaryFileTest, FilesOfOthersStay) {
  std::filesystem::create_directories(folder_ / "stem-temporary.abcdef/deep");
  write_text_file(folder_ / "stem-temporary.abcdef/notes", "x");
  std::filesystem::create_directory(folder_ / "stem-temporary.backup2");
  std::filesystem::create_directory_symlink("stem-temporary.abcdef", folder_ / "stem-temporary.linked");
  write_text_file(folder_ / "stem-temporary.text12", "x");
  { const TemporaryFile file("stem", "file"); }
  EXPECT_THAT(folder_.names(), SizeIs(4));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "stem-temporary.abcdef/notes"));
}

TEST_F(TemporaryFileTest, AFolderThatIsMissingIsNamed) {
  const test::TemporaryFolderVariable nowhere(folder_ / "nowhere");
  test::expect_error(ErrorCode::kIo, {"nowhere", "TMPDIR"}, [] { const TemporaryFile file("stem", "file"); });
}

}  // namespace
}  // namespace xw::toolchain
