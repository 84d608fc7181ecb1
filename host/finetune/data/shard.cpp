// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/data/shard.hpp"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"

namespace xw::finetune {
namespace {

constexpr std::array<char, 8> kMagic = {'X', 'W', 'T', 'O', 'K', 'E', 'N', 'S'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 64;

void put(std::span<std::byte> bytes, std::size_t offset, std::uint32_t value, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) bytes[offset + i] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
}

std::uint32_t get(std::span<const std::byte> bytes, std::size_t offset, std::uint32_t count) {
  std::uint32_t value = 0;
  for (std::uint32_t i = 0; i < count; ++i) value |= std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * i);
  return value;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorCode::kFormat, path.string() + ": " + what);
}

ShardHeader read_header(const MappedFile& file) {
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    fail(file.path(), "expected a token shard (XWTOKENS and a header of 64 bytes), found another file");
  if (const std::uint32_t version = get(bytes, 8, 4); version != kVersion)
    fail(file.path(), "expected version " + std::to_string(kVersion) + ", found " + std::to_string(version));
  ShardHeader header;
  header.index = get(bytes, 12, 4);
  header.vocab_size = get(bytes, 16, 4);
  header.length = get(bytes, 20, 4);
  header.sequences = get(bytes, 24, 4);
  header.crc = get(bytes, 28, 4);
  if (header.vocab_size == 0 || header.vocab_size > (1U << 30))
    fail(file.path(), "expected a vocabulary of 1 to 2^30 ids, found " + std::to_string(header.vocab_size));
  if (header.length == 0 || header.length > kMaxSequenceLength)
    fail(file.path(), "expected sequences of 1 to " + std::to_string(kMaxSequenceLength) + " tokens, found " +
                          std::to_string(header.length));
  if (header.sequences > kMaxShardSequences)
    fail(file.path(), "expected at most " + std::to_string(kMaxShardSequences) + " sequences, found " +
                          std::to_string(header.sequences));
  const std::uint64_t expected =
      kHeaderBytes + std::uint64_t{header.sequences} * header.length * header.id_bytes();  // below 2^47
  if (bytes.size() != expected)
    fail(file.path(),
         "expected " + std::to_string(expected) + " bytes, as its header says, found " + std::to_string(bytes.size()));
  return header;
}

}  // namespace

ShardHeader write_shard(const std::filesystem::path& path, ShardHeader header, std::span<const std::int32_t> tokens) {
  if (tokens.size() != std::uint64_t{header.sequences} * header.length)
    throw Error(ErrorCode::kInternal, path.string() + ": expected " + std::to_string(header.sequences) +
                                          " sequences, found " + std::to_string(tokens.size()) + " tokens");
  const std::uint32_t id_bytes = header.id_bytes();
  std::vector<std::byte> bytes(tokens.size() * id_bytes);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<std::uint32_t>(tokens[i]);
    if (id >= header.vocab_size)
      throw Error(ErrorCode::kInternal, path.string() + ": token id " + std::to_string(tokens[i]) +
                                            " is outside the vocabulary of " + std::to_string(header.vocab_size));
    put(bytes, i * id_bytes, id, id_bytes);
  }
  header.crc = crc32(bytes);
  std::array<std::byte, kHeaderBytes> head{};
  std::memcpy(head.data(), kMagic.data(), kMagic.size());
  std::size_t offset = kMagic.size();
  for (const std::uint32_t value :
       {kVersion, header.index, header.vocab_size, header.length, header.sequences, header.crc}) {
    put(head, offset, value, 4);
    offset += 4;
  }
  OutputFile file(path);
  file.write(std::span<const std::byte>(head));
  file.write(std::span<const std::byte>(bytes));
  file.commit();
  return header;
}

TokenShard::TokenShard(const std::filesystem::path& path, bool check_crc) : file_(path), header_(read_header(file_)) {
  if (!check_crc) return;
  const std::uint32_t found = crc32(file_.bytes().subspan(kHeaderBytes));
  if (found != header_.crc)
    fail(path, "expected checksum " + std::to_string(header_.crc) + " of its ids, found " + std::to_string(found));
}

void TokenShard::read(std::uint32_t sequence, std::uint32_t begin, std::span<std::int32_t> dst) const {
  if (sequence >= header_.sequences || begin > header_.length || dst.size() > header_.length - begin)
    throw Error(ErrorCode::kInvalidArgument, file_.path().string() + ": tokens " + std::to_string(begin) + " to " +
                                                 std::to_string(begin + dst.size()) + " of sequence " +
                                                 std::to_string(sequence) + " are outside its " +
                                                 std::to_string(header_.sequences) + " sequences of " +
                                                 std::to_string(header_.length));
  const std::uint32_t id_bytes = header_.id_bytes();
  std::size_t offset = kHeaderBytes + (std::size_t{sequence} * header_.length + begin) * id_bytes;
  for (std::int32_t& token : dst) {
    const std::uint32_t id = get(file_.bytes(), offset, id_bytes);
    if (id >= header_.vocab_size)
      fail(file_.path(), "token id " + std::to_string(id) + " at byte " + std::to_string(offset) +
                             " is outside the vocabulary of " + std::to_string(header_.vocab_size));
    token = static_cast<std::int32_t>(id);
    offset += id_bytes;
  }
}

}  // namespace xw::finetune
