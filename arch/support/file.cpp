// Bounded reads of whole texts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "arch/support/descriptor.hpp"
#include "arch/support/error.hpp"

namespace xw {

std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const Descriptor file = Descriptor::open(path);
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
      throw Error(ErrorCode::kIo, path.string() + ": cannot read: " + Descriptor::reason(errno));
    }
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

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace xw
