// Perplexity of a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/perplexity.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/progress.hpp"
#include "host/evaluation/likelihood.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {
namespace {

constexpr std::size_t kBatch = 64;  // tokens whose logits are in memory at a time

/// Until the end, `mean_nll` is the sum.
void add(PerplexityResult& result, const TextWindow& window) {
  result.per_window.push_back(window);
  result.tokens += window.tokens;
  result.mean_nll += window.nll;
}

}  // namespace

std::int32_t bos_token(const tokenizer::Tokenizer& tokenizer, BosChoice choice) {
  const tokenizer::TokenizerData& data = tokenizer.data();
  if (choice == BosChoice::kNever || (choice == BosChoice::kTokenizer && !data.add_bos)) return -1;
  if (choice == BosChoice::kAlways && data.bos < 0) {
    throw Error(ErrorCode::kInvalidArgument, "the tokenizer has no beginning-of-sequence token");
  }
  return data.bos;
}

PerplexityResult perplexity(transformer::Model& model, std::span<const std::int32_t> tokens, std::int32_t bos,
                            const PerplexityOptions& options) {
  if (options.context < 2 || options.context > model.context_length()) {
    throw Error(ErrorCode::kInvalidArgument, "context must be from 2 to the model's " +
                                                 std::to_string(model.context_length()) + " tokens, found " +
                                                 std::to_string(options.context));
  }
  if (options.max_tokens != 0 && tokens.size() > options.max_tokens) {
    tokens = tokens.first(static_cast<std::size_t>(options.max_tokens));
  }
  const bool has_bos = bos >= 0;
  if (tokens.size() < (has_bos ? 1U : 2U)) {
    throw Error(ErrorCode::kInvalidArgument,
                "the text has only " + std::to_string(tokens.size()) + " tokens: nothing to predict");
  }
  PerplexityResult result;
  result.context = options.context;
  result.bos = has_bos;
  const auto start = std::chrono::steady_clock::now();
  std::unique_ptr<Progress> progress;
  std::uint64_t kept = 0;
  for (const TextWindow& window : options.kept) kept += window.tokens;
  if (options.show_progress) {
    progress = std::make_unique<Progress>(options.title, tokens.size() - std::min<std::uint64_t>(kept, tokens.size()),
                                          "tokens");
  }

  const std::size_t step = options.context - (has_bos ? 1 : 0);
  transformer::Session session(model, options.vector_base, options.context);
  std::vector<std::int32_t> window;
  for (std::size_t begin = 0; begin < tokens.size(); begin += step, ++result.windows) {
    const std::size_t count = std::min(step, tokens.size() - begin);
    window.clear();
    if (has_bos) window.push_back(bos);
    window.insert(window.end(), tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                  tokens.begin() + static_cast<std::ptrdiff_t>(begin + count));
    if (window.size() < 2) break;  // a last token without anything before it
    const std::span<const std::int32_t> inputs = std::span(window).first(window.size() - 1);
    TextWindow found;
    if (result.windows < options.kept.size()) {
      found = options.kept[result.windows];
      if (found.tokens != inputs.size()) {
        throw Error(ErrorCode::kFormat, "perplexity: a kept result of window " + std::to_string(result.windows) +
                                            " has " + std::to_string(found.tokens) + " tokens, expected " +
                                            std::to_string(inputs.size()));
      }
      add(result, found);
      continue;
    }
    // Distinct for every window: a window has at most `context` tokens. Wraps like the 32-bit index itself.
    session.reset(options.vector_base + static_cast<std::uint32_t>(result.windows) * options.context,
                  static_cast<std::uint32_t>(window.size()));
    for (std::size_t t = 0; t < inputs.size(); t += kBatch) {
      const std::size_t batch = std::min(kBatch, inputs.size() - t);
      const std::vector<float> logits = session.forward(inputs.subspan(t, batch), transformer::LogitsOf::kAll);
      const std::size_t columns = logits.size() / batch;
      for (std::size_t i = 0; i < batch; ++i) {
        const std::int32_t target = window[t + i + 1];
        if (target < 0 || static_cast<std::size_t>(target) >= columns) {
          throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(target) +
                                                       " is outside the vocabulary of " + std::to_string(columns) +
                                                       " tokens");
        }
        const double nll = -likelihood(std::span(logits).subspan(i * columns, columns), target).log_probability;
        if (!std::isfinite(nll)) {
          throw Error(ErrorCode::kNotFinite, "perplexity: the logits of token " + std::to_string(t + i) +
                                                 " of window " + std::to_string(result.windows) + " are not finite");
        }
        found.nll += nll;
        found.squares += nll * nll;
      }
      found.tokens += batch;
      if (progress != nullptr) {
        const auto so_far = static_cast<double>(result.tokens + found.tokens);
        progress->set_note("ppl " + to_fixed(std::exp((result.mean_nll + found.nll) / so_far), 3));
        progress->advance(batch);
      }
      throw_if_interrupted();
    }
    add(result, found);
    if (options.on_window) options.on_window(result.per_window);
  }
  double sum_squares = 0;
  for (const TextWindow& one : result.per_window) sum_squares += one.squares;
  const double sum = result.mean_nll;
  const auto n = static_cast<double>(result.tokens);
  result.mean_nll = sum / n;
  result.perplexity = std::exp(result.mean_nll);
  if (!std::isfinite(result.perplexity)) {
    throw Error(ErrorCode::kNotFinite, "perplexity: exp of the mean of " + to_fixed(result.mean_nll, 1) +
                                           " nats per token is beyond the largest number");
  }
  if (result.tokens > 1) {
    const double variance = std::max(0.0, (sum_squares - sum * result.mean_nll) / (n - 1));
    result.standard_error = std::sqrt(variance / n);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

PerplexityResult perplexity(transformer::Model& model, const tokenizer::Tokenizer& tokenizer, const std::string& text,
                            const PerplexityOptions& options) {
  return perplexity(model, tokenizer.encode(text, false, false), bos_token(tokenizer, options.bos), options);
}

nlohmann::ordered_json to_json(const PerplexityResult& result) {
  return {{"kind", "perplexity"},
          {"perplexity", result.perplexity},
          {"mean_nll_nats", result.mean_nll},
          {"mean_nll_standard_error_nats", result.standard_error},
          {"predicted_tokens", result.tokens},
          {"windows", result.windows},
          {"context_tokens", result.context},
          {"bos", result.bos},
          {"seconds_measured", result.seconds},
          {"per_window", to_json(result.per_window)}};
}

nlohmann::ordered_json to_json(const std::vector<TextWindow>& windows) {
  using Json = nlohmann::ordered_json;
  Json json = {{"tokens", Json::array()}, {"nll_nats", Json::array()}, {"nll_squares", Json::array()}};
  for (const TextWindow& window : windows) {
    json["tokens"].push_back(window.tokens);
    json["nll_nats"].push_back(window.nll);
    json["nll_squares"].push_back(window.squares);
  }
  return json;
}

std::vector<TextWindow> parse_windows(const nlohmann::ordered_json& json, const std::string& place) {
  const auto fail = [&] {
    throw Error(ErrorCode::kFormat, place +
                                        ": perplexity.per_window is damaged: expected lists tokens, nll_nats and "
                                        "nll_squares of as many numbers; name another file, or remove this one");
  };
  std::vector<TextWindow> windows;
  for (const char* key : {"tokens", "nll_nats", "nll_squares"}) {
    if (!json.is_object() || !json.contains(key) || !json[key].is_array()) fail();
    if (json[key].size() != json["tokens"].size()) fail();
    windows.resize(json[key].size());
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const auto& value = json[key][i];
      if (!value.is_number() || !std::isfinite(value.get<double>())) fail();
      if (key == std::string("tokens")) {
        if (!value.is_number_unsigned()) fail();
        windows[i].tokens = value.get<std::uint64_t>();
      } else {
        (key == std::string("nll_nats") ? windows[i].nll : windows[i].squares) = value.get<double>();
      }
    }
  }
  return windows;
}

std::string to_text(const PerplexityResult& result) {
  return "perplexity " + to_fixed(result.perplexity, 4) + " (mean NLL " + to_fixed(result.mean_nll, 5) + " +- " +
         to_fixed(result.standard_error, 5) + " nats, " + std::to_string(result.tokens) + " tokens in " +
         std::to_string(result.windows) + " windows of " + std::to_string(result.context) +
         (result.bos ? " with BOS" : "") + ", " + to_fixed(result.seconds, 1) + " s)";
}

}  // namespace xw::evaluation
