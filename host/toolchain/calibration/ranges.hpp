// Where the ranges of the converters come from: choices and their text forms.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compiler/passes/calibration.hpp"

namespace xw::toolchain {

/// Input ranges (full scales of the DACs) of the analog layers.
struct InputRanges {
  enum class Source {
    kDefault,  ///< the checkpoint's own if it stores them, else as kText
    kText,     ///< chosen by `choice` from what flows through the model on a text
    kFixed,    ///< `beta` everywhere, without data
  };
  Source source = Source::kDefault;
  passes::RangeChoice choice;
  float beta = 0;  ///< above 0, finite
};
/// "" (the default), "mse", "percentile:P", "std:K", "max" or "fixed:BETA". Throws Error{kInvalidArgument} otherwise.
[[nodiscard]] InputRanges parse_input_ranges(const std::string& text);

/// ADC full scale, in units of input range x w_max.
struct AdcRange {
  enum class Source {
    kDefault,   ///< as kPerLayer where input ranges are chosen from a text, else the chip description's
    kPerLayer,  ///< the one that loses least on what flows through the model on a text
    kFixed,     ///< `lambda` for all layers
  };
  Source source = Source::kDefault;
  float lambda = 0;  ///< above 0, at most 1e6
};
/// "" (the default), "auto" or a number. Throws Error{kInvalidArgument} otherwise.
[[nodiscard]] AdcRange parse_adc_range(const std::string& text);

}  // namespace xw::toolchain
