// A file that is removed with its owner, or before.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace xw::toolchain {

/// An empty file STEM.XXXXXX.xwp in the folder for temporary files.
class TemporaryFile {
 public:
  /// Throws Error{kIo}.
  explicit TemporaryFile(const std::string& stem);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  /// Removes the file now, so that it cannot outlive a killed process; who has it open or mapped goes on reading it.
  void remove() noexcept;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool is_removed_ = false;
};

}  // namespace xw::toolchain
