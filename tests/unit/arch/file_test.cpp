// Reading files: maps, bounded text, and their errors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "arch/support/error.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using ::testing::HasSubstr;
using xw::test::TemporaryFolder;

template <class Body>
xw::Error error_of(const Body& body) {
  try {
    body();
  } catch (const xw::Error& error) {
    return error;
  }
  return {xw::ErrorCode::kInternal, "no error was thrown"};
}

void put(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string text_of(const xw::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, ShowsTheBytesOfTheFile) {
  const TemporaryFolder folder;
  put(folder / "a", std::string("one\0two", 7));
  const xw::MappedFile file(folder / "a");
  EXPECT_EQ(text_of(file), std::string("one\0two", 7));
  EXPECT_EQ(file.path(), folder / "a");
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
  const TemporaryFolder folder;
  put(folder / "empty", "");
  const xw::MappedFile file(folder / "empty");
  EXPECT_TRUE(file.bytes().empty());
  file.release(0, 100);
}

TEST(MappedFile, AGitLfsPointerIsNamed) {
  const TemporaryFolder folder;
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid "
      "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e23"
      "93\nsize 12345\n";
  put(folder / "model.gguf", pointer);
  const std::string expected = (folder / "model.gguf").string() + ": this is a Git LFS pointer";
  const xw::Error mapped = error_of([&] { const xw::MappedFile file(folder / "model.gguf"); });
  EXPECT_EQ(mapped.code(), xw::ErrorCode::kFormat);
  EXPECT_THAT(mapped.what(), HasSubstr(expected));
  EXPECT_THAT(error_of([&] { (void)xw::read_text_file(folder / "model.gguf"); }).what(), HasSubstr(expected));
  put(folder / "long", pointer + std::string(2000, ' '));  // longer than a pointer may be
  EXPECT_EQ(xw::MappedFile(folder / "long").bytes().size(), pointer.size() + 2000);
}

TEST(MappedFile, MovesAndKeepsItsBytes) {
  const TemporaryFolder folder;
  put(folder / "a", "first");
  put(folder / "b", "second");
  xw::MappedFile a(folder / "a");
  xw::MappedFile b(folder / "b");
  a = std::move(b);
  EXPECT_EQ(text_of(a), "second");
  const xw::MappedFile c(std::move(a));
  EXPECT_EQ(text_of(c), "second");
}

TEST(MappedFile, ReleasedRangesCanStillBeRead) {
  const TemporaryFolder folder;
  std::string text(100'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  put(folder / "a", text);
  const xw::MappedFile file(folder / "a");
  file.release(1, 50'000);
  file.release(50'000, static_cast<std::size_t>(-1));
  file.release(200'000, 1);
  EXPECT_EQ(text_of(file), text);
}

TEST(MappedFile, AMissingFileIsNamed) {
  const xw::Error error = error_of([] { const xw::MappedFile file("/nonexistent/model.gguf"); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kFileNotFound);
  EXPECT_THAT(error.what(), HasSubstr("/nonexistent/model.gguf"));
  EXPECT_THAT(error.what(), HasSubstr("No such file"));
}

TEST(MappedFile, AFolderIsNoFile) {
  const TemporaryFolder folder;
  const xw::Error error = error_of([&] { const xw::MappedFile file(folder.path()); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("expected a regular file"));
}

TEST(ReadTextFile, ReadsAllOfAFileUpToTheBound) {
  const TemporaryFolder folder;
  const std::string text(200'000, 'y');
  put(folder / "a", text);
  EXPECT_EQ(xw::read_text_file(folder / "a"), text);
  EXPECT_EQ(xw::read_text_file(folder / "a", 200'000), text);
  const xw::Error error = error_of([&] { static_cast<void>(xw::read_text_file(folder / "a", 199'999)); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kFormat);
  EXPECT_THAT(error.what(), HasSubstr("expected at most 199999 bytes of text, found 200000"));
}

TEST(ReadTextFile, BoundsWhatHasNoSize) {
  const xw::Error error = error_of([] { static_cast<void>(xw::read_text_file("/dev/zero", 1000)); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kFormat);
  EXPECT_THAT(error.what(), HasSubstr("/dev/zero"));
}

TEST(ReadTextFile, APipeIsReadToItsEndAndOneWithoutAWriterDoesNotBlock) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const xw::Error error = error_of([&] { static_cast<void>(xw::read_text_file(pipe)); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("a pipe without a writer"));
  const int held = ::open(pipe.c_str(), O_RDWR);  // so that the writer below finds a reader, and the reader a writer
  const std::string text(200'000, 'p');
  std::thread writer([&] {
    const int out = ::open(pipe.c_str(), O_WRONLY);
    std::size_t done = 0;
    while (done < text.size()) {
      const ssize_t count = ::write(out, text.data() + done, text.size() - done);
      if (count <= 0) break;
      done += static_cast<std::size_t>(count);
      if (done >= text.size() / 2 && held >= 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::close(held);
    ::close(out);
  });
  EXPECT_EQ(xw::read_text_file(pipe), text);
  writer.join();
}

TEST(MappedFile, APipeIsRefusedWithoutWaiting) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const xw::Error error = error_of([&] { const xw::MappedFile file(folder / "pipe"); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("expected a regular file"));
}

TEST(MappedFile, WhatCannotBeOpenedIsNotCalledMissing) {
  const TemporaryFolder folder;
  const xw::Error long_name = error_of([&] { const xw::MappedFile file(folder / std::string(300, 'n')); });
  EXPECT_EQ(long_name.code(), xw::ErrorCode::kIo);
  EXPECT_THAT(long_name.what(), HasSubstr("File name too long"));
  put(folder / "secret", "x");
  std::filesystem::permissions(folder / "secret", std::filesystem::perms::none);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const int status = xw::test::exit_status_of([&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) return 97;  // root may read everything
    const xw::Error error = error_of([&] { const xw::MappedFile file(folder / "secret"); });
    return error.code() == xw::ErrorCode::kIo && std::strstr(error.what(), "Permission denied") != nullptr ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(TemporaryFolder, OneThatIsMissingIsNamed) {
  const int status = xw::test::exit_status_of([] {
    ::setenv("TMPDIR", "/nonexistent/tmp", 1);
    const xw::Error error = error_of([] { static_cast<void>(xw::temporary_folder()); });
    return error.code() == xw::ErrorCode::kIo && std::strstr(error.what(), "/nonexistent/tmp") != nullptr ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(ReadTextFile, MissingFilesAndFoldersAreErrors) {
  EXPECT_EQ(error_of([] { static_cast<void>(xw::read_text_file("/nonexistent/a")); }).code(),
            xw::ErrorCode::kFileNotFound);
  const TemporaryFolder folder;
  const xw::Error error = error_of([&] { static_cast<void>(xw::read_text_file(folder.path())); });
  EXPECT_EQ(error.code(), xw::ErrorCode::kIo);
  EXPECT_THAT(error.what(), HasSubstr("Is a directory"));
}

}  // namespace
