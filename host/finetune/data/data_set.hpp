// A folder of token shards with its manifest: made shard by shard, and read as one list of sequences.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "host/finetune/data/shard.hpp"

namespace xw::finetune {

inline constexpr const char* kManifestName = "manifest.json";
inline constexpr std::uint32_t kMaxShards = 1U << 20;

/// What decides the data.
struct DataPlan {
  nlohmann::ordered_json origin;  ///< model, engine, sampling, seed: with the same, the data is the same
  std::uint32_t vocab_size = 0;
  std::uint32_t length = 0;           ///< tokens of a sequence
  std::uint32_t shard_sequences = 0;  ///< of every shard but the last
  std::uint64_t sequences = 0;
  [[nodiscard]] std::uint64_t num_shards() const { return (sequences + shard_sequences - 1) / shard_sequences; }
};

/// A shard to make: sequences [first, first + count) of the data set.
struct ShardTask {
  std::uint32_t index = 0;
  std::uint64_t first = 0;
  std::uint32_t count = 0;
};

/// Returns the tokens of a shard, [count][length]; they depend on the task and the plan alone.
using MakeShard = std::function<std::vector<std::int32_t>(const ShardTask&)>;

struct DataSummary {
  std::uint64_t tokens = 0;  ///< of the whole set
  std::uint64_t made = 0;    ///< of it by this call
  double seconds = 0;        ///< of making them
};

/// Makes what is missing in `folder`, which is created if need be, and writes the manifest after every shard: a process that was
/// killed goes on where it was. Throws Error{kInvalidArgument} for impossible counts and for a folder with data of another
/// plan, naming the first setting that differs; Error{kFormat} for a damaged manifest; what `make` throws.
DataSummary write_data(const std::filesystem::path& folder, const DataPlan& plan, const MakeShard& make,
                       const std::function<void(const DataSummary&)>& on_shard = {});

/// The finished shards of a folder. Thread safe.
class DataSet {
 public:
  /// Throws Error{kFileNotFound} without a manifest, Error{kFormat} for one that is damaged or does not fit its shards.
  explicit DataSet(const std::filesystem::path& folder);
  [[nodiscard]] const DataPlan& plan() const { return plan_; }
  /// Sequences that are there.
  [[nodiscard]] std::uint64_t sequences() const { return sequences_; }
  [[nodiscard]] std::uint64_t tokens() const { return sequences_ * plan_.length; }
  /// Tokens [begin, begin + dst.size()) of a sequence. Throws as TokenShard::read().
  void read(std::uint64_t sequence, std::uint32_t begin, std::span<std::int32_t> dst) const;

 private:
  DataPlan plan_;
  std::vector<TokenShard> shards_;
  std::uint64_t sequences_ = 0;
};

}  // namespace xw::finetune
