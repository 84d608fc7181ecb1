// Files: read-only memory maps, whole reads with a bound, and outputs that appear whole or not at all.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace xw {

/// A read-only memory map of a whole file. Movable; unmaps on destruction.
/// Throws Error{kFileNotFound | kIo} naming the path, Error{kFormat} for a Git LFS pointer in place of the file.
///
/// A file that becomes shorter while it is mapped does not end the process: its lost pages read as zeros. Whoever has
/// used mapped bytes calls check_mapped_files() before the result counts.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;
  [[nodiscard]] const std::filesystem::path& path() const noexcept;
  /// Tells the kernel that `range` of the map is not needed any more (keeps resident memory low).
  void release(std::size_t offset, std::size_t length) const noexcept;

  struct Map;

 private:
  std::unique_ptr<Map> map_;
};

/// Throws Error{kIo} naming the first mapped file that was written to, became shorter or longer, or could not be read
/// since it was mapped; one that was closed since the last call counts, too. A file that was replaced by another of its
/// name has not changed. Takes less than a microsecond per open map. Thread safe.
void check_mapped_files();

/// The first `count` bytes of a regular file, fewer if it has no more. Throws Error{kFileNotFound | kIo}.
[[nodiscard]] std::string first_bytes(const std::filesystem::path& path, std::size_t count);

/// Whole text of a file of at most `max_bytes`. Pipes are read to their end, one that nobody writes to is an error.
/// Throws Error{kFileNotFound | kIo | kFormat (longer, a Git LFS pointer) | kInterrupted}.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes = 64ULL << 20);

/// An output file written under a temporary name beside its target and renamed by `commit()`.
/// Without commit (exception, Ctrl-C) the temporary file is removed and an existing target is untouched. It is locked
/// (flock) while its writer lives; one without a lock, of a killed process, is removed by the target's next writer.
/// A target that is a character device (/dev/null, a terminal) is written in place and takes no write_at().
/// All methods throw Error{kIo} naming the target path and the reason (e.g. "No space left on device").
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path target);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);                           ///< appends
  void write(std::string_view text);                                      ///< appends
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);  ///< overwrites, does not move the end
  void pad_to(std::uint64_t alignment);                                   ///< appends zeros
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  void commit();  ///< flushes, closes, renames; also throws what check_mapped_files() does

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::uint64_t size_ = 0;
};

/// Writes `text` to `path` through OutputFile.
void write_text_file(const std::filesystem::path& path, std::string_view text);

/// The folder for temporary files (TMPDIR, else /tmp). Throws Error{kIo} naming it if it is not there.
[[nodiscard]] std::filesystem::path temporary_folder();

/// Removes the temporary files of all OutputFiles that are open; async-signal-safe (for Ctrl-C handlers).
void remove_open_temporaries() noexcept;

}  // namespace xw
