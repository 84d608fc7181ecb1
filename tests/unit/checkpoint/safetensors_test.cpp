// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/safetensors.hpp"

#include <gtest/gtest.h>

#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using test::safetensors_file;
using xw::test::expect_error;

void expect_failure(std::string_view header, std::size_t data_bytes, ErrorCode code, const std::string& text) {
  const Bytes bytes = safetensors_file(header, Bytes(data_bytes));
  expect_error(code, text, [&] { static_cast<void>(parse_safetensors(bytes, "t.safetensors")); });
}

TEST(Safetensors, ReadsEveryElementType) {
  const Bytes bytes = safetensors_file(
      R"({"__metadata__":{"a":"b"},
      "f32":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}, "f16":{"dtype":"F16","shape":[2,1],"data_offsets":[8,12]},
      "bf16":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]}, "i64":{"dtype":"I64","shape":[1],"data_offsets":[16,24]},
      "i32":{"dtype":"I32","shape":[],"data_offsets":[24,28]}, "i16":{"dtype":"I16","shape":[1],"data_offsets":[28,30]},
      "i8":{"dtype":"I8","shape":[1],"data_offsets":[30,31]}, "u8":{"dtype":"U8","shape":[1],"data_offsets":[31,32]},
      "bool":{"dtype":"BOOL","shape":[1],"data_offsets":[32,33]}, "f64":{"dtype":"F64","shape":[1],"data_offsets":[33,41]},
      "empty":{"dtype":"F32","shape":[0,4],"data_offsets":[41,41]}}   )",
      Bytes(41));
  const std::map<std::string, Tensor> tensors = parse_safetensors(bytes, "t.safetensors");
  EXPECT_EQ(tensors.size(), 11U);
  EXPECT_EQ(tensors.at("f16").dtype, Dtype::kF16);
  EXPECT_EQ(tensors.at("f16").shape, (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(tensors.at("i32").data.size(), 4U);
  EXPECT_EQ(tensors.at("i32").rows() * tensors.at("i32").row_elements(), 1U);
  EXPECT_EQ(tensors.at("f64").data.data(), bytes.data() + bytes.size() - 8);
  EXPECT_EQ(tensors.at("f64").location, "t.safetensors@" + std::to_string(bytes.size() - 8));
  EXPECT_TRUE(read_all(tensors.at("empty")).empty());
}

TEST(Safetensors, ValuesArriveUnchanged) {
  const test::NamedTensors expected = {{"a", test::make_tensor("a", {3, 5})}, {"b", test::make_tensor("b", {7})}};
  const Bytes bytes = safetensors_file(expected);
  const std::map<std::string, Tensor> tensors = parse_safetensors(bytes, "t.safetensors");
  ASSERT_EQ(tensors.size(), 2U);
  for (const auto& [name, tensor] : expected) {
    EXPECT_EQ(tensors.at(name).shape, tensor.shape);
    EXPECT_EQ(read_all(tensors.at(name)), tensor.values);
  }
}

TEST(Safetensors, EveryTruncationAndAnExtraByteAreErrors) {
  Bytes bytes = safetensors_file({{"a", test::make_tensor("a", {3, 5})}, {"b", test::make_tensor("b", {7})}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const std::span<const std::byte> prefix(bytes.data(), length);
    EXPECT_THROW(static_cast<void>(parse_safetensors(prefix, "t.safetensors")), Error) << length;
  }
  bytes.push_back({});
  expect_error(ErrorCode::kFormat, "expected 88 bytes of tensor data, found 89",
               [&] { static_cast<void>(parse_safetensors(bytes, "t.safetensors")); });
}

TEST(Safetensors, HeaderLengthIsBounded) {
  Bytes bytes;
  test::append(bytes, std::uint64_t{100'000'001});
  expect_error(ErrorCode::kFormat, "t.safetensors: expected a header of at most 100000000 bytes, found 100000001",
               [&] { static_cast<void>(parse_safetensors(bytes, "t.safetensors")); });
}

TEST(Safetensors, BadJsonIsRejected) {
  expect_failure("", 0, ErrorCode::kFormat, "t.safetensors: header: expected JSON");
  expect_failure("{", 0, ErrorCode::kFormat, "expected JSON");
  expect_failure("[]", 0, ErrorCode::kFormat, "expected a JSON object, found array");
  expect_failure("{\"a\xFF\": 1}", 0, ErrorCode::kFormat, "ill-formed UTF-8 byte");
  expect_failure(R"({"a": {"shape": [NaN]}})", 0, ErrorCode::kFormat, "expected JSON");
  expect_failure(std::string(100, '[') + std::string(100, ']'), 0, ErrorCode::kFormat, "nested at most 64 deep");
  expect_failure(
      R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1,
      ErrorCode::kFormat, "expected each key once, found \"a\" twice");
  expect_failure(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1],"dtype":"U8"}})", 1, ErrorCode::kFormat,
                 "found \"dtype\" twice");
}

TEST(Safetensors, BadEntriesAreRejected) {
  expect_failure(R"({"a": 3})", 0, ErrorCode::kFormat, "tensor \"a\": expected an object, found number");
  expect_failure(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1, ErrorCode::kFormat,
                 "\"dtype\": expected a string, found nothing");
  expect_failure(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1, ErrorCode::kUnsupported,
                 "found element type \"F8_E4M3\"; supported: F32, F16, BF16");
  expect_failure(R"({"a":{"dtype":"I8","shape":[-1],"data_offsets":[0,1]}})", 1, ErrorCode::kFormat, "not negative");
  expect_failure(R"({"a":{"dtype":"I8","shape":[1.5],"data_offsets":[0,1]}})", 1, ErrorCode::kFormat,
                 "list of integers");
  expect_failure(R"({"a":{"dtype":"I8","shape":3,"data_offsets":[0,1]}})", 1, ErrorCode::kFormat,
                 "expected a list of integers");
  expect_failure(R"({"a":{"dtype":"I8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1, ErrorCode::kFormat,
                 "expected at most 8 dimensions, found 9");
  expect_failure(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[1,0]}})", 1, ErrorCode::kFormat,
                 "expected \"data_offsets\"");
  expect_failure(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0]}})", 1, ErrorCode::kFormat,
                 "expected \"data_offsets\"");
  expect_failure(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, ErrorCode::kFormat,
                 "expected 8 bytes for F32 [2], found 4");
  expect_failure(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0, ErrorCode::kFormat,
                 "expected less than 2^64 bytes");
  expect_failure(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", 12, ErrorCode::kFormat,
                 "truncated: expected data up to byte 16 of the data section, found 12 bytes");
}

TEST(Safetensors, OverlapsAndHolesAreRejected) {
  expect_failure(
      R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[4],"data_offsets":[2,6]}})", 6,
      ErrorCode::kFormat, "tensor \"b\": expected its data at byte 4 of the data section, found 2 (tensors overlap)");
  expect_failure(
      R"({"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[4],"data_offsets":[5,9]}})", 9,
      ErrorCode::kFormat, "found 5 (bytes of no tensor before it)");
}

TEST(SafetensorsIndex, ReadsFileNamesAndRejectsPaths) {
  using Files = std::map<std::string, std::string>;
  EXPECT_EQ(parse_safetensors_index(R"({"metadata":{},"weight_map":{"a":"1.safetensors"}})", "i"),
            (Files{{"a", "1.safetensors"}}));
  const auto fails = [](std::string_view text, const std::string& message) {
    expect_error(ErrorCode::kFormat, message, [&] { static_cast<void>(parse_safetensors_index(text, "i.json")); });
  };
  fails("{}", "i.json: expected an object \"weight_map\"");
  fails(R"({"weight_map":[]})", "expected an object \"weight_map\"");
  fails(R"({"weight_map":{}})", "expected tensors");
  for (const char* file : {"\"../x\"", "\"/etc/passwd\"", "\"..\"", "\"\"", "3", R"("a\\b")", R"("a\u0000b")"}) {
    fails(std::string(R"({"weight_map":{"a":)") + file + "}}", "expected a plain file name");
  }
}

}  // namespace
}  // namespace xw::checkpoint
