// A file that is removed with its owner, or before.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace xw::toolchain {

/// The name of a file in a folder of its own, STEM-temporary.XXXXXX, in the folder for temporary files. The folder is locked (flock)
/// while its owner lives; one without a lock, of a killed process, is removed when the next one of its stem is made.
class TemporaryFile {
 public:
  /// `name`: of the file, which its owner makes. Throws Error{kIo}.
  TemporaryFile(const std::string& stem, const std::string& name);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  /// Removes file and folder now, so that they cannot outlive a killed process; who has the file open or mapped goes on reading it.
  void remove() noexcept;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int folder_ = -1;  ///< the folder's descriptor, which holds the lock
};

}  // namespace xw::toolchain
