// File descriptors that close themselves, and what is checked of every file that is opened for reading.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "arch/support/error.hpp"

namespace xw {

Descriptor Descriptor::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a named pipe may have no writer
  if (fd >= 0) return Descriptor(fd);
  const bool is_missing = errno == ENOENT || errno == ENOTDIR;
  throw Error(is_missing ? ErrorCode::kFileNotFound : ErrorCode::kIo,
              path.string() + ": cannot open: " + reason(errno));
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

std::string Descriptor::reason(int error) {
  return std::generic_category().message(error);
}

void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view begin, std::uint64_t size) {
  constexpr std::uint64_t kMaxPointerBytes = 1024;  // the specification's own limit
  if (size >= kMaxPointerBytes || !begin.starts_with("version https://git-lfs.github.com/spec/")) return;
  throw Error(ErrorCode::kFormat,
              path.string() + ": this is a Git LFS pointer, not the file itself: fetch it with `git lfs pull`");
}

}  // namespace xw
