// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using xw::test::expect_error;

Tensor make(Dtype dtype, std::vector<std::uint64_t> shape, const Bytes& data) {
  return {"t", dtype, std::move(shape), data, "file@8"};
}

TEST(Tensor, RowsAreTheSlowestDimension) {
  EXPECT_EQ(make(Dtype::kF32, {}, {}).rows(), 1U);
  EXPECT_EQ(make(Dtype::kF32, {}, {}).row_elements(), 1U);
  EXPECT_EQ(make(Dtype::kF32, {5}, {}).rows(), 1U);
  EXPECT_EQ(make(Dtype::kF32, {5}, {}).row_elements(), 5U);
  EXPECT_EQ(make(Dtype::kF32, {3, 4, 5}, {}).rows(), 3U);
  EXPECT_EQ(make(Dtype::kF32, {3, 4, 5}, {}).row_elements(), 20U);
}

TEST(ReadRows, AnyRangeIsTheSliceOfTheWhole) {
  const test::NamedTensor values = test::make_tensor("x", {6, 5});
  const Bytes data = test::float_bytes(values.values);
  const Tensor tensor = make(Dtype::kF32, {6, 5}, data);
  EXPECT_EQ(read_all(tensor), values.values);
  for (std::size_t begin = 0; begin <= 6; ++begin) {
    for (std::size_t end = begin; end <= 6; ++end) {
      std::vector<float> rows((end - begin) * 5);
      read_rows(tensor, begin, end, rows);
      const auto first = values.values.begin() + static_cast<std::ptrdiff_t>(begin * 5);
      EXPECT_EQ(rows, std::vector<float>(first, first + static_cast<std::ptrdiff_t>(rows.size())));
    }
  }
}

TEST(ReadRows, QuantizedRowsStartAtTheirOwnBlocks) {
  Bytes data(4 * 2 * 34);  // 4 rows of two Q8_0 blocks
  for (std::size_t block = 0; block < 8; ++block) {
    data[block * 34 + 1] = std::byte{0x3C};  // scale 1
    for (std::size_t j = 0; j < 32; ++j) data[block * 34 + 2 + j] = static_cast<std::byte>(block);
  }
  std::vector<float> row(64);
  read_rows(make(Dtype::kQ8_0, {4, 64}, data), 2, 3, row);
  EXPECT_EQ(row.front(), 4.0F);
  EXPECT_EQ(row[31], 4.0F);
  EXPECT_EQ(row[32], 5.0F);
}

TEST(ReadRows, BadRequestsNameTheTensor) {
  const Bytes data(40);
  std::vector<float> dst(5);
  const Tensor tensor = make(Dtype::kF32, {2, 5}, data);
  expect_error(ErrorCode::kInvalidArgument, "file@8: tensor \"t\": expected rows within [0, 2), found [1, 3)",
               [&] { read_rows(tensor, 1, 3, dst); });
  expect_error(ErrorCode::kInvalidArgument, "found [2, 1)", [&] { read_rows(tensor, 2, 1, dst); });
  expect_error(ErrorCode::kInvalidArgument, "expected room for 10 elements, found 5",
               [&] { read_rows(tensor, 0, 2, dst); });
  for (const Dtype dtype : {Dtype::kI8, Dtype::kI16, Dtype::kI32, Dtype::kI64, Dtype::kU8, Dtype::kBool}) {
    expect_error(ErrorCode::kUnsupported, name(dtype), [&] { read_rows(make(dtype, {1, 5}, data), 0, 1, dst); });
  }
}

TEST(Utf8, WellFormedSequencesOnly) {
  for (const char* text : {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEF\xBF\xBF",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << printable(text);
  }
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xC2", "\xE0\xA0", "\xF0\x90\x80", "\xC2\x41", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << printable(text);
  }
}

TEST(Printable, EscapesAndCuts) {
  EXPECT_EQ(printable("a b\n\xFF"), "a b\\x0a\\xff");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

TEST(ByteReader, ReportsWhereAndWhatIsMissing) {
  const Bytes bytes = test::to_bytes("abcdef");
  ByteReader reader(bytes, "file");
  EXPECT_EQ(reader.read<std::uint16_t>("x"), 0x6261);
  expect_error(ErrorCode::kFormat, "file: truncated at byte 2: expected 8 bytes of length, found 4",
               [&] { static_cast<void>(reader.read<std::uint64_t>("length")); });
  expect_error(ErrorCode::kFormat, "found 4",
               [&] { static_cast<void>(reader.take(std::numeric_limits<std::uint64_t>::max(), "data")); });
  EXPECT_EQ(reader.take(4, "rest").size(), 4U);
  EXPECT_EQ(reader.remaining(), 0U);
}

}  // namespace
}  // namespace xw::checkpoint
