// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/gguf_value.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint64_t kMaxKeyLength = 65535;
constexpr std::uint64_t kMaxNameLength = 1024;
constexpr std::uint64_t kMaxEntries = 1U << 20;  // metadata entries; tensors
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxAlignment = 1U << 20;

struct GgmlType {
  std::uint32_t number;
  const char* name;
  std::optional<Dtype> dtype;
};

// Every number ggml has given to a tensor type, so that messages can name what is not supported.
constexpr std::array<GgmlType, 36> kGgmlTypes = {{
    {0, "F32", Dtype::kF32},
    {1, "F16", Dtype::kF16},
    {2, "Q4_0", Dtype::kQ4_0},
    {3, "Q4_1", Dtype::kQ4_1},
    {4, "Q4_2", {}},
    {5, "Q4_3", {}},
    {6, "Q5_0", Dtype::kQ5_0},
    {7, "Q5_1", Dtype::kQ5_1},
    {8, "Q8_0", Dtype::kQ8_0},
    {9, "Q8_1", {}},
    {10, "Q2_K", {}},
    {11, "Q3_K", {}},
    {12, "Q4_K", Dtype::kQ4_K},
    {13, "Q5_K", Dtype::kQ5_K},
    {14, "Q6_K", Dtype::kQ6_K},
    {15, "Q8_K", {}},
    {16, "IQ2_XXS", {}},
    {17, "IQ2_XS", {}},
    {18, "IQ3_XXS", {}},
    {19, "IQ1_S", {}},
    {20, "IQ4_NL", {}},
    {21, "IQ3_S", {}},
    {22, "IQ2_S", {}},
    {23, "IQ4_XS", {}},
    {24, "I8", Dtype::kI8},
    {25, "I16", Dtype::kI16},
    {26, "I32", Dtype::kI32},
    {27, "I64", Dtype::kI64},
    {28, "F64", Dtype::kF64},
    {29, "IQ1_M", {}},
    {30, "BF16", Dtype::kBF16},
    {31, "Q4_0_4_4", {}},
    {32, "Q4_0_4_8", {}},
    {34, "TQ1_0", {}},
    {35, "TQ2_0", {}},
    {39, "MXFP4", {}},
}};

const GgmlType* find_ggml_type(std::uint32_t number) {
  const auto* found =
      std::find_if(kGgmlTypes.begin(), kGgmlTypes.end(), [&](const GgmlType& type) { return type.number == number; });
  return found == kGgmlTypes.end() ? nullptr : found;
}

[[noreturn]] void fail(const ByteReader& reader, const std::string& message) {
  throw Error(ErrorCode::kFormat, reader.origin() + ": " + message);
}

// Checks magic and version; returns the version.
std::uint32_t read_version(ByteReader& reader) {
  const std::span<const std::byte> bytes = reader.take(4, "magic");
  const std::string_view magic(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (magic != "GGUF") {
    if (magic == "lmgg" || magic == "fmgg" || magic == "tjgg") {
      throw Error(ErrorCode::kUnsupported,
                  reader.origin() + ": a GGML/GGMF/GGJT file, the predecessor of GGUF; supported: GGUF versions 2, 3");
    }
    fail(reader, "expected the magic \"GGUF\", found \"" + printable(magic) + "\"");
  }
  const auto version = reader.read<std::uint32_t>("version");
  if (version == 2 || version == 3) return version;
  const bool is_big_endian = (version & 0xFFFFU) == 0 && version != 0;
  const std::string found = is_big_endian ? "a big-endian file" : "version " + std::to_string(version);
  throw Error(ErrorCode::kUnsupported,
              reader.origin() + ": GGUF: found " + found + "; supported: little-endian versions 2, 3");
}

std::string read_checked_name(ByteReader& reader, std::uint64_t max_length, const char* what) {
  const std::uint64_t at = reader.offset();
  const std::string_view text = reader.read_string(max_length, what);
  if (!is_valid_utf8(text)) {
    fail(reader,
         "byte " + std::to_string(at) + ": expected UTF-8 in a " + what + ", found \"" + printable(text) + "\"");
  }
  return std::string(text);
}

std::uint64_t read_count(ByteReader& reader, const char* what) {
  const auto count = reader.read<std::uint64_t>(what);
  if (count > kMaxEntries) {
    fail(reader, std::string("expected a ") + what + " of at most " + std::to_string(kMaxEntries) + ", found " +
                     std::to_string(count));
  }
  return count;
}

GgufTensor read_tensor_info(ByteReader& reader) {
  GgufTensor tensor;
  tensor.name = read_checked_name(reader, kMaxNameLength, "tensor name");
  const std::string what = "tensor \"" + printable(tensor.name) + "\"";
  const auto num_dimensions = reader.read<std::uint32_t>(what);
  if (num_dimensions > kMaxDimensions) {
    fail(reader, what + ": expected at most " + std::to_string(kMaxDimensions) + " dimensions, found " +
                     std::to_string(num_dimensions));
  }
  for (std::uint32_t i = 0; i < num_dimensions; ++i) tensor.shape.push_back(reader.read<std::uint64_t>(what));
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  tensor.type = reader.read<std::uint32_t>(what);
  tensor.offset = reader.read<std::uint64_t>(what);
  const GgmlType* type = find_ggml_type(tensor.type);
  if (type != nullptr) tensor.dtype = type->dtype;
  return tensor;
}

// Bytes of the tensor's data, with every product checked.
std::uint64_t tensor_bytes(const ByteReader& reader, const GgufTensor& tensor) {
  const std::string what = "tensor \"" + printable(tensor.name) + "\"";
  const std::uint32_t elements = block_elements(*tensor.dtype);
  const std::uint64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % elements != 0) {
    fail(reader, what + ": expected rows of a multiple of " + std::to_string(elements) + " elements for " +
                     name(*tensor.dtype) + ", found " + std::to_string(row));
  }
  std::uint64_t bytes = block_bytes(*tensor.dtype);
  bool is_overflow = __builtin_mul_overflow(bytes, row / elements, &bytes);
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) {
    is_overflow = __builtin_mul_overflow(bytes, tensor.shape[i], &bytes) || is_overflow;
  }
  if (is_overflow) fail(reader, what + ": expected a size below 2^64 bytes, found more");
  return bytes;
}

// Sets file offsets and data, checks bounds, alignment and overlaps.
void place_tensors(const ByteReader& reader, std::span<const std::byte> bytes, std::uint64_t data_begin,
                   std::uint64_t alignment, std::vector<GgufTensor>& tensors) {
  for (GgufTensor& tensor : tensors) {
    const std::string what = "tensor \"" + printable(tensor.name) + "\"";
    if (tensor.offset % alignment != 0) {
      fail(reader, what + ": expected an offset that is a multiple of " + std::to_string(alignment) + ", found " +
                       std::to_string(tensor.offset));
    }
    const std::uint64_t available = bytes.size() - data_begin;
    if (tensor.offset > available) {
      fail(reader, what + ": truncated: expected its data at byte " + std::to_string(tensor.offset) +
                       " of the data section, found " + std::to_string(available) + " bytes");
    }
    const std::uint64_t length = tensor.dtype.has_value() ? tensor_bytes(reader, tensor) : 0;
    if (length > available - tensor.offset) {
      fail(reader, what + ": truncated: expected " + std::to_string(length) + " bytes at byte " +
                       std::to_string(data_begin + tensor.offset) + ", found " +
                       std::to_string(available - tensor.offset));
    }
    tensor.offset += data_begin;
    tensor.location = reader.origin() + "@" + std::to_string(tensor.offset);
    tensor.data = bytes.subspan(tensor.offset, length);
  }
  std::sort(tensors.begin(), tensors.end(), [](const GgufTensor& a, const GgufTensor& b) {
    return std::pair(a.offset, a.data.size()) < std::pair(b.offset, b.data.size());
  });
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i - 1].offset + tensors[i - 1].data.size() > tensors[i].offset) {
      fail(reader, "tensors \"" + printable(tensors[i - 1].name) + "\" and \"" + printable(tensors[i].name) +
                       "\": expected separate bytes, found an overlap at byte " + std::to_string(tensors[i].offset));
    }
  }
}

}  // namespace

std::string ggml_type_name(std::uint32_t type) {
  const GgmlType* found = find_ggml_type(type);
  return found != nullptr ? found->name : "type " + std::to_string(type);
}

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path) {
  maps_.emplace_back(path);
  parse(maps_.front().bytes());
}

GgufFile::GgufFile(std::span<const std::byte> bytes, const std::string& origin) : path_(origin) {
  parse(bytes);
}

void GgufFile::parse(std::span<const std::byte> bytes) {
  ByteReader reader(bytes, path_.string());
  version_ = read_version(reader);
  const std::uint64_t num_tensors = read_count(reader, "tensor count");
  const std::uint64_t num_entries = read_count(reader, "metadata count");
  for (std::uint64_t i = 0; i < num_entries; ++i) {
    std::string key = read_checked_name(reader, kMaxKeyLength, "metadata key");
    const std::string what = "metadata \"" + printable(key) + "\"";
    const auto type = reader.read<std::uint32_t>(what);
    GgufValue value = read_gguf_value(reader, type, what);
    if (!metadata_.emplace(std::move(key), std::move(value)).second) {
      fail(reader, what + ": expected each key once, found it twice");
    }
  }
  std::uint64_t alignment = 32;
  if (const std::optional<std::int64_t> stored = find_int("general.alignment")) {
    alignment = static_cast<std::uint64_t>(*stored);
    if (alignment > kMaxAlignment || !std::has_single_bit(alignment)) {
      fail(reader, "metadata \"general.alignment\": expected a power of two up to " + std::to_string(kMaxAlignment) +
                       ", found " + std::to_string(*stored));
    }
  }
  std::vector<GgufTensor> tensors;
  for (std::uint64_t i = 0; i < num_tensors; ++i) tensors.push_back(read_tensor_info(reader));
  const std::uint64_t data_begin =
      std::min<std::uint64_t>((reader.offset() + alignment - 1) / alignment * alignment, bytes.size());
  place_tensors(reader, bytes, data_begin, alignment, tensors);
  for (GgufTensor& tensor : tensors) {
    if (tensors_.contains(tensor.name)) {
      fail(reader, "tensor \"" + printable(tensor.name) + "\": expected each name once, found it twice");
    }
    std::string key = tensor.name;
    tensors_.emplace(std::move(key), std::move(tensor));
  }
}

void GgufFile::release(std::span<const std::byte> range) const noexcept {
  for (const MappedFile& map : maps_) {
    const std::byte* begin = map.bytes().data();
    if (!range.empty() && range.data() >= begin && range.data() < begin + map.bytes().size()) {
      map.release(static_cast<std::size_t>(range.data() - begin), range.size());
    }
  }
}

void GgufFile::add_part(GgufFile part) {
  for (auto& [key, tensor] : part.tensors_) {
    const auto [position, is_new] = tensors_.emplace(key, std::move(tensor));
    if (!is_new) {
      throw Error(ErrorCode::kFormat, part.path_.string() + ": tensor \"" + printable(key) +
                                          "\": expected each tensor in one part, found it also at " +
                                          position->second.location);
    }
  }
  for (MappedFile& map : part.maps_) maps_.push_back(std::move(map));
}

}  // namespace xw::checkpoint
