// Opening programs and checkpoints.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/app/opened_model.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "arch/support/file.hpp"
#include "arch/support/progress.hpp"
#include "compiler/program/container.hpp"
#include "host/app/calibrate.hpp"
#include "host/app/version.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/backends/systemc/open.hpp"
#include "host/backends/verilated/verilated_device.hpp"
#include "host/runtime/digital_backend.hpp"
#include "host/transformer/sources.hpp"

namespace xw::app {

const char* name(Mode mode) {
  switch (mode) {
    case Mode::kAnalog:
      return "analog";
    case Mode::kFp32:
      return "fp32";
    case Mode::kDigitalW8A8:
      return "digital-w8a8";
    case Mode::kDigitalW4A8:
      return "digital-w4a8";
  }
  return "?";
}

Mode mode_from(const std::string& text) {
  for (const Mode mode : {Mode::kAnalog, Mode::kFp32, Mode::kDigitalW8A8, Mode::kDigitalW4A8}) {
    if (text == name(mode)) return mode;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--mode: expected analog, fp32, digital-w8a8 or digital-w4a8, found '" + text + "'");
}

std::unique_ptr<device::Device> open_device(const std::string& uri, const arch::EmulatorDescription& emulator,
                                            ThreadPool& pool, std::function<void(std::uint64_t)> on_cycles,
                                            const program::Program* program) {
  const std::size_t colon = uri.find(':');
  const std::string name = uri.substr(0, colon);
  const std::string options = colon == std::string::npos ? "" : uri.substr(colon + 1);
  if (name == "functional") {
    if (colon != std::string::npos) {
      throw Error(ErrorCode::kInvalidArgument, "--device: functional has no options, found '" + options + "'");
    }
    return std::make_unique<functional::FunctionalDevice>(emulator, pool);
  }
  if (name == "systemc") return systemc::open_systemc_device(options, emulator, program);
  if (name == "verilated") {
    verilated::Options parsed = verilated::parse_options(options);
    parsed.on_cycles = std::move(on_cycles);
    return std::make_unique<verilated::VerilatedDevice>(emulator, parsed);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--device: unknown device '" + uri + "'; known: functional, systemc, verilated");
}

bool is_program(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, program::kFileMagic.size()> magic{};
  file.read(magic.data(), magic.size());
  return file.gcount() == static_cast<std::streamsize>(magic.size()) &&
         std::memcmp(magic.data(), program::kFileMagic.data(), magic.size()) == 0;
}

namespace {

std::optional<tokenizer::TokenizerData> tokenizer_of(const std::filesystem::path& model, const CompileFlags& flags) {
  if (!flags.tokenizer.empty()) return tokenizer::read_tokenizer(flags.tokenizer);
  try {
    return tokenizer::read_tokenizer(tokenizer::find_tokenizer(model));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kFileNotFound) return std::nullopt;
    throw;
  }
}

void check_vocabulary(const tokenizer::TokenizerData& data, const ir::Graph& graph,
                      const std::filesystem::path& model) {
  const auto vocabulary = std::get<std::int64_t>(graph.meta.at("vocab_size"));
  if (static_cast<std::int64_t>(data.tokens.size()) > vocabulary) {
    throw Error(ErrorCode::kShapeMismatch, model.string() + ": the tokenizer has " +
                                               std::to_string(data.tokens.size()) + " tokens but the model only " +
                                               std::to_string(vocabulary));
  }
}

struct Checkpoint {
  std::shared_ptr<const checkpoint::Checkpoint> file;
  ir::Graph graph;
  std::optional<tokenizer::TokenizerData> tokenizer;
};

Checkpoint open(const std::filesystem::path& model, const CompileFlags& flags) {
  Checkpoint opened;
  opened.file = checkpoint::open_checkpoint(model);
  opened.graph = checkpoint::import_graph(*opened.file);
  opened.tokenizer = tokenizer_of(model, flags);
  if (opened.tokenizer) check_vocabulary(*opened.tokenizer, opened.graph, model);
  return opened;
}

}  // namespace

compiler::CompileSummary compile_checkpoint(const std::filesystem::path& model, const CompileFlags& flags,
                                            const std::filesystem::path& output, ThreadPool& pool) {
  compiler::CompileOptions options;
  options.weight_mode = program::weight_mode_from(flags.weights);
  if (flags.lm_head != "analog" && flags.lm_head != "digital") {
    throw Error(ErrorCode::kInvalidArgument, "--lm-head: expected analog or digital, found '" + flags.lm_head + "'");
  }
  options.lm_head_analog = flags.lm_head == "analog";
  options.digital = flags.digital;
  options.tool_version = kVersion;
  if (!flags.lambda.empty() && flags.lambda != "auto") {
    char* end = nullptr;
    options.lambda = std::strtof(flags.lambda.c_str(), &end);
    if (*end != '\0' || !(options.lambda > 0) || options.lambda > 1e6F) {
      throw Error(ErrorCode::kInvalidArgument,
                  "--lambda: expected a positive number or auto, found '" + flags.lambda + "'");
    }
  }
  const arch::ChipDescription chip = arch::load_chip(flags.chip);
  const arch::EmulatorDescription emulator =
      arch::load_emulator(flags.emulator.empty() ? chip.emulator : flags.emulator);
  const Checkpoint opened = open(model, flags);
  std::optional<tokenizer::Tokenizer> tokenizer;
  std::vector<std::byte> blob;
  if (opened.tokenizer) {
    tokenizer.emplace(*opened.tokenizer);
    blob = tokenizer::serialize(*opened.tokenizer);
  }
  const compiler::Calibration calibration =
      calibrate(opened.file, opened.graph, chip, options, flags, tokenizer ? &*tokenizer : nullptr, pool);
  return compiler::compile(*opened.file, opened.graph, chip, emulator, calibration, options, blob, output, pool);
}

namespace {

/// Lets a chip instance or a digital reference execute the calls of a model graph.
template <typename Backend>
class CallAdapter : public transformer::CallBackend {
 public:
  explicit CallAdapter(Backend& backend) : backend_(backend) {}
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    backend_.run_call(call, x, num_vectors, vector_base, outputs);
  }

 private:
  Backend& backend_;
};

/// The chip of the moment; replaced when another seed is wanted.
class ChipCalls : public transformer::CallBackend {
 public:
  std::unique_ptr<runtime::ChipInstance> chip;
  void run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors, std::uint32_t vector_base,
                std::span<const std::span<float>> outputs) override {
    chip->run_call(call, x, num_vectors, vector_base, outputs);
  }
};

/// A file that is removed with its owner.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& stem) {
    std::string pattern = (std::filesystem::temp_directory_path() / (stem + ".XXXXXX.xwp")).string();
    const int descriptor = ::mkstemps(pattern.data(), 4);
    if (descriptor < 0)
      throw Error(ErrorCode::kIo, pattern + ": cannot make a temporary file: " + std::strerror(errno));
    ::close(descriptor);
    path_ = pattern;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

struct OpenedModel::Impl {
  Impl(const RunFlags& run, unsigned threads) : flags(run), pool(threads) {}

  RunFlags flags;
  ThreadPool pool;
  Mode mode = Mode::kAnalog;
  std::unique_ptr<TemporaryFile> temporary;
  std::shared_ptr<const program::Program> program;
  Progress cycles{"simulate", 0, "cycles", Progress::Place::kAfterText};  ///< of devices with cycles
  std::unique_ptr<device::Device> device;
  std::unique_ptr<ChipCalls> chip;
  std::unique_ptr<runtime::DigitalBackend> digital;
  std::unique_ptr<transformer::CallBackend> calls;
  std::unique_ptr<transformer::Model> model;
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;

  void open_fp32(const CompileFlags& compile) {
    Checkpoint opened = open(flags.model, compile);
    if (opened.tokenizer) tokenizer = std::make_unique<tokenizer::Tokenizer>(std::move(*opened.tokenizer));
    model = std::make_unique<transformer::Model>(
        std::move(opened.graph), std::make_shared<transformer::CheckpointSource>(opened.file), nullptr, pool);
  }

  void program_chip(std::uint32_t seed) {
    flags.chip_seed = seed;
    chip->chip.reset();  // frees its device memory first
    chip->chip = std::make_unique<runtime::ChipInstance>(
        program, *device,
        runtime::ChipOptions{seed, flags.noise, flags.gamma, flags.read_sigma, flags.seconds, flags.checksum_y}, pool);
  }

  void open_program(const std::filesystem::path& path) {
    program = program::Program::open(path);
    if (!program->tokenizer().empty()) {
      tokenizer = std::make_unique<tokenizer::Tokenizer>(tokenizer::parse(program->tokenizer(), program->path()));
    }
    transformer::CallBackend* backend = nullptr;
    if (mode == Mode::kAnalog) {
      device = open_device(
          flags.device, arch::parse_emulator(program->manifest().emulator_toml, program->path() + ": emulator"), pool,
          [this](std::uint64_t passed) { cycles.advance(passed); }, program.get());
      chip = std::make_unique<ChipCalls>();
      program_chip(flags.chip_seed);
      backend = chip.get();
    } else {
      digital = std::make_unique<runtime::DigitalBackend>(
          program, mode == Mode::kDigitalW8A8 ? runtime::DigitalMode::kW8A8 : runtime::DigitalMode::kW4A8, pool);
      calls = std::make_unique<CallAdapter<runtime::DigitalBackend>>(*digital);
      backend = calls.get();
    }
    model = std::make_unique<transformer::Model>(ir::parse(program->graph_text(), program->path() + ": graph"),
                                                 std::make_shared<transformer::ProgramSource>(program), backend, pool);
  }
};

OpenedModel::OpenedModel(const RunFlags& run, const CompileFlags& compile, unsigned threads)
    : impl_(std::make_unique<Impl>(run, threads)) {
  if (run.model.empty())
    throw Error(ErrorCode::kInvalidArgument, "no model given: name a program (.xwp) or a checkpoint");
  if (!std::filesystem::exists(run.model))
    throw Error(ErrorCode::kFileNotFound, run.model.string() + ": no such file or directory");
  const bool compiled = !std::filesystem::is_directory(run.model) && is_program(run.model);
  impl_->mode = run.mode.empty() ? (compiled ? Mode::kAnalog : Mode::kFp32) : mode_from(run.mode);
  if (impl_->mode == Mode::kFp32) {
    if (compiled) {
      throw Error(ErrorCode::kInvalidArgument,
                  run.model.string() + ": fp32 needs the checkpoint itself; a program holds only targets");
    }
    impl_->open_fp32(compile);
    return;
  }
  if (compiled) {
    impl_->open_program(run.model);
    return;
  }
  impl_->temporary = std::make_unique<TemporaryFile>("crossweave");
  compile_checkpoint(run.model, compile, impl_->temporary->path(), impl_->pool);
  impl_->open_program(impl_->temporary->path());
}

OpenedModel::~OpenedModel() = default;

transformer::Model& OpenedModel::model() {
  return *impl_->model;
}

const tokenizer::Tokenizer& OpenedModel::tokenizer() const {
  if (impl_->tokenizer == nullptr) {
    throw Error(
        ErrorCode::kInvalidArgument,
        impl_->flags.model.string() + ": has no tokenizer; give --tokenizer when compiling or running the checkpoint");
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
runtime::ChipInstance* OpenedModel::chip() {
  return impl_->chip ? impl_->chip->chip.get() : nullptr;
}

void OpenedModel::clear_progress() const {
  impl_->cycles.clear();
}

void OpenedModel::reprogram(std::uint32_t chip_seed) {
  if (impl_->mode != Mode::kAnalog) throw Error(ErrorCode::kInvalidArgument, "only analog runs have chip instances");
  if (impl_->flags.chip_seed != chip_seed) impl_->program_chip(chip_seed);
}

void OpenedModel::refuse_unused(const boost::program_options::variables_map& values,
                                const boost::program_options::options_description& run,
                                const boost::program_options::options_description& compile) const {
  if (impl_->program != nullptr && impl_->temporary == nullptr)
    refuse_options(values, compile, "the model is compiled already");
  if (impl_->mode == Mode::kAnalog) {
    if (values.count("gamma") != 0 && impl_->chip->chip->options().noise != "gaussian") {
      throw Error(ErrorCode::kInvalidArgument, "--gamma cannot apply: it belongs to --noise gaussian, the noise is " +
                                                   impl_->chip->chip->options().noise);
    }
    return;
  }
  boost::program_options::options_description analog;
  for (const auto& option : run.options()) {
    if (option->long_name() != "mode") analog.add(option);
  }
  refuse_options(values, analog, std::string("the mode is ") + name(impl_->mode) + ", not analog");
}

std::string OpenedModel::describe() const {
  if (impl_->mode != Mode::kAnalog) return name(impl_->mode);
  const runtime::ChipOptions& options = impl_->chip->chip->options();
  std::string text = "analog, " + options.noise + ", chip seed " + std::to_string(options.chip_seed);
  if (options.seconds > 0) text += ", " + std::to_string(options.seconds) + " s after programming";
  if (options.read_sigma > 0) text += ", read sigma " + std::to_string(options.read_sigma);
  return text + ", " + impl_->device->info().name + " device";
}

}  // namespace xw::app
