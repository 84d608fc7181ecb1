// The generation loop: prompt in, tokens out one by one, prefill and decode timed apart.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/generate.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"

namespace xw::transformer {

const char* name(StopReason reason) {
  switch (reason) {
    case StopReason::kMaxTokens:
      return "max_tokens";
    case StopReason::kStopToken:
      return "stop_token";
    case StopReason::kContextFull:
      return "context_full";
    case StopReason::kCallback:
      return "callback";
  }
  return "unknown";
}

double GenerateResult::prefill_tokens_per_second() const {
  return prefill_seconds > 0 ? static_cast<double>(prefill_tokens) / prefill_seconds : 0;
}

double GenerateResult::decode_tokens_per_second() const {
  return decode_seconds > 0 ? static_cast<double>(decode_tokens) / decode_seconds : 0;
}

std::vector<std::int32_t> stop_tokens(const ir::Graph& graph, std::span<const std::int32_t> end_of_generation) {
  std::vector<std::int32_t> tokens(end_of_generation.begin(), end_of_generation.end());
  if (const auto found = graph.meta.find("eos_tokens"); found != graph.meta.end()) {
    const auto* ids = std::get_if<std::vector<double>>(&found->second);
    if (ids == nullptr) throw Error(ErrorCode::kFormat, graph.name + ": meta eos_tokens: expected a list of token ids");
    for (const double id : *ids) {
      if (id >= 0 && id <= std::numeric_limits<std::int32_t>::max()) tokens.push_back(static_cast<std::int32_t>(id));
    }
  }
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

GenerateResult generate(Session& session, std::span<const std::int32_t> prompt, const GenerateOptions& options,
                        const TokenCallback& on_token) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Sampler sampler(options.sampler);
  GenerateResult result;
  Clock::time_point start = Clock::now();
  const bool wants_tokens = options.max_tokens > 0;
  std::vector<float> logits = session.forward(prompt, wants_tokens ? LogitsOf::kLast : LogitsOf::kNone);
  result.prefill_tokens = prompt.size();
  std::int32_t token = wants_tokens ? sampler.sample(logits) : 0;
  result.prefill_seconds = seconds_since(start);
  if (!wants_tokens) return result;
  start = Clock::now();
  for (;;) {
    if (std::find(options.stop_tokens.begin(), options.stop_tokens.end(), token) != options.stop_tokens.end()) {
      result.reason = StopReason::kStopToken;
      break;
    }
    result.tokens.push_back(token);
    if (on_token && !on_token(token)) {
      result.reason = StopReason::kCallback;
      break;
    }
    if (result.tokens.size() == options.max_tokens) break;
    if (session.position() == session.context_limit()) {
      result.reason = StopReason::kContextFull;
      break;
    }
    throw_if_interrupted();
    logits = session.forward({&token, 1}, LogitsOf::kLast);
    ++result.decode_tokens;
    token = sampler.sample(logits);
  }
  result.decode_seconds = seconds_since(start);
  return result;
}

}  // namespace xw::transformer
