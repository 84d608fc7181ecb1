// File descriptors that close themselves, and what is checked of every file that is opened for reading.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace xw {

/// Owns a descriptor. Movable.
class Descriptor {
 public:
  /// Opens for reading, without waiting for the writer of a pipe. Throws Error{kFileNotFound | kIo} naming the path and
  /// the reason.
  [[nodiscard]] static Descriptor open(const std::filesystem::path& path);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

  /// The system's text for an error number.
  [[nodiscard]] static std::string reason(int error);

 private:
  explicit Descriptor(int fd) : fd_(fd) {}
  int fd_;
};

/// Throws Error{kFormat} if a file of `size` bytes that begins with `begin` is a Git LFS pointer: large files of a
/// repository that were not fetched are small texts that name them (git-lfs.github.com/spec).
void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view begin, std::uint64_t size);

}  // namespace xw
