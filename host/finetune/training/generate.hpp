// Training text: sampled from a checkpoint, or a text file as tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "host/finetune/data/data_set.hpp"
#include "host/finetune/data/sampling.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw::finetune {

enum class Engine {
  kHost,   ///< the host's transformer
  kTorch,  ///< torch, on a device
};

struct GenerateSettings {
  std::filesystem::path checkpoint, tokenizer, output;
  std::filesystem::path text;     ///< tokenise this file instead of sampling
  std::string separator;          ///< of its documents, which a BOS takes the place of; empty: it is one document
  std::filesystem::path to_text;  ///< also write the data as text, its documents joined by `separator`; empty: do not
  SamplingSettings sampling;
  std::uint32_t length = 512;   ///< tokens of a sequence, BOS included
  std::uint64_t sequences = 0;  ///< of the data set, or ...
  std::uint64_t tokens = 0;     ///< ... as many as hold so many tokens; of a text both are at most
  std::uint32_t batch = 128;    ///< sequences at once and of a shard
  Engine engine = Engine::kHost;
  std::string device = "cpu";  ///< of torch
  /// "fp32"; of torch also "bf16", of the host "int8"; or "auto": bf16 where torch is fast with it, fp32 on the host.
  std::string compute = "auto";
  unsigned threads = 0;
};

/// "crc32 1234abcd of 272 tensors": tells checkpoints apart by graph and weights, whatever their file's name.
[[nodiscard]] std::string fingerprint(const toolchain::OpenedCheckpoint& opened);

/// Makes the data set, or what is missing of it. Throws Error{kInvalidArgument} for settings that do not fit together,
/// Error{kUnsupported} for the torch engine in a build without it, what open_checkpoint and write_data throw.
DataSummary generate_data(const GenerateSettings& settings,
                          const std::function<void(const DataSummary&)>& on_shard = {});

/// One shard after the other with torch; see generate_data. `model` stays open meanwhile.
[[nodiscard]] MakeShard torch_sampler(const toolchain::OpenedCheckpoint& opened, const GenerateSettings& settings,
                                      std::int32_t bos);

}  // namespace xw::finetune
