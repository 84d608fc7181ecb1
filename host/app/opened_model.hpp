// A model ready to run, from whatever the user named: a program or a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "arch/support/parallel.hpp"
#include "compiler/pipeline/compile.hpp"
#include "compiler/program/program.hpp"
#include "host/app/options.hpp"
#include "host/device/device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/transformer/model.hpp"

namespace xw::app {

/// How a model is executed.
enum class Mode { kAnalog, kFp32, kDigitalW8A8, kDigitalW4A8 };
[[nodiscard]] const char* name(Mode mode);
[[nodiscard]] Mode mode_from(const std::string& text);

/// Devices by URI: "functional", "systemc[:chip[=NAME]][,timing-only]", "verilated[:key=value,...]". Throws
/// Error{kInvalidArgument} listing them. `on_cycles` hears about ten times a second of the cycles that a simulation has
/// passed. `program`: what is going to run, for devices that want to know its chip; may be null.
[[nodiscard]] std::unique_ptr<device::Device> open_device(const std::string& uri,
                                                          const arch::EmulatorDescription& emulator, ThreadPool& pool,
                                                          std::function<void(std::uint64_t)> on_cycles = {},
                                                          const program::Program* program = nullptr);

/// True if the file starts like a program.
[[nodiscard]] bool is_program(const std::filesystem::path& path);

/// Compiles a checkpoint file with the given flags. `output` is replaced only on success.
compiler::CompileSummary compile_checkpoint(const std::filesystem::path& model, const CompileFlags& flags,
                                            const std::filesystem::path& output, ThreadPool& pool);

/// Owns everything that a running model needs. Modes other than fp32 on a checkpoint compile it to a temporary program first.
class OpenedModel {
 public:
  OpenedModel(const RunFlags& run, const CompileFlags& compile, unsigned threads);
  ~OpenedModel();

  [[nodiscard]] transformer::Model& model();
  [[nodiscard]] const tokenizer::Tokenizer& tokenizer()
      const;  ///< throws Error{kInvalidArgument} if the model has none
  [[nodiscard]] Mode mode() const;
  [[nodiscard]] ThreadPool& pool();
  /// Removes the progress of a simulation from the terminal; to be called before printing.
  void clear_progress() const;
  [[nodiscard]] std::shared_ptr<const program::Program> program() const;  ///< null in fp32 mode
  [[nodiscard]] runtime::ChipInstance* chip();                            ///< null unless analog
  /// Replaces the chip instance by one of another seed (analog mode only).
  void reprogram(std::uint32_t chip_seed);
  /// Throws Error{kInvalidArgument} for given options that cannot apply to this model and mode.
  void refuse_unused(const boost::program_options::variables_map& values,
                     const boost::program_options::options_description& run,
                     const boost::program_options::options_description& compile) const;
  /// "analog, pcm-afm, seed 7, functional" for messages.
  [[nodiscard]] std::string describe() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::app
