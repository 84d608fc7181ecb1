// A model ready to run, from whatever the user named: a program or a checkpoint.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "arch/support/parallel.hpp"
#include "compiler/program/program.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/options.hpp"
#include "host/transformer/model.hpp"

namespace xw::toolchain {

/// True if the file starts like a program.
[[nodiscard]] bool is_program(const std::filesystem::path& path);

/// Owns everything that a running model needs. Modes other than fp32 and int8 on a checkpoint compile it to a temporary
/// program first, with `compile`, which nothing else uses but for the tokenizer. Not thread safe.
class OpenedModel {
 public:
  /// `threads`: of the pool; 0: one per core. Throws Error{kInvalidArgument} for no path and for fp32 and int8 of a program,
  /// Error{kFileNotFound}, and what opening, compiling, devices and chip instances throw.
  OpenedModel(const std::filesystem::path& path, const RunOptions& run, const CompileOptions& compile,
              unsigned threads);
  ~OpenedModel();

  [[nodiscard]] transformer::Model& model();
  [[nodiscard]] const tokenizer::Tokenizer& tokenizer()
      const;  ///< throws Error{kInvalidArgument} if the model has none
  [[nodiscard]] Mode mode() const;
  [[nodiscard]] ThreadPool& pool();
  [[nodiscard]] std::shared_ptr<const program::Program> program() const;  ///< null in fp32 and int8 mode
  /// True if the program was there before; false if it was compiled for this, or there is none.
  [[nodiscard]] bool was_compiled() const;
  [[nodiscard]] runtime::ChipInstance* chip();  ///< null unless analog
  [[nodiscard]] const runtime::ChipInstance* chip() const;
  /// Replaces the chip instance by one of another seed (analog mode only), and of another noise if `noise` is not empty: a model
  /// of models/cells. An empty one is that which the model was opened with. It is as old as the model was opened with, if it drifts; else it is not compensated either.
  void reprogram(std::uint32_t chip_seed, const std::string& noise = "");
  /// The chip of now at another time since programming (runtime::ChipInstance::age). Analog mode only.
  void age(double seconds);
  /// Which calls run on the chip; the others are computed in fp32 on the host with the weights that the program holds. Empty: all
  /// do. Analog mode only. Throws Error{kInvalidArgument} unless there is an entry per call.
  void place_calls(std::vector<bool> on_chip);
  /// "analog, pcm-afm, chip seed 7, functional device" for messages.
  [[nodiscard]] std::string describe() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::toolchain
