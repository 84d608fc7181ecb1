// How fast this machine runs a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/large_memory.hpp"
#include "models/analog/numerics.hpp"

namespace xw::toolchain {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Read bandwidth of all threads, bytes/s, best of several passes.
double memory_bandwidth(ThreadPool& pool) {
  constexpr std::size_t kBytes = std::size_t{256} << 20;
  const std::shared_ptr<std::byte> memory = large_memory(kBytes);
  const std::span<std::byte> buffer(memory.get(), kBytes);
  std::fill(buffer.begin(), buffer.end(), std::byte{1});
  double best = 0;
  std::vector<std::uint32_t> sums(pool.num_threads());
  for (int pass = 0; pass < 4; ++pass) {
    const auto start = Clock::now();
    const std::size_t part = kBytes / pool.num_threads() / 64 * 64;
    pool.for_each(pool.num_threads(), [&](std::size_t i) { sums[i] = word_sum(buffer.subspan(i * part, part)); });
    best = std::max(best, static_cast<double>(part * pool.num_threads()) / seconds_since(start));
  }
  return best;
}

/// Fills the speeds of prefill and decode.
void measure(transformer::Model& model, BenchResult& result) {
  const BenchOptions& options = result.options;
  std::vector<std::int32_t> tokens(options.prompt_tokens);
  for (std::uint32_t i = 0; i < options.prompt_tokens; ++i)
    tokens[i] = static_cast<std::int32_t>((i * 7919U + 13U) % model.vocab_size());
  transformer::Session session(model);
  (void)session.forward(std::span(tokens).first(1), transformer::LogitsOf::kLast);  // orders the cells of the chip
  for (std::uint32_t repeat = 0; repeat < options.repeats; ++repeat) {
    session.reset();
    auto start = Clock::now();
    (void)session.forward(tokens, transformer::LogitsOf::kLast);
    result.prefill_tokens_per_s = std::max(result.prefill_tokens_per_s, options.prompt_tokens / seconds_since(start));
    start = Clock::now();
    for (std::uint32_t i = 0; i < options.decode_tokens; ++i) {
      const std::int32_t token = tokens[i % options.prompt_tokens];
      (void)session.forward({&token, 1}, transformer::LogitsOf::kLast);
    }
    result.decode_tokens_per_s = std::max(result.decode_tokens_per_s, options.decode_tokens / seconds_since(start));
  }
}

}  // namespace

double BenchResult::decode_limit_tokens_per_s() const {
  return cell_bytes_per_token > 0 ? memory_bytes_per_s / cell_bytes_per_token : 0;
}

void check(const BenchOptions& options) {
  if (options.prompt_tokens == 0 || options.decode_tokens == 0 || options.repeats == 0)
    throw Error(ErrorCode::kInvalidArgument, "bench: token counts and repeats must be at least 1");
}

BenchResult bench(OpenedModel& opened, const BenchOptions& options) {
  check(options);
  const std::uint32_t context = opened.model().context_length();
  if (std::uint64_t{options.prompt_tokens} + options.decode_tokens > context) {
    throw Error(ErrorCode::kInvalidArgument,
                "bench: prompt and decode tokens exceed the context of " + std::to_string(context));
  }
  BenchResult result;
  result.options = options;
  result.description = opened.describe();
  result.kernel = analog::selected_kernel();
  result.threads = opened.pool().num_threads();
  result.memory_bytes_per_s = memory_bandwidth(opened.pool());
  measure(opened.model(), result);
  if (opened.chip() != nullptr) {
    for (const program::BlockRecord& block : opened.program()->blocks())
      result.cell_bytes_per_token += static_cast<double>(block.rows) * block.cols;
  }
  return result;
}

nlohmann::ordered_json bench_json(const BenchResult& result, const std::filesystem::path& model) {
  return {{"model", model.string()},
          {"run", result.description},
          {"kernel", result.kernel},
          {"threads", result.threads},
          {"prompt_tokens", result.options.prompt_tokens},
          {"prefill_tokens_per_s", result.prefill_tokens_per_s},
          {"decode_tokens_per_s", result.decode_tokens_per_s},
          {"memory_bytes_per_s", result.memory_bytes_per_s},
          {"cell_bytes_per_token", result.cell_bytes_per_token},
          {"decode_limit_tokens_per_s", result.decode_limit_tokens_per_s()}};
}

}  // namespace xw::toolchain
