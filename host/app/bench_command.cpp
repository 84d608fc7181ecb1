// `crossweave bench`: how fast this machine runs a model, against what its memory allows.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/toolchain/bench.hpp"

namespace xw::app {

namespace po = boost::program_options;

int bench_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  toolchain::BenchOptions bench;
  unsigned threads = 0;
  std::filesystem::path json_path;
  po::options_description options = run_options(run);
  options.add(compile_options(compile));
  options.add_options()("model", path_value(model, "MODEL"), "program or checkpoint")(
      "prompt-tokens", po::value(&bench.prompt_tokens)->default_value(bench.prompt_tokens), "tokens of the prefill")(
      "decode-tokens", po::value(&bench.decode_tokens)->default_value(bench.decode_tokens), "tokens of the decode")(
      "repeats", po::value(&bench.repeats)->default_value(bench.repeats), "runs; the best counts");
  options.add(thread_options(threads)).add(json_options(json_path));
  const auto values = parse_command_line("bench", arguments, options, "model", "MODEL [options]",
                                         "  crossweave bench smollm2.xwp --noise pcm-afm --threads 1\n"
                                         "  crossweave bench SmolLM2-135M-Instruct.Q4_1.gguf --mode fp32 --json\n");
  if (!values) return 0;
  toolchain::check(bench);
  FileRoles roles;
  add_model_files(roles, model, compile, &run);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  const SimulationProgress progress(run);
  toolchain::OpenedModel opened(model, run, compile, threads);
  refuse_unused(*values, opened, run_options(run), compile_options(compile));
  const toolchain::BenchResult result = toolchain::bench(opened, bench);
  write_json(json_path, {"bench", arguments, roles}, toolchain::bench_json(result, model));
  if (json_path == "-") return 0;
  std::printf("%s\nkernel %s, %u threads\n", result.description.c_str(), result.kernel.c_str(), result.threads);
  std::printf("prefill  %8.1f tokens/s  (%u tokens, measured)\n", result.prefill_tokens_per_s, bench.prompt_tokens);
  std::printf("decode   %8.1f tokens/s  (measured)\n", result.decode_tokens_per_s);
  std::printf("memory   %8.1f GB/s      (measured read)\n", result.memory_bytes_per_s * 1e-9);
  if (const double limit = result.decode_limit_tokens_per_s(); limit > 0) {
    std::printf("limit    %8.1f tokens/s  (%.1f MB of cells per token at that bandwidth); decode reaches %.0f %%\n",
                limit, result.cell_bytes_per_token * 1e-6, 100 * result.decode_tokens_per_s / limit);
  }
  return 0;
}

}  // namespace xw::app
