// `crossweave run`: text from a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "arch/support/checksum.hpp"
#include "arch/support/interrupt.hpp"
#include "host/app/chip_times.hpp"
#include "host/app/line_reader.hpp"
#include "host/app/options.hpp"
#include "host/app/simulation_progress.hpp"
#include "host/report/device_activity.hpp"
#include "host/toolchain/version.hpp"
#include "host/transformer/generate.hpp"

namespace xw::app {

namespace {

namespace po = boost::program_options;

struct TextFlags {
  std::string prompt, chat, system;
  std::filesystem::path json;
  transformer::GenerateOptions generate;
  unsigned threads = 0;
  bool interactive = false, raw = false, statistics = false;
};

po::options_description text_options(TextFlags& flags) {
  po::options_description options("Text");
  auto add = options.add_options();
  add("prompt,p", po::value(&flags.prompt), "text to continue; control tokens in it are recognised");
  add("chat,c", po::value(&flags.chat), "one user message, rendered with the model's chat template");
  add("system", po::value(&flags.system), "system message for --chat and --interactive");
  add("interactive,i", po::bool_switch(&flags.interactive), "chat line by line from standard input");
  add("tokens,n", po::value(&flags.generate.max_tokens)->default_value(128), "new tokens at most (per answer)");
  add("temperature,t", po::value(&flags.generate.sampler.temperature)->default_value(0), "0: greedy");
  add("top-k", po::value(&flags.generate.sampler.top_k)->default_value(0), "sample among the k likeliest (0: all)");
  add("top-p", po::value(&flags.generate.sampler.top_p)->default_value(1),
      "sample among the likeliest that hold this mass");
  add("seed", po::value(&flags.generate.sampler.seed)->default_value(0), "seed of the sampling (not of the chip)");
  add("ignore-eos", po::bool_switch(&flags.raw), "do not stop at end-of-text tokens");
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

  void write(const std::string& text) {
    progress.clear();
    if (shown) std::cout << text << std::flush;
  }
};

/// Totals over answers, for --stats and --json.
struct Totals {
  std::vector<std::int32_t> tokens;
  std::string text, reason;
  PhaseTimes prefill, decode;
};

/// Generates one answer, streaming it to `out`.
void answer(transformer::Session& session, toolchain::OpenedModel& opened, const std::vector<std::int32_t>& prompt,
            const TextFlags& flags, Output& out, Totals& totals) {
  tokenizer::StreamDecoder decoder(opened.tokenizer());
  const auto emit = [&](const std::string& text) {
    totals.text += text;
    out.write(text);
  };
  if (flags.chat.empty() && !flags.interactive) {
    for (const std::int32_t token : prompt) (void)decoder.push(token);  // so that a leading space of the answer is kept
  }
  PhaseMeter meter(opened.chip());
  bool prompt_is_read = false;
  const transformer::GenerateResult result =
      transformer::generate(session, prompt, flags.generate, [&](std::int32_t token) {
        throw_if_interrupted();
        if (!prompt_is_read) meter.lap(totals.prefill);
        prompt_is_read = true;
        emit(decoder.push(token));
        return true;
      });
  emit(decoder.flush());
  totals.tokens.insert(totals.tokens.end(), result.tokens.begin(), result.tokens.end());
  totals.reason = transformer::name(result.reason);
  meter.lap(prompt_is_read ? totals.decode : totals.prefill);
  totals.prefill.tokens += result.prefill_tokens;
  totals.decode.tokens += result.decode_tokens;
  totals.prefill.seconds += result.prefill_seconds;
  totals.decode.seconds += result.decode_seconds;
}

/// What a user writes must not become control tokens when the rendered conversation is encoded.
void refuse_control_tokens(const tokenizer::Tokenizer& tokenizer, const std::string& message) {
  const tokenizer::TokenizerData& data = tokenizer.data();
  for (std::size_t id = 0; id < data.tokens.size(); ++id) {
    if (data.types[id] != tokenizer::TokenType::kControl || data.tokens[id].size() < 3) continue;
    if (message.find(data.tokens[id]) != std::string::npos) {
      throw Error(ErrorCode::kInvalidArgument, "the message contains the control token " + data.tokens[id] +
                                                   "; a conversation has text only (--prompt takes control tokens)");
    }
  }
}

std::vector<std::int32_t> chat_prompt(const tokenizer::Tokenizer& tokenizer, const std::string& system,
                                      const std::string& user) {
  std::vector<tokenizer::ChatMessage> messages;
  refuse_control_tokens(tokenizer, system);
  refuse_control_tokens(tokenizer, user);
  if (!system.empty()) messages.push_back({"system", system});
  messages.push_back({"user", user});
  return tokenizer.encode(tokenizer.apply_chat_template(messages, true), false, true);
}

/// All of standard input without the newlines at its end.
std::string standard_input() {
  LineReader lines(STDIN_FILENO);
  std::string text;
  for (std::string line; lines.next(line);) text += line + "\n";
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

/// A conversation on standard input; the whole history is rendered anew each turn and only its new tokens are fed.
void converse(transformer::Session& session, toolchain::OpenedModel& opened, const TextFlags& flags, Output& out,
              Totals& totals) {
  const tokenizer::Tokenizer& tokenizer = opened.tokenizer();
  std::vector<tokenizer::ChatMessage> messages;
  if (!flags.system.empty()) messages.push_back({"system", flags.system});
  std::vector<std::int32_t> fed;
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  LineReader lines(STDIN_FILENO);
  std::string message;
  for (;;) {
    if (terminal) out.write("> ");
    if (!lines.next(message)) break;
    if (message.ends_with('\r')) message.pop_back();  // lines of Windows
    if (message.empty()) continue;
    refuse_control_tokens(tokenizer, message);
    messages.push_back({"user", message});
    const std::vector<std::int32_t> all = tokenizer.encode(tokenizer.apply_chat_template(messages, true), false, true);
    const auto common =
        static_cast<std::size_t>(std::mismatch(all.begin(), all.end(), fed.begin(), fed.end()).first - all.begin());
    std::vector<std::int32_t> next;
    if (common == fed.size() && common < all.size()) {
      next.assign(all.begin() + static_cast<std::ptrdiff_t>(common), all.end());
    } else {  // the rendering changed the past: start over
      session.reset();
      fed.clear();
      next = all;
    }
    const std::size_t first_token = totals.tokens.size();
    const std::size_t first_byte = totals.text.size();
    answer(session, opened, next, flags, out, totals);
    out.write("\n");
    messages.push_back({"assistant", totals.text.substr(first_byte)});
    fed.insert(fed.end(), next.begin(), next.end());
    fed.insert(fed.end(), totals.tokens.begin() + static_cast<std::ptrdiff_t>(first_token), totals.tokens.end());
    fed.resize(session.position());  // the session has not seen the last token
  }
}

/// Counters of all calls and the host time inside the device.
std::pair<device::RunStats, double> device_totals(const runtime::ChipInstance& chip) {
  std::pair<device::RunStats, double> totals;
  for (const runtime::CallStats& call : chip.stats()) {
    totals.first += call.device;
    totals.second += call.device_seconds;
  }
  return totals;
}

/// Of the checksums of all calls, eight digits.
std::string y_checksum(const runtime::ChipInstance& chip) {
  std::vector<std::uint32_t> sums;
  for (const runtime::CallStats& call : chip.stats()) sums.push_back(call.y_crc32);
  char text[9];
  std::snprintf(text, sizeof text, "%08x", crc32(std::as_bytes(std::span(sums))));
  return text;
}

nlohmann::ordered_json to_json(toolchain::OpenedModel& opened, const Totals& totals, const std::string& model) {
  nlohmann::ordered_json json = {{"model", model},
                                 {"run", opened.describe()},
                                 {"tool_version", toolchain::kVersion},
                                 {"text", totals.text},
                                 {"tokens", totals.tokens},
                                 {"stop", totals.reason},
                                 {"prefill_tokens", totals.prefill.tokens},
                                 {"prefill_seconds", totals.prefill.seconds},
                                 {"decode_tokens", totals.decode.tokens},
                                 {"decode_seconds", totals.decode.seconds}};
  if (runtime::ChipInstance* chip = opened.chip(); chip != nullptr) {
    const auto [sum, seconds] = device_totals(*chip);
    json["device"] = {{"mvms", sum.mvms},
                      {"macs", sum.macs},
                      {"adc_conversions", sum.adc_conversions},
                      {"adc_saturations", sum.adc_saturations},
                      {"cycles", sum.total_cycles}};
    if (chip->device().info().chip_time) json["device"]["chip_ns"] = sum.chip_ns;
    const bool values = chip->device().info().values;
    if (!values) json["device"]["values"] = false;  // the text means nothing
    if (chip->options().checksum_y) json["device"]["y_crc32"] = values ? nlohmann::json(y_checksum(*chip)) : nullptr;
    if (const device::DeviceInfo& info = chip->device().info(); info.cycle_accurate) {
      json["device"]["activity"] = report::to_json(report::activity(sum, info.emulator, seconds));
    }
    if (chip->device().info().chip_time) json["chip"] = chip_times_json(*chip, totals.prefill, totals.decode);
  }
  return json;
}

void print_statistics(toolchain::OpenedModel& opened, const Totals& totals) {
  const auto rate = [](std::uint64_t tokens, double seconds) {
    return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0;
  };
  std::fprintf(stderr, "\n%s\nprefill %llu tokens, %.1f tokens/s; decode %llu tokens, %.1f tokens/s; stopped by %s\n",
               opened.describe().c_str(), static_cast<unsigned long long>(totals.prefill.tokens),
               rate(totals.prefill.tokens, totals.prefill.seconds),
               static_cast<unsigned long long>(totals.decode.tokens), rate(totals.decode.tokens, totals.decode.seconds),
               totals.reason.c_str());
  if (runtime::ChipInstance* chip = opened.chip(); chip != nullptr) {
    const auto [sum, seconds] = device_totals(*chip);
    const device::DeviceInfo& info = chip->device().info();
    std::string time;
    if (info.cycle_accurate) time = ", " + std::to_string(sum.total_cycles) + " cycles";
    if (info.chip_time) time = ", " + std::to_string(sum.chip_ns) + " ns of the chip";
    std::fprintf(stderr, "device: %llu MVMs, %llu ADC conversions, %llu saturated%s; programming took %.2f s\n",
                 static_cast<unsigned long long>(sum.mvms), static_cast<unsigned long long>(sum.adc_conversions),
                 static_cast<unsigned long long>(sum.adc_saturations), time.c_str(), chip->programming_seconds());
    if (chip->options().checksum_y) {
      const std::string words = info.values ? "CRC-32 " + y_checksum(*chip) : "none, only time was simulated";
      std::fprintf(stderr, "Y words: %s\n", words.c_str());
    }
    if (info.cycle_accurate) {
      const report::DeviceActivity device = report::activity(sum, info.emulator, seconds);
      std::fprintf(stderr, "simulated at %.2f Mcycles/s, %.1f MMAC/s; MAC utilisation %.1f %%; the rest: %s\n",
                   device.cycles_per_second * 1e-6, device.macs_per_second * 1e-6, 100 * device.mac_utilisation,
                   device.lost().c_str());
    }
    if (info.chip_time) print_chip_times(*chip, totals.prefill, totals.decode);
  }
}

}  // namespace

int run_main(const std::vector<std::string>& arguments) {
  std::filesystem::path model;
  toolchain::RunOptions run;
  toolchain::CompileOptions compile;
  TextFlags flags;
  po::options_description options = text_options(flags);
  options.add_options()("model", po::value(&model), "program or checkpoint");
  options.add(thread_options(flags.threads)).add(json_options(flags.json));
  options.add(execution_options(run)).add(compile_options(compile));
  const auto values = parse_command_line(
      "run", arguments, options, "model",
      "MODEL (--prompt TEXT | --chat TEXT | --interactive | text on standard input)",
      "  crossweave run smollm2.xwp --chat \"Why is the sky blue?\" --noise pcm-afm --chip-seed 7\n"
      "  crossweave run model.gguf --prompt \"Once upon a time\" -n 64           # fp32 reference\n"
      "  crossweave run model.gguf --mode analog --chip hermes-256 -p Hello     # compiles to a temporary program\n"
      "  echo \"The capital of France is\" | crossweave run smollm2.xwp -n 16 --stats\n");
  if (!values) return 0;
  if (!flags.prompt.empty() && !flags.chat.empty())
    throw Error(ErrorCode::kInvalidArgument, "run: give --prompt or --chat, not both");
  if (!flags.system.empty() && flags.chat.empty() && !flags.interactive) {
    throw Error(ErrorCode::kInvalidArgument, "run: --system needs --chat or --interactive");
  }
  (void)transformer::Sampler(flags.generate.sampler);  // refuses impossible options before any work is done
  SimulationProgress progress(run);
  Output out{flags.json != "-", progress};
  toolchain::OpenedModel opened(model, run, compile, flags.threads);
  refuse_unused(*values, opened, execution_options(run), compile_options(compile));
  if (runtime::ChipInstance* chip = opened.chip(); chip != nullptr && !chip->device().info().values) {
    if (flags.json != "-") std::fprintf(stderr, "timing-only: products are not computed, the text means nothing\n");
  }
  const tokenizer::Tokenizer& tokenizer = opened.tokenizer();
  if (!flags.raw) {
    flags.generate.stop_tokens = transformer::stop_tokens(opened.model().graph(), tokenizer.data().end_of_generation);
  }
  transformer::Session session(opened.model());
  Totals totals;
  if (flags.interactive) {
    converse(session, opened, flags, out, totals);
  } else {
    if (flags.prompt.empty() && flags.chat.empty() && values->count("prompt") == 0) {
      flags.prompt = standard_input();
    }
    std::vector<std::int32_t> prompt = flags.chat.empty() ? tokenizer.encode(flags.prompt, true, true)
                                                          : chat_prompt(tokenizer, flags.system, flags.chat);
    if (prompt.empty() && tokenizer.data().bos >= 0) prompt.push_back(tokenizer.data().bos);
    if (prompt.empty())
      throw Error(ErrorCode::kInvalidArgument, "run: the prompt is empty and the tokenizer has no token to begin with");
    if (flags.chat.empty()) out.write(flags.prompt);
    answer(session, opened, prompt, flags, out, totals);
    out.write("\n");
  }
  if (flags.statistics) print_statistics(opened, totals);
  if (!flags.json.empty()) {
    write_json(
        flags.json,
        to_json(opened, totals, model.string()).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  return 0;
}

}  // namespace xw::app
