// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_file.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::append;
using test::append_string;
using test::Bytes;
using test::GgufBuilder;
using xw::test::expect_error;

template <typename T>
Bytes bytes_of(T value) {
  Bytes bytes;
  append(bytes, value);
  return bytes;
}

template <typename T>
Bytes array_of(std::uint32_t type, const std::vector<T>& values) {
  Bytes bytes;
  append(bytes, type);
  append(bytes, std::uint64_t{values.size()});
  for (const T value : values) append(bytes, value);
  return bytes;
}

void expect_failure(const Bytes& bytes, ErrorCode code, const std::string& text) {
  expect_error(code, text, [&] { const GgufFile file(bytes, "test.gguf"); });
}

GgufBuilder with_value(std::uint32_t type, const Bytes& value) {
  GgufBuilder builder;
  builder.add_raw("key", type, value);
  return builder;
}

// A file with every metadata type and two tensors.
GgufBuilder full_builder() {
  GgufBuilder builder;
  builder.add_raw("u8", 0, bytes_of<std::uint8_t>(200));
  builder.add_raw("i8", 1, bytes_of<std::int8_t>(-100));
  builder.add_raw("u16", 2, bytes_of<std::uint16_t>(60000));
  builder.add_raw("i16", 3, bytes_of<std::int16_t>(-30000));
  builder.add_uint32("u32", 4000000000U);
  builder.add_raw("i32", 5, bytes_of<std::int32_t>(-2000000000));
  builder.add_float("f32", 0.1F);
  builder.add_raw("bool", 7, bytes_of<std::uint8_t>(1));
  builder.add_string("string", "text with \xC3\xA4");
  builder.add_raw("u64", 10, bytes_of<std::uint64_t>(~0ULL));
  builder.add_raw("i64", 11, bytes_of<std::int64_t>(std::numeric_limits<std::int64_t>::min()));
  builder.add_raw("f64", 12, bytes_of(1e300));
  builder.add_raw("u8s", 9, array_of<std::uint8_t>(0, {1, 255}));
  builder.add_raw("i8s", 9, array_of<std::int8_t>(1, {-1, 127}));
  builder.add_raw("u16s", 9, array_of<std::uint16_t>(2, {1, 65535}));
  builder.add_raw("i16s", 9, array_of<std::int16_t>(3, {-1, 2}));
  builder.add_raw("u32s", 9, array_of<std::uint32_t>(4, {1, 4000000000U}));
  builder.add_raw("i32s", 9, array_of<std::int32_t>(5, {-7, 8}));
  builder.add_raw("f32s", 9, array_of<float>(6, {0.5F, -1.0F}));
  builder.add_raw("bools", 9, array_of<std::uint8_t>(7, {0, 1}));
  builder.add_raw("u64s", 9, array_of<std::uint64_t>(10, {1, 2}));
  builder.add_raw("i64s", 9, array_of<std::int64_t>(11, {-1, 2}));
  builder.add_raw("f64s", 9, array_of<double>(12, {0.1, 2}));
  Bytes strings = array_of<std::uint8_t>(8, {});
  strings.resize(4);
  append(strings, std::uint64_t{2});
  append_string(strings, "a");
  append_string(strings, "");
  builder.add_raw("strings", 9, strings);
  Bytes nested;
  append(nested, std::uint32_t{9});
  append(nested, std::uint64_t{2});
  for (const Bytes& inner : {array_of<std::uint32_t>(4, {1, 2}), array_of<float>(6, {3.0F})}) {
    nested.insert(nested.end(), inner.begin(), inner.end());
  }
  builder.add_raw("nested", 9, nested);
  builder.add_tensor("a", {2, 3}, 0, Bytes(24, std::byte{1}));
  builder.add_tensor("b", {2, 32}, 3, Bytes(40, std::byte{2}));
  return builder;
}

TEST(GgufFile, ReadsEveryMetadataType) {
  const Bytes bytes = full_builder().build();
  const GgufFile file(bytes, "test.gguf");
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.metadata().size(), 25U);
  EXPECT_EQ(file.find_int("u8"), 200);
  EXPECT_EQ(file.find_int("i8"), -100);
  EXPECT_EQ(file.find_int("u16"), 60000);
  EXPECT_EQ(file.find_int("i16"), -30000);
  EXPECT_EQ(file.find_int("u32"), 4000000000LL);
  EXPECT_EQ(file.find_int("i32"), -2000000000LL);
  EXPECT_EQ(file.find_int("bool"), 1);
  EXPECT_EQ(file.find_int("i64"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(file.find_float("f32"), static_cast<double>(0.1F));
  EXPECT_EQ(file.find_float("f64"), 1e300);
  EXPECT_EQ(file.find_float("u32"), 4e9);
  EXPECT_EQ(file.find_float("i16"), -30000.0);
  EXPECT_EQ(file.find_bool("bool"), true);
  ASSERT_NE(file.find_string("string"), nullptr);
  EXPECT_EQ(*file.find_string("string"), "text with \xC3\xA4");
  using Ints = std::vector<std::int64_t>;
  EXPECT_EQ(file.find_ints("u8s"), (Ints{1, 255}));
  EXPECT_EQ(file.find_ints("i8s"), (Ints{-1, 127}));
  EXPECT_EQ(file.find_ints("u16s"), (Ints{1, 65535}));
  EXPECT_EQ(file.find_ints("i16s"), (Ints{-1, 2}));
  EXPECT_EQ(file.find_ints("u32s"), (Ints{1, 4000000000LL}));
  EXPECT_EQ(file.find_ints("i32s"), (Ints{-7, 8}));
  EXPECT_EQ(file.find_ints("bools"), (Ints{0, 1}));
  EXPECT_EQ(file.find_ints("u64s"), (Ints{1, 2}));
  EXPECT_EQ(file.find_ints("i64s"), (Ints{-1, 2}));
  using Floats = std::vector<double>;
  EXPECT_EQ(file.find_floats("f32s"), (Floats{0.5, -1}));
  EXPECT_EQ(file.find_floats("f64s"), (Floats{0.1, 2}));
  EXPECT_EQ(file.find_floats("i32s"), (Floats{-7, 8}));
  EXPECT_EQ(file.find_floats("u16s"), (Floats{1, 65535}));
  ASSERT_NE(file.find_strings("strings"), nullptr);
  EXPECT_EQ(*file.find_strings("strings"), (std::vector<std::string>{"a", ""}));
  const auto& nested = std::get<std::vector<GgufValue>>(file.metadata().at("nested").data);
  ASSERT_EQ(nested.size(), 2U);
  EXPECT_EQ(std::get<std::vector<std::uint64_t>>(nested[0].data), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(std::get<std::vector<double>>(nested[1].data), (Floats{3}));
}

TEST(GgufFile, ReadsTensorsWithTheSlowestDimensionFirst) {
  const Bytes bytes = full_builder().build();
  const GgufFile file(bytes, "test.gguf");
  ASSERT_EQ(file.tensors().size(), 2U);
  const GgufTensor& a = file.tensors().at("a");
  EXPECT_EQ(a.shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(a.dtype, Dtype::kF32);
  EXPECT_EQ(a.data.size(), 24U);
  EXPECT_EQ(a.data.data(), bytes.data() + a.offset);
  EXPECT_EQ(a.data[0], std::byte{1});
  const GgufTensor& b = file.tensors().at("b");
  EXPECT_EQ(b.dtype, Dtype::kQ4_1);
  EXPECT_EQ(b.data.size(), 40U);
  EXPECT_EQ(b.offset, a.offset + 32);
  EXPECT_EQ(b.data[39], std::byte{2});
}

TEST(GgufFile, AbsentKeysAreNothing) {
  const Bytes bytes = GgufBuilder().build();
  const GgufFile file(bytes, "test.gguf");
  EXPECT_EQ(file.find_int("x"), std::nullopt);
  EXPECT_EQ(file.find_float("x"), std::nullopt);
  EXPECT_EQ(file.find_bool("x"), std::nullopt);
  EXPECT_EQ(file.find_ints("x"), std::nullopt);
  EXPECT_EQ(file.find_floats("x"), std::nullopt);
  EXPECT_EQ(file.find_string("x"), nullptr);
  EXPECT_EQ(file.find_strings("x"), nullptr);
}

TEST(GgufFile, WrongTypesNameKeyAndBothTypes) {
  const Bytes bytes = full_builder().build();
  const GgufFile file(bytes, "test.gguf");
  const auto fails = [](const auto& body, const std::string& text) { expect_error(ErrorCode::kFormat, text, body); };
  fails([&] { static_cast<void>(file.find_int("string")); },
        "test.gguf: metadata \"string\": expected an integer below 2^63, found string");
  fails([&] { static_cast<void>(file.find_int("u64")); }, "expected an integer below 2^63, found unsigned integer");
  fails([&] { static_cast<void>(file.find_float("bool")); }, "expected a number, found boolean");
  fails([&] { static_cast<void>(file.find_bool("u8")); }, "expected a boolean, found unsigned integer");
  fails([&] { static_cast<void>(file.find_string("i8")); }, "expected a string, found signed integer");
  fails([&] { static_cast<void>(file.find_strings("f32s")); }, "expected an array of strings, found array of numbers");
  fails([&] { static_cast<void>(file.find_ints("strings")); }, "expected an array of integers, found array of strings");
  fails([&] { static_cast<void>(file.find_floats("nested")); }, "expected an array of numbers, found array of arrays");
}

TEST(GgufFile, EveryTruncationIsAnError) {
  const Bytes bytes = full_builder().build();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const std::span<const std::byte> prefix(bytes.data(), length);
    EXPECT_THROW(GgufFile(prefix, "test.gguf"), Error) << "of " << bytes.size() << " bytes: " << length;
  }
}

TEST(GgufFile, VersionTwoIsTheSameLayout) {
  GgufBuilder builder = full_builder();
  builder.version = 2;
  const Bytes bytes = builder.build();
  EXPECT_EQ(GgufFile(bytes, "test.gguf").version(), 2U);
}

TEST(GgufFile, OtherContainersAndVersionsAreNamed) {
  GgufBuilder builder;
  builder.version = 1;
  expect_failure(builder.build(), ErrorCode::kUnsupported, "found version 1; supported: little-endian versions 2, 3");
  builder.version = 4;
  expect_failure(builder.build(), ErrorCode::kUnsupported, "found version 4");
  builder.version = 0x03000000;
  expect_failure(builder.build(), ErrorCode::kUnsupported, "found a big-endian file");
  expect_failure(test::to_bytes("tjgg\1\0\0\0"), ErrorCode::kUnsupported, "GGJT");
  expect_failure(test::to_bytes("\x7F"
                                "ELF...."),
                 ErrorCode::kFormat, "expected the magic \"GGUF\", found \"\\x7fELF\"");
}

TEST(GgufFile, BadMetadataIsRejected) {
  expect_failure(with_value(13, {}).build(), ErrorCode::kFormat, "expected a metadata type of 0 to 12, found 13");
  expect_failure(with_value(7, bytes_of<std::uint8_t>(2)).build(), ErrorCode::kFormat,
                 "expected a boolean 0 or 1, found 2");
  expect_failure(with_value(9, array_of<std::uint8_t>(7, {0, 3})).build(), ErrorCode::kFormat, "0 or 1, found 3");
  expect_failure(with_value(9, array_of<std::uint8_t>(99, {1})).build(), ErrorCode::kFormat,
                 "expected an array element type of 0 to 12, found 99");
  Bytes huge;
  append(huge, std::uint32_t{10});
  append(huge, ~std::uint64_t{0});
  expect_failure(with_value(9, huge).build(), ErrorCode::kFormat, "found 18446744073709551615");
  Bytes long_string;
  append(long_string, std::uint64_t{1} << 40);
  expect_failure(with_value(8, long_string).build(), ErrorCode::kFormat, "expected a length");
  Bytes nested;
  for (int i = 0; i < 20; ++i) {
    append(nested, std::uint32_t{9});
    append(nested, std::uint64_t{1});
  }
  expect_failure(with_value(9, nested).build(), ErrorCode::kFormat, "nested at most 8 deep");
  GgufBuilder twice;
  twice.add_uint32("key", 1);
  twice.add_uint32("key", 2);
  expect_failure(twice.build(), ErrorCode::kFormat, "metadata \"key\": expected each key once");
  GgufBuilder bad_key;
  bad_key.add_uint32("k\xFF", 1);
  expect_failure(bad_key.build(), ErrorCode::kFormat, "expected UTF-8 in a metadata key, found \"k\\xff\"");
}

TEST(GgufFile, AlignmentIsAPowerOfTwoAndKept) {
  for (const std::uint32_t alignment : {1U, 8U, 64U, 4096U}) {
    GgufBuilder builder;
    builder.alignment = alignment;
    builder.add_uint32("general.alignment", alignment);
    builder.add_tensor("a", {3}, 0, test::float_bytes({1, 2, 3}));
    builder.add_tensor("b", {1}, 0, test::float_bytes({4}));
    const Bytes bytes = builder.build();
    const GgufFile file(bytes, "test.gguf");
    EXPECT_EQ(file.tensors().at("b").offset % alignment, 0U);
    float value = 0;
    std::memcpy(&value, file.tensors().at("b").data.data(), sizeof(value));
    EXPECT_EQ(value, 4.0F);
  }
  for (const std::uint32_t alignment : {0U, 24U, 1U << 21}) {
    GgufBuilder builder;
    builder.add_uint32("general.alignment", alignment);
    expect_failure(builder.build(), ErrorCode::kFormat, "expected a power of two up to 1048576");
  }
}

TEST(GgufFile, BadTensorsAreRejected) {
  const auto with_tensor = [](const std::string& name, const std::vector<std::uint64_t>& shape, std::uint32_t type) {
    GgufBuilder builder;
    builder.add_tensor(name, shape, type, Bytes(64));
    return builder;
  };
  expect_failure(with_tensor("t", {1, 1, 1, 1, 1}, 0).build(), ErrorCode::kFormat,
                 "expected at most 4 dimensions, found 5");
  expect_failure(with_tensor("t", {31}, 2).build(), ErrorCode::kFormat,
                 "expected rows of a multiple of 32 elements for Q4_0, found 31");
  expect_failure(with_tensor("t", {17}, 0).build(), ErrorCode::kFormat, "truncated: expected 68 bytes");
  expect_failure(with_tensor("t", {1ULL << 40, 1ULL << 40}, 0).build(), ErrorCode::kFormat, "below 2^64 bytes");
  expect_failure(with_tensor("t\xC0\x80", {16}, 0).build(), ErrorCode::kFormat, "expected UTF-8 in a tensor name");
  GgufBuilder twice = with_tensor("t", {16}, 0);
  twice.add_tensor("t", {16}, 0, Bytes(64));
  expect_failure(twice.build(), ErrorCode::kFormat, "tensor \"t\": expected each name once");
  GgufBuilder moved = with_tensor("t", {16}, 0);
  moved.add_tensor("u", {16}, 0, Bytes(64));
  moved.move_last_tensor(32);
  expect_failure(moved.build(), ErrorCode::kFormat, "found an overlap");
  moved.move_last_tensor(4);
  expect_failure(moved.build(), ErrorCode::kFormat, "expected an offset that is a multiple of 32, found 4");
  moved.move_last_tensor(1ULL << 63);
  expect_failure(moved.build(), ErrorCode::kFormat, "truncated: expected its data at byte 9223372036854775808");
}

TEST(GgufFile, UnknownTensorTypesDoNotHideTheMetadata) {
  GgufBuilder builder;
  builder.add_string("tokenizer.ggml.model", "gpt2");
  builder.add_tensor("t", {256}, 10, Bytes(84));
  const Bytes bytes = builder.build();
  const GgufFile file(bytes, "test.gguf");
  EXPECT_EQ(*file.find_string("tokenizer.ggml.model"), "gpt2");
  EXPECT_EQ(file.tensors().at("t").dtype, std::nullopt);
  EXPECT_EQ(ggml_type_name(file.tensors().at("t").type), "Q2_K");
  EXPECT_EQ(ggml_type_name(123), "type 123");
}

TEST(GgufFile, CountsAreBounded) {
  Bytes bytes = test::to_bytes("GGUF");
  append(bytes, std::uint32_t{3});
  append(bytes, ~std::uint64_t{0});
  append(bytes, std::uint64_t{0});
  expect_failure(bytes, ErrorCode::kFormat, "expected a tensor count of at most 1048576");
}

}  // namespace
}  // namespace xw::checkpoint
