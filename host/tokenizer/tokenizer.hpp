// Text to token ids and back.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xw::tokenizer {

using TokenId = std::int32_t;

/// How the vocabulary is applied.
enum class Algorithm { kByteLevelBpe, kSentencePieceBpe };
enum class TokenType : std::uint8_t { kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };
/// Where `add_space_prefix` puts its space. A segment is the text between two special tokens.
enum class SpacePrefixRule : std::uint8_t {
  kEverySegment,             ///< llama.cpp; Hugging Face normalizer "Prepend"
  kTextStart,                ///< SentencePiece: once, even before a user-defined token
  kFirstSegmentUnlessSpace,  ///< Metaspace "first": not if the segment starts with a space
  kEverySegmentUnlessSpace,  ///< Metaspace "always", ByteLevel add_prefix_space
};

/// A tokenizer as plain data: what every reader produces and programs carry.
struct TokenizerData {
  Algorithm algorithm = Algorithm::kByteLevelBpe;
  std::string
      pre_tokenizer;  ///< "gpt2", "llama-bpe", "smollm", "qwen2", ...: selects the split regexes; empty for SentencePiece
  std::vector<std::string> split_regexes;  ///< PCRE2, applied in order; from pre_tokenizer or tokenizer.json
  std::vector<std::string> tokens;         ///< byte-level BPE: in the GPT-2 byte alphabet; SentencePiece: with U+2581
  std::vector<float> scores;               ///< SentencePiece: merge priorities; empty otherwise
  std::vector<TokenType> types;
  std::vector<std::string>
      merges;  ///< "left right", best first; SentencePiece: empty (scores decide), or from tokenizer.json
  TokenId bos = -1, eos = -1, unknown = -1, pad = -1;
  std::vector<TokenId> end_of_generation;  ///< ids that end an answer (eos, <|eot_id|>, <|im_end|>, <|end|>, ...)
  bool add_bos = false, add_eos = false, add_space_prefix = false;
  SpacePrefixRule space_prefix_rule = SpacePrefixRule::kEverySegment;
  bool remove_extra_spaces = false;  ///< SentencePiece: leading, trailing and repeated spaces vanish
  bool normalize_nfc = false;        ///< text is brought into Unicode normalization form C first (Qwen 2)
  bool ignore_merges = false;        ///< a pre-token that is a token is taken whole (Llama 3)
  std::vector<TokenId> strip_left,
      strip_right;            ///< special tokens that swallow the white space before / after them (Phi-3)
  std::string chat_template;  ///< Jinja text as found; see Tokenizer::apply_chat_template
  friend bool operator==(const TokenizerData&, const TokenizerData&) = default;
};

/// Reads GGUF metadata, tokenizer.json (with tokenizer_config.json and chat_template.jinja beside it), SentencePiece models
/// and tokenizers of llama2.c, told apart by their content, or finds one of them in a directory. Throws Error{kFileNotFound | kFormat | kUnsupported}.
[[nodiscard]] TokenizerData read_tokenizer(const std::filesystem::path& path);
/// Finds the tokenizer of a checkpoint, which its content decides and not its name: a GGUF itself; beside a llama2.c file
/// tokenizer.bin, tok*.bin, tokenizer.model or tok*.model; else tokenizer.json, tokenizer.model, tokenizer.bin, tok*.bin,
/// tok*.model or *.gguf. Throws Error{kFileNotFound}, Error{kInvalidArgument} for several that match alike.
[[nodiscard]] std::filesystem::path find_tokenizer(const std::filesystem::path& checkpoint);

/// Self-contained bytes for the program file, versioned and bounded; parse throws Error{kFormat} naming `origin`.
[[nodiscard]] std::vector<std::byte> serialize(const TokenizerData& data);
[[nodiscard]] TokenizerData parse(std::span<const std::byte> bytes, const std::string& origin);

struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

/// Thread safe for const use.
class Tokenizer {
 public:
  explicit Tokenizer(TokenizerData data);
  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;

  [[nodiscard]] const TokenizerData& data() const;
  [[nodiscard]] std::size_t vocab_size() const;
  /// `add_special`: BOS/EOS as the tokenizer's data says; `parse_special`: control tokens in the text become their ids.
  /// Warns if the text begins with a BOS token of its own where one is added.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, bool add_special, bool parse_special) const;
  /// Bytes of one token as they appear in running text; control tokens give "" unless `show_special`, ids beyond the
  /// vocabulary (models pad theirs) always. Throws Error{kInvalidArgument} for a negative id.
  [[nodiscard]] std::string piece(TokenId id, bool show_special = false) const;
  /// Text of a sequence; invalid UTF-8 is kept as bytes.
  [[nodiscard]] std::string decode(std::span<const TokenId> ids, bool show_special = false) const;
  [[nodiscard]] bool is_end_of_generation(TokenId id) const;
  /// Renders a conversation with the model's own template, whatever it is: what of the language there is, docs/tokenizers.md
  /// says. Encode the result with parse_special and without add_special. Throws Error{kUnsupported} without a template,
  /// Error{kInvalidArgument} for no message and for what the template refuses; others: host/tokenizer/jinja/template.hpp.
  [[nodiscard]] std::string apply_chat_template(std::span<const ChatMessage> messages,
                                                bool add_generation_prompt) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Streams decoded text: emits only complete UTF-8 sequences, keeps the rest; `flush` gives what is left (replacement characters for broken bytes).
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  [[nodiscard]] std::string push(TokenId id);
  [[nodiscard]] std::string flush();

 private:
  const Tokenizer& tokenizer_;
  std::string pending_;
  bool first_ = true;  ///< SentencePiece drops the space of the very first piece
};

}  // namespace xw::tokenizer
