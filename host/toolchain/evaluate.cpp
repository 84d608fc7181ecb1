// Quality of an opened model over chip instances.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/evaluate.hpp"

#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/setting_error.hpp"
#include "host/evaluation/journal.hpp"
#include "host/evaluation/run_task.hpp"
#include "host/toolchain/evaluation_settings.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

using Json = nlohmann::ordered_json;

Json statistics_json(const evaluation::SeedStatistics& statistics) {
  return {{"mean", statistics.mean}, {"std", statistics.standard_deviation}, {"values", statistics.values}};
}

constexpr const char* kSeeds = "chip seeds";

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
    try {
      if (plan_.text) run["perplexity"] = measure_text(title);
      for (std::size_t task = 0; task < plan_.tasks.size(); ++task) {
        run["tasks"][plan_.tasks[task].name] = measure_task(task, title);
      }
    } catch (...) {
      journal_.keep(seed_, kept_);
      throw;
    }
    journal_.add(seed_, std::move(run));
  }

 private:
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

  [[nodiscard]] evaluation::SeedStatistics perplexity() const {
    std::vector<double> values;
    for (const std::uint32_t seed : seeds_) values.push_back((*journal_.find(seed))["perplexity"]["perplexity"]);
    return evaluation::seed_statistics(seeds_, values);
  }
  void add(const evaluation::Task& task, std::vector<TaskStatistics>& statistics) const {
    std::vector<std::vector<double>> values;
    std::vector<std::string> names;
    for (const std::uint32_t seed : seeds_) {
      const evaluation::TaskResult result = parse(task, seed);
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
  [[nodiscard]] evaluation::TaskResult parse(const evaluation::Task& task, std::uint32_t seed) const {
    const Json& run = *journal_.find(seed);
    const std::string place = place_ + ": run of chip seed " + std::to_string(seed);
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
  const evaluation::Journal& journal_;
  const std::vector<std::uint32_t>& seeds_;
  std::string place_;
};

}  // namespace

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
  const bool analog = opened.mode() == Mode::kAnalog;
  if (!analog && seeds.count > 1) {
    throw SettingError(ErrorCode::kInvalidArgument, kSeeds,
                       std::string("chip seeds: more than one needs an analog run; mode is ") + name(opened.mode()));
  }
  if (opened.chip() != nullptr && !opened.chip()->device().info().values) {
    throw Error(ErrorCode::kInvalidArgument,
                "eval: the device simulates time only; quality needs one that computes values");
  }
  std::vector<std::uint32_t> all(seeds.count);
  std::iota(all.begin(), all.end(), seeds.first);
  const EvaluationInputs inputs = encode(opened, plan);
  std::vector<evaluation::JournalFigure> figures;  // that every finished chip has
  if (plan.text) figures.push_back({"perplexity", "perplexity"});
  const Json head = {{"report", "crossweave evaluation"},
                     {"version", 1},
                     {"model", files.model.string()},
                     {"run", opened.describe()},
                     {"tool_version", kVersion}};
  evaluation::Journal journal(files.json, head, evaluation_settings(opened, plan, inputs, files.model), all, figures);
  const Summary summary(journal, all, files.json.string());
  for (const std::uint32_t seed : all) {
    if (journal.find(seed) == nullptr) continue;
    for (const evaluation::Task& task : plan.tasks) static_cast<void>(summary.parse(task, seed));
  }
  if (observer.on_kept && journal.size() != 0) observer.on_kept(journal.size());
  for (const std::uint32_t seed : all) {
    if (journal.find(seed) != nullptr) continue;
    if (analog) opened.reprogram(seed);
    if (observer.on_chip) observer.on_chip({seed, opened.describe()});
    std::string title;
    if (seeds.count > 1) {
      title = ", chip " + std::to_string(seed - seeds.first + 1) + " of " + std::to_string(seeds.count);
    }
    ChipMeasurement(opened, plan, inputs, observer, journal, seed).measure(title);
  }
  Evaluation result;
  Json json = Json::object();
  if (plan.text) {
    result.perplexity = summary.perplexity();
    json["perplexity"] = statistics_json(*result.perplexity);
  }
  for (const evaluation::Task& task : plan.tasks) summary.add(task, result.tasks);
  for (const TaskStatistics& one : result.tasks) json["tasks"][one.task][one.metric] = statistics_json(one.chips);
  result.json = journal.finish(json);
  return result;
}

}  // namespace xw::toolchain
