// A file that is removed with its owner, or before.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/temporary_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw::toolchain {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kPattern = "XXXXXX";

/// Opens a folder that is ours and takes its lock: its descriptor, or -1 if another has the lock, the name has come to mean
/// something else meanwhile, or this is no such folder. `can_do_without`: also where the file system has no locks.
int open_locked(const Path& folder, bool can_do_without) noexcept {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  struct stat opened {
  }, named{};
  int locked = 0;
  do {
    locked = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  const bool is_free = locked == 0 || (can_do_without && errno != EWOULDBLOCK);
  if (is_free && ::fstat(fd, &opened) == 0 && opened.st_uid == ::geteuid() && ::lstat(folder.c_str(), &named) == 0 &&
      opened.st_dev == named.st_dev && opened.st_ino == named.st_ino) {
    return fd;
  }
  ::close(fd);
  return -1;
}

/// Removes the folder with `name` and what an OutputFile of that name left; other files keep it.
void remove_folder(const Path& folder, const std::string& name) noexcept {
  try {
    std::error_code error;
    std::vector<Path> files;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string found = entry->path().filename().string();
      if (found == name || (found.starts_with("." + name + ".") && found.ends_with(".tmp")))
        files.push_back(entry->path());
    }
    for (const Path& file : files) ::unlink(file.c_str());
  } catch (...) {  // out of memory: the next one tries again
  }
  ::rmdir(folder.c_str());
}

/// Removes the folders of killed processes.
void remove_stale(const Path& where, const std::string& prefix, const std::string& name) {
  std::error_code error;
  std::vector<Path> folders;
  for (std::filesystem::directory_iterator entry(where, error), end; !error && entry != end; entry.increment(error)) {
    const std::string found = entry->path().filename().string();
    if (found.size() == prefix.size() + kPattern.size() && found.starts_with(prefix)) folders.push_back(entry->path());
  }
  for (const Path& folder : folders) {
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid()) continue;
    const int fd = open_locked(folder, false);
    if (fd < 0) continue;
    remove_folder(folder, name);
    ::close(fd);
  }
}

}  // namespace

TemporaryFile::TemporaryFile(const std::string& stem, const std::string& name) {
  const Path where = temporary_folder();
  const std::string prefix = stem + "-temporary.";
  remove_stale(where, prefix, name);
  constexpr int kTries = 100;
  for (int i = 0; folder_ < 0; ++i) {  // another may take the new folder for a stale one before it is locked
    std::string folder = (where / (prefix + std::string(kPattern))).string();
    if (i == kTries || ::mkdtemp(folder.data()) == nullptr) {
      throw Error(ErrorCode::kIo, folder + ": cannot make a folder for a temporary file: " +
                                      (i == kTries ? "it cannot be locked" : std::generic_category().message(errno)));
    }
    folder_ = open_locked(folder, true);
    if (folder_ < 0) ::rmdir(folder.c_str());
    path_ = Path(folder) / name;
  }
}

TemporaryFile::~TemporaryFile() {
  remove();
}

void TemporaryFile::remove() noexcept {
  if (folder_ < 0) return;  // the name may be another's by now
  remove_folder(path_.parent_path(), path_.filename().string());
  ::close(std::exchange(folder_, -1));
}

}  // namespace xw::toolchain
