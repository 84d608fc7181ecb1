// One function a model, each in a file of its own, and the list of them: the only place that names all models.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "models/cells/cell_model.hpp"

namespace xw::cells {

[[nodiscard]] CellModel ideal_model();
[[nodiscard]] CellModel gaussian_model();
[[nodiscard]] CellModel pcm_afm_model();
[[nodiscard]] CellModel pcm_aihwkit_model();
[[nodiscard]] CellModel pcm_hermes_model();
[[nodiscard]] CellModel reram_wan2022_model();
[[nodiscard]] CellModel reram_cmo_model();
[[nodiscard]] CellModel custom_model();

inline constexpr std::array kModels = {ideal_model,      gaussian_model,      pcm_afm_model,   pcm_aihwkit_model,
                                       pcm_hermes_model, reram_wan2022_model, reram_cmo_model, custom_model};

namespace programming {

/// Models draw from streams of their own, so that chips of one seed with different models are independent.
enum class Stream : std::uint32_t {
  kPcmAfm = 0,
  kGaussian = 1,
  kPcmAihwkit = 2,
  kPcmHermes = 3,
  kReramWan2022 = 4,
  kReramCmo = 5,
  kCustom = 6,
};

}  // namespace programming
}  // namespace xw::cells
