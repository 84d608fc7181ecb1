// A model that runs, for several threads of Python.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>

#include "arch/support/error.hpp"
#include "host/python/long_call.hpp"
#include "host/toolchain/opened_model.hpp"

namespace xw::python {

/// An OpenedModel that one call at a time uses. Whatever chip a call leaves behind, the next begins with the chip that was asked for.
class RunningModel {
 public:
  RunningModel(const std::filesystem::path& path, const toolchain::RunOptions& run,
               const toolchain::CompileOptions& compile, unsigned threads)
      : path_(path), chip_seed_(run.chip.chip_seed), seconds_(run.chip.seconds), opened_(path, run, compile, threads) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::uint32_t chip_seed() const { return chip_seed_; }
  [[nodiscard]] double seconds() const { return seconds_; }

  /// body(OpenedModel&) as a long call, behind those of other threads. Throws Error{kInvalidArgument} for a call out of one of this thread.
  template <class Body>
  auto call(const Body& body) {
    return long_call([&] {
      const std::lock_guard lock(mutex_);
      const Busy busy(busy_);
      restore_chip();
      return body(opened_);
    });
  }

  /// Another chip, or the same at another time. Throws what OpenedModel throws; then the chip is the one before.
  void take_chip(std::uint32_t chip_seed, double seconds) {
    const std::uint32_t seed_before = chip_seed_;
    const double seconds_before = seconds_;
    try {
      call([&](toolchain::OpenedModel&) {
        chip_seed_ = chip_seed;
        seconds_ = seconds;
        restore_chip();
        return 0;
      });
    } catch (...) {
      chip_seed_ = seed_before;
      seconds_ = seconds_before;
      throw;
    }
  }

 private:
  /// Set while a call is under way.
  class Busy {
   public:
    explicit Busy(bool& flag) : flag_(flag) {
      if (flag_)
        throw Error(ErrorCode::kInvalidArgument, "the model is in use by the call that this one was made out of");
      flag_ = true;
    }
    ~Busy() { flag_ = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    bool& flag_;
  };

  void restore_chip() {
    if (opened_.mode() != toolchain::Mode::kAnalog) return;
    if (opened_.chip() == nullptr || opened_.chip()->options().chip_seed != chip_seed_) opened_.reprogram(chip_seed_);
    opened_.age(seconds_);
  }

  std::filesystem::path path_;
  std::uint32_t chip_seed_;
  double seconds_;
  toolchain::OpenedModel opened_;
  std::recursive_mutex mutex_;
  bool busy_ = false;
};

}  // namespace xw::python
