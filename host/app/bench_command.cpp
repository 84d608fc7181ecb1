// `crossweave bench`: how fast this machine runs a model, against what its memory allows.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "arch/support/checksum.hpp"
#include "arch/support/file.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "models/analog/numerics.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Read bandwidth of all threads over a buffer larger than the caches, bytes/s, best of several passes.
double memory_bandwidth(ThreadPool& pool) {
  constexpr std::size_t kBytes = std::size_t{256} << 20;
  std::vector<std::byte> buffer(kBytes, std::byte{1});
  double best = 0;
  std::vector<std::uint32_t> sums(pool.num_threads());
  for (int pass = 0; pass < 4; ++pass) {
    const auto start = Clock::now();
    const std::size_t part = kBytes / pool.num_threads() / 64 * 64;
    pool.for_each(pool.num_threads(),
                  [&](std::size_t i) { sums[i] = word_sum(std::span(buffer).subspan(i * part, part)); });
    best = std::max(best, static_cast<double>(part * pool.num_threads()) / seconds_since(start));
  }
  return best;
}

struct Speeds {
  double prefill_tokens_per_s = 0, decode_tokens_per_s = 0;
};

/// Best of `repeats`: a prompt of `prompt` tokens, then `decode` single tokens. Token ids are arbitrary but fixed.
Speeds measure(toolchain::OpenedModel& opened, std::uint32_t prompt, std::uint32_t decode, unsigned repeats) {
  Speeds best;
  std::vector<std::int32_t> tokens(prompt);
  const auto vocabulary = static_cast<std::int32_t>(opened.model().vocab_size());
  for (std::uint32_t i = 0; i < prompt; ++i)
    tokens[i] = static_cast<std::int32_t>((i * 7919U + 13U) % static_cast<std::uint32_t>(vocabulary));
  transformer::Session session(opened.model());
  for (unsigned repeat = 0; repeat < repeats; ++repeat) {
    session.reset();
    auto start = Clock::now();
    (void)session.forward(tokens, transformer::LogitsOf::kLast);
    best.prefill_tokens_per_s = std::max(best.prefill_tokens_per_s, prompt / seconds_since(start));
    start = Clock::now();
    for (std::uint32_t i = 0; i < decode; ++i) {
      const std::int32_t token = tokens[i % prompt];
      (void)session.forward({&token, 1}, transformer::LogitsOf::kLast);
    }
    best.decode_tokens_per_s = std::max(best.decode_tokens_per_s, decode / seconds_since(start));
  }
  return best;
}

}  // namespace

int bench_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  unsigned threads = 0;
  std::filesystem::path json_path;
  std::uint32_t prompt = 512;
  std::uint32_t decode = 32;
  unsigned repeats = 3;
  po::options_description options = run_options(run);
  options.add(compile_options(compile));
  options.add_options()("model", po::value(&model), "program or checkpoint")(
      "prompt-tokens", po::value(&prompt)->default_value(prompt), "tokens of the prefill")(
      "decode-tokens", po::value(&decode)->default_value(decode), "tokens of the decode")(
      "repeats", po::value(&repeats)->default_value(repeats), "runs; the best counts");
  options.add(thread_options(threads)).add(json_options(json_path));
  const auto values = parse_command_line("bench", arguments, options, "model", "MODEL [options]",
                                         "  crossweave bench smollm2.xwp --noise pcm-afm --threads 1\n"
                                         "  crossweave bench SmolLM2-135M-Instruct.Q4_1.gguf --mode fp32 --json\n");
  if (!values) return 0;
  if (prompt == 0 || decode == 0 || repeats == 0)
    throw Error(ErrorCode::kInvalidArgument, "bench: token counts and repeats must be at least 1");
  const SimulationProgress progress(run);
  toolchain::OpenedModel opened(model, run, compile, threads);
  refuse_unused(*values, opened, run_options(run), compile_options(compile));
  if (prompt + decode > opened.model().context_length()) {
    throw Error(ErrorCode::kInvalidArgument, "bench: prompt and decode tokens exceed the context of " +
                                                 std::to_string(opened.model().context_length()));
  }
  const double bandwidth = memory_bandwidth(opened.pool());
  const Speeds speeds = measure(opened, prompt, decode, repeats);
  // Every weight is read once per decoded token: one byte per analog cell.
  double cell_bytes = 0;
  if (const auto program = opened.program(); program && opened.mode() == toolchain::Mode::kAnalog) {
    for (const program::BlockRecord& block : program->blocks())
      cell_bytes += static_cast<double>(block.rows) * block.cols;
  }
  const double limit = cell_bytes > 0 ? bandwidth / cell_bytes : 0;
  if (!json_path.empty()) {
    const nlohmann::ordered_json json = {{"model", model.string()},
                                         {"run", opened.describe()},
                                         {"kernel", analog::selected_kernel()},
                                         {"threads", opened.pool().num_threads()},
                                         {"prompt_tokens", prompt},
                                         {"prefill_tokens_per_s", speeds.prefill_tokens_per_s},
                                         {"decode_tokens_per_s", speeds.decode_tokens_per_s},
                                         {"memory_bytes_per_s", bandwidth},
                                         {"cell_bytes_per_token", cell_bytes},
                                         {"decode_limit_tokens_per_s", limit}};
    write_json(json_path, json.dump(2) + "\n");
    return 0;
  }
  std::printf("%s\nkernel %s, %u threads\n", opened.describe().c_str(), analog::selected_kernel().c_str(),
              opened.pool().num_threads());
  std::printf("prefill  %8.1f tokens/s  (%u tokens, measured)\n", speeds.prefill_tokens_per_s, prompt);
  std::printf("decode   %8.1f tokens/s  (measured)\n", speeds.decode_tokens_per_s);
  std::printf("memory   %8.1f GB/s      (measured read)\n", bandwidth * 1e-9);
  if (limit > 0) {
    std::printf("limit    %8.1f tokens/s  (%.1f MB of cells per token at that bandwidth); decode reaches %.0f %%\n",
                limit, cell_bytes * 1e-6, 100 * speeds.decode_tokens_per_s / limit);
  }
  return 0;
}

}  // namespace xw::app
