// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/data/data_set.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "arch/support/error.hpp"
#include "arch/support/json_text.hpp"

namespace xw::finetune {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kFormat = "crossweave token shards";
constexpr std::uint64_t kMaxManifestBytes = 256ULL << 20;

std::string shard_name(std::uint32_t index) {
  char text[32];
  std::snprintf(text, sizeof text, "shard-%06u.xwt", index);
  return text;
}

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kFormat, path.string() + ": " + what);
}

std::string shown(const Json& json) {
  return printable(json.dump()).substr(0, 60);
}

std::uint64_t count_of(const Json& json, const char* key, std::uint64_t low, std::uint64_t high, const fs::path& path) {
  const auto found = json.find(key);
  const std::string expected =
      std::string(key) + ": expected a number from " + std::to_string(low) + " to " + std::to_string(high);
  if (found == json.end()) fail(path, expected + ", found nothing");
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < low || found->get<std::uint64_t>() > high)
    fail(path, expected + ", found " + shown(*found));
  return found->get<std::uint64_t>();
}

Json settings_of(const DataPlan& plan) {
  return {{"origin", plan.origin},
          {"vocab_size", plan.vocab_size},
          {"length", plan.length},
          {"shard_sequences", plan.shard_sequences},
          {"sequences", plan.sequences}};
}

Json read_manifest(const fs::path& path) {
  const std::string text = read_text_file(path, kMaxManifestBytes);
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("format") || json["format"] != kFormat)
    fail(path, std::string("expected a manifest of ") + kFormat + ", found something else");
  if (count_of(json, "version", 1, 1, path) != 1 || !json.contains("settings") || !json["settings"].is_object() ||
      !json.contains("shards") || !json["shards"].is_array() || json["shards"].size() > kMaxShards)
    fail(path, "expected \"settings\" and a list \"shards\"");
  return json;
}

DataPlan plan_of(const Json& json, const fs::path& path) {
  const Json& settings = json["settings"];
  DataPlan plan;
  plan.origin = settings.value("origin", Json::object());
  plan.vocab_size = static_cast<std::uint32_t>(count_of(settings, "vocab_size", 1, 1U << 30, path));
  plan.length = static_cast<std::uint32_t>(count_of(settings, "length", 1, kMaxSequenceLength, path));
  plan.shard_sequences = static_cast<std::uint32_t>(count_of(settings, "shard_sequences", 1, kMaxShardSequences, path));
  plan.sequences = count_of(settings, "sequences", 1, std::uint64_t{kMaxShards} * kMaxShardSequences, path);
  return plan;
}

ShardTask task_of(const DataPlan& plan, std::uint32_t index) {
  const std::uint64_t first = std::uint64_t{index} * plan.shard_sequences;
  return {index, first,
          static_cast<std::uint32_t>(std::min<std::uint64_t>(plan.shard_sequences, plan.sequences - first))};
}

ShardHeader header_of(const DataPlan& plan, const ShardTask& task) {
  return {task.index, plan.vocab_size, plan.length, task.count, 0};
}

/// The first member in which two objects differ, with both values.
std::string difference(const Json& found, const Json& wanted, const std::string& prefix = "") {
  for (const auto& [key, value] : wanted.items()) {
    const Json other = found.is_object() && found.contains(key) ? found[key] : Json();
    if (other == value) continue;
    if (value.is_object()) return difference(other, value, prefix + key + ".");
    return prefix + key + " " + shown(other) + ", this would be " + shown(value);
  }
  return "other settings";
}

void write_manifest(const fs::path& path, const DataPlan& plan, const Json& shards, bool complete) {
  const Json json = {
      {"format", kFormat}, {"version", 1}, {"settings", settings_of(plan)}, {"complete", complete}, {"shards", shards}};
  write_text_file(path, json_text(json, 1) + "\n");
}

void check(const DataPlan& plan) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::kInvalidArgument, what); };
  if (plan.length == 0 || plan.length > kMaxSequenceLength)
    refuse("expected sequences of 1 to " + std::to_string(kMaxSequenceLength) + " tokens, found " +
           std::to_string(plan.length));
  if (plan.shard_sequences == 0 || plan.shard_sequences > kMaxShardSequences)
    refuse("expected 1 to " + std::to_string(kMaxShardSequences) + " sequences in a shard, found " +
           std::to_string(plan.shard_sequences));
  if (plan.sequences == 0) refuse("expected at least one sequence, found none");
  if (plan.num_shards() > kMaxShards)
    refuse("expected at most " + std::to_string(kMaxShards) + " shards, found " + std::to_string(plan.num_shards()));
}

}  // namespace

DataSummary write_data(const fs::path& folder, const DataPlan& plan, const MakeShard& make,
                       const std::function<void(const DataSummary&)>& on_shard) {
  check(plan);
  fs::create_directories(folder);
  const fs::path path = folder / kManifestName;
  std::error_code error;
  if (fs::exists(path, error)) {
    const Json settings = read_manifest(path)["settings"];
    if (settings != settings_of(plan))
      throw Error(ErrorCode::kInvalidArgument, folder.string() + ": holds data of other settings: " +
                                                   difference(settings, settings_of(plan)) + "; choose another folder");
  }
  Json shards = Json::array();
  write_manifest(path, plan, shards, false);
  DataSummary summary;
  for (std::uint32_t index = 0; index < plan.num_shards(); ++index) {
    const ShardTask task = task_of(plan, index);
    const fs::path file = folder / shard_name(index);
    ShardHeader header = header_of(plan, task);
    if (fs::exists(file, error)) {
      const ShardHeader found = TokenShard(file).header();
      header.crc = found.crc;
      if (found != header) fail(file, "does not fit the manifest beside it; remove it");
    } else {
      const auto start = std::chrono::steady_clock::now();
      header = write_shard(file, header, make(task));
      summary.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      summary.made += std::uint64_t{task.count} * plan.length;
    }
    summary.tokens += std::uint64_t{task.count} * plan.length;
    shards.push_back({{"file", shard_name(index)}, {"sequences", task.count}, {"crc32", header.crc}});
    write_manifest(path, plan, shards, index + 1 == plan.num_shards());
    if (on_shard) on_shard(summary);
  }
  return summary;
}

DataSet::DataSet(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  const Json json = read_manifest(path);
  plan_ = plan_of(json, path);
  check(plan_);
  if (json["shards"].size() > plan_.num_shards())
    fail(path, "expected at most " + std::to_string(plan_.num_shards()) + " shards, found " +
                   std::to_string(json["shards"].size()));
  for (std::uint32_t index = 0; index < json["shards"].size(); ++index) {
    shards_.emplace_back(folder / shard_name(index));
    ShardHeader expected = header_of(plan_, task_of(plan_, index));
    expected.crc = static_cast<std::uint32_t>(count_of(json["shards"][index], "crc32", 0, UINT32_MAX, path));
    if (shards_.back().header() != expected) fail(folder / shard_name(index), "does not fit the manifest beside it");
    sequences_ += expected.sequences;
  }
  if (sequences_ == 0) fail(path, "expected at least one finished shard, found none");
}

void DataSet::read(std::uint64_t sequence, std::uint32_t begin, std::span<std::int32_t> dst) const {
  const std::uint64_t shard = sequence / plan_.shard_sequences;
  if (shard >= shards_.size())
    throw Error(ErrorCode::kInvalidArgument, "sequence " + std::to_string(sequence) + " is outside the data set's " +
                                                 std::to_string(sequences_) + " sequences");
  shards_[shard].read(static_cast<std::uint32_t>(sequence % plan_.shard_sequences), begin, dst);
}

}  // namespace xw::finetune
