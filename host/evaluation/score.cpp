// Log-likelihoods of the requests of one item.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/evaluation/score.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "arch/support/error.hpp"
#include "host/evaluation/likelihood.hpp"

namespace xw::evaluation {
namespace {

using transformer::Segment;

constexpr std::size_t kMaxLogits = std::size_t{1} << 24U;  // numbers in memory at a time

/// Requests that share what they begin with.
struct Group {
  std::vector<std::size_t> members;  ///< indices of requests
  std::size_t common = 0;            ///< inputs that all of them begin with
  std::uint32_t longest = 0;         ///< inputs of the longest
};

[[nodiscard]] std::span<const std::int32_t> inputs(const EncodedRequest& request) {
  return std::span(request.tokens).first(request.tokens.size() - 1);
}

[[nodiscard]] std::vector<Group> groups_of(const transformer::Model& model, std::span<const EncodedRequest> requests) {
  std::map<std::uint32_t, Group> by_class;
  for (std::size_t r = 0; r < requests.size(); ++r) {
    const auto length = static_cast<std::uint32_t>(inputs(requests[r]).size());
    Group& group = by_class[model.rotation_class(length)];
    if (group.members.empty()) {
      group.common = length;
    } else {
      const auto first = inputs(requests[group.members[0]]).first(group.common);
      const auto here = inputs(requests[r]);
      group.common = static_cast<std::size_t>(std::ranges::mismatch(first, here).in1 - first.begin());
    }
    group.members.push_back(r);
    group.longest = std::max(group.longest, length);
  }
  std::vector<Group> result;
  for (auto& [rotation, group] : by_class) result.push_back(std::move(group));
  return result;
}

/// Adds what tokens of a request tell as their logits come.
class Scorer {
 public:
  Scorer(std::span<const EncodedRequest> requests, const std::string& place)
      : requests_(requests), place_(place), scores_(requests.size(), RequestScore{0, true}) {}

  /// `logits` follow input `position` of request r.
  void add(std::size_t r, std::size_t position, std::span<const float> logits) {
    const EncodedRequest& request = requests_[r];
    if (position + 1 < request.context || position + 1 >= request.tokens.size()) return;
    const std::int32_t target = request.tokens[position + 1];
    if (target < 0 || static_cast<std::size_t>(target) >= logits.size()) {
      throw Error(ErrorCode::kInvalidArgument, place_ + ": token id " + std::to_string(target) +
                                                   " is outside the vocabulary of " + std::to_string(logits.size()) +
                                                   " tokens");
    }
    const Likelihood found = likelihood(logits, target);
    if (!std::isfinite(found.log_probability)) {
      throw Error(ErrorCode::kNotFinite,
                  place_ + ": the logits of request " + std::to_string(r + 1) + " are not finite");
    }
    scores_[r].log_likelihood += found.log_probability;
    scores_[r].is_greedy = scores_[r].is_greedy && found.is_argmax;
  }
  [[nodiscard]] std::vector<RequestScore> take() { return std::move(scores_); }

 private:
  std::span<const EncodedRequest> requests_;
  const std::string& place_;
  std::vector<RequestScore> scores_;
};

/// A row of logits: an input of one member, or of all of a group.
struct Row {
  std::size_t member = 0, position = 0;
  bool common = false;
};

void score_group(transformer::Session& session, std::span<const EncodedRequest> requests, const Group& group,
                 std::uint32_t vector_base, Scorer& scorer, std::size_t columns) {
  session.reset(vector_base, group.longest);
  std::vector<Segment> segments;
  std::vector<Row> rows;
  const auto add = [&](std::size_t member, std::size_t begin, std::size_t end, bool common) {
    if (begin == end) return;
    segments.push_back({static_cast<std::uint32_t>(begin), inputs(requests[member]).subspan(begin, end - begin)});
    for (std::size_t position = begin; position < end; ++position) rows.push_back({member, position, common});
  };
  // Logits are wanted from the first input that predicts a token of a continuation; own inputs before it are few.
  std::size_t first = group.common;
  for (const std::size_t r : group.members) first = std::min(first, requests[r].context - 1);
  add(group.members[0], 0, group.common, true);
  for (const std::size_t r : group.members) add(r, group.common, inputs(requests[r]).size(), false);

  const std::size_t most = std::max<std::size_t>(1, kMaxLogits / std::max<std::size_t>(1, columns));
  std::vector<Segment> some;
  std::size_t row = 0;      // rows that have run
  std::size_t segment = 0;  // and segments, with `used` tokens of this one
  std::size_t used = 0;
  while (row < rows.size()) {
    const std::size_t without = row < first ? first - row : 0;
    std::size_t room = without + most;
    const std::size_t begin = row;
    some.clear();
    while (segment < segments.size() && room > 0) {
      const std::size_t count = std::min(room, segments[segment].tokens.size() - used);
      some.push_back({segments[segment].position + static_cast<std::uint32_t>(used),
                      segments[segment].tokens.subspan(used, count)});
      room -= count;
      row += count;
      used += count;
      if (used < segments[segment].tokens.size()) continue;
      ++segment;
      used = 0;
    }
    const std::vector<float> logits = session.forward(some, without);
    for (std::size_t i = begin + without; i < row; ++i) {
      const auto here = std::span(logits).subspan((i - begin - without) * columns, columns);
      if (!rows[i].common) {
        scorer.add(rows[i].member, rows[i].position, here);
      } else {
        for (const std::size_t r : group.members) scorer.add(r, rows[i].position, here);
      }
    }
  }
}

[[nodiscard]] std::uint64_t tokens_of(std::span<const EncodedRequest> requests, const Group& group) {
  std::uint64_t tokens = group.common;
  for (const std::size_t r : group.members) tokens += inputs(requests[r]).size() - group.common;
  return tokens;
}

}  // namespace

std::vector<RequestScore> score(transformer::Model& model, transformer::Session& session,
                                std::span<const EncodedRequest> requests, std::uint32_t vector_base,
                                const std::string& place) {
  Scorer scorer(requests, place);
  for (const Group& group : groups_of(model, requests)) {
    score_group(session, requests, group, vector_base, scorer, model.num_logits());
    vector_base += static_cast<std::uint32_t>(tokens_of(requests, group));
  }
  return scorer.take();
}

std::uint64_t computed_tokens(const transformer::Model& model, std::span<const EncodedRequest> requests) {
  std::uint64_t tokens = 0;
  for (const Group& group : groups_of(model, requests)) tokens += tokens_of(requests, group);
  return tokens;
}

}  // namespace xw::evaluation
