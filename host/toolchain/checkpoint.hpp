// A checkpoint with the graph and the tokenizer that belong to it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/ir/graph.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::toolchain {

struct OpenedCheckpoint {
  std::shared_ptr<const checkpoint::Checkpoint> file;
  ir::Graph graph;
  std::optional<tokenizer::TokenizerData> tokenizer;
};

/// `tokenizer`: its file; empty: the one in or beside the checkpoint, if there is one. Throws what open_checkpoint,
/// import_graph and read_tokenizer throw; warns if the tokenizer has more tokens than the model.
[[nodiscard]] OpenedCheckpoint open_checkpoint(const std::filesystem::path& path,
                                               const std::filesystem::path& tokenizer);

}  // namespace xw::toolchain
