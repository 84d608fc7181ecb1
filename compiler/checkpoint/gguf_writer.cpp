// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_writer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/half.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kAlignment = 32;
// ggml's numbers of metadata types.
constexpr std::uint32_t kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8, kArray = 9;

template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const std::size_t end = bytes.size();
  bytes.resize(end + sizeof(T));
  std::memcpy(bytes.data() + end, &value, sizeof(T));
}
void append_text(std::vector<std::byte>& bytes, std::string_view text) {
  append(bytes, static_cast<std::uint64_t>(text.size()));
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  bytes.insert(bytes.end(), first, first + text.size());
}

std::uint32_t ggml_type(Dtype type) {
  switch (type) {
    case Dtype::kF32:
      return 0;
    case Dtype::kF16:
      return 1;
    case Dtype::kQ8_0:
      return 8;
    case Dtype::kBF16:
      return 30;
    default:
      throw Error(ErrorCode::kInvalidArgument,
                  std::string("GGUF: expected F32, F16, BF16 or Q8_0 to write, found ") + name(type));
  }
}

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

void append_q8_block(std::vector<std::byte>& bytes, std::span<const float> block) {
  constexpr float kLargest = 127;
  float largest = 0;
  for (const float value : block) largest = std::max(largest, std::abs(value));
  const float scale = largest / kLargest;
  append(bytes, float_to_half(scale));
  for (const float value : block) {
    const float code = scale > 0 ? std::round(value / scale) : 0.0F;
    append(bytes, static_cast<std::int8_t>(std::clamp(code, -kLargest, kLargest)));
  }
}

}  // namespace

std::vector<std::byte> encode_values(std::span<const float> values, Dtype type) {
  static_cast<void>(ggml_type(type));
  const std::size_t block = block_elements(type);
  if (values.size() % block != 0) {
    throw Error(ErrorCode::kInvalidArgument, std::string(name(type)) + ": expected whole blocks of " +
                                                 std::to_string(block) + ", found " + std::to_string(values.size()) +
                                                 " values");
  }
  std::vector<std::byte> bytes;
  bytes.reserve(values.size() / block * block_bytes(type));
  if (type == Dtype::kQ8_0) {
    for (std::size_t i = 0; i < values.size(); i += block) append_q8_block(bytes, values.subspan(i, block));
    return bytes;
  }
  for (const float value : values) {
    if (type == Dtype::kF32) append(bytes, value);
    if (type == Dtype::kF16) append(bytes, float_to_half(value));
    if (type == Dtype::kBF16) append(bytes, to_bf16(value));
  }
  return bytes;
}

void GgufWriter::begin(std::string_view key, std::uint32_t type) {
  append_text(metadata_, key);
  append(metadata_, type);
  ++num_entries_;
}
void GgufWriter::add(std::string_view key, std::uint32_t value) {
  begin(key, kUint32);
  append(metadata_, value);
}
void GgufWriter::add(std::string_view key, float value) {
  begin(key, kFloat32);
  append(metadata_, value);
}
void GgufWriter::add(std::string_view key, bool value) {
  begin(key, kBool);
  append(metadata_, static_cast<std::uint8_t>(value ? 1 : 0));
}
void GgufWriter::add(std::string_view key, std::string_view value) {
  begin(key, kString);
  append_text(metadata_, value);
}
void GgufWriter::add(std::string_view key, const std::vector<std::string>& values) {
  begin(key, kArray);
  append(metadata_, kString);
  append(metadata_, static_cast<std::uint64_t>(values.size()));
  for (const std::string& value : values) append_text(metadata_, value);
}
void GgufWriter::add(std::string_view key, const std::vector<float>& values) {
  begin(key, kArray);
  append(metadata_, kFloat32);
  append(metadata_, static_cast<std::uint64_t>(values.size()));
  for (const float value : values) append(metadata_, value);
}
void GgufWriter::add(std::string_view key, const std::vector<std::int32_t>& values) {
  begin(key, kArray);
  append(metadata_, kInt32);
  append(metadata_, static_cast<std::uint64_t>(values.size()));
  for (const std::int32_t value : values) append(metadata_, value);
}

void GgufWriter::add_tensor(std::string name, std::vector<std::uint64_t> shape, Dtype type,
                            std::function<std::vector<float>()> values) {
  static_cast<void>(ggml_type(type));
  tensors_.push_back({std::move(name), std::move(shape), type, std::move(values)});
}

void GgufWriter::write(const std::filesystem::path& path) const {
  std::vector<std::byte> head;
  for (const char c : {'G', 'G', 'U', 'F'}) append(head, c);
  append(head, kVersion);
  append(head, static_cast<std::uint64_t>(tensors_.size()));
  append(head, num_entries_);
  head.insert(head.end(), metadata_.begin(), metadata_.end());
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> sizes;
  for (const Entry& tensor : tensors_) {
    append_text(head, tensor.name);
    append(head, static_cast<std::uint32_t>(tensor.shape.size()));
    std::uint64_t elements = 1;
    for (auto dimension = tensor.shape.rbegin(); dimension != tensor.shape.rend(); ++dimension) {
      append(head, *dimension);
      elements *= *dimension;
    }
    append(head, ggml_type(tensor.type));
    append(head, offset);
    sizes.push_back(elements / block_elements(tensor.type) * block_bytes(tensor.type));
    offset += (sizes.back() + kAlignment - 1) / kAlignment * kAlignment;
  }
  OutputFile file(path);
  file.write(std::span<const std::byte>(head));
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    file.pad_to(kAlignment);
    const std::vector<std::byte> bytes = encode_values(tensors_[i].values(), tensors_[i].type);
    if (bytes.size() != sizes[i])
      throw Error(ErrorCode::kInternal, "GGUF: tensor " + tensors_[i].name + " has not the size that was announced");
    file.write(std::span<const std::byte>(bytes));
  }
  file.pad_to(kAlignment);
  file.commit();
}

}  // namespace xw::checkpoint
