// What a functional device may do otherwise, for studies: words that no other device gives. docs/chip-life.md, docs/numerics.md#adc.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "models/analog/numerics.hpp"

namespace xw::functional {

/// At most one of them is not 0.
struct Study {
  double ir_drop = 0;             ///< of tile_mvm_with_ir_drop
  std::uint32_t cells_range = 0;  ///< of tile_mvm_with_cells_range: the code of w_max
  /// The device's name: "functional", "functional:ir-drop=1e-06", "functional:cells-range=96".
  [[nodiscard]] std::string device_name() const;
};

/// The options of the device's URI: "", "ir-drop=R" with R above 0 and at most kMostIrDrop, or "cells-range=CODE" with a code of 1 ...
/// 127. Throws Error{kInvalidArgument}.
[[nodiscard]] Study parse_study(std::string_view options);

/// analog::tile_mvm_reference with ranges of the ADC as aihwkit-lightning has them: those of each column follow its largest cell instead
/// of its largest target. With f = largest magnitude of the column's cells / w_max_code, or 1 in a column of zeros:
/// y = clamp(rne((s + n) gain / (2^shift f)), -adc_max, adc_max), and rne(y f out_scale) is added.
std::uint64_t tile_mvm_with_cells_range(const analog::BlockView& block, const analog::MvmBatch& batch,
                                        std::uint32_t w_max_code);

}  // namespace xw::functional
