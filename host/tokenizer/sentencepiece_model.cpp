// SentencePiece .model files: a protobuf message with pieces, trainer_spec and normalizer_spec.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>

#include "arch/support/error.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/readers.hpp"

namespace xw::tokenizer {
namespace {

/// One field of a protobuf message.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;           ///< varint, fixed64 or fixed32
  std::span<const std::byte> bytes;  ///< length-delimited
  unsigned wire_type = 0;
};

/// Reads the fields of one protobuf message; every length is bounded by the message.
class Message {
 public:
  Message(std::span<const std::byte> bytes, std::string place) : bytes_(bytes), place_(std::move(place)) {}

  [[nodiscard]] bool at_end() const { return pos_ == bytes_.size(); }

  Field next() {
    Field field;
    const std::uint64_t tag = varint();
    field.number = static_cast<std::uint32_t>(tag >> 3);
    field.wire_type = static_cast<unsigned>(tag & 7);
    if (tag > 0xFFFFFFFFU || field.number == 0) fail("field number out of range");
    if (field.wire_type == 0) {
      field.value = varint();
    } else if (field.wire_type == 1) {
      field.value = fixed(8);
    } else if (field.wire_type == 5) {
      field.value = fixed(4);
    } else if (field.wire_type == 2) {
      const std::uint64_t length = varint();
      if (length > bytes_.size() - pos_)
        fail("truncated: field " + std::to_string(field.number) + " of " + std::to_string(length) + " bytes");
      field.bytes = bytes_.subspan(pos_, static_cast<std::size_t>(length));
      pos_ += static_cast<std::size_t>(length);
    } else {
      fail("wire type " + std::to_string(field.wire_type) + ", not a SentencePiece model");
    }
    return field;
  }

  /// Checks the encoding of a field of known number.
  void expect(const Field& field, unsigned wire_type) const {
    if (field.wire_type != wire_type) {
      fail("field " + std::to_string(field.number) + " has wire type " + std::to_string(field.wire_type) +
           ", expected " + std::to_string(wire_type));
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kFormat, place_ + ", byte " + std::to_string(pos_) + ": " + what);
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_end()) fail("truncated");
      const auto byte = std::to_integer<std::uint64_t>(bytes_[pos_++]);
      value |= (byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    fail("number of more than 10 bytes");
  }

  std::uint64_t fixed(std::size_t size) {
    if (bytes_.size() - pos_ < size) fail("truncated");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::to_integer<std::uint64_t>(bytes_[pos_ + i]) << (8 * i);
    pos_ += size;
    return value;
  }

  std::span<const std::byte> bytes_;
  std::string place_;
  std::size_t pos_ = 0;
};

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// trainer_spec and normalizer_spec with their defaults.
struct Specs {
  std::uint64_t model_type = 1;
  bool byte_fallback = false, whitespace_as_suffix = false;
  TokenId unknown = 0, bos = 1, eos = 2, pad = -1;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
  std::string normalizer;
  bool has_character_map = false;
};

void read_piece(std::span<const std::byte> bytes, TokenizerData& data, const std::string& origin) {
  Message message(bytes, origin + ", piece " + std::to_string(data.tokens.size()));
  std::string text;
  float score = 0;
  std::uint64_t type = 1;
  while (!message.at_end()) {
    const Field field = message.next();
    if (field.number == 1) {
      message.expect(field, 2);
      text = text_of(field.bytes);
    } else if (field.number == 2) {
      message.expect(field, 5);
      score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    } else if (field.number == 3) {
      message.expect(field, 0);
      type = field.value;
    }
  }
  if (type < 1 || type > 6) message.fail("type " + std::to_string(type) + ", expected 1 to 6");
  if (data.tokens.size() >= kMaxTokens) message.fail("more than " + std::to_string(kMaxTokens) + " pieces");
  data.tokens.push_back(std::move(text));
  data.scores.push_back(score);
  static constexpr TokenType kTypes[] = {TokenType::kNormal,      TokenType::kUnknown, TokenType::kControl,
                                         TokenType::kUserDefined, TokenType::kUnused,  TokenType::kByte};
  data.types.push_back(kTypes[type - 1]);
}

void read_trainer_spec(std::span<const std::byte> bytes, Specs& specs, const std::string& origin) {
  Message message(bytes, origin + ", trainer_spec");
  const auto id = [&](const Field& field) {
    message.expect(field, 0);
    return static_cast<TokenId>(static_cast<std::uint32_t>(field.value));  // negative numbers are sign-extended
  };
  while (!message.at_end()) {
    const Field field = message.next();
    switch (field.number) {
      case 3:
        message.expect(field, 0);
        specs.model_type = field.value;
        break;
      case 24:
        message.expect(field, 0);
        specs.whitespace_as_suffix = field.value != 0;
        break;
      case 35:
        message.expect(field, 0);
        specs.byte_fallback = field.value != 0;
        break;
      case 40:
        specs.unknown = id(field);
        break;
      case 41:
        specs.bos = id(field);
        break;
      case 42:
        specs.eos = id(field);
        break;
      case 43:
        specs.pad = id(field);
        break;
      default:
        break;
    }
  }
}

void read_normalizer_spec(std::span<const std::byte> bytes, Specs& specs, const std::string& origin) {
  Message message(bytes, origin + ", normalizer_spec");
  while (!message.at_end()) {
    const Field field = message.next();
    if (field.number == 1 || field.number == 2) {
      message.expect(field, 2);
      if (field.number == 1) specs.normalizer = text_of(field.bytes);
      if (field.number == 2) specs.has_character_map = !field.bytes.empty();
    } else if (field.number >= 3 && field.number <= 5) {
      message.expect(field, 0);
      bool& flag = field.number == 3   ? specs.add_dummy_prefix
                   : field.number == 4 ? specs.remove_extra_whitespaces
                                       : specs.escape_whitespaces;
      flag = field.value != 0;
    }
  }
}

void check_supported(const Specs& specs, const std::string& origin) {
  const auto unsupported = [&](const std::string& what) { throw Error(ErrorCode::kUnsupported, origin + ": " + what); };
  if (specs.model_type != 2) {
    const char* name = specs.model_type == 1   ? "unigram"
                       : specs.model_type == 3 ? "word"
                       : specs.model_type == 4 ? "char"
                                               : "unknown";
    unsupported("SentencePiece model type " + std::to_string(specs.model_type) + " (" + name +
                ") is not supported; BPE (2) is");
  }
  if (specs.has_character_map) {
    unsupported("SentencePiece normalizer \"" + specs.normalizer.substr(0, 40) +
                "\" with a character map is not supported; \"identity\" is");
  }
  if (!specs.escape_whitespaces) unsupported("SentencePiece models without escaped white space are not supported");
  if (specs.whitespace_as_suffix) unsupported("SentencePiece models with white space as suffix are not supported");
}

}  // namespace

TokenizerData read_sentencepiece_model(std::span<const std::byte> bytes, const std::string& origin) {
  Message message(bytes, origin);
  TokenizerData data;
  data.algorithm = Algorithm::kSentencePieceBpe;
  Specs specs;
  while (!message.at_end()) {
    const Field field = message.next();
    if (field.number >= 1 && field.number <= 3) message.expect(field, 2);
    if (field.number == 1) read_piece(field.bytes, data, origin);
    if (field.number == 2) read_trainer_spec(field.bytes, specs, origin);
    if (field.number == 3) read_normalizer_spec(field.bytes, specs, origin);
  }
  if (data.tokens.empty()) throw Error(ErrorCode::kFormat, origin + ": no pieces, not a SentencePiece model");
  check_supported(specs, origin);
  const auto present = [&](TokenId id) {
    return id >= 0 && static_cast<std::size_t>(id) < data.tokens.size() ? id : -1;
  };
  data.unknown = specs.unknown;
  // Models trained without <s>, </s> or <pad> carry -1 or, in old files, the default ids of other pieces.
  const auto control = [&](TokenId id) {
    return present(id) >= 0 && data.types[static_cast<std::size_t>(id)] == TokenType::kControl ? id : -1;
  };
  data.bos = control(specs.bos);
  data.eos = control(specs.eos);
  data.pad = control(specs.pad);
  data.add_bos = data.bos >= 0;
  data.add_space_prefix = specs.add_dummy_prefix;
  data.space_prefix_rule = SpacePrefixRule::kTextStart;
  data.remove_extra_spaces = specs.remove_extra_whitespaces;
  find_end_of_generation(data);
  check(data, origin);
  return data;
}

}  // namespace xw::tokenizer
