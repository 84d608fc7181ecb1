// The training loop.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numbers>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "compiler/passes/low_rank.hpp"
#include "compiler/pipeline/chip_cells.hpp"
#include "host/finetune/data/sampling.hpp"
#include "host/finetune/objective.hpp"
#include "host/finetune/runtime.hpp"
#include "host/finetune/training/adamw.hpp"
#include "host/finetune/training/export.hpp"
#include "host/finetune/training/integer_evaluation.hpp"
#include "host/finetune/training/metrics.hpp"
#include "host/finetune/training/setup.hpp"
#include "host/finetune/training/state.hpp"
#include "host/finetune/training/train.hpp"

namespace xw::finetune {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxFailures = 20;     ///< steps in a row without finite gradients
constexpr double kAnnealed = 3;                ///< after clipping.anneal steps a row is within e^-3 of its bound
constexpr std::int64_t kHeldOutTokens = 4096;  ///< of one pass over held-out text

std::string text_of(const char* format, double a, double b = 0, double c = 0) {
  char text[200];
  std::snprintf(text, sizeof text, format, a, b, c);
  return text;
}

NetworkOptions network_options(const Recipe& recipe, const torch::Device& device) {
  NetworkOptions options;
  options.device = device;
  const bool bf16 = recipe.run.compute == "bf16" || (recipe.run.compute == "auto" && has_fast_bf16(device));
  options.compute = bf16 ? torch::kBFloat16 : torch::kFloat32;
  options.trains_embedding = recipe.optimiser.train == "all" || recipe.method == Method::kPretrain;
  return options;
}

/// Parts of the recipe that must stay when a run goes on.
Json lasting(const Recipe& recipe) {
  Json json = recipe_json(recipe);
  json["run"] = {{"seed", recipe.run.seed}};
  for (const char* key : {"budget", "evaluation", "export"}) json.erase(key);
  return json;
}

class Trainer {
 public:
  Trainer(const Recipe& recipe, const TrainFiles& files, const TrainObserver& observer)
      : recipe_(recipe),
        files_(files),
        observer_(observer),
        device_(open_device(recipe.run.device)),
        opened_(open_model(recipe)),
        tuned_(opened_),
        data_(recipe.data.path),
        order_(data_, recipe) {
    if (recipe.run.threads != 0) set_threads(static_cast<int>(recipe.run.threads));
    check_vocabulary();
    const arch::ChipDescription chip = compiler::with_known_cells(arch::load_chip(recipe.hardware.chip));
    const AnalogSettings analog = analog_settings(recipe, opened_.graph, chip);
    NetworkOptions options = network_options(recipe, device_);
    say("device: " + device_text(device_) + (options.compute == torch::kBFloat16 ? ", bf16" : ", fp32"));
    if (recipe.method != Method::kPretrain) {
      options.is_trainable = false;
      teacher_ = std::make_unique<Network>(opened_.graph, *opened_.file, options, analog);
    } else {
      mode_ = Mode::kDigital;
      objective_.distillation = 0;
      objective_.language = 1;
    }
    options.is_trainable = true;
    if (recipe.method == Method::kAdapters) {
      adapter_ = new_adapter(recipe, opened_.graph);
      toolchain::add_adapter(tuned_, adapter_);
      for (const auto& [linear, layer] : adapter_.layers) {
        options.only.insert(passes::lora_a_tensor(linear));
        options.only.insert(passes::lora_b_tensor(linear));
      }
    }
    student_ = std::make_unique<Network>(tuned_.graph, *tuned_.file, options, analog, teacher_.get());
    objective_.temperature = recipe.temperature;
    objective_.scale = 1.0 / recipe.optimiser.accumulation;
    objective_.chunk = recipe.run.kl_chunk;
    clip_.alpha = recipe.clipping.alpha;
    clip_.exempt_above = recipe.clipping.exempt;
    if (recipe.clipping.anneal > 0) clip_.step_fraction = 1 - std::exp(-kAnnealed / recipe.clipping.anneal);
    const bool has_state = std::filesystem::exists(files.beside(".state"));
    if (files.resume && has_state) {
      restore();
    } else {
      if (files.resume) say("nothing to resume: " + files.beside(".state").string() + " is not there");
      begin();
    }
    metrics_ = std::make_unique<Metrics>(files.beside(".metrics.jsonl"), step_);
  }

  TrainSummary run() {
    start_ = last_flush_ = last_save_ = Clock::now();
    last_flush_tokens_ = status_.tokens = tokens_;
    status_.step = step_;
    status_.seconds = seconds_before_;
    if (recipe_.evaluation.every != 0 && step_ == 0) evaluate();
    while (!is_done() && !interrupt_requested()) {
      train_one_step();
      if (seconds_since(last_flush_) >= recipe_.run.log_seconds || losses_.size() >= kMaxPending) flush();
      if (recipe_.evaluation.every != 0 && step_ % recipe_.evaluation.every == 0) evaluate();
      if (recipe_.run.checkpoint_minutes > 0 && seconds_since(last_save_) >= 60 * recipe_.run.checkpoint_minutes)
        save();
    }
    save();
    TrainSummary summary;
    summary.interrupted = interrupt_requested();
    if (recipe_.evaluation.every != 0 && step_ % recipe_.evaluation.every != 0 && !summary.interrupted) evaluate();
    if (!summary.interrupted) report_held_out("after training");
    export_network(*student_, tuned_, files_.output, recipe_.export_type);
    if (recipe_.method == Method::kAdapters) {
      checkpoint::write_adapter(files_.beside(".adapter"), trained_adapter(*student_, adapter_), tuned_.graph,
                                recipe_.model.checkpoint.string());
      say("adapter: " + files_.beside(".adapter").string());
    }
    metrics_->plot(files_.beside(".loss.svg"), "loss of " + files_.output.filename().string());
    summary.last = status_;
    summary.first_loss = first_loss_;
    return summary;
  }

 private:
  static constexpr std::size_t kMaxPending = 500;  ///< steps whose losses the device keeps

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  void say(const std::string& line) const {
    if (observer_.on_message) observer_.on_message(line);
  }
  [[nodiscard]] double seconds() const { return seconds_before_ + seconds_since(start_); }

  void check_vocabulary() const {
    const auto vocabulary = std::get<std::int64_t>(opened_.graph.meta.at("vocab_size"));
    if (static_cast<std::int64_t>(data_.plan().vocab_size) > vocabulary)
      throw Error(ErrorCode::kInvalidArgument, recipe_.data.path.string() + ": has ids of a vocabulary of " +
                                                   std::to_string(data_.plan().vocab_size) + ", the model has " +
                                                   std::to_string(vocabulary));
  }

  /// What the run is sure to see again: settings, data, model.
  [[nodiscard]] Json identity() const {
    return {{"recipe", lasting(recipe_)},
            {"data", data_.plan().origin},
            {"sequences", data_.sequences()},
            {"length", data_.plan().length}};
  }

  void begin() {
    if (recipe_.starts_random) student_->initialise_weights(recipe_.run.seed);
    if (teacher_ != nullptr && checkpoint::stored_input_ranges(*opened_.file).empty()) {
      RangeRule rule;
      rule.method = recipe_.ranges.start == RangeStart::kMse ? RangeRule::Method::kMse : RangeRule::Method::kStd;
      rule.kappa = recipe_.ranges.kappa;
      std::vector<torch::Tensor> batches;
      for (std::uint32_t i = 0; i < recipe_.ranges.batches; ++i)
        batches.push_back(batch(std::uint64_t{i} * recipe_.optimiser.micro_batch));
      student_->initialise_ranges(batches, rule);
    }
    adam_ = std::make_unique<AdamW>(student_->parameters(), recipe_);
    report_clipping();
    report_held_out("before training");
  }

  void restore() {
    TrainingState state = load_state(files_.beside(".state"));
    if (!state.progress.contains("identity") || state.progress["identity"] != identity())
      throw Error(ErrorCode::kInvalidArgument,
                  files_.beside(".state").string() +
                      ": is the state of another recipe, data or seed; give another --output or no --resume");
    // Any ranges, so that there are parameters for them; the state has their values.
    std::map<std::string, std::vector<float>> ranges;
    for (const auto& [name, begins] : state.progress.at("ranges").items())
      ranges[name] = begins.get<std::vector<float>>();
    student_->set_input_ranges(ranges);
    adam_ = std::make_unique<AdamW>(student_->parameters(), recipe_);
    adam_->load_state(state.tensors);
    std::map<std::string, torch::Tensor> weights;
    for (const auto& [name, tensor] : state.tensors) {
      if (name.starts_with("weight.")) weights[name.substr(7)] = tensor;
    }
    student_->load_state(weights);
    step_ = state.progress.at("step").get<std::uint64_t>();
    tokens_ = state.progress.at("tokens").get<std::uint64_t>();
    seconds_before_ = state.progress.at("seconds").get<double>();
    first_loss_ = state.progress.at("first_loss").get<double>();
    say("resumed at step " + std::to_string(step_) + ", " + std::to_string(tokens_) + " tokens");
  }

  void save() {
    flush();  // a state never stands beside metrics that end before it
    TrainingState state;
    state.progress = {{"step", step_},
                      {"tokens", tokens_},
                      {"seconds", seconds()},
                      {"first_loss", first_loss_},
                      {"ranges", student_->input_ranges()},
                      {"identity", identity()}};
    state.tensors = adam_->state();
    for (auto& [name, tensor] : student_->state()) state.tensors["weight." + name] = tensor;
    save_state(files_.beside(".state"), state);
    last_save_ = Clock::now();
  }

  [[nodiscard]] torch::Tensor batch(std::uint64_t first) {
    return order_.batch(first, recipe_.optimiser.micro_batch).to(device_);
  }

  /// How much of the budget is used, 0 to 1.
  [[nodiscard]] double used() const {
    double used = 0;
    if (recipe_.budget.tokens > 0) used = static_cast<double>(tokens_) / static_cast<double>(recipe_.budget.tokens);
    if (recipe_.budget.minutes > 0) used = std::max(used, seconds() / 60 / recipe_.budget.minutes);
    return std::min(used, 1.0);
  }
  [[nodiscard]] bool is_done() const { return used() >= 1; }

  /// Rate of the next step over the full one.
  [[nodiscard]] double warm_up() const {
    const std::uint32_t steps = recipe_.optimiser.warmup_steps;
    return step_ + 1 >= steps ? 1 : static_cast<double>(step_ + 1) / steps;
  }
  [[nodiscard]] double decayed(double full, double end) const {
    double left = 1;
    if (recipe_.optimiser.decay == LrDecay::kLinear) left = 1 - used();
    if (recipe_.optimiser.decay == LrDecay::kCosine) left = (1 + std::cos(std::numbers::pi * used())) / 2;
    return end + (full - end) * left;
  }

  void train_one_step() {
    const std::uint32_t passes = recipe_.optimiser.accumulation;
    const double lr = warm_up() * decayed(recipe_.optimiser.lr, recipe_.optimiser.end_lr);
    const double range_lr = warm_up() * decayed(recipe_.ranges.lr, 0);
    torch::Tensor loss;
    for (std::uint32_t pass = 0; pass < passes; ++pass) {
      const std::uint64_t number = step_ * passes + pass;
      student_->seed_noise(sequence_seed(recipe_.run.seed ^ kNoise, number));
      const torch::Tensor ids = batch(number * recipe_.optimiser.micro_batch);
      const torch::Tensor of_pass = train_step(*student_, teacher_.get(), ids, mode_, objective_);
      loss = loss.defined() ? loss + of_pass : of_pass;
    }
    adam_->step(lr, range_lr);
    student_->zero_gradients();
    if (clip_.alpha > 0) student_->clip(clip_);
    ++step_;
    tokens_ += std::uint64_t{passes} * recipe_.optimiser.micro_batch * order_.length();
    losses_.push_back((loss / static_cast<double>(passes)).detach().reshape({1}));
    norms_.push_back(adam_->gradient_norm().detach().clone().reshape({1}));
    rates_.push_back(lr);
  }

  /// Waits for the device, writes the losses of the steps since the last time and says how it goes.
  void flush() {
    if (losses_.empty()) return;
    const torch::Tensor losses = torch::cat(losses_).to(torch::kCPU, torch::kFloat32).contiguous();
    const torch::Tensor norms = torch::cat(norms_).to(torch::kCPU, torch::kFloat32).contiguous();
    const double now = seconds();
    const auto count = static_cast<std::uint64_t>(losses_.size());
    const std::uint64_t tokens_per_step = (tokens_ - last_flush_tokens_) / count;
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto loss = static_cast<double>(losses.const_data_ptr<float>()[i]);
      const auto norm = static_cast<double>(norms.const_data_ptr<float>()[i]);
      const std::uint64_t step = step_ - count + i + 1;
      if (step == 1) first_loss_ = loss;
      failures_ = std::isfinite(loss) && std::isfinite(norm) ? 0 : failures_ + 1;
      sum += loss;
      metrics_->add({step, last_flush_tokens_ + (i + 1) * tokens_per_step, loss, rates_[i], norm, now});
      status_.gradient_norm = norm;
    }
    status_.step = step_;
    status_.tokens = tokens_;
    status_.loss = sum / static_cast<double>(count);
    status_.lr = rates_.back();
    status_.skipped = static_cast<std::uint64_t>(adam_->skipped().item<float>());
    status_.tokens_per_second = static_cast<double>(tokens_ - last_flush_tokens_) / seconds_since(last_flush_);
    status_.seconds = now;
    const double part = used();
    status_.seconds_left = recipe_.budget.tokens > 0 && part > 0 ? now / part * (1 - part) : 0;
    if (recipe_.budget.minutes > 0) {
      const double left = 60 * recipe_.budget.minutes - now;
      status_.seconds_left = recipe_.budget.tokens > 0 ? std::min(status_.seconds_left, left) : left;
    }
    metrics_->write();
    if (observer_.on_status) observer_.on_status(status_);
    status_.held_out = -1;
    losses_.clear();
    norms_.clear();
    rates_.clear();
    last_flush_ = Clock::now();
    last_flush_tokens_ = tokens_;
    if (failures_ >= kMaxFailures)
      throw Error(ErrorCode::kNotFinite,
                  "training: loss or gradients of the last " + std::to_string(failures_) +
                      " steps are not finite; a lower optimiser.lr may help. The state of the last "
                      "good checkpoint is in " +
                      files_.beside(".state").string());
  }

  void evaluate() {
    flush();
    status_.held_out = integer_perplexity(*student_, tuned_, recipe_, data_);
    metrics_->add_held_out(step_, tokens_, status_.held_out);
    metrics_->write();
    say("step " + std::to_string(step_) +
        text_of(": held-out perplexity on the integer engine %.3f", status_.held_out));
    last_flush_ = Clock::now();
  }

  void report_clipping() const {
    if (clip_.alpha <= 0) return;
    ClipRule whole = clip_;
    whole.step_fraction = 1;
    ClipDamage worst;
    std::int64_t clipped = 0, weights = 0, exempt = 0, rows = 0;
    for (const ClipDamage& damage : student_->clip_damage(whole)) {
      clipped += damage.clipped_weights;
      weights += damage.weights;
      exempt += damage.exempt_rows;
      rows += damage.rows;
      if (damage.relative_change > worst.relative_change) worst = damage;
    }
    say(text_of("clipping to %.2f deviations changes %.3f %% of the weights", clip_.alpha,
                100.0 * static_cast<double>(clipped) / static_cast<double>(std::max<std::int64_t>(weights, 1))) +
        "; " + std::to_string(exempt) + " of " + std::to_string(rows) + " rows are exempt; most in " + worst.linear +
        text_of(": %.2f %% of its power", 100 * worst.relative_change));
  }

  [[nodiscard]] double held_out_perplexity(Network& network, const torch::Tensor& ids, Mode mode) {
    const torch::NoGradGuard no_gradients;
    const std::int64_t at_once = std::max<std::int64_t>(1, kHeldOutTokens / ids.size(1));
    double sum = 0;
    for (std::int64_t row = 0; row < ids.size(0); row += at_once) {
      const std::int64_t rows = std::min(at_once, ids.size(0) - row);
      student_->seed_noise(sequence_seed(kNoise, static_cast<std::uint64_t>(row)));
      sum += language_loss(network, ids.narrow(0, row, rows), mode).item<double>() * static_cast<double>(rows);
    }
    return std::exp(sum / static_cast<double>(ids.size(0)));
  }

  void report_held_out(const std::string& when) {
    torch::Tensor ids = order_.held_out();
    if (ids.size(0) == 0) return;
    ids = ids.to(device_);
    if (teacher_ == nullptr)
      return say("held-out perplexity " + when + text_of(": %.3f", held_out_perplexity(*student_, ids, mode_)));
    say("held-out perplexity " + when +
        text_of(": teacher %.3f, weights digitally %.3f, ", held_out_perplexity(*teacher_, ids, Mode::kDigital),
                held_out_perplexity(*student_, ids, Mode::kDigital)) +
        text_of("converters %.3f, with training's noise %.3f", held_out_perplexity(*student_, ids, Mode::kAnalogEval),
                held_out_perplexity(*student_, ids, Mode::kAnalogTrain)));
  }

  static constexpr std::uint64_t kNoise = 0x6E6F697365;  ///< tells seeds of noise from those of the order

  Recipe recipe_;
  TrainFiles files_;
  TrainObserver observer_;
  torch::Device device_;
  toolchain::OpenedCheckpoint opened_;
  toolchain::OpenedCheckpoint tuned_;  ///< with adapters
  checkpoint::Adapter adapter_;
  DataSet data_;
  TrainingOrder order_;
  std::unique_ptr<Network> teacher_, student_;
  std::unique_ptr<AdamW> adam_;
  std::unique_ptr<Metrics> metrics_;
  Mode mode_ = Mode::kAnalogTrain;  ///< of the student in training
  Objective objective_;
  ClipRule clip_;
  std::uint64_t step_ = 0, tokens_ = 0, last_flush_tokens_ = 0, failures_ = 0;
  double seconds_before_ = 0, first_loss_ = 0;
  Clock::time_point start_ = Clock::now(), last_flush_ = start_, last_save_ = start_;
  std::vector<torch::Tensor> losses_, norms_;  ///< of the steps since the last flush, on the device
  std::vector<double> rates_;
  TrainStatus status_;
};

}  // namespace

bool has_torch() {
  return true;
}

TrainSummary train(const Recipe& recipe, const TrainFiles& files, const TrainObserver& observer) {
  return Trainer(recipe, files, observer).run();
}

}  // namespace xw::finetune
