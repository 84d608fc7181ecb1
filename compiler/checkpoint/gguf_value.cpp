// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_value.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "arch/support/error.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint64_t kMaxStringLength = 64ULL << 20;
constexpr std::uint64_t kMaxArrayLength = 1U << 26;  // elements of one array
constexpr int kMaxArrayDepth = 8;

// Numbers of the metadata types.
enum ValueType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

[[noreturn]] void fail(const ByteReader& reader, const std::string& message) {
  throw Error(ErrorCode::kFormat, reader.origin() + ": " + message);
}

template <typename Wide, typename Stored>
std::vector<Wide> read_numbers(ByteReader& reader, std::uint64_t count, const std::string& what) {
  // count <= kMaxArrayLength, so the product does not overflow; take() checks it against the file before memory is
  // used.
  const std::span<const std::byte> bytes = reader.take(count * sizeof(Stored), what);
  std::vector<Wide> values(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<Wide>(stored);
  }
  return values;
}

bool to_bool(const ByteReader& reader, std::uint8_t byte, const std::string& what) {
  if (byte > 1) fail(reader, what + ": expected a boolean 0 or 1, found " + std::to_string(byte));
  return byte != 0;
}

GgufValue read_array(ByteReader& reader, const std::string& what, int depth);

GgufValue read_value(ByteReader& reader, std::uint32_t type, const std::string& what, int depth) {
  switch (type) {
    case kUint8:
      return {std::uint64_t{reader.read<std::uint8_t>(what)}};
    case kUint16:
      return {std::uint64_t{reader.read<std::uint16_t>(what)}};
    case kUint32:
      return {std::uint64_t{reader.read<std::uint32_t>(what)}};
    case kUint64:
      return {reader.read<std::uint64_t>(what)};
    case kInt8:
      return {std::int64_t{reader.read<std::int8_t>(what)}};
    case kInt16:
      return {std::int64_t{reader.read<std::int16_t>(what)}};
    case kInt32:
      return {std::int64_t{reader.read<std::int32_t>(what)}};
    case kInt64:
      return {reader.read<std::int64_t>(what)};
    case kFloat32:
      return {static_cast<double>(reader.read<float>(what))};
    case kFloat64:
      return {reader.read<double>(what)};
    case kBool:
      return {to_bool(reader, reader.read<std::uint8_t>(what), what)};
    case kString:
      return {std::string(reader.read_string(kMaxStringLength, what))};
    case kArray:
      return read_array(reader, what, depth + 1);
    default:
      break;
  }
  fail(reader, "byte " + std::to_string(reader.offset()) + ": " + what +
                   ": expected a metadata type of 0 to 12, found " + std::to_string(type));
}

GgufValue read_array(ByteReader& reader, const std::string& what, int depth) {
  if (depth > kMaxArrayDepth) {
    fail(reader, what + ": expected arrays nested at most " + std::to_string(kMaxArrayDepth) + " deep, found more");
  }
  const auto type = reader.read<std::uint32_t>(what);
  const auto count = reader.read<std::uint64_t>(what);
  if (count > kMaxArrayLength || count > reader.remaining()) {  // an element takes at least one byte
    fail(reader, "byte " + std::to_string(reader.offset()) + ": " + what + ": expected an array of at most " +
                     std::to_string(std::min(kMaxArrayLength, reader.remaining())) + " elements, found " +
                     std::to_string(count));
  }
  switch (type) {
    case kUint8:
      return {read_numbers<std::uint64_t, std::uint8_t>(reader, count, what)};
    case kUint16:
      return {read_numbers<std::uint64_t, std::uint16_t>(reader, count, what)};
    case kUint32:
      return {read_numbers<std::uint64_t, std::uint32_t>(reader, count, what)};
    case kUint64:
      return {read_numbers<std::uint64_t, std::uint64_t>(reader, count, what)};
    case kInt8:
      return {read_numbers<std::int64_t, std::int8_t>(reader, count, what)};
    case kInt16:
      return {read_numbers<std::int64_t, std::int16_t>(reader, count, what)};
    case kInt32:
      return {read_numbers<std::int64_t, std::int32_t>(reader, count, what)};
    case kInt64:
      return {read_numbers<std::int64_t, std::int64_t>(reader, count, what)};
    case kFloat32:
      return {read_numbers<double, float>(reader, count, what)};
    case kFloat64:
      return {read_numbers<double, double>(reader, count, what)};
    case kBool: {
      std::vector<std::uint8_t> values = read_numbers<std::uint8_t, std::uint8_t>(reader, count, what);
      for (const std::uint8_t value : values) static_cast<void>(to_bool(reader, value, what));
      return {std::move(values)};
    }
    case kString: {
      std::vector<std::string> values;
      values.reserve(std::min(count, reader.remaining() / sizeof(std::uint64_t)));
      for (std::uint64_t i = 0; i < count; ++i) values.emplace_back(reader.read_string(kMaxStringLength, what));
      return {std::move(values)};
    }
    case kArray: {
      std::vector<GgufValue> values;
      for (std::uint64_t i = 0; i < count; ++i) values.push_back(read_array(reader, what, depth + 1));
      return {std::move(values)};
    }
    default:
      break;
  }
  fail(reader, "byte " + std::to_string(reader.offset()) + ": " + what +
                   ": expected an array element type of 0 to 12, found " + std::to_string(type));
}

}  // namespace

GgufValue read_gguf_value(ByteReader& reader, std::uint32_t type, const std::string& what) {
  return read_value(reader, type, what, 0);
}

const char* GgufValue::type_name() const {
  constexpr std::array<const char*, std::variant_size_v<decltype(data)>> kNames = {"unsigned integer",
                                                                                   "signed integer",
                                                                                   "number",
                                                                                   "boolean",
                                                                                   "string",
                                                                                   "array of unsigned integers",
                                                                                   "array of signed integers",
                                                                                   "array of numbers",
                                                                                   "array of booleans",
                                                                                   "array of strings",
                                                                                   "array of arrays"};
  return kNames[data.index()];
}

}  // namespace xw::checkpoint
