// Generated answers: making, filtering and comparing them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "host/evaluation/score.hpp"
#include "host/evaluation/text.hpp"
#include "host/transformer/generate.hpp"

namespace xw::evaluation {
namespace {

constexpr const char* kMarker = "#### ";

[[nodiscard]] bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The number behind the first marker that has one: #### (-?[0-9.,]+)
[[nodiscard]] std::string marked_number(const std::string& text) {
  for (std::size_t at = text.find(kMarker); at != std::string::npos; at = text.find(kMarker, at + 1)) {
    const std::size_t begin = at + std::string_view(kMarker).size();
    const std::size_t digits = begin + (text.substr(begin, 1) == "-" ? 1 : 0);
    const std::size_t end = std::min(text.find_first_not_of("0123456789.,", digits), text.size());
    if (end > digits) return text.substr(begin, end - begin);
  }
  return kNoNumber;
}

/// The last match of (-?[$0-9.,]{2,})|(-?[0-9]+), reading from the left.
[[nodiscard]] std::string last_number(const std::string& text) {
  std::string last = kNoNumber;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t digits = at + (text[at] == '-' ? 1 : 0);
    std::size_t end = std::min(text.find_first_not_of("$0123456789.,", digits), text.size());
    if (end < digits + 2) {  // a single character must be a digit
      end = digits < text.size() && is_digit(text[digits]) ? digits + 1 : at;
    }
    if (end > at) last = text.substr(at, end - at);
    at = std::max(end, at + 1);
  }
  return last;
}

/// What GSM8K's comparison leaves out: commas, dollar signs, all up to the last marker, a full stop at the end.
[[nodiscard]] std::string bare_number(std::string text) {
  std::erase(text, ',');
  std::erase(text, '$');
  const std::size_t marker = text.rfind(kMarker);
  if (marker != std::string::npos) text.erase(0, marker + std::string_view(kMarker).size());
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::size_t stop_place(const std::string& text, const std::vector<std::string>& until) {
  std::size_t place = std::string::npos;
  for (const std::string& stop : until) {
    if (!stop.empty()) place = std::min(place, text.find(stop));
  }
  return place;
}

std::string generate_answer(transformer::Model& model, transformer::Session& session,
                            const tokenizer::Tokenizer& tokenizer, const EncodedRequest& prompt,
                            const GenerationRule& rule, std::uint32_t vector_base) {
  session.reset(vector_base, static_cast<std::uint32_t>(prompt.tokens.size()));
  transformer::GenerateOptions options;
  options.max_tokens = rule.max_tokens;
  options.stop_tokens = transformer::stop_tokens(model.graph(), tokenizer.data().end_of_generation);
  std::vector<std::int32_t> tokens;
  std::string text;
  static_cast<void>(transformer::generate(session, prompt.tokens, options, [&](std::int32_t token) {
    tokens.push_back(token);
    text = tokenizer.decode(tokens);
    return stop_place(text, rule.until) == std::string::npos;
  }));
  return text.substr(0, stop_place(text, rule.until));
}

std::string filtered_answer(const std::string& text, AnswerFilter filter) {
  switch (filter) {
    case AnswerFilter::kNone:
      return text;
    case AnswerFilter::kStrip:
      return std::string(trimmed(text));
    case AnswerFilter::kStrictMatch:
      return marked_number(text);
    case AnswerFilter::kFlexibleExtract:
      return last_number(text);
  }
  return text;
}

std::string comparable_answer(const std::string& answer, const GenerationRule& rule) {
  std::string result = answer;
  if (rule.filter == AnswerFilter::kStrip) result = trimmed(answer);
  if (rule.filter == AnswerFilter::kStrictMatch || rule.filter == AnswerFilter::kFlexibleExtract) {
    result = bare_number(std::move(result));
  }
  if (rule.ignore_case) {
    for (char& c : result) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  if (rule.ignore_punctuation) {
    std::erase_if(result, [](char c) {
      return std::string_view("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").find(c) != std::string_view::npos;
    });
  }
  return result;
}

bool is_answer(const std::string& answer, const std::vector<std::string>& answers, const GenerationRule& rule) {
  const std::string found = comparable_answer(answer, rule);
  return std::ranges::any_of(answers,
                             [&](const std::string& right) { return comparable_answer(right, rule) == found; });
}

}  // namespace xw::evaluation
