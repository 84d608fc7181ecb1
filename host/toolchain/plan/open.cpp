// Planning from files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/plan/open.hpp"

#include <memory>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/model_shape.hpp"

namespace xw::toolchain {

PlanReport plan_file(const std::filesystem::path& model, const std::string& chip, const std::string& emulator,
                     const PlanOptions& options) {
  const arch::ChipDescription description = arch::load_chip(chip);
  const std::unique_ptr<checkpoint::Checkpoint> opened =
      checkpoint::is_shape(model) ? checkpoint::open_shape(model) : checkpoint::open_checkpoint(model);
  return plan_model(checkpoint::import_graph(*opened), description,
                    arch::load_emulator(emulator.empty() ? description.emulator : emulator), options);
}

}  // namespace xw::toolchain
