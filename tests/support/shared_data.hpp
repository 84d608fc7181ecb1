// Finds reference data that stands beside the project; tests that need it skip when it is absent.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/paths.hpp"

namespace xw::test {

/// Path of `relative` below $XW_SHARED or <source dir>/../shared; nothing if it does not exist.
inline std::optional<std::filesystem::path> shared_path(const std::string& relative) {
  const char* root = std::getenv("XW_SHARED");
  const std::filesystem::path base = root != nullptr ? std::filesystem::path(root) : source_dir() / ".." / "shared";
  const std::filesystem::path path = base / relative;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::nullopt;
  return path;
}

}  // namespace xw::test
