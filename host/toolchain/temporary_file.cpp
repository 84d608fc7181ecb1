// A file that is removed with its owner, or before.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/temporary_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"

namespace xw::toolchain {

TemporaryFile::TemporaryFile(const std::string& stem) {
  constexpr std::string_view kSuffix = ".xwp";
  std::string pattern = (temporary_folder() / (stem + ".XXXXXX" + std::string(kSuffix))).string();
  const int descriptor = ::mkstemps(pattern.data(), static_cast<int>(kSuffix.size()));
  if (descriptor < 0) throw Error(ErrorCode::kIo, pattern + ": cannot make a temporary file: " + std::strerror(errno));
  ::close(descriptor);
  path_ = pattern;
}

TemporaryFile::~TemporaryFile() {
  remove();
}

void TemporaryFile::remove() noexcept {
  if (is_removed_) return;  // the name may be another's by now
  ::unlink(path_.c_str());
  is_removed_ = true;
}

}  // namespace xw::toolchain
