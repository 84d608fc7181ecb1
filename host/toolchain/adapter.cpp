// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapter.hpp"

#include <map>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/passes/low_rank.hpp"

namespace xw::toolchain {

void add_adapter(OpenedCheckpoint& opened, const checkpoint::Adapter& adapter) {
  std::map<std::string, std::uint32_t> ranks;
  std::map<std::string, checkpoint::OwnTensor> tensors;
  for (const auto& [linear, layer] : adapter.layers) {
    ranks[linear] = layer.rank;
    tensors[passes::lora_a_tensor(linear)] = {{layer.rank, layer.inputs}, layer.a};
    tensors[passes::lora_b_tensor(linear)] = {{layer.outputs, layer.rank}, layer.b};
  }
  opened.graph = passes::add_low_rank(opened.graph, ranks);
  opened.file = checkpoint::with_tensors(opened.file, std::move(tensors));
}

void add_adapter(OpenedCheckpoint& opened, const std::filesystem::path& directory) {
  if (!checkpoint::stored_bytes(*opened.file, checkpoint::kReportTensor).empty())
    throw Error(ErrorCode::kUnsupported,
                opened.file->path().string() +
                    ": was adapted to the chip, so that its layers read other inputs than those "
                    "of an adapter; expected the checkpoint before that");
  add_adapter(opened, checkpoint::read_adapter(directory, opened.graph));
}

}  // namespace xw::toolchain
