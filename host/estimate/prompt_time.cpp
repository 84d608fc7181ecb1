// A prompt whose tokens follow each other through the steps.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/estimate/prompt_time.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <tuple>
#include <utility>

#include "host/estimate/call_time.hpp"
#include "systemc/chip/chip_links.hpp"

namespace xw::estimate {
namespace {

using systemc::ChipPlan;
using systemc::RoutedCall;
using systemc::Step;
using systemc::StepKind;

class Prompt {
 public:
  Prompt(const ChipPlan& plan, const std::vector<std::vector<RoutedCall>>& routes, const arch::ChipDescription& chip,
         const systemc::ChipCosts& costs, std::uint32_t tokens)
      : plan_(plan), routes_(routes), links_(chip.links), times_(costs), sum_bytes_(costs.sum_bytes), tokens_(tokens) {
    for (Token& token : tokens_) token.chip = plan.steps.front().chip;
  }

  double run(bool together) {
    const auto entering = together ? static_cast<std::uint32_t>(tokens_.size()) : 1U;
    for (std::uint32_t token = 0; token < entering; ++token) enter(token, 0);
    double last = 0;
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      last = std::max(last, event.ns);
      do_next(event.token, event.ns);
    }
    return last;
  }

 private:
  enum class Phase : std::uint8_t { kOutside, kArrives, kBegins, kSums, kIsDone };
  struct Token {
    std::uint32_t step = 0, chip = 0;
    std::uint32_t started = 0, completed = 0;  ///< steps
    Phase phase = Phase::kOutside;
    bool waits = false;  ///< for the token before
    std::vector<double> ends;
  };
  struct Event {
    double ns = 0;
    std::uint64_t number = 0;  ///< of equal times the first comes first
    std::uint32_t token = 0;
    friend bool operator>(const Event& a, const Event& b) {
      return std::tie(a.ns, a.number) > std::tie(b.ns, b.number);
    }
  };

  void schedule(std::uint32_t token, Phase phase, double ns) {
    tokens_[token].phase = phase;
    events_.push({ns, next_++, token});
  }
  void enter(std::uint32_t token, double ns) { schedule(token, Phase::kArrives, ns); }

  void do_next(std::uint32_t number, double ns) {
    Token& token = tokens_[number];
    switch (token.phase) {
      case Phase::kOutside:
        break;
      case Phase::kArrives:
        arrive(number, ns);
        break;
      case Phase::kBegins:
        begin(number, ns);
        break;
      case Phase::kSums: {
        const Step& step = plan_.steps[token.step];
        schedule(number, Phase::kIsDone, times_.finish(plan_.calls[step.call], route_of(step, number), token.ends));
        break;
      }
      case Phase::kIsDone:
        complete(number, ns);
        break;
    }
  }

  /// Tokens stay in order, and attention needs what the one before has written.
  [[nodiscard]] bool may_start(std::uint32_t number) const {
    if (number == 0) return true;
    const Token& token = tokens_[number];
    const Token& before = tokens_[number - 1];
    const bool attends = plan_.steps[token.step].kind == StepKind::kAttention;
    return (attends ? before.completed : before.started) > token.step;
  }
  /// The token behind may have waited for what has just happened.
  void wake(std::uint32_t number, double ns) {
    if (number + 1 == tokens_.size()) return;
    Token& behind = tokens_[number + 1];
    if (behind.phase == Phase::kOutside && tokens_[number].completed != 0) {
      enter(number + 1, ns);
    } else if (behind.waits && may_start(number + 1)) {
      behind.waits = false;
      schedule(number + 1, Phase::kArrives, ns);
    }
  }

  void arrive(std::uint32_t number, double ns) {
    Token& token = tokens_[number];
    if (!may_start(number)) {
      token.waits = true;
      return;
    }
    const Step& step = plan_.steps[token.step];
    token.started = token.step + 1;
    wake(number, ns);
    if (is_skipped(step, number)) return complete(number, ns);
    if (step.chip == token.chip) return begin(number, ns);
    const std::vector<std::uint32_t>& path = path_of(token.chip, step.chip);
    token.chip = step.chip;
    schedule(number, Phase::kBegins, times_.carry(path, step.carried.bytes(sum_bytes_), ns));
  }

  void begin(std::uint32_t number, double ns) {
    Token& token = tokens_[number];
    const Step& step = plan_.steps[token.step];
    if (!step.in_tiles(std::uint64_t{number} + 1))
      return schedule(number, Phase::kIsDone, times_.digital(step.digital(std::uint64_t{number} + 1), token.chip, ns));
    token.ends = times_.start(plan_.calls[step.call], route_of(step, number), ns);
    if (token.ends.empty()) return schedule(number, Phase::kIsDone, ns);
    schedule(number, Phase::kSums, *std::min_element(token.ends.begin(), token.ends.end()));
  }

  void complete(std::uint32_t number, double ns) {
    Token& token = tokens_[number];
    token.completed = ++token.step;
    wake(number, ns);
    if (token.step != plan_.steps.size()) schedule(number, Phase::kArrives, ns);
  }

  [[nodiscard]] bool is_skipped(const Step& step, std::uint32_t number) const {
    return step.logits && number + 1 != tokens_.size();
  }
  [[nodiscard]] const RoutedCall& route_of(const Step& step, std::uint32_t number) const {
    const std::vector<RoutedCall>& copies = routes_[step.call];
    return copies[number % copies.size()];
  }
  const std::vector<std::uint32_t>& path_of(std::uint32_t from, std::uint32_t to) {
    const auto [path, is_new] = paths_.try_emplace({from, to});
    if (is_new) path->second = systemc::chip_path(links_, plan_.num_chips, from, to);
    return path->second;
  }

  const ChipPlan& plan_;
  const std::vector<std::vector<RoutedCall>>& routes_;
  const arch::ChipLinks& links_;
  ChipTimes times_;
  std::uint32_t sum_bytes_ = 4;
  std::vector<Token> tokens_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t next_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> paths_;
};

}  // namespace

double prompt_ns(const ChipPlan& plan, const std::vector<std::vector<RoutedCall>>& routes,
                 const arch::ChipDescription& chip, const systemc::ChipCosts& costs, std::uint32_t tokens,
                 bool together) {
  return plan.steps.empty() ? 0 : Prompt(plan, routes, chip, costs, tokens).run(together);
}

}  // namespace xw::estimate
