// Jobs of clusters by their environment.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/job.hpp"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>

#include "arch/support/error.hpp"

namespace xw::toolchain {
namespace {

std::optional<std::size_t> number_of(const std::string& name) {
  const char* text = std::getenv(name.c_str());
  if (text == nullptr) return std::nullopt;
  const std::string word = text;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size())
    throw Error(ErrorCode::kInvalidArgument,
                name + ": expected a whole number, found '" + word + "'; give --shard or unset it");
  return value;
}

std::optional<Shard> slurm_shard() {
  const std::optional<std::size_t> task = number_of("SLURM_ARRAY_TASK_ID");
  if (!task) return std::nullopt;
  const std::size_t count = number_of("SLURM_ARRAY_TASK_COUNT").value_or(1);
  const std::size_t first = number_of("SLURM_ARRAY_TASK_MIN").value_or(0);
  const std::size_t step = number_of("SLURM_ARRAY_TASK_STEP").value_or(1);
  if (*task < first || step == 0 || (*task - first) / step >= count) {
    throw Error(ErrorCode::kInvalidArgument, "sweep: SLURM_ARRAY_TASK_ID " + std::to_string(*task) + " is none of " +
                                                 std::to_string(count) + " tasks from " + std::to_string(first) +
                                                 " on; give --shard");
  }
  return Shard{(*task - first) / step, count};
}

std::optional<Shard> rank_of(const std::string& prefix) {
  const std::optional<std::size_t> rank = number_of(prefix + "_RANK"), size = number_of(prefix + "_SIZE");
  if (!rank || !size) return std::nullopt;
  if (*rank >= *size) {
    throw Error(ErrorCode::kInvalidArgument, "sweep: " + prefix + "_RANK " + std::to_string(*rank) + " is none of " +
                                                 std::to_string(*size) + " ranks; give --shard");
  }
  return Shard{*rank, *size};
}

}  // namespace

Shard job_shard() {
  if (const std::optional<Shard> task = slurm_shard()) return *task;
  for (const char* prefix : {"OMPI_COMM_WORLD", "PMI"})
    if (const std::optional<Shard> rank = rank_of(prefix)) return *rank;
  return {};
}

}  // namespace xw::toolchain
