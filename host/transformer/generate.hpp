// The generation loop: prompt in, tokens out one by one, prefill and decode timed apart.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "host/transformer/model.hpp"
#include "host/transformer/sampler.hpp"

namespace xw::transformer {

struct GenerateOptions {
  std::uint32_t max_tokens = 256;         ///< new tokens at most
  std::vector<std::int32_t> stop_tokens;  ///< end the answer; not part of it
  SamplerOptions sampler;
};

enum class StopReason { kMaxTokens, kStopToken, kContextFull, kCallback };
[[nodiscard]] const char* name(StopReason reason);  ///< "max_tokens", "stop_token", "context_full", "callback"

/// Measured times: prefill is the prompt up to the choice of the first token, decode everything after it.
struct GenerateResult {
  std::vector<std::int32_t> tokens;
  StopReason reason = StopReason::kMaxTokens;
  std::uint64_t prefill_tokens = 0;  ///< tokens of the prompt
  std::uint64_t decode_tokens = 0;   ///< passes over the model with one token
  double prefill_seconds = 0, decode_seconds = 0;
  [[nodiscard]] double prefill_tokens_per_second() const;  ///< 0 if nothing was measured
  [[nodiscard]] double decode_tokens_per_second() const;
};

/// What ends an answer of a model: the end-of-sequence tokens of its configuration (the graph's "eos_tokens": config.json
/// with generation_config.json, or what GGUF and llama2.c say) and those that its tokenizer knows. Sorted, each once.
[[nodiscard]] std::vector<std::int32_t> stop_tokens(const ir::Graph& graph,
                                                    std::span<const std::int32_t> end_of_generation);

/// Called with every new token as soon as it is chosen; false ends the generation.
using TokenCallback = std::function<bool(std::int32_t token)>;

/// Continues `session` with `prompt` and up to max_tokens new tokens; the session then holds the prompt and all new
/// tokens but the last. Throws what Session::forward and Sampler throw, Error{kInterrupted} after Ctrl-C.
GenerateResult generate(Session& session, std::span<const std::int32_t> prompt, const GenerateOptions& options,
                        const TokenCallback& on_token = nullptr);

}  // namespace xw::transformer
