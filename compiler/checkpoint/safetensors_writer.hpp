// Writing safetensors files, tensor by tensor.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "arch/support/file.hpp"
#include "compiler/checkpoint/dtype.hpp"

namespace xw::checkpoint {

/// A tensor that will be written.
struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::kF32;  ///< one that safetensors files know
  std::vector<std::uint64_t> shape;
};

/// Writes the header of all tensors at once, then their data in the order of the specs; nothing is kept in memory. The file
/// appears under its name with commit(). Throws Error{kInvalidArgument} for a name given twice or a type that the format does not
/// have, Error{kInternal} for data out of turn, Error{kIo}.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> specs,
                    const std::map<std::string, std::string>& metadata);
  /// The bytes of the next tensor, whole or in pieces.
  void add(const std::string& name, std::span<const std::byte> bytes);
  void add(const std::string& name, std::span<const float> values) { add(name, std::as_bytes(values)); }
  void commit();

 private:
  void pass_finished();  ///< goes on to the next tensor that still wants data

  OutputFile file_;
  std::vector<TensorSpec> specs_;
  std::vector<std::uint64_t> bytes_;  ///< of every tensor
  std::size_t next_ = 0;
  std::uint64_t written_ = 0;  ///< of the next tensor
};

/// True for the element types of safetensors files.
[[nodiscard]] bool is_safetensors_dtype(Dtype dtype);

}  // namespace xw::checkpoint
