// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/schedule.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::codegen {
namespace {

constexpr std::size_t kMaxSlices = 8;
constexpr std::uint32_t kMaxSliceBytes = 32768;  // the length field of LOAD_X has 16 bits
constexpr std::uint32_t kNoChunk = UINT32_MAX;

/// Units [begin, end) of one engine that belong to one chunk.
struct Run {
  std::uint32_t engine = 0;
  std::size_t begin = 0, end = 0;
  bool is_shared = false;  // a group whose rows are divided between engines
};

/// Runs of one engine in the order of its work. Shared groups come first: other engines' sums wait for them.
std::vector<Run> engine_runs(const Partition& partition, std::uint32_t engine) {
  const auto& units = partition.units;
  const std::size_t begin = partition.cuts[engine];
  const std::size_t end = partition.cuts[engine + 1];
  std::vector<Run> runs;
  std::size_t at = begin;
  while (at < end) {
    const std::uint32_t group_id = units[at].group_id;
    std::size_t group_end = at;
    while (group_end < end && units[group_end].group_id == group_id) ++group_end;
    const bool cut_before = at > 0 && units[at - 1].group_id == group_id;
    const bool cut_after = group_end < units.size() && units[group_end].group_id == group_id;
    const bool is_shared = cut_before || cut_after;
    const bool joins =
        !runs.empty() && !is_shared && !runs.back().is_shared && units[runs.back().begin].panel == units[at].panel;
    if (joins) {
      runs.back().end = group_end;
    } else {
      runs.push_back({engine, at, group_end, is_shared});
    }
    at = group_end;
  }
  const bool ends_shared = runs.size() > 1 && runs.back().is_shared;
  if (ends_shared) std::rotate(runs.begin(), runs.end() - 1, runs.end());
  return runs;
}

class Scheduler {
 public:
  Scheduler(const Layout& layout, const Partition& partition, const arch::EmulatorDescription& emulator)
      : layout_(layout), partition_(partition), emulator_(emulator), num_engines_(partition.cuts.size() - 1) {
    schedule_.steps.resize(num_engines_);
  }

  Schedule make() {
    for (std::uint32_t engine = 0; engine < num_engines_; ++engine) {
      for (const Run& run : engine_runs(partition_, engine)) add_steps(run);
    }
    simulate();
    cut_slices();
    order_events();
    return std::move(schedule_);
  }

 private:
  void add_steps(const Run& run);
  void simulate();
  void cut_slices();
  void order_events();
  bool resolve_reuse(std::uint32_t engine, Step& step);

  const Layout& layout_;
  const Partition& partition_;
  const arch::EmulatorDescription& emulator_;
  std::size_t num_engines_;
  Schedule schedule_;
  std::map<std::uint32_t, std::uint32_t> shared_chunks_;  // group id -> chunk
  std::vector<std::vector<std::uint32_t>> ring_owner_;    // per engine and 16 words of YBUF: chunk that used it last
};

/// One step per row of the run.
void Scheduler::add_steps(const Run& run) {
  const auto& units = partition_.units;
  const Unit& first = units[run.begin];
  const Unit& last = units[run.end - 1];
  const Panel& panel = layout_.panels[first.panel];
  auto chunk_index = static_cast<std::uint32_t>(schedule_.chunks.size());
  const auto shared = run.is_shared ? shared_chunks_.find(first.group_id) : shared_chunks_.end();
  if (shared != shared_chunks_.end()) {
    chunk_index = shared->second;
  } else {
    Chunk chunk;
    chunk.panel = first.panel;
    chunk.col_begin = first.group * layout_.group_cols;
    chunk.cols = std::min((last.group + 1) * layout_.group_cols, panel.cols) - chunk.col_begin;
    schedule_.chunks.push_back(chunk);
    if (run.is_shared) shared_chunks_[first.group_id] = chunk_index;
  }
  Chunk& chunk = schedule_.chunks[chunk_index];
  chunk.engine_mask |= 1U << run.engine;
  std::map<std::uint32_t, std::uint64_t> row_costs;
  for (std::size_t i = run.begin; i < run.end; ++i) row_costs[units[i].row] += units[i].cost;
  auto& steps = schedule_.steps[run.engine];
  for (const auto& [row, cost] : row_costs) {
    Step step;
    step.chunk = chunk_index;
    step.row = row;
    step.is_first = row == row_costs.begin()->first;
    step.is_last = row == row_costs.rbegin()->first;
    step.cost = cost + kImageOverheadCycles;
    steps.push_back(std::move(step));
    ++chunk.steps_left;
  }
}

/// Which chunks used the words before; false if one of them cannot be stored yet. Moves the start behind their ends.
bool Scheduler::resolve_reuse(std::uint32_t engine, Step& step) {
  const Chunk& chunk = schedule_.chunks[step.chunk];
  const std::uint32_t word = (layout_.panels[chunk.panel].y_word + chunk.col_begin) % layout_.ring_words;
  auto& owner = ring_owner_[engine];
  const std::size_t begin = word / kYAlignWords;
  const std::size_t end = (word + chunk.cols + kYAlignWords - 1) / kYAlignWords;
  std::set<std::uint32_t> before(owner.begin() + static_cast<std::ptrdiff_t>(begin),
                                 owner.begin() + static_cast<std::ptrdiff_t>(end));
  before.erase(kNoChunk);
  for (const std::uint32_t other : before) {
    if (schedule_.chunks[other].steps_left != 0) return false;
    step.start = std::max(step.start, schedule_.chunks[other].done);
  }
  step.after_chunks.assign(before.begin(), before.end());
  std::fill(owner.begin() + static_cast<std::ptrdiff_t>(begin), owner.begin() + static_cast<std::ptrdiff_t>(end),
            step.chunk);
  return true;
}

/// Lets the engines work through their steps, always the one that is free first.
void Scheduler::simulate() {
  ring_owner_.assign(num_engines_, std::vector<std::uint32_t>(layout_.ring_words / kYAlignWords, kNoChunk));
  std::vector<std::size_t> next(num_engines_, 0);
  std::vector<std::uint64_t> now(num_engines_, 0);
  std::size_t left = 0;
  for (const auto& steps : schedule_.steps) left += steps.size();
  while (left > 0) {
    std::vector<std::uint32_t> by_time;
    for (std::uint32_t engine = 0; engine < num_engines_; ++engine) {
      if (next[engine] < schedule_.steps[engine].size()) by_time.push_back(engine);
    }
    std::stable_sort(by_time.begin(), by_time.end(), [&](std::uint32_t a, std::uint32_t b) { return now[a] < now[b]; });
    const std::size_t left_before = left;
    for (const std::uint32_t engine : by_time) {
      Step& step = schedule_.steps[engine][next[engine]];
      step.start = now[engine];
      if (step.is_first && !resolve_reuse(engine, step)) continue;
      step.end = step.start + step.cost;
      now[engine] = step.end;
      Chunk& chunk = schedule_.chunks[step.chunk];
      chunk.done = std::max(chunk.done, step.end);
      --chunk.steps_left;
      ++next[engine];
      --left;
      break;
    }
    if (left == left_before) throw Error(ErrorCode::kInternal, "code generation: engines wait for each other for YBUF");
  }
}

/// X slices end where blocks end, rounded up to whole units of memory, so that the first MVM need not wait for all of X.
void Scheduler::cut_slices() {
  std::set<std::uint32_t> ends;
  for (const auto& rows : layout_.row_sets) {
    for (const RowBlock& row : rows) {
      ends.insert(std::min(layout_.in_features, align_up(row.in_begin + row.rows, arch::kMemoryAlignment)));
    }
  }
  const std::vector<std::uint32_t> all(ends.begin(), ends.end());
  const std::size_t count = std::min(all.size(), kMaxSlices);
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t end = all[(i + 1) * all.size() / count - 1];
    while (end - begin > kMaxSliceBytes) schedule_.slice_ends.push_back(begin += kMaxSliceBytes);
    schedule_.slice_ends.push_back(end);
    begin = end;
  }
}

void Scheduler::order_events() {
  auto& events = schedule_.events;
  for (std::uint32_t slice = 0; slice < schedule_.slice_ends.size(); ++slice) {
    events.push_back({0, slice == 0 ? Event::Kind::kFirstLoadX : Event::Kind::kLoadX, 0, slice});
  }
  for (std::uint32_t chunk = 0; chunk < schedule_.chunks.size(); ++chunk) {
    events.push_back({schedule_.chunks[chunk].done, Event::Kind::kStore, 0, chunk});
  }
  const std::size_t contexts = emulator_.contexts;
  for (std::uint32_t engine = 0; engine < num_engines_; ++engine) {
    const auto& steps = schedule_.steps[engine];
    for (std::uint32_t i = 0; i < steps.size(); ++i) {
      // A context is loaded again as soon as the MVM that used it is over.
      events.push_back({i < contexts ? 0 : steps[i - contexts].end, Event::Kind::kLoadBlock, engine, i});
      events.push_back({steps[i].start, Event::Kind::kMvm, engine, i});
    }
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return std::tie(a.time, a.kind, a.index, a.engine) < std::tie(b.time, b.kind, b.index, b.engine);
  });
  std::uint32_t store = 0;
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kStore) schedule_.chunks[event.index].store = store++;
  }
}

}  // namespace

Schedule make_schedule(const Layout& layout, const Partition& partition, const arch::EmulatorDescription& emulator) {
  return Scheduler(layout, partition, emulator).make();
}

}  // namespace xw::codegen
