// The thread that computes completions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/completion_engine.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <thread>
#include <utility>

#include "arch/support/error.hpp"
#include "host/server/stop_text.hpp"
#include "host/transformer/generate.hpp"
#include "host/transformer/sequence_pool.hpp"

namespace xw::server {
namespace {

constexpr std::size_t kScoredTokens = 64;  ///< of a prompt whose logits are held at a time

/// A completion that has a sequence.
struct Active {
  Active(std::shared_ptr<Completion> of, std::uint32_t place, const tokenizer::Tokenizer& tokenizer)
      : completion(std::move(of)),
        slot(place),
        sampler(completion->request().sampler),
        decoder(tokenizer),
        stop(completion->request().stop) {}

  std::shared_ptr<Completion> completion;
  std::uint32_t slot;
  transformer::Sampler sampler;
  tokenizer::StreamDecoder decoder;
  StopText stop;
  std::int32_t next = 0;  ///< token that goes into the model with the next step
  std::uint32_t made = 0;
  CompletionPiece piece;  ///< what is to be told with the next token

  [[nodiscard]] const CompletionRequest& request() const { return completion->request(); }
};

}  // namespace

struct CompletionEngine::Impl {
  Impl(transformer::Model& of, const tokenizer::Tokenizer& words, const EngineLimits& given)
      : model(of),
        tokenizer(words),
        limits(given),
        pool(of, given.sequences, std::min(given.length, of.context_length())),
        end_tokens(transformer::stop_tokens(of.graph(), words.data().end_of_generation)),
        thread([this] { work(); }) {}

  transformer::Model& model;
  const tokenizer::Tokenizer& tokenizer;
  EngineLimits limits;
  transformer::SequencePool pool;
  std::vector<std::int32_t> end_tokens;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Completion>> waiting;
  EngineCounters counters;
  bool ends = false;

  std::vector<std::unique_ptr<Active>> active;  ///< of the thread alone
  std::vector<std::uint32_t> free_slots;
  std::thread thread;

  void work();
  void begin(const std::shared_ptr<Completion>& completion);
  void score_prompt(Active& one);
  void step();
  [[nodiscard]] bool take(Active& one, std::span<const float> logits);
  void finish(Active& one, FinishReason reason);
  void fail_all(const std::exception_ptr& error);
  template <class Change>
  void count(const Change& change) {
    const std::lock_guard lock(mutex);
    change(counters);
  }
};

void CompletionEngine::Impl::work() {
  for (std::uint32_t slot = limits.sequences; slot-- > 0;) free_slots.push_back(slot);
  for (;;) {
    std::shared_ptr<Completion> next;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return ends || !waiting.empty() || !active.empty(); });
      if (ends) break;
      if (!waiting.empty() && !free_slots.empty()) {
        next = std::move(waiting.front());
        waiting.pop_front();
      }
    }
    if (next != nullptr) begin(next);
    try {
      if (!active.empty()) step();
    } catch (...) {  // of the device: no sequence can go on
      fail_all(std::current_exception());
    }
  }
  fail_all(std::make_exception_ptr(Error(ErrorCode::kInterrupted, "the server ends")));
  const std::lock_guard lock(mutex);
  for (const std::shared_ptr<Completion>& completion : waiting)
    completion->fail(std::make_exception_ptr(Error(ErrorCode::kInterrupted, "the server ends")));
}

void CompletionEngine::Impl::begin(const std::shared_ptr<Completion>& completion) {
  if (completion->is_cancelled()) return;
  const std::uint32_t slot = free_slots.back();
  try {
    auto one = std::make_unique<Active>(completion, slot, tokenizer);
    const std::vector<std::int32_t>& prompt = one->request().prompt;
    for (const std::int32_t token : prompt)
      static_cast<void>(one->decoder.push(token));  // so that a leading space is kept
    pool.clear(slot);
    const std::span<const std::int32_t> before(prompt.data(), prompt.size() - 1);
    if (one->request().score_prompt && one->request().log_probabilities) {
      score_prompt(*one);
    } else {
      pool.feed(slot, before);
    }
    count([&](EngineCounters& sums) { sums.prompt_tokens += prompt.size(); });
    if (one->request().max_tokens == 0) {
      finish(*one, FinishReason::kLength);
      return;
    }
    one->next = prompt.back();
    free_slots.pop_back();
    active.push_back(std::move(one));
  } catch (...) {
    completion->fail(std::current_exception());
  }
}

void CompletionEngine::Impl::score_prompt(Active& one) {
  const std::span<const std::int32_t> prompt(one.request().prompt);
  const std::uint32_t top = *one.request().log_probabilities;
  one.piece.scores.push_back({prompt[0], std::nullopt, {}});
  const std::size_t columns = model.num_logits();
  for (std::size_t begin = 0; begin + 1 < prompt.size(); begin += kScoredTokens) {
    const std::size_t count = std::min(kScoredTokens, prompt.size() - 1 - begin);
    const std::vector<float> logits = pool.score(one.slot, prompt.subspan(begin, count));
    for (std::size_t i = 0; i < count; ++i)
      one.piece.scores.push_back(
          score_token(std::span(logits).subspan(i * columns, columns), prompt[begin + i + 1], top));
  }
}

void CompletionEngine::Impl::step() {
  std::erase_if(active, [&](const std::unique_ptr<Active>& one) {
    if (!one->completion->is_cancelled()) return false;
    free_slots.push_back(one->slot);
    return true;
  });
  if (active.empty()) return;
  std::vector<transformer::SequencePool::Next> next;
  next.reserve(active.size());
  for (const std::unique_ptr<Active>& one : active) next.push_back({one->slot, one->next});
  const std::span<const float> logits = pool.step(next);
  count([](EngineCounters& sums) { ++sums.steps; });
  const std::size_t columns = model.num_logits();
  std::vector<std::unique_ptr<Active>> still;
  for (std::size_t i = 0; i < active.size(); ++i) {
    Active& one = *active[i];
    bool goes_on = false;
    try {
      goes_on = take(one, logits.subspan(i * columns, columns));
    } catch (...) {
      one.completion->fail(std::current_exception());
    }
    if (goes_on) {
      still.push_back(std::move(active[i]));
    } else {
      free_slots.push_back(one.slot);
    }
  }
  active = std::move(still);
}

bool CompletionEngine::Impl::take(Active& one, std::span<const float> logits) {
  const std::int32_t token = one.sampler.sample(logits);
  if (std::ranges::binary_search(end_tokens, token)) {
    if (one.request().log_probabilities)  // no text, but how likely the end was
      one.piece.scores.push_back(score_token(logits, token, *one.request().log_probabilities));
    finish(one, FinishReason::kStop);
    return false;
  }
  ++one.made;
  ++one.piece.new_tokens;
  count([](EngineCounters& sums) { ++sums.new_tokens; });
  if (one.request().log_probabilities)
    one.piece.scores.push_back(score_token(logits, token, *one.request().log_probabilities));
  one.piece.text += one.stop.push(one.decoder.push(token));
  if (one.stop.found()) {
    finish(one, FinishReason::kStop);
    return false;
  }
  if (one.made == one.request().max_tokens || pool.position(one.slot) == pool.length()) {
    finish(one, FinishReason::kLength);
    return false;
  }
  one.completion->add(std::exchange(one.piece, {}));
  one.next = token;
  return true;
}

void CompletionEngine::Impl::finish(Active& one, FinishReason reason) {
  if (!one.stop.found()) {
    one.piece.text += one.stop.push(one.decoder.flush());
    if (!one.stop.found()) one.piece.text += one.stop.flush();
  }
  one.piece.finish = reason;
  count([](EngineCounters& sums) { ++sums.completions; });  // who has the last piece finds it counted
  one.completion->add(std::exchange(one.piece, {}));
}

void CompletionEngine::Impl::fail_all(const std::exception_ptr& error) {
  for (const std::unique_ptr<Active>& one : active) {
    one->completion->fail(error);
    free_slots.push_back(one->slot);
  }
  active.clear();
}

CompletionEngine::CompletionEngine(transformer::Model& model, const tokenizer::Tokenizer& tokenizer,
                                   const EngineLimits& limits)
    : impl_(std::make_unique<Impl>(model, tokenizer, limits)) {}

CompletionEngine::~CompletionEngine() {
  stop();
  impl_->thread.join();
}

void CompletionEngine::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ends = true;
  }
  impl_->changed.notify_all();
}

std::shared_ptr<Completion> CompletionEngine::submit(CompletionRequest request) {
  if (request.prompt.empty())
    throw Error(ErrorCode::kInvalidArgument, "prompt: expected at least one token, found none");
  for (const std::int32_t token : request.prompt) {
    if (token >= 0 && static_cast<std::uint32_t>(token) < impl_->model.vocab_size()) continue;
    throw Error(ErrorCode::kInvalidArgument, "prompt: expected tokens below " +
                                                 std::to_string(impl_->model.vocab_size()) + ", found " +
                                                 std::to_string(token));
  }
  if (request.prompt.size() > impl_->pool.length())
    throw Error(ErrorCode::kInvalidArgument, "prompt: expected at most " + std::to_string(impl_->pool.length()) +
                                                 " tokens, found " + std::to_string(request.prompt.size()));
  static_cast<void>(transformer::Sampler(request.sampler));
  auto completion = std::make_shared<Completion>(std::move(request));
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->ends) throw Error(ErrorCode::kInterrupted, "the server ends");
    if (impl_->waiting.size() >= impl_->limits.waiting)
      throw Error(ErrorCode::kCapacity, "too many requests: " + std::to_string(impl_->waiting.size()) + " are waiting");
    impl_->waiting.push_back(completion);
  }
  impl_->changed.notify_all();
  return completion;
}

std::uint32_t CompletionEngine::length() const {
  return impl_->pool.length();
}

EngineCounters CompletionEngine::counters() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

}  // namespace xw::server
