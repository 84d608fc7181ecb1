// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/json.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxDimensions = 8;

constexpr std::array<std::pair<const char*, Dtype>, 10> kDtypes = {{{"F32", Dtype::kF32},
                                                                    {"F16", Dtype::kF16},
                                                                    {"BF16", Dtype::kBF16},
                                                                    {"F64", Dtype::kF64},
                                                                    {"I8", Dtype::kI8},
                                                                    {"I16", Dtype::kI16},
                                                                    {"I32", Dtype::kI32},
                                                                    {"I64", Dtype::kI64},
                                                                    {"U8", Dtype::kU8},
                                                                    {"BOOL", Dtype::kBool}}};

Dtype parse_dtype(const std::string& text, const std::string& what) {
  std::string supported;
  for (const auto& [dtype_name, dtype] : kDtypes) {
    if (text == dtype_name) return dtype;
    supported += std::string(supported.empty() ? "" : ", ") + dtype_name;
  }
  throw Error(ErrorCode::kUnsupported,
              what + ": found element type \"" + printable(text) + "\"; supported: " + supported);
}

// One entry of the header; data_begin is the offset of the data section in the file.
Tensor parse_entry(const std::string& tensor_name, const nlohmann::json& entry, std::span<const std::byte> data,
                   std::uint64_t data_begin, const std::string& origin) {
  const std::string what = origin + ": tensor \"" + printable(tensor_name) + "\"";
  const JsonObject object(entry, what);
  Tensor tensor;
  tensor.name = tensor_name;
  tensor.dtype = parse_dtype(object.get_string("dtype"), what);
  tensor.shape = object.get_uints("shape");
  if (tensor.shape.size() > kMaxDimensions) {
    throw Error(ErrorCode::kFormat, what + ": expected at most " + std::to_string(kMaxDimensions) +
                                        " dimensions, found " + std::to_string(tensor.shape.size()));
  }
  const std::vector<std::uint64_t> offsets = object.get_uints("data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    throw Error(ErrorCode::kFormat, what + ": expected \"data_offsets\" of begin <= end, found " +
                                        printable(entry["data_offsets"].dump(), 60));
  }
  std::uint64_t length = block_bytes(tensor.dtype);
  bool is_overflow = false;
  for (const std::uint64_t size : tensor.shape)
    is_overflow = __builtin_mul_overflow(length, size, &length) || is_overflow;
  if (is_overflow || offsets[1] - offsets[0] != length) {
    throw Error(ErrorCode::kFormat, what + ": expected " + (is_overflow ? "less than 2^64" : std::to_string(length)) +
                                        " bytes for " + name(tensor.dtype) + " " + entry["shape"].dump() + ", found " +
                                        std::to_string(offsets[1] - offsets[0]));
  }
  if (offsets[1] > data.size()) {
    throw Error(ErrorCode::kFormat, what + ": truncated: expected data up to byte " + std::to_string(offsets[1]) +
                                        " of the data section, found " + std::to_string(data.size()) + " bytes");
  }
  tensor.data = data.subspan(offsets[0], length);
  tensor.location = origin + "@" + std::to_string(data_begin + offsets[0]);
  return tensor;
}

// The format promises that tensors cover the data section without overlaps or holes.
void check_coverage(const std::map<std::string, Tensor>& tensors, std::span<const std::byte> data,
                    const std::string& origin) {
  std::vector<const Tensor*> order;
  for (const auto& [tensor_name, tensor] : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return std::pair(a->data.data(), a->data.size()) < std::pair(b->data.data(), b->data.size());
  });
  std::uint64_t end = 0;
  for (const Tensor* tensor : order) {
    const auto begin = static_cast<std::uint64_t>(tensor->data.data() - data.data());
    if (begin != end) {
      throw Error(ErrorCode::kFormat, origin + ": tensor \"" + printable(tensor->name) +
                                          "\": expected its data at byte " + std::to_string(end) +
                                          " of the data section, found " + std::to_string(begin) +
                                          (begin < end ? " (tensors overlap)" : " (bytes of no tensor before it)"));
    }
    end = begin + tensor->data.size();
  }
  if (end != data.size()) {
    throw Error(ErrorCode::kFormat, origin + ": expected " + std::to_string(end) + " bytes of tensor data, found " +
                                        std::to_string(data.size()));
  }
}

}  // namespace

std::map<std::string, Tensor> parse_safetensors(std::span<const std::byte> bytes, const std::string& origin) {
  ByteReader reader(bytes, origin);
  const auto header_length = reader.read<std::uint64_t>("header length");
  if (header_length > kMaxHeaderBytes) {
    throw Error(ErrorCode::kFormat, origin + ": expected a header of at most " + std::to_string(kMaxHeaderBytes) +
                                        " bytes, found " + std::to_string(header_length));
  }
  const std::span<const std::byte> header_bytes = reader.take(header_length, "header");
  const std::string_view header(reinterpret_cast<const char*>(header_bytes.data()), header_bytes.size());
  const nlohmann::json json = parse_json(header, origin + ": header");
  const std::span<const std::byte> data = bytes.subspan(reader.offset());
  std::map<std::string, Tensor> tensors;
  for (const auto& [key, entry] : json.items()) {
    if (key == "__metadata__") continue;
    tensors.emplace(key, parse_entry(key, entry, data, reader.offset(), origin));
  }
  check_coverage(tensors, data, origin);
  return tensors;
}

bool is_safetensors(std::span<const std::byte> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() <= sizeof length) return false;
  std::memcpy(&length, bytes.data(), sizeof length);
  return length >= 2 && length <= kMaxHeaderBytes && length <= bytes.size() - sizeof length &&
         bytes[sizeof length] == std::byte{'{'};
}

std::map<std::string, std::string> parse_safetensors_index(std::string_view text, const std::string& origin) {
  const nlohmann::json json = parse_json(text, origin);
  const auto weight_map = json.find("weight_map");
  if (weight_map == json.end() || !weight_map->is_object()) {
    throw Error(ErrorCode::kFormat, origin + ": expected an object \"weight_map\", found none");
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor_name, file] : weight_map->items()) {
    const std::string file_name = file.is_string() ? file.get<std::string>() : "";
    if (file_name.empty() || file_name.find_first_of(std::string("/\\\0", 3)) != std::string::npos ||
        file_name == "..") {
      throw Error(ErrorCode::kFormat, origin + ": weight_map \"" + printable(tensor_name) +
                                          "\": expected a plain file name, found " + printable(file.dump()));
    }
    files.emplace(tensor_name, file_name);
  }
  if (files.empty()) throw Error(ErrorCode::kFormat, origin + ": expected tensors in \"weight_map\", found none");
  return files;
}

}  // namespace xw::checkpoint
