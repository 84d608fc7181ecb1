// `crossweave compile`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/app/options.hpp"
#include "host/report/text_format.hpp"
#include "host/toolchain/compile.hpp"
#include "host/toolchain/program_json.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

void print_text(const compiler::CompileSummary& summary, const toolchain::CompileOptions& options,
                const std::filesystem::path& output) {
  const mapping::Plan& plan = summary.plan;
  const arch::ChipDescription chip = arch::load_chip(options.chip);
  const double cells = static_cast<double>(plan.num_tiles) * chip.rows * chip.cols;
  report::line(std::cout, "%s: %u tiles of %ux%u, %.1f %% of their cells used (proven lower bound %u: %s)",
               output.string().c_str(), plan.num_tiles, chip.rows, chip.cols,
               cells > 0 ? 100.0 * static_cast<double>(plan.cells_used) / cells : 0.0, plan.tiles_lower_bound,
               plan.lower_bound_reason.c_str());
  if (plan.num_chips() > 1)
    report::line(std::cout, "on %u chips of %u tiles, linked as a %s", plan.num_chips(), plan.tiles_per_chip,
                 arch::name(chip.links.topology));
  if (plan.num_rounds() > 1)
    report::line(std::cout,
                 "written in %u rounds onto %u tiles of the chip: %u areas, the last one for every round behind them",
                 plan.num_rounds(), plan.areas * plan.tiles_per_round, plan.areas);
  report::line(std::cout,
               "%.1f M analog weights in %zu blocks, %.1f M digital; %u calls, %llu instructions; %.1f MB in %.2f s",
               static_cast<double>(summary.analog_weights) * 1e-6, plan.blocks.size(),
               static_cast<double>(summary.digital_weights) * 1e-6, summary.num_calls,
               static_cast<unsigned long long>(summary.num_instructions),
               static_cast<double>(summary.program_bytes) * 1e-6, summary.seconds);
}

}  // namespace

int compile_main(const std::vector<std::string>& arguments) {
  toolchain::CompileOptions compile;
  std::filesystem::path model;
  std::filesystem::path output;
  unsigned threads = 0;
  std::filesystem::path json_path;
  po::options_description options = compile_options(compile);
  options.add_options()("model", path_value(model, "CHECKPOINT"),
                        "checkpoint: directory or file (safetensors, GGUF, llama2.c)")(
      "output,o", path_value(output, "-o"), "program file to write");
  options.add(thread_options(threads)).add(json_options(json_path));
  const auto values = parse_command_line(
      "compile", arguments, options, "model", "CHECKPOINT -o PROGRAM [options]",
      "  crossweave compile SmolLM2-135M-Instruct.Q4_1.gguf --chip afm-512 -o smollm2.xwp\n"
      "  crossweave compile Llama-3.2-1B/ --chip my-chip.toml --weights w4 --lm-head analog -o llama.xwp\n"
      "  crossweave compile model.gguf --ranges percentile:99.99 --lambda auto -o model.xwp\n");
  if (!values) return 0;
  if (model.empty())
    throw Error(ErrorCode::kInvalidArgument, "compile: no checkpoint given (see `crossweave compile --help`)");
  if (output.empty()) throw Error(ErrorCode::kInvalidArgument, "compile: no output given; use -o PROGRAM");
  FileRoles roles;
  add_model_files(roles, model, compile, nullptr);
  roles.add_output("-o", output, OutputKind::kProgram);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  ThreadPool pool(threads);
  const compiler::CompileSummary summary = toolchain::compile_checkpoint(model, compile, output, pool);
  if (json_path != "-") print_text(summary, compile, output);
  write_json(json_path, {"compile", arguments, roles}, toolchain::compile_json(summary, output));
  return 0;
}

}  // namespace xw::app
