// The table of cell models: what a chip's noise may be called, which parameters it has, whether it ages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/cells/programming.hpp"

namespace xw::cells {

/// A number that the user of a model may choose: "gaussian:gamma=0.05".
struct Parameter {
  std::string_view name;
  std::string_view meaning;
  std::string_view unit;
  double fallback = 0;             ///< without a choice
  double lowest = 0, highest = 0;  ///< both included
  bool whole = false;              ///< only whole numbers
};

/// What a model is made from; checked by make_programming_model.
struct ModelSettings {
  std::vector<double> parameters;  ///< one for each of CellModel::parameters, in their order
  std::uint32_t chip_seed = 0;
  int g_unit = 96;
  double seconds = 0;    ///< since programming; above 0 only for models that drift
  std::string custom{};  ///< settings of the model "custom"
};

/// A row of the table.
struct CellModel {
  std::string_view name;     ///< as users write it
  std::string_view summary;  ///< for help: what it is, without its parameters
  bool drifts = false;       ///< accepts a time since programming
  std::vector<Parameter> parameters;
  std::unique_ptr<ProgrammingModel> (*make)(const ModelSettings& settings) = nullptr;
  bool is_custom = false;  ///< has settings of its own instead of parameters (models/cells/custom.hpp)
};

/// All models, in the order in which they are printed. Names are unique.
[[nodiscard]] std::span<const CellModel> cell_models();

/// A model with a value for every parameter.
struct NoiseChoice {
  const CellModel* model = nullptr;
  std::vector<double> parameters;
  std::string custom{};  ///< settings of the model "custom", checked, with the numbers of a table
  /// "gaussian:gamma=0.03": the name and every parameter; parse_noise reads it back.
  [[nodiscard]] std::string text() const;
};

/// Reads "NAME" or "NAME:PARAMETER=VALUE,...". A table of "custom" is read from its file, whose relative path starts in `folder`; the
/// result's text() has its numbers and needs the file no more. Throws Error{kInvalidArgument}: unknown model (lists the known ones),
/// unknown or repeated parameter (lists those of the model), value that is no number or out of range; what parse_custom throws.
[[nodiscard]] NoiseChoice parse_noise(std::string_view text, const std::filesystem::path& folder = {});
/// The file whose numbers parse_noise would read; empty if the text says all.
[[nodiscard]] std::string noise_file(std::string_view text);
/// The text for messages: of a long one the beginning and a checksum.
[[nodiscard]] std::string noise_label(const std::string& text);

/// The names, or those of the models that drift: "ideal, gaussian, ...".
[[nodiscard]] std::string model_names(bool only_drifting = false);
/// The table for `--help`: a model with its parameters, their defaults and ranges, in one sentence.
[[nodiscard]] std::string noise_help();

}  // namespace xw::cells
