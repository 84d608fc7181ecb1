// Opening a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/checkpoint.hpp"

#include <cstdint>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/warning.hpp"
#include "compiler/checkpoint/adapted.hpp"

namespace xw::toolchain {
namespace {

std::optional<tokenizer::TokenizerData> tokenizer_of(const std::filesystem::path& model,
                                                     const std::filesystem::path& given) {
  if (!given.empty()) return tokenizer::read_tokenizer(given);
  try {
    return tokenizer::read_tokenizer(tokenizer::find_tokenizer(model));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kFileNotFound) return std::nullopt;
    throw;
  }
}

void check_vocabulary(const tokenizer::TokenizerData& data, const ir::Graph& graph,
                      const std::filesystem::path& model) {
  const auto vocabulary = std::get<std::int64_t>(graph.meta.at("vocab_size"));
  if (static_cast<std::int64_t>(data.tokens.size()) > vocabulary) {
    warn(model.string() + ": the tokenizer has " + std::to_string(data.tokens.size()) + " tokens but the model only " +
         std::to_string(vocabulary) + "; a text that needs one of the others cannot be read");
  }
}

}  // namespace

OpenedCheckpoint open_checkpoint(const std::filesystem::path& path, const std::filesystem::path& tokenizer) {
  OpenedCheckpoint opened;
  opened.file = checkpoint::open_checkpoint(path);
  opened.graph = checkpoint::import_graph(*opened.file);
  const std::span<const std::byte> stored = checkpoint::stored_bytes(*opened.file, checkpoint::kTokenizerTensor);
  if (tokenizer.empty() && !stored.empty()) {
    opened.tokenizer = tokenizer::parse(stored, path.string() + ": tokenizer");
  } else if (opened.file->format() != checkpoint::kAdaptedFormat || !tokenizer.empty()) {
    opened.tokenizer = tokenizer_of(path, tokenizer);
  }
  if (opened.tokenizer) check_vocabulary(*opened.tokenizer, opened.graph, path);
  return opened;
}

}  // namespace xw::toolchain
