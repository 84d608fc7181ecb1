// Pattern packing: a bin is cut into stacks, a stack into rows, a row into equal rectangles; bins that fill well
// repeat.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "compiler/mapping/packing.hpp"

namespace xw::mapping {
namespace {

/// `across` rectangles of a kind side by side, `times` such rows.
struct Row {
  std::uint32_t kind = 0;
  std::uint64_t across = 0, times = 0;
};
struct Stack {
  std::uint32_t cols = 0;
  std::vector<Row> rows;
  std::uint64_t value = 0;
};

/// A thing for a bounded knapsack.
struct Choice {
  std::uint64_t size = 0, value = 0, limit = 0;
};

/// Bounded 0-1 knapsack with binary splitting. Returns how often each choice is taken.
std::vector<std::uint64_t> knapsack(const std::vector<Choice>& choices, std::uint64_t capacity) {
  std::vector<std::uint64_t> best(capacity + 1, 0);
  std::vector<std::pair<std::size_t, std::uint64_t>> parts;  // choice, copies
  std::vector<std::vector<bool>> taken;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    std::uint64_t left = choices[i].size == 0 ? 0 : std::min(choices[i].limit, capacity / choices[i].size);
    for (std::uint64_t copies = 1; left > 0; copies *= 2) {
      const std::uint64_t n = std::min(copies, left);
      left -= n;
      const std::uint64_t size = choices[i].size * n;
      const std::uint64_t value = choices[i].value * n;
      std::vector<bool>& took = taken.emplace_back(capacity + 1, false);
      parts.emplace_back(i, n);
      for (std::uint64_t c = capacity; c >= size; --c) {
        if (best[c - size] + value > best[c]) {
          best[c] = best[c - size] + value;
          took[c] = true;
        }
      }
    }
  }
  std::vector<std::uint64_t> counts(choices.size(), 0);
  std::uint64_t c = capacity;
  for (std::size_t p = parts.size(); p-- > 0;) {
    if (!taken[p][c]) continue;
    counts[parts[p].first] += parts[p].second;
    c -= choices[parts[p].first].size * parts[p].second;
  }
  return counts;
}

class Filler {
 public:
  Filler(std::span<const Kind> kinds, const BinShape& bin, std::uint32_t emphasis)
      : bin_(bin), kinds_(kinds.begin(), kinds.end()) {
    row_unit_ = bin.rows;
    col_unit_ = bin.cols;
    for (const Kind& kind : kinds_) {
      row_unit_ = std::gcd(row_unit_, kind.rows);
      col_unit_ = std::gcd(col_unit_, kind.cols);
      const std::uint64_t area = std::uint64_t{kind.rows} * kind.cols;
      const std::uint64_t share = 1024 * area / (std::uint64_t{bin.rows} * bin.cols);
      values_.push_back(area * (32 * 1024 + emphasis * share));
    }
  }

  /// The most valuable bin for the remaining counts: stacks from left to right.
  std::vector<Stack> best_bin(const std::vector<std::uint64_t>& available) const {
    std::vector<std::uint64_t> left = available;
    std::vector<std::uint32_t> widths;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      if (left[k] > 0) widths.push_back(kinds_[k].cols);
    }
    std::sort(widths.begin(), widths.end(), std::greater<>());
    widths.erase(std::unique(widths.begin(), widths.end()), widths.end());

    std::vector<Stack> classes;
    std::vector<Choice> choices;
    for (const std::uint32_t width : widths) {
      classes.push_back(best_stack(width, left));
      choices.push_back({width / col_unit_, classes.back().value, repeats(classes.back(), left)});
    }
    const std::vector<std::uint64_t> counts = knapsack(choices, bin_.cols / col_unit_);
    std::vector<Stack> stacks;
    std::uint32_t free_cols = bin_.cols;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      for (std::uint64_t n = 0; n < counts[i]; ++n) {
        // Stacks share the counts: what one took, the next may lack.
        Stack stack = repeats(classes[i], left) > 0 ? classes[i] : best_stack(widths[i], left);
        if (!place(std::move(stack), left, free_cols, stacks)) break;
      }
    }
    while (place(best_stack(free_cols, left), left, free_cols, stacks)) {
    }
    return stacks;
  }

  std::uint64_t value(const std::vector<Stack>& stacks) const {
    return std::accumulate(stacks.begin(), stacks.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Stack& s) { return sum + s.value; });
  }

  Bin layout(const std::vector<Stack>& stacks) const {
    Bin bin;
    std::uint32_t col0 = 0;
    for (const Stack& stack : stacks) {
      std::uint32_t row0 = 0;
      for (const Row& row : stack.rows) {
        const Kind& kind = kinds_[row.kind];
        for (std::uint64_t t = 0; t < row.times; ++t, row0 += kind.rows) {
          for (std::uint32_t a = 0; a < row.across; ++a) bin.slots.push_back({row.kind, row0, col0 + a * kind.cols});
        }
      }
      col0 += stack.cols;
    }
    return bin;
  }

 private:
  bool place(Stack stack, std::vector<std::uint64_t>& left, std::uint32_t& free_cols,
             std::vector<Stack>& stacks) const {
    if (stack.rows.empty() || stack.cols > free_cols) return false;
    for (const Row& row : stack.rows) left[row.kind] -= row.across * row.times;
    free_cols -= stack.cols;
    stacks.push_back(std::move(stack));
    return true;
  }

  /// How often a stack can be made.
  std::uint64_t repeats(const Stack& stack, const std::vector<std::uint64_t>& left) const {
    if (stack.rows.empty()) return 0;
    std::vector<std::uint64_t> used(kinds_.size(), 0);
    for (const Row& row : stack.rows) used[row.kind] += row.across * row.times;
    std::uint64_t times = UINT64_MAX;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      if (used[k] > 0) times = std::min(times, left[k] / used[k]);
    }
    return times;
  }

  Stack best_stack(std::uint32_t width, const std::vector<std::uint64_t>& left) const {
    std::vector<Choice> choices;
    std::vector<Row> rows;
    for (std::uint32_t k = 0; k < kinds_.size(); ++k) {
      if (left[k] == 0 || kinds_[k].cols > width) continue;
      const std::uint64_t across = std::min<std::uint64_t>(width / kinds_[k].cols, left[k]);
      choices.push_back({kinds_[k].rows / row_unit_, values_[k] * across, left[k] / across});
      rows.push_back({k, across, 0});
    }
    const std::vector<std::uint64_t> counts = knapsack(choices, bin_.rows / row_unit_);
    Stack stack;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (counts[i] == 0) continue;
      rows[i].times = counts[i];
      stack.rows.push_back(rows[i]);
      stack.cols = std::max(stack.cols, static_cast<std::uint32_t>(rows[i].across * kinds_[rows[i].kind].cols));
      stack.value += choices[i].value * counts[i];
    }
    return stack;
  }

  BinShape bin_;
  std::vector<Kind> kinds_;
  std::vector<std::uint64_t> values_;
  std::uint32_t row_unit_ = 1, col_unit_ = 1;
};

std::vector<Kind> transposed(std::span<const Kind> kinds) {
  std::vector<Kind> out;
  for (const Kind& kind : kinds) out.push_back({kind.cols, kind.rows, kind.count});
  return out;
}

}  // namespace

std::uint64_t pattern_effort(std::span<const Kind> kinds, const BinShape& bin) {
  std::uint64_t row_unit = bin.rows;
  std::uint64_t col_unit = bin.cols;
  std::uint64_t total = 0;
  for (const Kind& kind : kinds) {
    row_unit = std::gcd(row_unit, std::uint64_t{kind.rows});
    col_unit = std::gcd(col_unit, std::uint64_t{kind.cols});
    total += kind.count;
  }
  const std::uint64_t n = kinds.size();
  const std::uint64_t per_pattern = n * n * 4 * (bin.rows / row_unit + bin.cols / col_unit) + n * 64;
  return per_pattern * std::min(total, 3 * n + 4);
}

Packing pack_patterns(std::span<const Kind> kinds, const BinShape& bin, std::uint32_t emphasis) {
  const std::vector<Kind> turned = transposed(kinds);
  const Filler upright(kinds, bin, emphasis);
  const Filler lying(turned, {bin.cols, bin.rows}, emphasis);
  std::vector<std::uint64_t> left;
  std::uint64_t total = 0;
  for (const Kind& kind : kinds) {
    left.push_back(kind.count);
    total += kind.count;
  }
  Packing packing;
  while (total > 0) {
    const std::vector<Stack> columns = upright.best_bin(left);
    const std::vector<Stack> shelves = lying.best_bin(left);
    Bin best;
    if (upright.value(columns) >= lying.value(shelves)) {
      best = upright.layout(columns);
    } else {
      best = lying.layout(shelves);
      for (Slot& slot : best.slots) std::swap(slot.row0, slot.col0);
    }
    std::vector<std::uint64_t> used(kinds.size(), 0);
    for (const Slot& slot : best.slots) ++used[slot.kind];
    best.count = UINT64_MAX;
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (used[k] > 0) best.count = std::min(best.count, left[k] / used[k]);
    }
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      left[k] -= used[k] * best.count;
      total -= used[k] * best.count;
    }
    packing.push_back(std::move(best));
  }
  return packing;
}

}  // namespace xw::mapping
