// Training in a build without torch.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/error.hpp"
#include "host/finetune/training/generate.hpp"
#include "host/finetune/training/train.hpp"

namespace xw::finetune {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw Error(
      ErrorCode::kUnsupported,
      std::string(what) +
          " needs a build with libtorch, and this one has none: run scripts/setup_finetune.sh, then build again");
}

}  // namespace

bool has_torch() {
  return false;
}

MakeShard torch_sampler(const toolchain::OpenedCheckpoint&, const GenerateSettings&, std::int32_t) {
  refuse("generate-data --engine torch");
}

TrainSummary train(const Recipe&, const TrainFiles&, const TrainObserver&) {
  refuse("finetune");
}

}  // namespace xw::finetune
