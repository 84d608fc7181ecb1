// Makes the programming model that the options ask for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/programming.hpp"

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "models/cells/cell_model.hpp"

namespace xw::cells {
namespace {

void check_numbers(const ProgrammingOptions& options) {
  if (options.g_unit < 1 || options.g_unit > arch::kCellMax) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: g_unit is " + std::to_string(options.g_unit) + ", must be 1..127");
  }
  if (!(options.seconds >= 0.0) || options.seconds > 1e10) {
    throw Error(ErrorCode::kInvalidArgument,
                "programming: seconds is " + std::to_string(options.seconds) + ", must be 0..1e10");
  }
}

}  // namespace

std::unique_ptr<ProgrammingModel> make_programming_model(const ProgrammingOptions& options) {
  check_numbers(options);
  NoiseChoice choice = parse_noise(options.noise);
  if (options.seconds > 0.0 && !choice.model->drifts) {
    throw Error(ErrorCode::kInvalidArgument, "programming model '" + std::string(choice.model->name) +
                                                 "' has no drift: seconds is " + std::to_string(options.seconds) +
                                                 ", must be 0; models with drift: " + model_names(true));
  }
  return choice.model->make(
      {std::move(choice.parameters), options.chip_seed, options.g_unit, options.seconds, choice.custom});
}

}  // namespace xw::cells
