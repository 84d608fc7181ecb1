// Tokenizer data as self-contained bytes: a magic, a version, then every field of TokenizerData in order, little-endian.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstring>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {
namespace {

constexpr std::uint32_t kMagic = 0x4B545758;  // "XWTK"
constexpr std::uint32_t kVersion = 1;

class Writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void word(std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  void id(TokenId value) { word(static_cast<std::uint32_t>(value)); }
  void number(float value) { word(std::bit_cast<std::uint32_t>(value)); }
  void type(TokenType value) { byte(static_cast<std::uint8_t>(value)); }
  void text(const std::string& value) {
    word(static_cast<std::uint32_t>(value.size()));
    const auto* data = reinterpret_cast<const std::byte*>(value.data());
    bytes_.insert(bytes_.end(), data, data + value.size());
  }
  template <typename T, typename Write>
  void list(const std::vector<T>& values, Write write) {
    word(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) (this->*write)(value);
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& origin) : bytes_(bytes), origin_(origin) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kFormat, origin_ + ": tokenizer, byte " + std::to_string(pos_) + ": " + what);
  }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - pos_; }

  std::uint8_t byte() {
    if (left() < 1) fail("truncated");
    return std::to_integer<std::uint8_t>(bytes_[pos_++]);
  }
  std::uint8_t byte_up_to(std::uint8_t limit, const char* what) {
    const std::uint8_t value = byte();
    if (value > limit)
      fail(std::string(what) + " is " + std::to_string(value) + ", expected 0 to " + std::to_string(limit));
    return value;
  }
  bool flag() { return byte_up_to(1, "flag") != 0; }
  std::uint32_t word() {
    if (left() < 4) fail("truncated");
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(bytes_[pos_ + i]) << (8 * i);
    pos_ += 4;
    return value;
  }
  TokenId id() { return static_cast<TokenId>(word()); }
  float number() { return std::bit_cast<float>(word()); }
  TokenType type() {
    return static_cast<TokenType>(byte_up_to(static_cast<std::uint8_t>(TokenType::kByte), "token type"));
  }
  std::string text() {
    const std::uint32_t length = word();
    if (length > left()) fail("truncated in a text of " + std::to_string(length) + " bytes");
    std::string value(reinterpret_cast<const char*>(bytes_.data() + pos_), length);
    pos_ += length;
    return value;
  }
  /// A list whose items take at least `item_bytes` each.
  template <typename T>
  std::vector<T> list(T (Reader::*read)(), std::size_t item_bytes) {
    const std::uint32_t count = word();
    if (count > left() / item_bytes) fail("truncated in a list of " + std::to_string(count) + " items");
    std::vector<T> values;
    values.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) values.push_back((this->*read)());
    return values;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& origin_;
  std::size_t pos_ = 0;
};

}  // namespace

std::vector<std::byte> serialize(const TokenizerData& data) {
  Writer out;
  out.word(kMagic);
  out.word(kVersion);
  out.byte(static_cast<std::uint8_t>(data.algorithm));
  out.text(data.pre_tokenizer);
  out.list(data.split_regexes, &Writer::text);
  out.list(data.tokens, &Writer::text);
  out.list(data.scores, &Writer::number);
  out.list(data.types, &Writer::type);
  out.list(data.merges, &Writer::text);
  for (const TokenId id : {data.bos, data.eos, data.unknown, data.pad}) out.id(id);
  out.list(data.end_of_generation, &Writer::id);
  for (const bool flag : {data.add_bos, data.add_eos, data.add_space_prefix, data.remove_extra_spaces,
                          data.normalize_nfc, data.ignore_merges}) {
    out.byte(flag ? 1 : 0);
  }
  out.byte(static_cast<std::uint8_t>(data.space_prefix_rule));
  out.list(data.strip_left, &Writer::id);
  out.list(data.strip_right, &Writer::id);
  out.text(data.chat_template);
  return out.take();
}

TokenizerData parse(std::span<const std::byte> bytes, const std::string& origin) {
  Reader in(bytes, origin);
  if (in.word() != kMagic) in.fail("wrong magic, not a tokenizer");
  if (const std::uint32_t version = in.word(); version != kVersion) {
    in.fail("version " + std::to_string(version) + ", expected " + std::to_string(kVersion));
  }
  TokenizerData data;
  data.algorithm =
      static_cast<Algorithm>(in.byte_up_to(static_cast<std::uint8_t>(Algorithm::kSentencePieceBpe), "algorithm"));
  data.pre_tokenizer = in.text();
  data.split_regexes = in.list(&Reader::text, 4);
  data.tokens = in.list(&Reader::text, 4);
  data.scores = in.list(&Reader::number, 4);
  data.types = in.list(&Reader::type, 1);
  data.merges = in.list(&Reader::text, 4);
  for (TokenId* id : {&data.bos, &data.eos, &data.unknown, &data.pad}) *id = in.id();
  data.end_of_generation = in.list(&Reader::id, 4);
  for (bool* flag : {&data.add_bos, &data.add_eos, &data.add_space_prefix, &data.remove_extra_spaces,
                     &data.normalize_nfc, &data.ignore_merges}) {
    *flag = in.flag();
  }
  data.space_prefix_rule = static_cast<SpacePrefixRule>(
      in.byte_up_to(static_cast<std::uint8_t>(SpacePrefixRule::kEverySegmentUnlessSpace), "space prefix rule"));
  data.strip_left = in.list(&Reader::id, 4);
  data.strip_right = in.list(&Reader::id, 4);
  data.chat_template = in.text();
  if (in.left() != 0) in.fail(std::to_string(in.left()) + " bytes left over");
  check(data, origin);
  return data;
}

}  // namespace xw::tokenizer
