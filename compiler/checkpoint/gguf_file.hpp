// The GGUF container (versions 2 and 3, little-endian): metadata and where the tensors are.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "arch/support/file.hpp"
#include "compiler/checkpoint/dtype.hpp"

namespace xw::checkpoint {

/// One metadata value. Numbers are widened (exactly): unsigned -> uint64, signed -> int64, floating -> double.
/// Booleans in arrays are 0 or 1. Arrays of arrays are vectors of values.
struct GgufValue {
  std::variant<std::uint64_t, std::int64_t, double, bool, std::string, std::vector<std::uint64_t>,
               std::vector<std::int64_t>, std::vector<double>, std::vector<std::uint8_t>, std::vector<std::string>,
               std::vector<GgufValue>>
      data;
  /// Type as written in messages: "unsigned integer", "array of strings", ...
  [[nodiscard]] const char* type_name() const;
  [[nodiscard]] bool is_array() const { return data.index() > 4; }
};

/// A tensor of the file. `shape[0]` is the slowest dimension (the reverse of the file's order).
struct GgufTensor {
  std::string name;
  std::uint32_t type = 0;      ///< ggml's number
  std::optional<Dtype> dtype;  ///< nothing: a type Crossweave does not read
  std::vector<std::uint64_t> shape;
  std::uint64_t offset = 0;         ///< of the first byte in the file
  std::string location;             ///< "file.gguf@1234" for messages
  std::span<const std::byte> data;  ///< empty if `dtype` is nothing
};

/// ggml's name of a tensor type ("Q4_K"), or "type 123".
[[nodiscard]] std::string ggml_type_name(std::uint32_t type);

/// A parsed GGUF file, or several that are one model. The maps of the files (or the caller's bytes) stay open as long
/// as the object lives.
/// Opening throws Error{kFileNotFound | kIo | kFormat | kUnsupported}.
class GgufFile {
 public:
  /// Maps a file.
  explicit GgufFile(const std::filesystem::path& path);
  /// Reads from memory that must outlive the object; `origin` stands in messages.
  GgufFile(std::span<const std::byte> bytes, const std::string& origin);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] const std::map<std::string, GgufValue>& metadata() const noexcept { return metadata_; }
  [[nodiscard]] const std::map<std::string, GgufTensor>& tensors() const noexcept { return tensors_; }

  /// Typed access: nothing (null) if the key is absent, Error{kFormat} if it has another type or does not fit.
  [[nodiscard]] std::optional<std::int64_t> find_int(const std::string& key) const;  ///< any integer or bool type
  [[nodiscard]] std::optional<double> find_float(const std::string& key) const;      ///< any number
  [[nodiscard]] std::optional<bool> find_bool(const std::string& key) const;
  [[nodiscard]] const std::string* find_string(const std::string& key) const;
  [[nodiscard]] const std::vector<std::string>* find_strings(const std::string& key) const;
  [[nodiscard]] std::optional<std::vector<std::int64_t>> find_ints(const std::string& key) const;
  [[nodiscard]] std::optional<std::vector<double>> find_floats(const std::string& key) const;  ///< array of any numbers

  /// Takes over the tensors of another part of the same model; its metadata is dropped. Throws Error{kFormat} for a
  /// tensor that is here already.
  void add_part(GgufFile part);
  /// Tells the kernel that bytes of the map are not needed any more; nothing if the file is in memory.
  void release(std::span<const std::byte> range) const noexcept;

 private:
  void parse(std::span<const std::byte> bytes);
  [[nodiscard]] const GgufValue* find(const std::string& key) const;
  [[noreturn]] void throw_type(const std::string& key, const char* expected, const GgufValue& found) const;

  std::filesystem::path path_;
  std::vector<MappedFile> maps_;
  std::uint32_t version_ = 0;
  std::map<std::string, GgufValue> metadata_;
  std::map<std::string, GgufTensor> tensors_;
};

}  // namespace xw::checkpoint
