// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/generate.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "host/finetune/training/data_text.hpp"
#include "host/finetune/training/host_sampling.hpp"
#include "host/toolchain/checkpoint_source.hpp"

namespace xw::finetune {
namespace {

constexpr std::uint64_t kMaxTextBytes = 4ULL << 30;

std::int64_t meta_int(const ir::Graph& graph, const char* key, std::int64_t absent) {
  const auto found = graph.meta.find(key);
  const auto* value = found == graph.meta.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  return value == nullptr ? absent : *value;
}

std::int32_t begin_token(const toolchain::OpenedCheckpoint& opened) {
  if (opened.tokenizer && opened.tokenizer->bos >= 0) return opened.tokenizer->bos;
  const std::int64_t bos = meta_int(opened.graph, "bos_token", -1);
  if (bos < 0)
    throw Error(ErrorCode::kInvalidArgument, opened.file->path().string() +
                                                 ": has no token that sequences begin with (BOS), neither in its "
                                                 "configuration nor in its tokenizer");
  return static_cast<std::int32_t>(bos);
}

/// What of the settings the tokens depend on.
nlohmann::ordered_json origin_of(const GenerateSettings& settings, const toolchain::OpenedCheckpoint& opened) {
  nlohmann::ordered_json origin = {{"model", opened.graph.name}, {"checkpoint", fingerprint(opened)}};
  if (!settings.text.empty()) return origin;
  origin["engine"] = settings.engine == Engine::kTorch ? "torch" : settings.compute == "int8" ? "host int8" : "host";
  if (settings.engine == Engine::kHost || settings.device == "cpu") origin["draws"] = kDrawsVersion;
  origin["temperature"] = settings.sampling.temperature;
  origin["top_k"] = settings.sampling.top_k;
  origin["top_p"] = settings.sampling.top_p;
  origin["seed"] = settings.sampling.seed;
  return origin;
}

/// Tokens of all documents; between two of them stands `between`.
std::vector<std::int32_t> encode_documents(const tokenizer::Tokenizer& tokenizer, std::string_view text,
                                           const std::string& separator, std::int32_t between) {
  if (separator.empty()) return tokenizer.encode(text, false, false);
  std::vector<std::int32_t> tokens;
  while (true) {
    const std::size_t end = text.find(separator);
    const std::vector<std::int32_t> document = tokenizer.encode(text.substr(0, end), false, false);
    tokens.insert(tokens.end(), document.begin(), document.end());
    if (end == std::string_view::npos) return tokens;
    tokens.push_back(between);
    text.remove_prefix(end + separator.size());
  }
}

DataSummary tokenise(const GenerateSettings& settings, const toolchain::OpenedCheckpoint& opened, DataPlan plan,
                     const std::function<void(const DataSummary&)>& on_shard) {
  if (!opened.tokenizer)
    throw Error(ErrorCode::kInvalidArgument, settings.checkpoint.string() + ": has no tokenizer to read a text with");
  const std::string text = read_text_file(settings.text, kMaxTextBytes);
  const tokenizer::Tokenizer tokenizer(*opened.tokenizer);
  const bool has_bos = opened.tokenizer->bos >= 0;
  if (!settings.separator.empty() && !has_bos)
    throw Error(ErrorCode::kInvalidArgument,
                settings.checkpoint.string() + ": a separator needs a tokenizer with a token that texts begin with");
  const std::vector<std::int32_t> tokens = encode_documents(tokenizer, text, settings.separator, opened.tokenizer->bos);
  const std::uint32_t of_text = plan.length - (has_bos ? 1 : 0);
  const std::uint64_t there = of_text == 0 ? 0 : tokens.size() / of_text;
  plan.sequences = plan.sequences == 0 ? there : std::min(plan.sequences, there);
  if (plan.sequences == 0)
    throw Error(ErrorCode::kInvalidArgument, settings.text.string() + ": has " + std::to_string(tokens.size()) +
                                                 " tokens, expected at least " + std::to_string(of_text) +
                                                 " for one sequence");
  plan.origin["text"] = settings.text.filename().string();
  plan.origin["text_crc32"] = crc32_text(crc32(std::as_bytes(std::span(text))));
  if (!settings.separator.empty()) plan.origin["separator"] = settings.separator;
  return write_data(
      settings.output, plan,
      [&](const ShardTask& task) {
        std::vector<std::int32_t> shard;
        shard.reserve(std::size_t{task.count} * plan.length);
        for (std::uint64_t s = task.first; s < task.first + task.count; ++s) {
          if (has_bos) shard.push_back(opened.tokenizer->bos);
          const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(s * of_text);
          shard.insert(shard.end(), begin, begin + of_text);
        }
        return shard;
      },
      on_shard);
}

}  // namespace

std::string fingerprint(const toolchain::OpenedCheckpoint& opened) {
  const std::string graph = ir::print(opened.graph);
  std::uint32_t crc = crc32(std::as_bytes(std::span(graph)));
  for (const auto& [name, tensor] : opened.file->tensors()) {
    crc = crc32(std::as_bytes(std::span(name)), crc);
    crc = crc32(tensor.data, crc);
    opened.file->release(tensor);
  }
  return "crc32 " + crc32_text(crc) + " of " + std::to_string(opened.file->tensors().size()) + " tensors";
}

namespace {

DataSummary make_data(const GenerateSettings& settings, const toolchain::OpenedCheckpoint& opened,
                      const std::function<void(const DataSummary&)>& on_shard) {
  DataPlan plan;
  plan.origin = origin_of(settings, opened);
  plan.vocab_size = static_cast<std::uint32_t>(meta_int(opened.graph, "vocab_size", 0));
  plan.length = settings.length;
  plan.shard_sequences = settings.batch;
  plan.sequences =
      settings.sequences != 0 ? settings.sequences : (settings.tokens + settings.length - 1) / settings.length;
  if (!settings.text.empty()) return tokenise(settings, opened, plan, on_shard);
  if (plan.sequences == 0)
    throw Error(ErrorCode::kInvalidArgument, "expected a number of sequences or tokens, found neither");
  const std::int32_t bos = begin_token(opened);
  if (settings.engine == Engine::kTorch)
    return write_data(settings.output, plan, torch_sampler(opened, settings, bos), on_shard);
  ThreadPool pool(settings.threads);
  transformer::Model model(
      opened.graph, std::make_shared<toolchain::CheckpointSource>(opened.file), nullptr, pool,
      settings.compute == "int8" ? transformer::HostPrecision::kInt8 : transformer::HostPrecision::kExact);
  return write_data(
      settings.output, plan,
      [&](const ShardTask& task) {
        Progress progress("shard " + std::to_string(task.index + 1) + "/" + std::to_string(plan.num_shards()),
                          std::uint64_t{task.count} * (plan.length - 1), "tokens");
        return sample_sequences(model, pool, bos, plan.length, task.first, task.count, settings.sampling,
                                [&](std::uint32_t tokens) { progress.advance(tokens); });
      },
      on_shard);
}

}  // namespace

DataSummary generate_data(const GenerateSettings& settings, const std::function<void(const DataSummary&)>& on_shard) {
  check(settings.sampling);
  const std::string narrow = settings.engine == Engine::kHost ? "int8" : "bf16";
  if (settings.compute != "auto" && settings.compute != "fp32" && settings.compute != narrow)
    throw Error(ErrorCode::kInvalidArgument,
                "compute: expected auto, fp32 or " + narrow + " of this engine, found '" + settings.compute + "'");
  if (settings.length < 2)
    throw Error(ErrorCode::kInvalidArgument,
                "length: expected at least 2 tokens, found " + std::to_string(settings.length));
  if (settings.batch == 0)
    throw Error(ErrorCode::kInvalidArgument, "batch: expected at least one sequence, found none");
  const toolchain::OpenedCheckpoint opened = toolchain::open_checkpoint(settings.checkpoint, settings.tokenizer);
  if (!settings.to_text.empty() && !opened.tokenizer)
    throw Error(ErrorCode::kInvalidArgument, settings.checkpoint.string() + ": has no tokenizer to write a text with");
  const DataSummary summary = make_data(settings, opened, on_shard);
  if (!settings.to_text.empty())
    write_data_text(DataSet(settings.output), *opened.tokenizer, settings.to_text, settings.separator);
  return summary;
}

}  // namespace xw::finetune
