// Outputs that appear whole or not at all.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw {

namespace {

/// A temporary file that a signal handler may have to remove. Slots are never freed, only reused, so that the
/// handler can walk the list at any moment.
struct Slot {
  enum State : int { kFree, kTaken, kLive };
  std::atomic<int> state{kTaken};
  std::array<char, PATH_MAX> path{};
  Slot* next = nullptr;
};

// The one piece of process-wide state that OutputFile needs: signal handlers have no parameters.
std::atomic<Slot*> first_slot{nullptr};
std::atomic<std::uint64_t> next_number{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<Slot*>::is_always_lock_free);

Slot& take_slot() {
  for (Slot* slot = first_slot.load(); slot != nullptr; slot = slot->next) {
    int expected = Slot::kFree;
    if (slot->state.compare_exchange_strong(expected, Slot::kTaken)) return *slot;
  }
  auto slot = std::make_unique<Slot>();
  slot->next = first_slot.load();
  while (!first_slot.compare_exchange_weak(slot->next, slot.get())) {
  }
  return *slot.release();
}

/// Where a symbolic link leads, so that the link survives the rename.
std::filesystem::path resolved(const std::filesystem::path& target) {
  std::error_code error;
  if (!std::filesystem::is_symlink(target, error)) return target;
  std::filesystem::path real = std::filesystem::weakly_canonical(target, error);
  return error ? target : real;
}

/// Takes the lock that a writer has on its temporary file. The lock ends with the process, however that ends, and is seen
/// where process numbers mean nothing: from other containers and, on file systems that tell, from other machines.
/// 0, or why not: EWOULDBLOCK if another has it.
int lock(int fd) noexcept {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

/// Whether the name still leads to the open file.
bool leads_to(const char* path, int fd) noexcept {
  struct stat named {
  }, opened{};
  return ::lstat(path, &named) == 0 && ::fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev &&
         named.st_ino == opened.st_ino;
}

/// Removes a temporary file that no writer holds.
void remove_if_unlocked(const std::filesystem::path& path) noexcept {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  // For writing, since some network file systems lock nothing else.
  const int fd = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  // While this has the lock, a name that leads to the file stays: a writer renames only what it has locked.
  if (lock(fd) == 0 && leads_to(path.c_str(), fd)) ::unlink(path.c_str());
  ::close(fd);
}

/// Removes ".NAME.PID-NUMBER.tmp" beside `target` that no writer holds. Errors are no reason to stop.
void remove_stale(const std::filesystem::path& target) noexcept {
  try {
    const std::string prefix = "." + target.filename().string() + ".";
    const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!name.starts_with(prefix) || !name.ends_with(".tmp")) continue;
      const char* const first = name.data() + prefix.size();
      const char* const last = name.data() + name.size() - std::strlen(".tmp");
      long pid = 0;
      std::uint64_t number = 0;
      const auto [dash, bad_pid] = std::from_chars(first, last, pid);
      if (bad_pid != std::errc{} || pid <= 0 || dash == last || *dash != '-') continue;
      const auto [rest, bad_number] = std::from_chars(dash + 1, last, number);
      if (bad_number != std::errc{} || rest != last) continue;
      remove_if_unlocked(entry->path());
    }
  } catch (...) {  // out of memory: the next writer tries again
  }
}

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

struct OutputFile::Impl {
  std::filesystem::path target;
  std::filesystem::path real_target;
  Slot& slot;
  int fd = -1;
  bool is_device = false;     // a character device: written in place, no temporary file
  std::uint64_t flushed = 0;  // bytes of the file that are not in `buffer`
  std::vector<std::byte> buffer;

  Impl(std::filesystem::path where, Slot& taken)
      : target(std::move(where)), real_target(resolved(target)), slot(taken) {}
  ~Impl() {
    if (fd >= 0) {
      if (!is_device) ::unlink(slot.path.data());  // under the lock: the name may be another's later
      ::close(fd);
    }
    slot.state.store(Slot::kFree);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[noreturn]] void fail(const char* what, int error) const {
    throw Error(ErrorCode::kIo, target.string() + ": cannot " + what + ": " + std::generic_category().message(error));
  }

  void open() {
    struct stat status {};
    const bool exists = ::stat(real_target.c_str(), &status) == 0;
    if (exists && S_ISCHR(status.st_mode)) {
      open_device();
      return;
    }
    if (exists && !S_ISREG(status.st_mode)) {
      throw Error(ErrorCode::kIo, target.string() + ": cannot write: it exists and is not a regular file");
    }
    if (real_target.filename().empty()) fail("create", EISDIR);
    remove_stale(real_target);
    do {
      create();
    } while (!hold());
    slot.state.store(Slot::kLive);
  }

  /// For /dev/null, terminals and their like, which no file may replace.
  void open_device() {
    do {
      fd = ::open(real_target.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) fail("open", errno);
    is_device = true;
  }

  /// Makes the temporary file.
  void create() {
    do {  // the number makes names unique in this process, O_EXCL against what other processes left
      const std::string name = "." + real_target.filename().string() + "." + std::to_string(::getpid()) + "-" +
                               std::to_string(next_number.fetch_add(1)) + ".tmp";
      const std::string path = (real_target.parent_path() / name).string();
      if (path.size() >= slot.path.size()) fail("create", ENAMETOOLONG);
      std::memcpy(slot.path.data(), path.c_str(), path.size() + 1);
      fd = ::open(slot.path.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd < 0 && (errno == EEXIST || errno == EINTR));
    if (fd < 0) fail("create", errno);
  }

  /// Locks the temporary file; false, and it is closed, if another writer took it for a stale one before that. On a file
  /// system without locks it goes on: there, nobody gets one to remove it.
  bool hold() {
    const bool is_held = lock(fd) != EWOULDBLOCK && leads_to(slot.path.data(), fd);
    if (!is_held) ::close(std::exchange(fd, -1));
    return is_held;
  }

  void write_through(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t done = is_device ? ::write(fd, bytes.data(), bytes.size())
                                     : ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (done < 0) {
        if (errno == EINTR) continue;
        fail("write", errno);
      }
      if (done == 0) fail("write", EIO);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
      offset += static_cast<std::uint64_t>(done);
    }
  }

  void flush() {
    write_through(flushed, buffer);
    flushed += buffer.size();
    buffer.clear();
  }

  void require_open() const {
    if (fd < 0) throw Error(ErrorCode::kInternal, target.string() + ": written to after commit");
  }
};

OutputFile::OutputFile(std::filesystem::path target) : impl_(std::make_unique<Impl>(std::move(target), take_slot())) {
  impl_->open();
  impl_->buffer.reserve(kBufferBytes);
}

OutputFile::~OutputFile() = default;

void OutputFile::write(std::span<const std::byte> bytes) {
  impl_->require_open();
  if (impl_->buffer.size() + bytes.size() > kBufferBytes) impl_->flush();
  if (bytes.size() >= kBufferBytes) {
    impl_->write_through(impl_->flushed, bytes);
    impl_->flushed += bytes.size();
  } else {
    impl_->buffer.insert(impl_->buffer.end(), bytes.begin(), bytes.end());
  }
  size_ += bytes.size();
}

void OutputFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text)));
}

void OutputFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  impl_->require_open();
  if (offset > size_ || bytes.size() > size_ - offset) {
    throw Error(ErrorCode::kInternal, impl_->target.string() + ": overwrite of bytes " + std::to_string(offset) + " +" +
                                          std::to_string(bytes.size()) + " beyond the end at " + std::to_string(size_));
  }
  if (impl_->is_device) {
    throw Error(ErrorCode::kIo, impl_->target.string() + ": cannot write: expected a file, found a character device");
  }
  impl_->flush();
  impl_->write_through(offset, bytes);
}

void OutputFile::pad_to(std::uint64_t alignment) {
  if (alignment == 0) throw Error(ErrorCode::kInternal, impl_->target.string() + ": alignment of 0");
  static constexpr std::array<std::byte, 4096> kZeros{};
  std::uint64_t missing = (alignment - size_ % alignment) % alignment;
  while (missing > 0) {
    const std::uint64_t part = std::min<std::uint64_t>(missing, kZeros.size());
    write(std::span(kZeros).first(static_cast<std::size_t>(part)));
    missing -= part;
  }
}

void OutputFile::commit() {
  impl_->require_open();
  check_mapped_files();  // what is written came from files that may have changed meanwhile
  impl_->flush();
  if (impl_->is_device) {
    if (::close(std::exchange(impl_->fd, -1)) != 0) impl_->fail("close", errno);
    return;
  }
  // A second descriptor of the same open file keeps the lock until the file has its own name.
  const int holder = ::fcntl(impl_->fd, F_DUPFD_CLOEXEC, 0);
  if (holder < 0) impl_->fail("close", errno);
  const auto give_up = [&](const char* what, int error) {
    ::unlink(impl_->slot.path.data());
    ::close(holder);
    impl_->fail(what, error);
  };
  if (::close(std::exchange(impl_->fd, -1)) != 0) give_up("close", errno);  // e.g. a quota that the server checks late
  if (::rename(impl_->slot.path.data(), impl_->real_target.c_str()) != 0) give_up("rename the finished file", errno);
  ::close(holder);
  impl_->slot.state.store(Slot::kFree);
}

void remove_open_temporaries() noexcept {
  const int saved = errno;
  for (Slot* slot = first_slot.load(); slot != nullptr; slot = slot->next) {
    if (slot->state.load() == Slot::kLive) ::unlink(slot->path.data());
  }
  errno = saved;
}

}  // namespace xw
