// The tiny model, compiled, in a folder of its own that goes with the fixture.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "arch/support/parallel.hpp"
#include "host/toolchain/compile.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {

class CompiledModel : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("xw-toolchain-" + std::to_string(::getpid()));
    checkpoint_ = write_tiny_model(folder_);
    program_ = folder_ / "model.xwp";
    options_.chip = "tiny-64";
    options_.calibration.tokens = 64;
    ThreadPool pool(1);
    toolchain::compile_checkpoint(checkpoint_, options_, program_, pool);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

  static inline std::filesystem::path folder_, checkpoint_, program_;
  static inline toolchain::CompileOptions options_;
};

}  // namespace xw::test
