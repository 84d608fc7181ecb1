// Files of training text: token ids in sequences of one length.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "arch/support/file.hpp"

namespace xw::finetune {

inline constexpr std::uint32_t kMaxSequenceLength = 1U << 20;
inline constexpr std::uint32_t kMaxShardSequences = 1U << 24;

/// What the header of a shard says (docs/finetuning.md).
struct ShardHeader {
  std::uint32_t index = 0;       ///< of the shard in its data set
  std::uint32_t vocab_size = 0;  ///< every id is below; up to 65536 an id has 16 bits, above 32
  std::uint32_t length = 0;      ///< tokens of a sequence
  std::uint32_t sequences = 0;
  std::uint32_t crc = 0;  ///< CRC-32 of the ids as stored
  [[nodiscard]] std::uint32_t id_bytes() const { return vocab_size <= 65536 ? 2 : 4; }
  friend bool operator==(const ShardHeader&, const ShardHeader&) = default;
};

/// Writes the shard in one step; `tokens` is [header.sequences][header.length]. Returns the header with its checksum. Throws
/// Error{kInternal} for another number of tokens or an id outside the vocabulary, Error{kIo}.
ShardHeader write_shard(const std::filesystem::path& path, ShardHeader header, std::span<const std::int32_t> tokens);

/// A shard, mapped. Thread safe.
class TokenShard {
 public:
  /// Throws Error{kFileNotFound | kIo}, Error{kFormat} for what is no shard, for impossible counts and another size than they
  /// make, and for a wrong checksum if `check_crc`.
  explicit TokenShard(const std::filesystem::path& path, bool check_crc = true);
  [[nodiscard]] const ShardHeader& header() const { return header_; }
  /// Tokens [begin, begin + dst.size()) of a sequence. Throws Error{kInvalidArgument} for a place outside, Error{kFormat} for an id
  /// outside the vocabulary.
  void read(std::uint32_t sequence, std::uint32_t begin, std::span<std::int32_t> dst) const;

 private:
  MappedFile file_;
  ShardHeader header_;
};

}  // namespace xw::finetune
