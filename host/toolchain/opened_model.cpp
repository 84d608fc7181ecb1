// Opening programs and checkpoints.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/opened_model.hpp"

#include "host/toolchain/adapter.hpp"

#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/setting_error.hpp"
#include "arch/support/units.hpp"
#include "compiler/program/container.hpp"
#include "host/backends/registry/devices.hpp"
#include "host/runtime/digital_backend.hpp"
#include "host/toolchain/checkpoint.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/toolchain/compile.hpp"
#include "host/toolchain/temporary_file.hpp"
#include "host/transformer/program_source.hpp"
#include "host/transformer/target_calls.hpp"
#include "models/cells/cell_model.hpp"

namespace xw::toolchain {

bool is_program(const std::filesystem::path& path) {
  const std::string bytes = first_bytes(path, program::kFileMagic.size());
  return bytes.size() == program::kFileMagic.size() &&
         std::memcmp(bytes.data(), program::kFileMagic.data(), bytes.size()) == 0;
}

namespace {

/// Lets a digital reference execute the calls of a model graph.
class DigitalCalls : public transformer::CallBackend {
 public:
  DigitalCalls(std::shared_ptr<const program::Program> program, runtime::DigitalMode mode, ThreadPool& pool)
      : backend_(program, mode, pool), on_host_(std::move(program), pool) {}
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    backend_.run_call(call, x, num_vectors, vector_base, outputs);
  }
  void run_on_host(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                   std::span<const std::span<float>> outputs) override {
    on_host_.run_call(call, x, num_vectors, outputs);
  }

 private:
  runtime::DigitalBackend backend_;
  transformer::TargetCalls on_host_;
};

/// The chip of the moment; replaced when another seed is wanted.
class ChipCalls : public transformer::CallBackend {
 public:
  ChipCalls(std::shared_ptr<const program::Program> program, ThreadPool& pool) : on_host_(std::move(program), pool) {}
  std::unique_ptr<runtime::ChipInstance> chip;
  std::vector<bool> on_chip;  ///< per call; empty: all
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    if (call < on_chip.size() && !on_chip[call]) {
      run_on_host(call, x, num_vectors, outputs);
      return;
    }
    chip->run_call(call, x, num_vectors, vector_base, outputs);
  }
  void run_on_host(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                   std::span<const std::span<float>> outputs) override {
    on_host_.run_call(call, x, num_vectors, outputs);
  }

 private:
  transformer::TargetCalls on_host_;
};

}  // namespace

struct OpenedModel::Impl {
  Impl(std::filesystem::path the_path, RunOptions run, unsigned threads)
      : path(std::move(the_path)), options(std::move(run)), pool(threads) {}

  std::filesystem::path path;
  RunOptions options;
  std::string programmed_noise;  ///< of the chip instance; empty: that of the options
  ThreadPool pool;
  Mode mode = Mode::kAnalog;
  std::unique_ptr<TemporaryFile> temporary;  // also says that the program was compiled for this
  std::shared_ptr<const program::Program> program;
  std::unique_ptr<device::Device> device;
  std::unique_ptr<ChipCalls> chip;
  std::unique_ptr<DigitalCalls> digital;
  std::unique_ptr<transformer::Model> model;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;

  void open_checkpoint_itself(const CompileOptions& compile) {
    OpenedCheckpoint opened = open_checkpoint(path, compile.tokenizer);
    if (!compile.adapter.empty()) add_adapter(opened, compile.adapter);
    if (opened.tokenizer) tokenizer = std::make_unique<tokenizer::Tokenizer>(std::move(*opened.tokenizer));
    model = std::make_unique<transformer::Model>(
        std::move(opened.graph), std::make_shared<CheckpointSource>(opened.file), nullptr, pool,
        mode == Mode::kInt8 ? transformer::HostPrecision::kInt8 : transformer::HostPrecision::kExact);
  }

  void program_chip(std::uint32_t seed, const std::string& noise) {
    runtime::ChipOptions wanted = options.chip;
    wanted.chip_seed = seed;
    if (!noise.empty()) {
      wanted.noise = noise;
      if (!cells::parse_noise(noise).model->drifts) {  // has no age
        wanted.seconds = wanted.recalibrate = 0;
        wanted.compensation = "none";
      }
    }
    chip->chip.reset();  // frees its device memory first
    chip->chip = std::make_unique<runtime::ChipInstance>(program, *device, wanted, pool);
    programmed_noise = noise;
  }

  transformer::CallBackend& load_chip() {
    const arch::EmulatorDescription emulator =
        arch::parse_emulator(program->manifest().emulator_toml, program->path() + ": emulator");
    device = registry::open(options.device, {emulator, pool, options.on_cycles, program.get()});
    chip = std::make_unique<ChipCalls>(program, pool);
    program_chip(options.chip.chip_seed, "");
    return *chip;
  }

  void open_program(const std::filesystem::path& file) {
    program = program::Program::open(file);
    if (temporary != nullptr) temporary->remove();  // the map stays
    if (!program->tokenizer().empty()) {
      tokenizer = std::make_unique<tokenizer::Tokenizer>(tokenizer::parse(program->tokenizer(), program->path()));
    }
    transformer::CallBackend* calls = nullptr;
    if (mode == Mode::kAnalog) {
      calls = &load_chip();
    } else {
      digital = std::make_unique<DigitalCalls>(
          program, mode == Mode::kDigitalW8A8 ? runtime::DigitalMode::kW8A8 : runtime::DigitalMode::kW4A8, pool);
      calls = digital.get();
    }
    model = std::make_unique<transformer::Model>(ir::parse(program->graph_text(), program->path() + ": graph"),
                                                 std::make_shared<transformer::ProgramSource>(program), calls, pool);
  }
};

OpenedModel::OpenedModel(const std::filesystem::path& path, const RunOptions& run, const CompileOptions& compile,
                         unsigned threads)
    : impl_(std::make_unique<Impl>(path, run, threads)) {
  if (path.empty()) throw Error(ErrorCode::kInvalidArgument, "no model given: name a program (.xwp) or a checkpoint");
  if (!std::filesystem::exists(path))
    throw Error(ErrorCode::kFileNotFound, path.string() + ": no such file or directory");
  const bool compiled = !std::filesystem::is_directory(path) && is_program(path);
  impl_->mode = run.mode.value_or(compiled ? Mode::kAnalog : Mode::kFp32);
  if (runs_checkpoint(impl_->mode)) {
    if (compiled) {
      throw Error(ErrorCode::kInvalidArgument, path.string() + ": " + name(impl_->mode) +
                                                   " needs the checkpoint itself; a program holds only targets");
    }
    impl_->open_checkpoint_itself(compile);
    return;
  }
  if (compiled) {
    impl_->open_program(path);
    return;
  }
  impl_->temporary = std::make_unique<TemporaryFile>("crossweave", "program.xwp");
  compile_checkpoint(path, compile, impl_->temporary->path(), impl_->pool);
  impl_->open_program(impl_->temporary->path());
}

OpenedModel::~OpenedModel() = default;

transformer::Model& OpenedModel::model() {
  return *impl_->model;
}

const tokenizer::Tokenizer& OpenedModel::tokenizer() const {
  if (impl_->tokenizer == nullptr) {
    throw SettingError(ErrorCode::kInvalidArgument, "tokenizer",
                       impl_->path.string() + ": has no tokenizer; name one when compiling or running the checkpoint");
  }
  return *impl_->tokenizer;
}

Mode OpenedModel::mode() const {
  return impl_->mode;
}

ThreadPool& OpenedModel::pool() {
  return impl_->pool;
}

std::shared_ptr<const program::Program> OpenedModel::program() const {
  return impl_->program;
}

bool OpenedModel::was_compiled() const {
  return impl_->program != nullptr && impl_->temporary == nullptr;
}

runtime::ChipInstance* OpenedModel::chip() {
  return impl_->chip ? impl_->chip->chip.get() : nullptr;
}

const runtime::ChipInstance* OpenedModel::chip() const {
  return impl_->chip ? impl_->chip->chip.get() : nullptr;
}

void OpenedModel::reprogram(std::uint32_t chip_seed, const std::string& noise) {
  if (impl_->mode != Mode::kAnalog) throw Error(ErrorCode::kInvalidArgument, "only analog runs have chip instances");
  const runtime::ChipInstance* now = chip();
  // An error leaves no chip instance behind.
  if (now == nullptr || now->options().chip_seed != chip_seed || impl_->programmed_noise != noise) {
    impl_->program_chip(chip_seed, noise);
  } else if (now->drifts() && now->options().seconds != impl_->options.chip.seconds) {
    age(impl_->options.chip.seconds);
  }
}

void OpenedModel::age(double seconds) {
  if (impl_->mode != Mode::kAnalog) throw Error(ErrorCode::kInvalidArgument, "only analog runs have chips that age");
  if (chip()->options().seconds != seconds) chip()->age(seconds);
}

void OpenedModel::place_calls(std::vector<bool> on_chip) {
  if (impl_->mode != Mode::kAnalog) throw Error(ErrorCode::kInvalidArgument, "only analog runs have calls of a chip");
  const std::size_t calls = impl_->program->manifest().calls.size();
  if (!on_chip.empty() && on_chip.size() != calls) {
    throw Error(ErrorCode::kInvalidArgument, "placing calls: expected " + std::to_string(calls) + " entries, found " +
                                                 std::to_string(on_chip.size()));
  }
  impl_->chip->on_chip = std::move(on_chip);
}

std::string OpenedModel::describe() const {
  if (impl_->mode != Mode::kAnalog) return name(impl_->mode);
  const runtime::ChipOptions& options = impl_->chip->chip->options();
  std::string text =
      "analog, " + cells::noise_label(options.noise) + ", chip seed " + std::to_string(options.chip_seed);
  if (options.seconds > 0) text += ", " + duration_text(options.seconds) + " after programming";
  if (options.faults != "none") {
    text += ", faults " + options.faults;
    if (options.spares != "none") text += ", spares " + options.spares;
  }
  if (options.adc_mismatch.any()) text += ", mismatch of converters " + options.adc_mismatch.text();
  if (options.compensation != "none") {
    text += ", compensation " + options.compensation;
    if (options.recalibrate > 0) text += " every " + duration_text(options.recalibrate);
  }
  if (options.read_sigma > 0) text += ", read sigma " + std::to_string(options.read_sigma);
  return text + ", " + impl_->device->info().name + " device";
}

}  // namespace xw::toolchain
