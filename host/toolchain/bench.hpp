// How fast this machine runs a model, against what its memory allows.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/toolchain/opened_model.hpp"

namespace xw::toolchain {

struct BenchOptions {
  std::uint32_t prompt_tokens = 512;  ///< of the prefill
  std::uint32_t decode_tokens = 32;   ///< one after the other behind it
  std::uint32_t repeats = 3;          ///< the best counts
};

/// All measured.
struct BenchResult {
  BenchOptions options;
  std::string description;  ///< OpenedModel::describe()
  std::string kernel;       ///< that multiplies blocks
  unsigned threads = 0;
  double prefill_tokens_per_s = 0, decode_tokens_per_s = 0;
  double memory_bytes_per_s = 0;    ///< read by all threads from a buffer larger than the caches
  double cell_bytes_per_token = 0;  ///< every analog cell is read once per decoded token; 0 without a chip

  /// Decoded tokens per second if only reading the cells took time; 0 without a chip.
  [[nodiscard]] double decode_limit_tokens_per_s() const;
};

/// Token ids are arbitrary but fixed. Throws Error{kInvalidArgument} for counts of 0 and beyond the context.
[[nodiscard]] BenchResult bench(OpenedModel& opened, const BenchOptions& options);
/// Throws what `bench` throws for counts of 0; for use before a model is opened.
void check(const BenchOptions& options);

/// `model`: the name that the user gave.
[[nodiscard]] nlohmann::ordered_json bench_json(const BenchResult& result, const std::filesystem::path& model);

}  // namespace xw::toolchain
