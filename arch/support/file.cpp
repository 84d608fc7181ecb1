// Bounded reads of whole texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/file.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "arch/support/descriptor.hpp"
#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"

namespace xw {

namespace {

constexpr int kWaitMs = 100;  // between looks at the interrupt flag

}  // namespace

std::string first_bytes(const std::filesystem::path& path, std::size_t count) {
  const Descriptor file = Descriptor::open(path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw Error(ErrorCode::kIo, path.string() + ": cannot stat: " + Descriptor::reason(errno));
  }
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::kIo, path.string() + ": expected a regular file");
  std::string bytes(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, count - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorCode::kIo, path.string() + ": cannot read: " + Descriptor::reason(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file = Descriptor::open(path);
  std::string text;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    throw Error(ErrorCode::kIo, path.string() + ": cannot stat: " + Descriptor::reason(errno));
  const bool is_pipe = S_ISFIFO(status.st_mode);
  if (S_ISREG(status.st_mode)) {
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > max_bytes) {
      throw Error(ErrorCode::kFormat, path.string() + ": expected at most " + std::to_string(max_bytes) +
                                          " bytes of text, found " + std::to_string(size));
    }
    text.reserve(static_cast<std::size_t>(size) + 1);
  }
  std::string chunk(std::size_t{1} << 16, '\0');
  while (true) {
    throw_if_interrupted();
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {  // a pipe whose writer is not ready
        pollfd wait{file.get(), POLLIN, 0};
        static_cast<void>(::poll(&wait, 1, kWaitMs));
        continue;
      }
      throw Error(ErrorCode::kIo, path.string() + ": cannot read: " + Descriptor::reason(errno));
    }
    if (got == 0 && is_pipe && text.empty()) throw Error(ErrorCode::kIo, path.string() + ": a pipe without a writer");
    if (got == 0) {
      refuse_lfs_pointer(path, text, text.size());
      return text;
    }
    if (static_cast<std::uint64_t>(got) > max_bytes - text.size()) {  // pipes and files that grow
      throw Error(ErrorCode::kFormat,
                  path.string() + ": expected at most " + std::to_string(max_bytes) + " bytes of text, found more");
    }
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

std::filesystem::path temporary_folder() {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (!error) return folder;
  const char* named = std::getenv("TMPDIR");
  throw Error(ErrorCode::kIo, std::string(named != nullptr ? named : "/tmp") +
                                  ": expected a folder for temporary files" + (named != nullptr ? " (TMPDIR)" : "") +
                                  ": " + error.message());
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace xw
