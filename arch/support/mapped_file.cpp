// Read-only memory maps of files that may change under them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "arch/support/descriptor.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw {
namespace {

/// Where a map is, for the signal handler. Regions are never freed, only reused, so that the handler can walk the list
/// at any moment.
struct Region {
  std::atomic<bool> taken{true};
  std::atomic<std::uintptr_t> begin{0}, end{0};
  std::atomic<bool> lost{false};  ///< pages could not be read and were replaced by zeros
  Region* next = nullptr;
};

// Process-wide, since signal handlers have no parameters.
std::atomic<Region*> first_region{nullptr};
struct sigaction previous_action {};
std::uintptr_t page_size = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::uintptr_t>::is_always_lock_free);

/// A page beyond the end of a file that became shorter raises SIGBUS when it is read. Zeros take its place, so that
/// the thread can go on to the next check_mapped_files(), which throws. Other bus errors go to whoever had them before.
void on_bus_error(int, siginfo_t* info, void*) {
  const int saved = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (Region* region = first_region.load(); region != nullptr; region = region->next) {
    const std::uintptr_t end = region->end.load();
    if (address < region->begin.load() || address >= end) continue;
    const std::uintptr_t page = address / page_size * page_size;
    void* const zeros =
        ::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) break;
    region->lost.store(true);
    errno = saved;
    return;
  }
  ::sigaction(SIGBUS, &previous_action, nullptr);  // the access is tried again and arrives there
  errno = saved;
}

void install_handler() {
  static const bool installed = [] {
    page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &previous_action) == 0;
  }();
  static_cast<void>(installed);
}

Region& take_region() {
  for (Region* region = first_region.load(); region != nullptr; region = region->next) {
    bool expected = false;
    if (region->taken.compare_exchange_strong(expected, true)) return *region;
  }
  auto* const region = new Region;  // lives as long as the process
  region->next = first_region.load();
  while (!first_region.compare_exchange_weak(region->next, region)) {
  }
  return *region;
}

std::string bytes_text(std::uint64_t bytes) {
  return std::to_string(bytes) + " bytes";
}

}  // namespace

/// One map; stays where it is while MappedFiles move.
struct MappedFile::Map {
  explicit Map(const std::filesystem::path& where) : path(where), file(Descriptor::open(where)) {
    if (::fstat(file.get(), &status) != 0)
      throw Error(ErrorCode::kIo, path.string() + ": cannot stat: " + Descriptor::reason(errno));
    if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::kIo, path.string() + ": expected a regular file");
    size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return;
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED)
      throw Error(ErrorCode::kIo, path.string() + ": cannot map: " + Descriptor::reason(errno));
    data = static_cast<const std::byte*>(address);
    install_handler();
    region = &take_region();
    region->lost.store(false);
    region->begin.store(reinterpret_cast<std::uintptr_t>(data));
    region->end.store(reinterpret_cast<std::uintptr_t>(data) + (size + page_size - 1) / page_size * page_size);
  }
  ~Map() {
    if (data == nullptr) return;
    region->end.store(0);
    region->begin.store(0);
    ::munmap(const_cast<std::byte*>(data), size);
    region->taken.store(false);
  }
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  /// What happened to the file since it was mapped, if anything.
  [[nodiscard]] std::optional<std::string> change() const {
    const std::string what = path.string() + ": changed while it was in use: ";
    struct stat now {};
    if (::fstat(file.get(), &now) == 0) {
      if (now.st_size != status.st_size) {
        return what + "expected " + bytes_text(size) + ", found " + bytes_text(static_cast<std::uint64_t>(now.st_size));
      }
      if (now.st_mtim.tv_sec != status.st_mtim.tv_sec || now.st_mtim.tv_nsec != status.st_mtim.tv_nsec)
        return what + "expected the content that it had at first, found that it was written to";
    }
    if (region != nullptr && region->lost.load())
      return what + "expected " + bytes_text(size) + ", found some that cannot be read";
    return std::nullopt;
  }

  std::filesystem::path path;
  Descriptor file;
  struct stat status {};
  const std::byte* data = nullptr;
  std::size_t size = 0;
  Region* region = nullptr;
};

namespace {

/// All maps, and a change that was found when one was closed and that nobody was told of yet.
struct OpenMaps {
  std::mutex mutex;
  std::vector<const MappedFile::Map*> maps;
  std::string untold;
};
OpenMaps& open_maps() {
  static OpenMaps& maps = *new OpenMaps;  // outlives every MappedFile, whatever destructors run at exit
  return maps;
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : map_(std::make_unique<Map>(path)) {
  refuse_lfs_pointer(path, {reinterpret_cast<const char*>(map_->data), map_->size}, map_->size);
  OpenMaps& open = open_maps();
  const std::lock_guard lock(open.mutex);
  open.maps.push_back(map_.get());
}

MappedFile::MappedFile(MappedFile&& other) noexcept = default;

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(map_, other.map_);
  return *this;
}

MappedFile::~MappedFile() {
  if (map_ == nullptr) return;
  OpenMaps& open = open_maps();
  const std::lock_guard lock(open.mutex);
  std::erase(open.maps, map_.get());
  if (const std::optional<std::string> change = map_->change(); change.has_value() && open.untold.empty())
    open.untold = *change;
}

std::span<const std::byte> MappedFile::bytes() const noexcept {
  return map_ == nullptr ? std::span<const std::byte>() : std::span(map_->data, map_->size);
}

const std::filesystem::path& MappedFile::path() const noexcept {
  return map_->path;
}

void MappedFile::release(std::size_t offset, std::size_t length) const noexcept {
  if (map_ == nullptr || offset >= map_->size) return;
  const bool to_end = length >= map_->size - offset;
  // Only whole pages of the range; the last page of the file belongs to a range that reaches the end.
  const std::size_t begin = (offset + page_size - 1) / page_size * page_size;
  const std::size_t end = to_end ? map_->size : (offset + length) / page_size * page_size;
  if (begin < end) ::madvise(const_cast<std::byte*>(map_->data) + begin, end - begin, MADV_DONTNEED);
}

void check_mapped_files() {
  OpenMaps& open = open_maps();
  const std::lock_guard lock(open.mutex);
  if (!open.untold.empty()) throw Error(ErrorCode::kIo, std::exchange(open.untold, {}));
  for (const MappedFile::Map* map : open.maps) {
    if (const std::optional<std::string> change = map->change()) throw Error(ErrorCode::kIo, *change);
  }
}

}  // namespace xw
