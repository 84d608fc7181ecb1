// `crossweave run`: text from a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/line_reader.hpp"
#include "arch/support/printable.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/toolchain/device_totals.hpp"
#include "host/toolchain/statistics_text.hpp"
#include "host/toolchain/text_session.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

struct TextFlags {
  std::string prompt, prompt_ids, chat, system;
  std::filesystem::path json;
  transformer::GenerateOptions generate;
  unsigned threads = 0;
  bool is_chat = false, interactive = false, raw = false, ids = false, statistics = false;
};

po::options_description text_options(TextFlags& flags) {
  po::options_description options("Text");
  auto add = options.add_options();
  add("prompt,p", po::value(&flags.prompt), "text to continue; control tokens in it are recognised");
  add("prompt-ids", po::value(&flags.prompt_ids),
      "token ids to continue, \"1, 504, 2\": nothing is put in front of them");
  add("chat,c", po::value(&flags.chat), "one user message, rendered with the model's chat template");
  add("system", po::value(&flags.system), "system message for --chat and --interactive");
  add("interactive,i", po::bool_switch(&flags.interactive), "chat line by line from standard input");
  add("tokens,n", po::value(&flags.generate.max_tokens)->default_value(128), "new tokens at most (per answer)");
  add("temperature,t", po::value(&flags.generate.sampler.temperature)->default_value(0), "0: greedy");
  add_sampler_options(add, flags.generate.sampler.top_k, flags.generate.sampler.top_p, flags.generate.sampler.seed);
  add("ignore-eos", po::bool_switch(&flags.raw), "do not stop at end-of-text tokens");
  add("ids", po::bool_switch(&flags.ids), "print the ids of the new tokens instead of text");
  add("stats", po::bool_switch(&flags.statistics), "speed and counters on standard error");
  return options;
}

/// Those of every command that executes, and what only this one shows.
po::options_description execution_options(toolchain::RunOptions& run) {
  po::options_description options = run_options(run);
  options.add_options()("y-checksum", po::bool_switch(&run.chip.checksum_y),
                        "CRC-32 over every word that the device computed: equal on devices that agree bit for bit");
  return options;
}

/// Where the text goes while a simulation shows how far it is behind it.
struct Output {
  bool shown = false;
  SimulationProgress& progress;
  bool terminal = ::isatty(STDOUT_FILENO) == 1;  ///< which must not obey what a vocabulary holds; files get every byte

  void write(const std::string& text) {
    progress.clear();
    if (shown) std::cout << (terminal ? printable_lines(text) : text) << std::flush;
  }
};

std::string id_line(const std::vector<std::int32_t>& tokens) {
  std::string text;
  for (const std::int32_t token : tokens) text += (text.empty() ? "" : " ") + std::to_string(token);
  return text;
}

/// All of standard input without the newlines at its end.
std::string standard_input() {
  LineReader lines(STDIN_FILENO);
  std::string text;
  for (std::string line; lines.next(line);) text += line + "\n";
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

/// A conversation on standard input.
void converse(toolchain::TextSession& session, Output& out) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  LineReader lines(STDIN_FILENO);
  std::string message;
  for (;;) {
    if (terminal) out.write("> ");
    if (!lines.next(message)) break;
    if (message.ends_with('\r')) message.pop_back();  // lines of Windows
    if (message.empty()) continue;
    session.say(message, [&](const std::string& text) { out.write(text); });
    out.write("\n");
  }
}

}  // namespace

int run_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  TextFlags flags;
  po::options_description options = text_options(flags);
  options.add_options()("model", path_value(model, "MODEL"), "program or checkpoint");
  options.add(thread_options(flags.threads)).add(json_options(flags.json));
  options.add(execution_options(run)).add(compile_options(compile));
  const auto values = parse_command_line(
      "run", arguments, options, "model",
      "MODEL (--prompt TEXT | --chat TEXT | --interactive | text on standard input)",
      "  crossweave run smollm2.xwp --chat \"Why is the sky blue?\" --noise pcm-afm --chip-seed 7\n"
      "  crossweave run model.gguf --prompt \"Once upon a time\" -n 64           # fp32 reference\n"
      "  crossweave run model.gguf --mode analog --chip hermes-256 -p Hello     # compiles to a temporary program\n"
      "  crossweave run smollm2.xwp --prompt-ids \"504 2404 282\" -n 8 --ids      # tokens in and out\n"
      "  echo \"The capital of France is\" | crossweave run smollm2.xwp -n 16 --stats\n");
  if (!values) return 0;
  flags.is_chat = values->count("chat") != 0;  // an empty message is a message
  const bool has_ids = values->count("prompt-ids") != 0;
  if ((values->count("prompt") != 0) + flags.is_chat + has_ids > 1)
    throw Error(ErrorCode::kInvalidArgument, "run: give one of --prompt, --prompt-ids and --chat");
  if (flags.interactive && (has_ids || flags.ids))
    throw Error(ErrorCode::kInvalidArgument, "run: a conversation has text, not --prompt-ids or --ids");
  const std::vector<std::int32_t> prompt_ids =
      has_ids ? toolchain::parse_token_ids(flags.prompt_ids) : std::vector<std::int32_t>();
  if (values->count("system") != 0 && !flags.is_chat && !flags.interactive) {
    throw Error(ErrorCode::kInvalidArgument, "run: --system needs --chat or --interactive");
  }
  (void)transformer::Sampler(flags.generate.sampler);  // refuses impossible options before any work is done
  FileRoles roles;
  add_model_files(roles, model, compile, &run);
  roles.add_output("--json", flags.json, OutputKind::kText);
  roles.check();
  SimulationProgress progress(run);
  Output out{flags.json != "-" && !flags.ids, progress};
  toolchain::OpenedModel opened(model, run, compile, flags.threads);
  refuse_unused(*values, opened, execution_options(run), compile_options(compile));
  if (runtime::ChipInstance* chip = opened.chip(); chip != nullptr && !chip->device().info().values) {
    if (flags.json != "-") std::fprintf(stderr, "timing-only: products are not computed, the text means nothing\n");
  }
  toolchain::TextSession session(opened, flags.generate, !flags.raw);
  const auto emit = [&](const std::string& text) { out.write(text); };
  if (!flags.system.empty()) session.set_system(flags.system);
  if (flags.interactive) {
    converse(session, out);
  } else {
    if (flags.is_chat) {
      session.say(flags.chat, emit);
    } else if (has_ids) {
      session.complete_tokens(prompt_ids, emit);
    } else {
      if (values->count("prompt") == 0) flags.prompt = standard_input();
      out.write(flags.prompt);
      session.complete(flags.prompt, emit);
    }
    out.write("\n");
  }
  if (flags.ids && flags.json != "-") std::cout << id_line(session.totals().tokens) << std::endl;
  if (flags.statistics) toolchain::write_statistics(std::cerr, opened, session.totals());
  if (!flags.json.empty())
    write_json(flags.json, {"run", arguments, roles}, toolchain::run_json(opened, session.totals(), model));
  return 0;
}

}  // namespace xw::app
