// `crossweave generate-data`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/app/options.hpp"
#include "host/finetune/training/generate.hpp"
#include "host/report/text_format.hpp"

namespace xw::app {
namespace {

namespace po = boost::program_options;

finetune::Engine engine_of(const std::string& text) {
  if (text == "host") return finetune::Engine::kHost;
  if (text == "torch") return finetune::Engine::kTorch;
  throw Error(ErrorCode::kInvalidArgument, "--engine: expected host or torch, found '" + text + "'");
}

double rate(const finetune::DataSummary& summary) {
  return summary.seconds > 0 ? static_cast<double>(summary.made) / summary.seconds : 0;
}

}  // namespace

int generate_data_main(const std::vector<std::string>& arguments) {
  finetune::GenerateSettings settings;
  std::filesystem::path json_path;
  std::string engine;
  po::options_description options("Training text");
  auto add = options.add_options();
  add("model", path_value(settings.checkpoint, "CHECKPOINT"),
      "checkpoint that the text is sampled from: directory or file (safetensors, GGUF, llama2.c)");
  add("output,o", path_value(settings.output, "-o"), "folder for the shards and their manifest");
  add("text", path_value(settings.text, "--text"), "tokenise this text file instead of sampling");
  add("separator", po::value(&settings.separator),
      "of the documents in --text: a BOS token takes its place; in --to-text (there default <|endoftext|>)");
  add("to-text", path_value(settings.to_text, "--to-text"), "also write the documents as text to this file");
  add("temperature", po::value(&settings.sampling.temperature)->default_value(1), "divides logits");
  add("top-k", po::value(&settings.sampling.top_k)->default_value(0), "only the most probable tokens (0: all)");
  add("top-p", po::value(&settings.sampling.top_p)->default_value(1),
      "only the most probable tokens that hold this much");
  add("length", po::value(&settings.length)->default_value(settings.length),
      "tokens of a sequence, the first (BOS) included");
  add("sequences", po::value(&settings.sequences), "sequences to make");
  add("tokens", po::value(&settings.tokens), "or as many as hold so many tokens");
  add("seed", po::value(&settings.sampling.seed)->default_value(settings.sampling.seed), "of the sampling");
  add("batch", po::value(&settings.batch)->default_value(settings.batch), "sequences at once, and of a shard");
  add("engine", po::value(&engine), "what samples: host, or torch (default: host, with --device torch)");
  add("device", po::value(&settings.device)->default_value(settings.device), "of torch: cpu, cuda or cuda:N");
  add("compute", po::value(&settings.compute)->default_value(settings.compute),
      "fp32; of torch also bf16, of the host int8 (linear layers in 8-bit integers, the fastest on processors); "
      "auto: bf16 where torch is fast with it, fp32 on the host");
  add("tokenizer", path_value(settings.tokenizer, "--tokenizer"),
      "tokenizer file (default: found in or beside the checkpoint)");
  options.add(thread_options(settings.threads)).add(json_options(json_path));
  const auto values = parse_command_line(
      "generate-data", arguments, options, "model", "CHECKPOINT -o FOLDER [options]",
      "  crossweave generate-data SmolLM2-135M-Instruct.Q4_1.gguf -o data/smollm2 --tokens 1000000 --length 512\n"
      "  crossweave generate-data SmolLM2-135M-Instruct.Q4_1.gguf -o data/smollm2 --tokens 1000000 --compute int8\n"
      "  crossweave generate-data SmolLM2-135M-Instruct.Q4_1.gguf -o data/smollm2 --tokens 30000000 --batch 2048 \\\n"
      "    --device cuda\n"
      "  crossweave generate-data SmolLM2-135M-Instruct.Q4_1.gguf -o data/wikitext --text wiki.train.raw\n"
      "A call with the same settings goes on where a killed one was.\n");
  if (!values) return 0;
  if (settings.checkpoint.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "generate-data: no checkpoint given (see `crossweave generate-data --help`)");
  if (settings.output.empty())
    throw Error(ErrorCode::kInvalidArgument, "generate-data: no folder given; use -o FOLDER");
  if (settings.sequences != 0 && settings.tokens != 0)
    throw Error(ErrorCode::kInvalidArgument, "generate-data: expected --sequences or --tokens, found both");
  if (engine.empty()) engine = (*values)["device"].defaulted() ? "host" : "torch";
  settings.engine = engine_of(engine);
  if (settings.engine == finetune::Engine::kHost && !(*values)["device"].defaulted())
    throw Error(ErrorCode::kInvalidArgument, "--device cannot apply: the host samples; --engine torch uses devices");
  if (settings.text.empty() && settings.to_text.empty() && !settings.separator.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "--separator cannot apply: it stands between the documents of --text and --to-text");
  if (!settings.to_text.empty() && settings.text.empty() && settings.separator.empty())
    settings.separator = "<|endoftext|>";
  if (!settings.text.empty()) {
    for (const char* name : {"temperature", "top-k", "top-p", "seed", "device", "compute"}) {
      if (!(*values)[name].defaulted())
        throw Error(ErrorCode::kInvalidArgument, std::string("--") + name + " cannot apply: --text samples nothing");
    }
  }
  FileRoles roles;
  roles.add_input("the model", settings.checkpoint);
  roles.add_input("--tokenizer", settings.tokenizer);
  roles.add_input("--text", settings.text);
  roles.add_output("--to-text", settings.to_text, OutputKind::kText);
  roles.add_output("--json", json_path, OutputKind::kText);
  roles.check();
  const finetune::DataSummary summary = finetune::generate_data(settings, [&](const finetune::DataSummary& so_far) {
    if (json_path == "-") return;
    report::line(std::cout, "%llu tokens, %.0f tokens/s", static_cast<unsigned long long>(so_far.tokens), rate(so_far));
    std::cout.flush();
  });
  if (json_path != "-")
    report::line(std::cout, "%s: %llu tokens, %llu of them made in %.1f s (%.0f tokens/s)",
                 settings.output.string().c_str(), static_cast<unsigned long long>(summary.tokens),
                 static_cast<unsigned long long>(summary.made), summary.seconds, rate(summary));
  write_json(json_path, {"generate-data", arguments, roles},
             {{"output", settings.output.string()},
              {"tokens", summary.tokens},
              {"made", summary.made},
              {"seconds", summary.seconds},
              {"tokens_per_second", rate(summary)}});
  return 0;
}

}  // namespace xw::app
