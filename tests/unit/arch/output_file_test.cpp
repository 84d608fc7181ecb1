// Outputs appear whole or not at all, whatever goes wrong.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using xw::test::exit_status_of;
using xw::test::TemporaryFolder;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(OutputFile, AppearsAtCommitOnly) {
  const TemporaryFolder folder;
  xw::OutputFile file(folder / "out");
  file.write("hello ");
  file.write(bytes_of("world"));
  EXPECT_EQ(file.size(), 11U);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  file.commit();
  EXPECT_EQ(xw::read_text_file(folder / "out"), "hello world");
  EXPECT_THAT(folder.names(), ElementsAre("out"));
}

TEST(OutputFile, OverwritesInPlaceAndPads) {
  const TemporaryFolder folder;
  xw::OutputFile file(folder / "out");
  file.write("0123456789");
  file.write_at(2, bytes_of("ab"));
  file.pad_to(16);
  EXPECT_EQ(file.size(), 16U);
  file.pad_to(16);
  EXPECT_EQ(file.size(), 16U);
  file.write("X");
  file.write_at(16, bytes_of("Y"));
  file.commit();
  EXPECT_EQ(xw::read_text_file(folder / "out"), std::string("01ab456789\0\0\0\0\0\0Y", 17));
}

TEST(OutputFile, WritesLargerThanTheBufferKeepTheirOrder) {
  const TemporaryFolder folder;
  std::string expected;
  xw::OutputFile file(folder / "out");
  for (int i = 0; i < 40; ++i) {
    const std::string part(static_cast<std::size_t>(i) * 7919, static_cast<char>('a' + i % 26));
    file.write(part);
    expected += part;
  }
  const std::string large(3'000'001, 'L');
  file.write(large);
  expected += large;
  file.pad_to(8192);
  expected.resize((expected.size() + 8191) / 8192 * 8192, '\0');
  file.commit();
  EXPECT_EQ(xw::read_text_file(folder / "out"), expected);
}

TEST(OutputFile, WithoutCommitTheOldFileStaysAndNothingElse) {
  const TemporaryFolder folder;
  xw::write_text_file(folder / "out", "old");
  try {
    xw::OutputFile file(folder / "out");
    file.write("new");
    throw std::runtime_error("on the way");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(xw::read_text_file(folder / "out"), "old");
  EXPECT_THAT(folder.names(), ElementsAre("out"));
  xw::write_text_file(folder / "out", "new");
  EXPECT_EQ(xw::read_text_file(folder / "out"), "new");
}

TEST(OutputFile, TwoWritersOfOneTargetDoNotMix) {
  const TemporaryFolder folder;
  xw::OutputFile first(folder / "out");
  xw::OutputFile second(folder / "out");
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(xw::read_text_file(folder / "out"), "first");
  EXPECT_THAT(folder.names(), ElementsAre("out"));
}

TEST(OutputFile, TheNextWriterRemovesWhatAKilledProcessLeft) {
  const TemporaryFolder folder;
  const int status = exit_status_of([&] {
    xw::OutputFile file(folder / "out");
    file.write("x");
    ::_exit(3);  // as kill -9 would: nothing is cleaned up
    return 0;
  });
  ASSERT_EQ(status, 3);
  ASSERT_THAT(folder.names(), SizeIs(1));
  const std::string stale = *folder.names().begin();
  // Names of other targets and of other programs stay.
  const std::vector<std::string> others = {".out2" + stale.substr(4), ".out.note.tmp", ".out.123.tmp", ".out.0-1.tmp"};
  for (const std::string& name : others) std::ofstream(folder / name) << "mine";
  { xw::OutputFile file(folder / "out"); }
  EXPECT_THAT(folder.names(), ::testing::UnorderedElementsAreArray(others));
}

/// The number of a process that is no more.
pid_t ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(OutputFile, TheLockOfAWriterCountsNotItsProcessNumber) {
  const TemporaryFolder folder;
  // As from another container: the writer lives, but here its number is nobody's.
  const std::string far = ".out." + std::to_string(ended_process()) + "-0.tmp";
  // As from an earlier start of this container: nobody writes, but the number is somebody's.
  const std::string reused = ".out." + std::to_string(::getpid()) + "-77777.tmp";
  std::ofstream(folder / reused) << "left";
  std::ofstream(folder / far) << "at work";
  const int fd = ::open((folder / far).c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  xw::write_text_file(folder / "out", "x");
  EXPECT_THAT(folder.names(), ::testing::UnorderedElementsAre("out", far));
  ::close(fd);
  xw::write_text_file(folder / "out", "y");
  EXPECT_THAT(folder.names(), ElementsAre("out"));
}

TEST(OutputFile, HoldsALockFromItsFirstByteOn) {
  const TemporaryFolder folder;
  xw::OutputFile file(folder / "out");
  ASSERT_THAT(folder.names(), SizeIs(1));
  const int fd = ::open((folder / folder.names().front()).c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::flock(fd, LOCK_EX | LOCK_NB), -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  file.commit();
  EXPECT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0) << "a finished file is free";
  ::close(fd);
}

TEST(OutputFile, LinksAndPipesOfStaleNamesStay) {
  const TemporaryFolder folder;
  const std::string stem = ".out." + std::to_string(ended_process()) + "-";
  std::ofstream(folder / "mine") << "x";
  std::filesystem::create_symlink("mine", folder / (stem + "1.tmp"));
  ASSERT_EQ(::mkfifo((folder / (stem + "2.tmp")).c_str(), 0600), 0);
  xw::write_text_file(folder / "out", "x");
  EXPECT_THAT(folder.names(), ::testing::UnorderedElementsAre("mine", "out", stem + "1.tmp", stem + "2.tmp"));
}

TEST(OutputFile, WritersOfOneTargetNeverTakeEachOthersFiles) {
  const TemporaryFolder folder;
  const std::string text(5000, 't');
  std::vector<std::thread> writers;
  std::atomic<int> failed{0};
  for (int thread = 0; thread < 4; ++thread) {
    writers.emplace_back([&] {
      for (int i = 0; i < 60; ++i) {
        try {
          xw::write_text_file(folder / "out", text);
        } catch (const xw::Error&) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(xw::read_text_file(folder / "out"), text);
  EXPECT_THAT(folder.names(), ElementsAre("out"));
}

TEST(OutputFile, WritesThroughASymbolicLink) {
  const TemporaryFolder folder;
  xw::write_text_file(folder / "real", "old");
  std::filesystem::create_symlink("real", folder / "link");
  xw::write_text_file(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(xw::read_text_file(folder / "real"), "new");
}

TEST(OutputFile, TheModeFollowsTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  xw::write_text_file(folder / "out", "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

void expect_io_error(const std::filesystem::path& target, const std::string& reason) {
  try {
    xw::OutputFile file(target);
    file.commit();
    FAIL() << "no error for " << target;
  } catch (const xw::Error& error) {
    EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr(target.string()));
    EXPECT_THAT(error.what(), HasSubstr(reason));
  }
}

TEST(OutputFile, ImpossibleTargetsAreNamedAtOnce) {
  const TemporaryFolder folder;
  expect_io_error(folder / "no/such/folder/out", "No such file or directory");
  expect_io_error(folder.path(), "not a regular file");
  expect_io_error(folder / std::string(300, 'n'), "File name too long");
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(OutputFile, CharacterDevicesAreWrittenInPlace) {
  constexpr const char* kNull = "/dev/null";
  xw::write_text_file(kNull, "text");
  EXPECT_TRUE(std::filesystem::is_character_file(kNull));
  xw::OutputFile file(kNull);
  file.write("text");
  EXPECT_EQ(file.size(), 4U);
  EXPECT_THROW(file.write_at(0, std::as_bytes(std::span("x"))), xw::Error);
}

TEST(OutputFile, WhatATerminalGetsIsAllThatWasWritten) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) GTEST_SKIP() << "no pseudo-terminals";
  const std::string name = ::ptsname(terminal);
  const int keeper = ::open(name.c_str(), O_RDWR | O_NOCTTY);  // what is written stays until it is read
  ASSERT_GE(keeper, 0);
  xw::OutputFile file(name);
  file.write("one ");
  file.write("two\n");
  file.commit();
  std::array<char, 64> got{};
  const ssize_t bytes = ::read(terminal, got.data(), got.size());
  EXPECT_EQ(std::string(got.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0))), "one two\r\n");
  ::close(keeper);
  ::close(terminal);
}

TEST(OutputFile, AFullDeviceIsAnError) {
  if (!std::filesystem::is_character_file("/dev/full")) GTEST_SKIP() << "no /dev/full";
  xw::OutputFile file("/dev/full");
  file.write("x");
  try {
    file.commit();
    FAIL() << "no error";
  } catch (const xw::Error& error) {
    EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
    EXPECT_STREQ(error.what(), "/dev/full: cannot write: No space left on device");
  }
}

TEST(OutputFile, AFolderWithoutPermissionIsAnError) {
  const TemporaryFolder folder;
  constexpr auto kReadable = std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                             std::filesystem::perms::others_read | std::filesystem::perms::others_exec;
  std::filesystem::permissions(folder.path(), kReadable);
  const int status = exit_status_of([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return 97;  // root may write everywhere
    try {
      const xw::OutputFile file(folder / "out");
    } catch (const xw::Error& error) {
      return std::strstr(error.what(), "Permission denied") != nullptr ? 0 : 2;
    }
    return 1;
  });
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
  EXPECT_EQ(status, 0);
}

TEST(OutputFile, ATargetThatBecomesAFolderFailsAtCommitAndLeavesNothing) {
  const TemporaryFolder folder;
  xw::OutputFile file(folder / "out");
  file.write("x");
  std::filesystem::create_directory(folder / "out");
  EXPECT_THROW(file.commit(), xw::Error);
  EXPECT_THAT(folder.names(), ElementsAre("out"));
}

TEST(OutputFile, MisuseIsAnInternalError) {
  const TemporaryFolder folder;
  xw::OutputFile file(folder / "out");
  file.write("abc");
  try {
    file.write_at(2, bytes_of("xy"));
    FAIL();
  } catch (const xw::Error& error) {
    EXPECT_EQ(error.code(), xw::ErrorCode::kInternal);
    EXPECT_THAT(error.what(), HasSubstr("beyond the end at 3"));
  }
  EXPECT_THROW(file.write_at(~std::uint64_t{0}, bytes_of("x")), xw::Error);
  EXPECT_THROW(file.pad_to(0), xw::Error);
  file.commit();
  EXPECT_THROW(file.write("more"), xw::Error);
  EXPECT_THROW(file.commit(), xw::Error);
}

/// Writes 8 MiB; returns 0 if that ends with an I/O error that names target and reason and leaves the folder empty.
int fails_cleanly(const TemporaryFolder& folder, const std::string& reason) {
  try {
    xw::OutputFile file(folder / "out");
    const std::string part(1 << 16, 'z');
    for (int i = 0; i < 128; ++i) file.write(part);
    file.commit();
    return 1;
  } catch (const xw::Error& error) {
    if (error.code() != xw::ErrorCode::kIo) return 2;
    if (std::strstr(error.what(), reason.c_str()) == nullptr) return 3;
    if (std::strstr(error.what(), (folder / "out").c_str()) == nullptr) return 4;
  }
  return folder.names().empty() ? 0 : 5;
}

TEST(OutputFile, AFileSizeLimitEndsInAnErrorWithoutLeftovers) {
  const TemporaryFolder folder;
  const int status = exit_status_of([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {100'000, 100'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 97;
    return fails_cleanly(folder, "File too large");
  });
  EXPECT_EQ(status, 0);
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(OutputFile, AFullDiskEndsInAnErrorWithoutLeftovers) {
  const TemporaryFolder folder;
  constexpr int kCannotMount = 96;
  const int status = exit_status_of([&] {  // a file system of 1 MiB that only this child sees
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return kCannotMount;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kCannotMount;
    if (::mount("xw", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) return kCannotMount;
    return fails_cleanly(folder, "No space left on device");
  });
  if (status == kCannotMount) GTEST_SKIP() << "no permission to mount a small file system";
  EXPECT_EQ(status, 0);
}

TEST(OutputFile, OpenTemporariesCanBeRemovedFromASignalHandler) {
  const TemporaryFolder folder;
  std::vector<std::unique_ptr<xw::OutputFile>> files;
  for (int i = 0; i < 40; ++i) {
    files.push_back(std::make_unique<xw::OutputFile>(folder / ("out" + std::to_string(i))));
    files.back()->write("x");
  }
  files[7]->commit();
  EXPECT_THAT(folder.names(), SizeIs(40));
  xw::remove_open_temporaries();
  EXPECT_THAT(folder.names(), ElementsAre("out7"));
  files.clear();
  xw::write_text_file(folder / "later", "x");  // slots are usable again
  EXPECT_THAT(folder.names(), ::testing::UnorderedElementsAre("out7", "later"));
}

}  // namespace
