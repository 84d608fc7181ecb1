// Inputs and settings of an evaluation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluation_settings.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "arch/support/checksum.hpp"
#include "arch/support/file.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

std::string identity(std::uint32_t crc, std::uint64_t bytes) {
  return "crc32 " + crc32_text(crc) + ", " + std::to_string(bytes) + " bytes";
}

std::string identity(const std::string& bytes) {
  return identity(crc32(std::as_bytes(std::span(bytes))), bytes.size());
}

/// Whether a model is read from it; other files may come and go, results of evaluations among them.
bool is_of_a_model(const std::filesystem::path& file) {
  constexpr std::array kNames = {
      "config.json",           "generation_config.json", "rpu_config.json",    "model.safetensors.index.json",
      "tokenizer_config.json", "tokenizer.json",         "chat_template.jinja"};
  constexpr std::array kSuffixes = {".safetensors", ".gguf", ".bin", ".model"};
  return std::ranges::find(kNames, file.filename().string()) != kNames.end() ||
         std::ranges::find(kSuffixes, file.extension().string()) != kSuffixes.end();
}

/// Of a checkpoint, by the names, sizes and times of its files.
std::string files_identity(const std::filesystem::path& path) {
  std::vector<std::string> files;
  const auto add = [&](const std::filesystem::path& file) {
    files.push_back(file.filename().string() + " " + std::to_string(std::filesystem::file_size(file)) + " " +
                    std::to_string(std::filesystem::last_write_time(file).time_since_epoch().count()) + "\n");
  };
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.is_regular_file() && is_of_a_model(entry.path())) add(entry.path());
    }
  } else {
    add(path);
  }
  std::ranges::sort(files);
  std::string all;
  for (const std::string& file : files) all += file;
  return "crc32 " + crc32_text(crc32(std::as_bytes(std::span(all)))) + ", " + std::to_string(files.size()) + " files";
}

std::string identity(const EvaluationInputs& inputs) {
  std::uint32_t crc = crc32(std::as_bytes(std::span(inputs.text)));
  std::uint64_t tokens = inputs.text.size();
  for (const evaluation::EncodedTask& task : inputs.tasks) {
    for (const auto& requests : task) {
      for (const evaluation::EncodedRequest& request : requests) {
        crc = crc32(std::as_bytes(std::span(request.tokens)), crc);
        tokens += request.tokens.size();
      }
    }
  }
  return "crc32 " + crc32_text(crc) + ", " + std::to_string(tokens) + " tokens";
}

/// The file that a text of options names behind `key`; empty without one.
std::string file_of(const std::string& options, const std::string& key) {
  const std::size_t begin = options.find(key);
  if (begin == std::string::npos) return "";
  const std::size_t path = begin + key.size();
  return options.substr(path, options.find(',', path) - path);
}

}  // namespace

EvaluationInputs encode(OpenedModel& opened, const EvaluationPlan& plan) {
  EvaluationInputs inputs;
  const tokenizer::Tokenizer& tokenizer = opened.tokenizer();
  inputs.bos = evaluation::bos_token(tokenizer, plan.perplexity.bos);
  if (plan.text) inputs.text = tokenizer.encode(*plan.text, false, false);
  for (const evaluation::Task& task : plan.tasks) {
    inputs.tasks.push_back(evaluation::encode(task, tokenizer, plan.perplexity.bos, opened.model().context_length()));
  }
  return inputs;
}

Json evaluation_settings(const OpenedModel& opened, const EvaluationPlan& plan, const EvaluationInputs& inputs,
                         const std::filesystem::path& model) {
  Json settings = {{"tool_version", kVersion}, {"build_id", build_id()}, {"mode", name(opened.mode())}};
  if (const auto program = opened.program()) {
    settings["program"] = identity(program->identity(), program->file_bytes());
  } else if (!model.empty()) {
    settings["checkpoint"] = files_identity(model);
  }
  if (const runtime::ChipInstance* chip = opened.chip(); chip != nullptr) {
    const runtime::ChipOptions& options = chip->options();
    settings.update({{"noise", options.noise}, {"read_sigma", options.read_sigma}});
    if (options.faults != "none") {
      settings["faults"] = options.faults;
      if (const std::string map = file_of(options.faults, "map="); !map.empty())
        settings["faults_map"] = identity(read_text_file(map));
      settings["spares"] = options.spares;
    }
    // All devices give the same words, but for studies.
    if (const std::string& device = chip->device().info().name; device.starts_with("functional:"))
      settings["device"] = device;
    if (options.adc_mismatch.gain > 0) settings["adc_mismatch"] = options.adc_mismatch.gain;
    if (options.adc_mismatch.offset > 0) settings["adc_offsets"] = options.adc_mismatch.offset;
    if (options.compensation != "none") {
      settings["compensation"] = options.compensation;
      settings["recalibrate_seconds"] = options.recalibrate;
    }
    if (plan.times.empty()) {
      settings["seconds"] = options.seconds;
    } else {
      settings["seconds"] = plan.times;
    }
  }
  if (plan.text) {
    settings.update(
        {{"text", identity(*plan.text)}, {"tokens", plan.perplexity.max_tokens}, {"context", plan.perplexity.context}});
  }
  for (const evaluation::Task& task : plan.tasks) settings["tasks"][task.name] = evaluation::identity(task);
  if (plan.sampling != evaluation::Sampling{}) {
    const transformer::SamplerOptions& sampler = plan.sampling.sampler;
    settings["samples"] = plan.sampling.samples;
    settings.update({{"temperature", sampler.temperature},
                     {"top_k", sampler.top_k},
                     {"top_p", sampler.top_p},
                     {"sampling_seed", sampler.seed}});
  }
  settings["token_ids"] = identity(inputs);
  return settings;
}

}  // namespace xw::toolchain
