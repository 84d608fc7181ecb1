// LAMBADA: can the model predict the last word of a passage?
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/lambada.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/progress.hpp"
#include "host/evaluation/likelihood.hpp"
#include "host/evaluation/text.hpp"

namespace xw::evaluation {
namespace {

/// An example as token ids; the continuation is [context_tokens, size).
struct TokenizedExample {
  std::vector<std::int32_t> tokens;
  std::size_t context_tokens = 0;
};

TokenizedExample tokenize(const tokenizer::Tokenizer& tokenizer, const LambadaExample& example, std::int32_t bos,
                          std::size_t limit, std::size_t index) {
  const std::vector<std::int32_t> context = tokenizer.encode(example.context, false, false);
  const std::vector<std::int32_t> whole = tokenizer.encode(example.context + " " + example.continuation, false, false);
  if (whole.size() <= context.size()) {
    throw Error(ErrorCode::kInvalidArgument, "example " + std::to_string(index + 1) + ": the continuation '" +
                                                 example.continuation + "' adds no token to its context");
  }
  TokenizedExample result;
  const std::size_t length = whole.size() - context.size();
  // The last token is only predicted, never read: a sequence of `limit` inputs predicts `limit + 1` tokens.
  const std::size_t room = limit - (bos >= 0 ? 1 : 0);
  if (length > room) {
    throw Error(ErrorCode::kInvalidArgument, "example " + std::to_string(index + 1) + ": the continuation has " +
                                                 std::to_string(length) + " tokens, the context of the model " +
                                                 std::to_string(limit));
  }
  const std::size_t kept = std::min(context.size(), room + 1 - length);
  if (bos >= 0) result.tokens.push_back(bos);
  const auto first = static_cast<std::ptrdiff_t>(context.size() - kept);
  result.tokens.insert(result.tokens.end(), whole.begin() + first, whole.end());
  result.context_tokens = result.tokens.size() - length;
  if (result.context_tokens == 0) {
    throw Error(ErrorCode::kInvalidArgument, "example " + std::to_string(index + 1) + ": the context is empty");
  }
  return result;
}

std::string string_field(const nlohmann::json& object, const char* key, const std::string& place) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    throw Error(ErrorCode::kFormat, place + ": expected a string \"" + key + "\"");
  }
  return found->get<std::string>();
}

}  // namespace

std::vector<LambadaExample> parse_lambada(const std::string& text, const std::string& origin) {
  std::vector<LambadaExample> examples;
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::string place = origin + ":" + std::to_string(++line_number);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_discarded() || !object.is_object())
      throw Error(ErrorCode::kFormat, place + ": expected one JSON object");
    examples.push_back({string_field(object, "context", place), string_field(object, "continuation", place)});
  }
  return examples;
}

std::vector<LambadaExample> read_lambada(const std::filesystem::path& path) {
  return parse_lambada(read_text_file(path), path.string());
}

LambadaResult lambada(transformer::Model& model, const tokenizer::Tokenizer& tokenizer,
                      std::span<const LambadaExample> examples, const LambadaOptions& options) {
  if (options.max_examples != 0 && examples.size() > options.max_examples) {
    examples = examples.first(static_cast<std::size_t>(options.max_examples));
  }
  if (examples.empty()) throw Error(ErrorCode::kInvalidArgument, "lambada: no examples");
  const std::int32_t bos = bos_token(tokenizer, options.bos);
  const auto start = std::chrono::steady_clock::now();
  std::unique_ptr<Progress> progress;
  if (options.show_progress) progress = std::make_unique<Progress>("lambada", examples.size(), "examples");
  LambadaResult result;
  double log_probability = 0;
  const std::size_t limit = std::min(model.context_length(), kLambadaVectorStride);
  for (std::size_t e = 0; e < examples.size(); ++e) {
    const TokenizedExample example = tokenize(tokenizer, examples[e], bos, limit, e);
    transformer::Session session(model, 0, static_cast<std::uint32_t>(example.tokens.size()));
    session.reset(options.vector_base + static_cast<std::uint32_t>(e) * kLambadaVectorStride,
                  static_cast<std::uint32_t>(example.tokens.size()));
    const std::span<const std::int32_t> tokens(example.tokens);
    if (example.context_tokens > 1) {
      static_cast<void>(session.forward(tokens.first(example.context_tokens - 1), transformer::LogitsOf::kNone));
    }
    const std::size_t length = tokens.size() - example.context_tokens;
    const std::vector<float> logits =
        session.forward(tokens.subspan(example.context_tokens - 1, length), transformer::LogitsOf::kAll);
    const std::size_t columns = logits.size() / length;
    bool is_correct = true;
    for (std::size_t i = 0; i < length; ++i) {
      const Likelihood found =
          likelihood(std::span(logits).subspan(i * columns, columns), tokens[example.context_tokens + i]);
      if (!std::isfinite(found.log_probability)) {
        throw Error(ErrorCode::kNotFinite,
                    "lambada: the logits of example " + std::to_string(e + 1) + " are not finite");
      }
      log_probability += found.log_probability;
      is_correct = is_correct && found.is_argmax;
    }
    ++result.examples;
    result.correct += is_correct ? 1 : 0;
    result.tokens += length;
    if (progress != nullptr) {
      progress->set_note("accuracy " +
                         to_fixed(static_cast<double>(result.correct) / static_cast<double>(result.examples), 4));
      progress->advance();
    }
    throw_if_interrupted();
  }
  const auto n = static_cast<double>(result.examples);
  result.accuracy = static_cast<double>(result.correct) / n;
  result.accuracy_standard_error =
      result.examples > 1 ? std::sqrt(result.accuracy * (1 - result.accuracy) / (n - 1)) : 0;
  result.perplexity = std::exp(-log_probability / n);
  if (!std::isfinite(result.perplexity)) {
    throw Error(ErrorCode::kNotFinite, "lambada: exp of the mean of " + to_fixed(-log_probability / n, 1) +
                                           " nats per word is beyond the largest number");
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::string to_json(const LambadaResult& result) {
  return nlohmann::ordered_json{{"kind", "lambada"},
                                {"accuracy", result.accuracy},
                                {"accuracy_standard_error", result.accuracy_standard_error},
                                {"word_perplexity", result.perplexity},
                                {"examples", result.examples},
                                {"correct", result.correct},
                                {"continuation_tokens", result.tokens},
                                {"seconds_measured", result.seconds}}
      .dump(2);
}

std::string to_text(const LambadaResult& result) {
  return "lambada accuracy " + to_fixed(100 * result.accuracy, 2) + " % +- " +
         to_fixed(100 * result.accuracy_standard_error, 2) + " (" + std::to_string(result.correct) + " of " +
         std::to_string(result.examples) + "), perplexity per word " + to_fixed(result.perplexity, 3) + ", " +
         to_fixed(result.seconds, 1) + " s";
}

}  // namespace xw::evaluation
