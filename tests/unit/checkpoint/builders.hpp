// Small checkpoint files made by hand, and models of every family with known values.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xw::test {

using Bytes = std::vector<std::byte>;

/// Appends a value, little-endian as it is in memory.
template <typename T>
void append(Bytes& bytes, const T& value) {
  const std::size_t end = bytes.size();
  bytes.resize(end + sizeof(T));
  std::memcpy(bytes.data() + end, &value, sizeof(T));
}
void append(Bytes& bytes, std::string_view text);
void append_string(Bytes& bytes, std::string_view text);  ///< u64 length, then the text
[[nodiscard]] Bytes float_bytes(const std::vector<float>& values);
[[nodiscard]] Bytes to_bytes(std::string_view text);

/// Writes GGUF files; nothing is checked, so that files can be wrong in every way.
class GgufBuilder {
 public:
  std::uint32_t version = 3;
  std::uint32_t alignment = 32;

  /// One metadata entry of ggml's type number with the given bytes as value.
  void add_raw(std::string_view key, std::uint32_t type, const Bytes& value);
  void add_uint32(std::string_view key, std::uint32_t value);
  void add_float(std::string_view key, float value);
  void add_string(std::string_view key, std::string_view value);
  /// Shape with the slowest dimension first; ggml_type 0 is F32. Data is placed after that of the tensors before.
  void add_tensor(const std::string& name, const std::vector<std::uint64_t>& shape, std::uint32_t ggml_type,
                  Bytes data);
  /// Changes where the last tensor claims to be.
  void move_last_tensor(std::uint64_t offset);
  [[nodiscard]] Bytes build() const;

 private:
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::uint32_t type;
    std::uint64_t offset;
    Bytes data;
  };
  Bytes metadata_;
  std::uint64_t num_entries_ = 0;
  std::vector<Tensor> tensors_;
  std::uint64_t data_size_ = 0;
};

/// A safetensors file with this header text and data.
[[nodiscard]] Bytes safetensors_file(std::string_view header, const Bytes& data);

/// fp32 tensors by name; `shape` has the slowest dimension first.
struct NamedTensor {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;
};
using NamedTensors = std::map<std::string, NamedTensor>;
/// Values that follow from the name: different between tensors and positions, exact in fp32.
[[nodiscard]] NamedTensor make_tensor(const std::string& name, std::vector<std::uint64_t> shape);
/// All tensors as F32 in one safetensors file.
[[nodiscard]] Bytes safetensors_file(const NamedTensors& tensors);

/// A model of two layers: hidden 16, intermediate 24, 4 heads of 4, 2 kv heads, vocabulary 20, context 32. Every tensor
/// has its own values, by its canonical name (never fused). qwen2 has q, k, v biases; gemma3 has a window of 12 in layer 0.
struct TinyModel {
  std::string family;
  NamedTensors canonical;
  std::string config_json;  ///< as Hugging Face writes it; tied embeddings, no lm_head
};
[[nodiscard]] TinyModel tiny_model(const std::string& family);
/// Tensors as the family stores them in Hugging Face files: phi3 has qkv_proj and gate_up_proj.
[[nodiscard]] NamedTensors stored_tensors(const TinyModel& model);
/// The model as a GGUF file (families gemma3, llama, phi3, qwen2, qwen3), metadata included.
[[nodiscard]] GgufBuilder tiny_gguf(const TinyModel& model);
/// The model as a llama2.c file of version 0 or 1 (family llama only).
[[nodiscard]] Bytes tiny_llama2c(const TinyModel& model, int version, bool is_tied);

/// A new empty directory below the system's temporary folder, removed with everything in it at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Writes a file in it and returns its path.
  std::filesystem::path write(const std::string& name, std::span<const std::byte> bytes) const;
  std::filesystem::path write(const std::string& name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace xw::test
