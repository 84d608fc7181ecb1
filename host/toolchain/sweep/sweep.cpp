// Running a study.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/sweep.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/interrupt.hpp"
#include "host/evaluation/run_task.hpp"
#include "host/evaluation/task_file.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/toolchain/compile.hpp"
#include "host/toolchain/evaluation_settings.hpp"
#include "host/toolchain/invocation.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/settings.hpp"
#include "host/toolchain/version.hpp"

namespace xw::toolchain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

/// The plan with its texts and tasks.
EvaluationPlan read_plan(const Study& study) {
  EvaluationPlan plan = study.plan;
  if (!study.text.empty()) plan.text = read_text_file(study.text);
  for (const fs::path& task : study.tasks) plan.tasks.push_back(evaluation::read_task(task, study.limit));
  check(plan.tasks);
  return plan;
}

std::string crc_of(const std::string& text) {
  return crc32_text(crc32(std::as_bytes(std::span(text.data(), text.size()))));
}

std::string measure_of(const Study& study, const EvaluationPlan& plan) {
  if (!study.function.empty()) return crc_of(Json({{"tool_version", kVersion}, {"function", study.function}}).dump());
  Json json = {
      {"tool_version", kVersion}, {"tokens", plan.perplexity.max_tokens}, {"context", plan.perplexity.context}};
  if (plan.text) json["text"] = crc_of(*plan.text);
  for (const evaluation::Task& task : plan.tasks) json["tasks"][task.name] = evaluation::identity(task);
  return crc_of(json.dump());
}

/// One compile per program: the first worker makes it, the others wait, and later ones find it.
class Programs {
 public:
  Programs(fs::path folder, unsigned threads) : folder_(std::move(folder)), threads_(threads) {}

  fs::path get(const std::string& model, const std::vector<std::pair<std::string, std::string>>& settings) {
    FileRoles roles;
    roles.add_input("model", model);
    Json key = {{"model", about_json("sweep", {}, roles.inputs())["inputs"]}, {"tool_version", kVersion}};
    CompileOptions options;
    for (const auto& [name, text] : settings) {
      set(options, name, text);
      key["settings"].push_back({name, text});
    }
    fs::path file = folder_ / (crc_of(key.dump()) + ".xwp");
    fs::create_directories(folder_);
    const fs::path lock = file.string() + ".lock";
    const int descriptor = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) throw Error(ErrorCode::kIo, lock.string() + ": cannot write");
    ::flock(descriptor, LOCK_EX);  // where the file system has no locks, several make the same bytes
    try {
      if (!fs::exists(file)) {
        ThreadPool pool(threads_);
        compile_checkpoint(model, options, file, pool);
      }
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    ::close(descriptor);
    return file;
  }

 private:
  fs::path folder_;
  unsigned threads_;
};

/// The model of the point before, as long as the next one is of the same program and kind of chip.
class Bench {
 public:
  Bench(const EvaluationPlan& plan, Programs& programs, unsigned threads)
      : plan_(plan), programs_(programs), threads_(threads) {}

  /// Figures of a point by name.
  Json measure(const StudyPoint& point, std::size_t chip) {
    open(point);
    RunOptions run;
    for (const char* name : {"chip-seed", "time"})
      if (const auto found = point.find(name); found != point.end()) set(run, name, found->second);
    if (opened_->mode() == Mode::kAnalog) {
      if (chip_ != chip) opened_->reprogram(run.chip.chip_seed);
      chip_ = chip;
      if (opened_->chip()->drifts()) opened_->age(run.chip.seconds);  // other cells stay what they are
    }
    Json figures = Json::object();
    if (plan_.text) {
      const auto result = evaluation::perplexity(opened_->model(), inputs_->text, inputs_->bos, plan_.perplexity);
      figures = {{"perplexity", result.perplexity}, {"mean_nll_nats", result.mean_nll}, {"tokens", result.tokens}};
    }
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      evaluation::TaskResult result;
      evaluation::run_task(opened_->model(), opened_->tokenizer(), plan_.tasks[i], inputs_->tasks[i], result, {});
      for (const evaluation::Metric& metric : evaluation::metrics(plan_.tasks[i], result.items))
        figures[plan_.tasks[i].name + "." + metric.name] = metric.mean;
    }
    return figures;
  }

  /// After an error: the next point begins anew.
  void forget() {
    opened_.reset();
    key_.clear();
  }

 private:
  void open(const StudyPoint& point) {
    StudyPoint key = point;
    key.erase("chip-seed");
    key.erase("time");
    if (opened_ != nullptr && key == key_) return;
    forget();
    chip_.reset();
    RunOptions run;
    std::vector<std::pair<std::string, std::string>> compile;
    for (const auto& [name, text] : key) {
      if (name == "model") continue;
      const std::vector<std::string>& known = compile_settings();
      if (std::find(known.begin(), known.end(), name) != known.end()) {
        compile.emplace_back(name, text);
      } else {
        set(run, name, text);
      }
    }
    fs::path model = key.at("model");
    const bool compiled = fs::is_regular_file(model) && is_program(model);
    if (compiled && !compile.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  compile.front().first + " cannot apply: " + model.string() + " is compiled already");
    }
    CompileOptions options;
    if (run.mode && runs_checkpoint(*run.mode)) {
      for (const auto& [name, text] : compile) set(options, name, text);
    } else if (!compiled) {
      model = programs_.get(model.string(), compile);
    }
    opened_ = std::make_unique<OpenedModel>(model, run, options, threads_);
    inputs_ = encode(*opened_, plan_);
    key_ = std::move(key);
  }

  const EvaluationPlan& plan_;
  Programs& programs_;
  unsigned threads_;
  StudyPoint key_;
  std::unique_ptr<OpenedModel> opened_;
  std::optional<EvaluationInputs> inputs_;
  std::optional<std::size_t> chip_;
};

void check_function(const Study& study, const SweepOptions& options) {
  if (!study.function.empty() && !options.function) {
    throw Error(ErrorCode::kInvalidArgument,
                study.file.string() + ": measure.function: '" + study.function +
                    "' is a function of a program, which runs this study (crossweave.sweep.run(..., function=...))");
  }
  if (study.function.empty() && options.function) {
    throw Error(ErrorCode::kInvalidArgument,
                study.file.string() +
                    ": measure: expected function = \"NAME\", since a function was given; found text or tasks");
  }
}

/// Of a point alone: the others can be measured all the same.
bool is_of_the_point(ErrorCode code) {
  return code != ErrorCode::kInterrupted && code != ErrorCode::kIo && code != ErrorCode::kInternal;
}

}  // namespace

double SweepProgress::seconds_left() const {
  const std::size_t measured = done - kept;
  return measured == 0 ? 0 : seconds / static_cast<double>(measured) * static_cast<double>(points - done);
}

std::string measure_of(const Study& study) {
  return measure_of(study, read_plan(study));
}

SweepProgress run_sweep(const Study& study, const SweepOptions& options) {
  check_function(study, options);
  const EvaluationPlan plan = read_plan(study);
  const std::string measure = measure_of(study, plan);
  std::set<StudyPoint> there;
  for (const Json& record : read_records(options.folder)) {
    if (record["measure"] != measure || record.contains("error")) continue;
    StudyPoint point;
    for (const auto& [name, value] : record["point"].items()) point[name] = value.get<std::string>();
    there.insert(std::move(point));
  }
  std::vector<std::size_t> missing;
  SweepProgress progress;
  for (std::size_t i = 0; i < study.points.size(); ++i) {
    if (study.chip[i] % options.shard.count != options.shard.index) continue;
    ++progress.points;
    if (!there.contains(study.points[i])) missing.push_back(i);
  }
  progress.kept = progress.done = progress.points - missing.size();
  const Clock::time_point start = Clock::now();
  const auto tell = [&] {
    progress.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (options.on_progress) options.on_progress(progress);
  };
  tell();
  RecordFile records(options.folder);
  Programs programs(options.folder / "programs", options.threads);
  Bench bench(plan, programs, options.threads);
  for (const std::size_t i : missing) {
    throw_if_interrupted();
    Json record = {{"point", study.points[i]}, {"measure", measure}};
    const Clock::time_point begin = Clock::now();
    try {
      if (options.function) {
        record.update(options.function(study.points[i]));
      } else {
        record["figures"] = bench.measure(resolved(study, study.points[i]), study.chip[i]);
      }
    } catch (const Error& error) {
      if (!is_of_the_point(error.code())) throw;
      bench.forget();
      record["error"] = {{"kind", name(error.code())}, {"message", error.what()}};
    }
    if (record.contains("error")) ++progress.failed;
    record["seconds_measured"] = std::chrono::duration<double>(Clock::now() - begin).count();
    record["worker"] = records.worker();
    record["tool_version"] = kVersion;
    records.add(record);
    ++progress.done;
    tell();
  }
  return progress;
}

}  // namespace xw::toolchain
