// Quality of an opened model over chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "arch/support/csv.hpp"
#include "arch/support/error.hpp"
#include "arch/support/setting_error.hpp"
#include "arch/support/units.hpp"
#include "host/evaluation/journal.hpp"
#include "host/evaluation/run_task.hpp"
#include "host/toolchain/evaluation_settings.hpp"
#include "host/toolchain/fault_text.hpp"
#include "host/toolchain/invocation.hpp"
#include "host/toolchain/version.hpp"
#include "models/cells/cell_model.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

Json statistics_json(const evaluation::SeedStatistics& statistics) {
  return {{"mean", statistics.mean}, {"std", statistics.standard_deviation}, {"values", statistics.values}};
}

constexpr const char* kSeeds = "chip seeds";

/// Of a run, what was measured at a time: the run itself for the first one, else an entry of its "aged".
const Json& at_time(const Json& run, std::size_t time, const std::string& place) {
  if (time == 0) return run;
  const auto aged = run.find("aged");
  if (aged == run.end() || !aged->is_array() || aged->size() < time || !(*aged)[time - 1].is_object()) {
    throw Error(ErrorCode::kFormat, place + ": aged is damaged: expected a list of at least " + std::to_string(time) +
                                        " objects, one for every later time; name another file, or remove this one");
  }
  return (*aged)[time - 1];
}

/// One chip being measured. What there is of it is kept in the journal as it comes.
class ChipMeasurement {
 public:
  ChipMeasurement(OpenedModel& opened, const EvaluationPlan& plan, const EvaluationInputs& inputs,
                  const EvaluationObserver& observer, evaluation::Journal& journal, std::uint32_t seed)
      : opened_(opened), plan_(plan), inputs_(inputs), observer_(observer), journal_(journal), seed_(seed) {
    if (const Json* unfinished = journal.find_unfinished(seed)) kept_ = *unfinished;
    if (!kept_.contains("tasks") || !kept_["tasks"].is_object()) kept_["tasks"] = Json::object();
  }

  /// `title` comes behind the names of what is measured.
  void measure(const std::string& title) {
    Json run = {{"chip_seed", seed_}};
    if (const runtime::ChipInstance* chip = opened_.chip(); chip != nullptr && chip->faults() != nullptr) {
      run["faults"] = to_json(*chip->faults());
    }
    try {
      if (plan_.times.empty()) {
        measure_now(title, run);
      } else {
        measure_times(title, run);
      }
    } catch (...) {
      journal_.keep(seed_, kept_);
      throw;
    }
    journal_.add(seed_, std::move(run));
  }

 private:
  /// Everything at the time that the chip has, into `run`.
  void measure_now(const std::string& title, Json& run) {
    if (plan_.text) run["perplexity"] = measure_text(title);
    for (std::size_t task = 0; task < plan_.tasks.size(); ++task) {
      run["tasks"][plan_.tasks[task].name] = measure_task(task, title);
    }
  }

  /// kept_["done"] are the times that an interrupted run has finished; what else is kept belongs to the time after them.
  void measure_times(const std::string& title, Json& run) {
    if (!kept_.contains("done") || !kept_["done"].is_array()) kept_["done"] = Json::array();
    for (std::size_t time = 0; time < plan_.times.size(); ++time) {
      const double seconds = plan_.times[time];
      Json now = {{"seconds", seconds}};
      if (time < kept_["done"].size()) {
        now = kept_["done"][time];
      } else {
        opened_.age(seconds);
        if (observer_.on_chip) observer_.on_chip({seed_, seconds, opened_.describe()});
        measure_now(title + ", " + duration_text(seconds), now);
        const Json done = std::move(kept_["done"]);
        kept_ = {{"tasks", Json::object()}, {"done", done}};
        kept_["done"].push_back(now);
      }
      if (time == 0) {
        run.update(now);
      } else {
        run["aged"].push_back(std::move(now));
      }
    }
  }

  /// Runs `body`; what ends it early, `save` puts what there is into kept_.
  template <class Body, class Save>
  void keeping(const Body& body, const Save& save) {
    try {
      body();
    } catch (...) {
      save();
      throw;
    }
    save();
  }

  [[nodiscard]] Json measure_text(const std::string& title) {
    evaluation::PerplexityOptions options = plan_.perplexity;
    options.title = "perplexity" + title;
    std::vector<evaluation::TextWindow> windows;
    if (kept_.contains("perplexity")) windows = evaluation::parse_windows(kept_["perplexity"], kPlace);
    options.kept = windows;
    const auto save = [&] { kept_["perplexity"] = evaluation::to_json(windows); };
    options.on_window = [&](const std::vector<evaluation::TextWindow>& all) {
      windows.push_back(all.back());
      keep_if_due(save);
    };
    evaluation::PerplexityResult result;
    keeping([&] { result = evaluation::perplexity(opened_.model(), inputs_.text, inputs_.bos, options); }, save);
    if (observer_.on_perplexity) observer_.on_perplexity(result);
    return evaluation::to_json(result);
  }

  [[nodiscard]] Json measure_task(std::size_t index, const std::string& title) {
    const evaluation::Task& task = plan_.tasks[index];
    evaluation::TaskResult result;
    if (kept_["tasks"].contains(task.name)) {
      result = evaluation::parse_task_result(task, kept_["tasks"][task.name], kPlace);
    }
    evaluation::RunTaskOptions options;
    options.sampling = plan_.sampling;
    if (plan_.perplexity.show_progress) options.title = task.name + title;
    const auto save = [&] { kept_["tasks"][task.name] = evaluation::kept_json(task, result); };
    options.on_item = [&](const evaluation::TaskResult&) { keep_if_due(save); };
    keeping(
        [&] {
          evaluation::run_task(opened_.model(), opened_.tokenizer(), task, inputs_.tasks[index], result, options);
        },
        save);
    if (observer_.on_task) observer_.on_task(task, result);
    return evaluation::to_json(task, result);
  }

  template <class Save>
  void keep_if_due(const Save& save) {
    if (!journal_.due()) return;
    save();
    journal_.keep(seed_, kept_);
  }

  static constexpr const char* kPlace = "an unfinished chip";
  OpenedModel& opened_;
  const EvaluationPlan& plan_;
  const EvaluationInputs& inputs_;
  const EvaluationObserver& observer_;
  evaluation::Journal& journal_;
  std::uint32_t seed_;
  Json kept_ = Json::object();
};

/// Statistics of what all chips gave, from the items of finished runs.
class Summary {
 public:
  Summary(const evaluation::Journal& journal, const std::vector<std::uint32_t>& seeds, const std::string& place)
      : journal_(journal), seeds_(seeds), place_(place) {}

  /// `time`: which of the plan's; 0 also if it has none.
  [[nodiscard]] evaluation::SeedStatistics perplexity(std::size_t time) const {
    std::vector<double> values;
    for (const std::uint32_t seed : seeds_) values.push_back(perplexity_of(time, seed));
    return evaluation::seed_statistics(seeds_, values);
  }
  /// Throws Error{kFormat} for a run without it.
  [[nodiscard]] double perplexity_of(std::size_t time, std::uint32_t seed) const {
    const Json& run = at_time(*journal_.find(seed), time, place_of(seed));
    const Json text = run.value("perplexity", Json::object());
    const Json value = text.is_object() ? text.value("perplexity", Json()) : Json();
    if (value.is_number()) return value;
    throw Error(ErrorCode::kFormat, place_of(seed) +
                                        " is damaged: expected a number perplexity.perplexity; name another "
                                        "file, or remove this one");
  }
  void add(const evaluation::Task& task, std::size_t time, std::vector<TaskStatistics>& statistics) const {
    std::vector<std::vector<double>> values;
    std::vector<std::string> names;
    for (const std::uint32_t seed : seeds_) {
      const evaluation::TaskResult result = parse(task, time, seed);
      const std::vector<evaluation::Metric> all = evaluation::metrics(task, result.items);
      values.resize(all.size());
      names.clear();
      for (std::size_t m = 0; m < all.size(); ++m) {
        values[m].push_back(all[m].mean);
        names.push_back(all[m].name);
      }
    }
    for (std::size_t m = 0; m < names.size(); ++m) {
      statistics.push_back({task.name, names[m], evaluation::seed_statistics(seeds_, values[m])});
    }
  }
  /// Throws Error{kFormat} for a run without all items.
  [[nodiscard]] evaluation::TaskResult parse(const evaluation::Task& task, std::size_t time, std::uint32_t seed) const {
    const std::string place = place_of(seed);
    const Json& run = at_time(*journal_.find(seed), time, place);
    const Json tasks = run.value("tasks", Json::object());
    evaluation::TaskResult result =
        evaluation::parse_task_result(task, tasks.is_object() ? tasks.value(task.name, Json()) : Json(), place);
    if (result.items.size() != task.items.size()) {
      throw Error(ErrorCode::kFormat, place + ": tasks." + task.name + " is damaged: expected " +
                                          std::to_string(task.items.size()) + " items, found " +
                                          std::to_string(result.items.size()) +
                                          "; name another file, or remove this one");
    }
    return result;
  }

 private:
  [[nodiscard]] std::string place_of(std::uint32_t seed) const {
    return place_ + ": run of chip seed " + std::to_string(seed);
  }

  const evaluation::Journal& journal_;
  const std::vector<std::uint32_t>& seeds_;
  std::string place_;
};

/// What the chips gave at one time.
TimeStatistics statistics_of(const Summary& summary, const EvaluationPlan& plan, std::size_t time, double seconds) {
  TimeStatistics statistics{seconds, std::nullopt, {}};
  if (plan.text) statistics.perplexity = summary.perplexity(time);
  for (const evaluation::Task& task : plan.tasks) summary.add(task, time, statistics.tasks);
  return statistics;
}

Json statistics_json(const TimeStatistics& statistics) {
  Json json = Json::object();
  if (statistics.perplexity) json["perplexity"] = statistics_json(*statistics.perplexity);
  for (const TaskStatistics& one : statistics.tasks) json["tasks"][one.task][one.metric] = statistics_json(one.chips);
  return json;
}

}  // namespace

void check_times(const std::vector<double>& times, const runtime::ChipInstance* chip) {
  if (times.empty()) return;
  if (chip == nullptr) throw SettingError(ErrorCode::kInvalidArgument, "times", "times: only chips of analog runs age");
  if (times.back() > 0 && !chip->drifts()) {
    throw SettingError(ErrorCode::kInvalidArgument, "times",
                       "times: " + cells::noise_label(chip->options().noise) + " does not drift, found " +
                           duration_text(times.back()));
  }
  for (std::size_t i = 1; i < times.size(); ++i) {
    if (times[i] > times[i - 1]) continue;
    throw SettingError(
        ErrorCode::kInvalidArgument, "times",
        "times: expected growing times, found " + duration_text(times[i]) + " after " + duration_text(times[i - 1]));
  }
}

std::string to_csv(const Evaluation& evaluation) {
  std::string csv = "chip_seed,seconds,measure,metric,value\n";
  const auto add = [&](double seconds, const std::string& measure, const std::string& metric,
                       const evaluation::SeedStatistics& chips) {
    for (std::size_t i = 0; i < chips.seeds.size(); ++i) {
      csv += std::to_string(chips.seeds[i]) + "," + Json(seconds).dump() + "," + csv_field(measure) + "," + metric +
             "," + Json(chips.values[i]).dump() + "\n";
    }
  };
  for (const TimeStatistics& time : evaluation.times) {
    if (time.perplexity) add(time.seconds, "text", "perplexity", *time.perplexity);
    for (const TaskStatistics& one : time.tasks) add(time.seconds, one.task, one.metric, one.chips);
  }
  return csv;
}

void check(ChipSeeds seeds) {
  if (seeds.count == 0) throw SettingError(ErrorCode::kInvalidArgument, kSeeds, "chip seeds: must be at least 1");
  if (seeds.count > kMaxChipSeeds) {
    throw SettingError(
        ErrorCode::kInvalidArgument, kSeeds,
        "chip seeds: must be at most " + std::to_string(kMaxChipSeeds) + ", found " + std::to_string(seeds.count));
  }
  constexpr std::uint32_t kLargest = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t last = std::uint64_t{seeds.first} + seeds.count - 1;
  if (last > kLargest) {
    throw SettingError(
        ErrorCode::kInvalidArgument, kSeeds,
        "chip seeds: the last seed would be " + std::to_string(last) + ", the largest is " + std::to_string(kLargest));
  }
}

void check(const std::vector<evaluation::Task>& tasks) {
  std::set<std::string> names;
  for (const evaluation::Task& task : tasks) {
    if (names.insert(task.name).second) continue;
    throw Error(ErrorCode::kInvalidArgument,
                "eval: two tasks are named '" + task.name + "', after their files; rename one of the files");
  }
}

Evaluation evaluate(OpenedModel& opened, const EvaluationPlan& plan, ChipSeeds seeds, const EvaluationFiles& files,
                    const EvaluationObserver& observer) {
  check(seeds);
  check(plan.tasks);
  evaluation::check(plan.sampling);
  const bool analog = opened.mode() == Mode::kAnalog;
  if (!analog && seeds.count > 1) {
    throw SettingError(ErrorCode::kInvalidArgument, kSeeds,
                       std::string("chip seeds: more than one needs an analog run; mode is ") + name(opened.mode()));
  }
  check_times(plan.times, opened.chip());
  if (opened.chip() != nullptr && !opened.chip()->device().info().values) {
    throw Error(ErrorCode::kInvalidArgument,
                "eval: the device simulates time only; quality needs one that computes values");
  }
  std::vector<std::uint32_t> all(seeds.count);
  std::iota(all.begin(), all.end(), seeds.first);
  const EvaluationInputs inputs = encode(opened, plan);
  std::vector<evaluation::JournalFigure> figures;  // that every finished chip has
  if (plan.text) figures.push_back({"perplexity", "perplexity"});
  Json head = {{"report", "crossweave evaluation"},
               {"version", 1},
               {"model", files.model.string()},
               {"run", opened.describe()},
               {"tool_version", kVersion}};
  if (!files.about.is_null()) head = with_about(files.about, head);
  evaluation::Journal journal(files.json, head, evaluation_settings(opened, plan, inputs, files.model), all, figures);
  const Summary summary(journal, all, files.json.string());
  for (const std::uint32_t seed : all) {
    if (journal.find(seed) == nullptr) continue;
    for (std::size_t time = 0; time < std::max<std::size_t>(plan.times.size(), 1); ++time) {
      for (const evaluation::Task& task : plan.tasks) static_cast<void>(summary.parse(task, time, seed));
      if (plan.text) static_cast<void>(summary.perplexity_of(time, seed));
    }
  }
  if (observer.on_kept && journal.size() != 0) observer.on_kept(journal.size());
  for (const std::uint32_t seed : all) {
    if (journal.find(seed) != nullptr) continue;
    if (analog) opened.reprogram(seed);
    if (observer.on_chip && plan.times.empty()) {
      observer.on_chip({seed, analog ? opened.chip()->options().seconds : 0, opened.describe()});
    }
    std::string title;
    if (seeds.count > 1) {
      title = ", chip " + std::to_string(seed - seeds.first + 1) + " of " + std::to_string(seeds.count);
    }
    ChipMeasurement(opened, plan, inputs, observer, journal, seed).measure(title);
  }
  Evaluation result;
  const double opened_with = analog ? opened.chip()->options().seconds : 0;
  for (std::size_t time = 0; time < std::max<std::size_t>(plan.times.size(), 1); ++time) {
    result.times.push_back(statistics_of(summary, plan, time, plan.times.empty() ? opened_with : plan.times[time]));
  }
  result.perplexity = result.times.front().perplexity;
  result.tasks = result.times.front().tasks;
  Json json = statistics_json(result.times.front());
  if (!plan.times.empty()) {
    for (const TimeStatistics& one : result.times) {
      Json entry = {{"seconds", one.seconds}, {"time", duration_text(one.seconds)}};
      entry.update(statistics_json(one));
      json["times"].push_back(std::move(entry));
    }
  }
  result.json = journal.finish(json);
  return result;
}

}  // namespace xw::toolchain
