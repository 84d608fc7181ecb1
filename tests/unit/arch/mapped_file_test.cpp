// Files that change while they are mapped: no signal ends the process, and the change is told by name.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using ::testing::HasSubstr;
using xw::test::TemporaryFolder;

constexpr std::size_t kBytes = 100'000;

void put(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// The message of check_mapped_files(), or nothing.
std::string change() {
  try {
    xw::check_mapped_files();
  } catch (const xw::Error& error) {
    EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
    return error.what();
  }
  return "";
}

/// A mapped file of kBytes letters.
struct Mapped {
  TemporaryFolder folder;
  std::filesystem::path path = folder / "model.gguf";
  std::optional<xw::MappedFile> file;
  Mapped() {
    put(path, std::string(kBytes, 'x'));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // longer than a tick of the file system's clock
    file.emplace(path);
  }
  ~Mapped() {
    file.reset();
    (void)change();
  }
  [[nodiscard]] char byte(std::size_t i) const { return static_cast<char>(file->bytes()[i]); }
};

TEST(ChangedFile, AnUnchangedOneIsSilent) {
  const Mapped mapped;
  EXPECT_EQ(mapped.byte(kBytes - 1), 'x');
  EXPECT_EQ(change(), "");
}

TEST(ChangedFile, OneThatBecameShorterReadsAsZerosAndIsNamed) {
  const Mapped mapped;
  ASSERT_EQ(::truncate(mapped.path.c_str(), 10), 0);
  EXPECT_EQ(mapped.byte(5), 'x');
  EXPECT_EQ(mapped.byte(kBytes - 1), 0) << "SIGBUS without the handler";
  EXPECT_EQ(mapped.byte(50'000), 0);
  EXPECT_EQ(change(), mapped.path.string() + ": changed while it was in use: expected 100000 bytes, found 10 bytes");
  EXPECT_THAT(change(), HasSubstr("found 10 bytes")) << "for as long as it is mapped";
}

TEST(ChangedFile, PagesThatWereLostStayLostWhenTheFileGrowsAgain) {
  const Mapped mapped;
  ASSERT_EQ(::truncate(mapped.path.c_str(), 10), 0);
  EXPECT_EQ(mapped.byte(kBytes - 1), 0);
  put(mapped.path, std::string(kBytes, 'y'));
  EXPECT_EQ(mapped.byte(kBytes - 1), 0);
  EXPECT_THAT(change(), HasSubstr("changed while it was in use"));
}

TEST(ChangedFile, EveryThreadThatReadsLostPagesGoesOn) {
  const Mapped mapped;
  ASSERT_EQ(::truncate(mapped.path.c_str(), 0), 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < kBytes; i += 997) EXPECT_EQ(mapped.byte(i), 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(change(), HasSubstr("found 0 bytes"));
}

TEST(ChangedFile, OneThatGrewOrWasWrittenToIsNamed) {
  const Mapped grown;
  std::ofstream(grown.path, std::ios::app) << "more";
  EXPECT_THAT(change(), HasSubstr("expected 100000 bytes, found 100004 bytes"));
  const Mapped written;
  std::fstream(written.path, std::ios::in | std::ios::out) << "abc";
  EXPECT_THAT(change(), HasSubstr("changed while it was in use"));
}

TEST(ChangedFile, OneThatWasReplacedHasNotChanged) {
  const Mapped mapped;
  put(mapped.folder / "new", "another model");
  std::filesystem::rename(mapped.folder / "new", mapped.path);
  EXPECT_EQ(mapped.byte(kBytes - 1), 'x');
  EXPECT_EQ(change(), "");
  std::filesystem::remove(mapped.path);
  EXPECT_EQ(change(), "");
}

TEST(ChangedFile, AChangeBeforeTheMapWasClosedIsToldOnce) {
  Mapped mapped;
  ASSERT_EQ(::truncate(mapped.path.c_str(), 10), 0);
  mapped.file.reset();
  EXPECT_THAT(change(), HasSubstr("model.gguf: changed while it was in use"));
  EXPECT_EQ(change(), "");
}

TEST(ChangedFile, NothingIsWrittenFromOne) {
  const Mapped mapped;
  xw::OutputFile output(mapped.folder / "model.xwp");
  output.write(mapped.file->bytes());
  ASSERT_EQ(::truncate(mapped.path.c_str(), 10), 0);
  EXPECT_THROW(output.commit(), xw::Error);
  EXPECT_FALSE(std::filesystem::exists(mapped.folder / "model.xwp"));
}

/// A bus error, as the system ends a process for it or as a sanitizer does.
bool ended_by_bus_error(int status) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return !::testing::ExitedWithCode(0)(status);
#else
  return ::testing::KilledBySignal(SIGBUS)(status);
#endif
}

TEST(ChangedFileDeathTest, OtherBusErrorsStillEndTheProcess) {
  const Mapped mapped;
  EXPECT_EXIT(
      {
        put(mapped.folder / "other", "x");
        const int fd = ::open((mapped.folder / "other").c_str(), O_RDONLY);
        const auto* bytes = static_cast<const volatile char*>(::mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE, fd, 0));
        static_cast<void>(bytes[5000]);
      },
      ended_by_bus_error, "");
}

}  // namespace
