// Memory maps and bounded reads.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "arch/support/error.hpp"

namespace xw {

namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw Error(ErrorCode::kFileNotFound, path.string() + ": cannot open: " + reason(errno));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

void unmap(const std::byte* data, std::size_t size) noexcept {
  // munmap takes the address that mmap gave; nothing is written through it.
  if (data != nullptr) ::munmap(const_cast<std::byte*>(data), size);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor file(path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw Error(ErrorCode::kIo, path.string() + ": cannot stat: " + reason(errno));
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::kIo, path.string() + ": expected a regular file");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* const map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (map == MAP_FAILED) throw Error(ErrorCode::kIo, path.string() + ": cannot map: " + reason(errno));
  data_ = static_cast<const std::byte*>(map);
}

MappedFile::~MappedFile() {
  unmap(data_, size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    unmap(data_, size_);
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void MappedFile::release(std::size_t offset, std::size_t length) const noexcept {
  if (data_ == nullptr || offset >= size_) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const bool to_end = length >= size_ - offset;
  // Only whole pages of the range; the last page of the file belongs to a range that reaches the end.
  const std::size_t begin = (offset + page - 1) / page * page;
  const std::size_t end = to_end ? size_ : (offset + length) / page * page;
  if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file(path);
  std::string text;
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_bytes) {
      throw Error(ErrorCode::kFormat, path.string() + ": expected at most " + std::to_string(max_bytes) +
                                          " bytes of text, found " + std::to_string(size));
    }
    text.reserve(static_cast<std::size_t>(size) + 1);
  }
  std::string chunk(std::size_t{1} << 16, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      throw Error(ErrorCode::kIo, path.string() + ": cannot read: " + reason(errno));
    }
    if (got == 0) return text;
    if (static_cast<std::uint64_t>(got) > max_bytes - text.size()) {  // pipes and files that grow
      throw Error(ErrorCode::kFormat,
                  path.string() + ": expected at most " + std::to_string(max_bytes) + " bytes of text, found more");
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace xw
