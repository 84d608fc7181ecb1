// Writes GGUF files (version 3, little-endian).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/checkpoint/dtype.hpp"

namespace xw::checkpoint {

/// Bytes of `values` as elements of a type: F32, F16, BF16 (rounded to nearest even) or Q8_0 (blocks of 32, whose scale is the largest
/// magnitude over 127). Throws Error{kInvalidArgument} for another type and for values that are no whole blocks.
[[nodiscard]] std::vector<std::byte> encode_values(std::span<const float> values, Dtype type);

/// Metadata first, then tensors; the file is written at once.
class GgufWriter {
 public:
  void add(std::string_view key, std::uint32_t value);
  void add(std::string_view key, float value);
  void add(std::string_view key, bool value);
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, const std::vector<std::string>& values);
  void add(std::string_view key, const std::vector<float>& values);
  void add(std::string_view key, const std::vector<std::int32_t>& values);
  /// Shape with the slowest dimension first. `values` is called when the file is written.
  void add_tensor(std::string name, std::vector<std::uint64_t> shape, Dtype type,
                  std::function<std::vector<float>()> values);
  /// Replaces the file only on success. Throws Error{kIo}, and what the tensors' values throw.
  void write(const std::filesystem::path& path) const;

 private:
  struct Entry {
    std::string name;
    std::vector<std::uint64_t> shape;
    Dtype type = Dtype::kF32;
    std::function<std::vector<float>()> values;
  };
  void begin(std::string_view key, std::uint32_t type);

  std::vector<std::byte> metadata_;
  std::uint64_t num_entries_ = 0;
  std::vector<Entry> tensors_;
};

}  // namespace xw::checkpoint
