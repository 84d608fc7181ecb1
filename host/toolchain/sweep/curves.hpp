// Results of studies as curves: a figure over one option, a line for every value of another, with intervals over the rest.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/toolchain/sweep/source.hpp"

namespace xw::toolchain {

struct CurveOptions {
  std::string
      x;  ///< option of the points; empty: time if it varies, else the first with numbers, else the first, seeds last
  std::string
      lines;  ///< option with a line for every value; empty: the first other one that varies, no seeds; "none": one line
  std::vector<std::string> metrics;          ///< empty: the perplexity and every metric of tasks
  std::map<std::string, std::string> where;  ///< only points with these options
};

/// The curves of these records (docs/schemas/sweep.schema.json, without "about"). Where several points have the same place on the same line, which
/// chips of several seeds do, there are their mean, their deviation (n - 1) and the interval of 95 % for the mean by Student's
/// distribution. Values of an option are in order of their numbers or times, if all are, else of their texts. Throws SettingError{kInvalidArgument} for options, values and
/// metrics that there are not, Error{kInvalidArgument} for no records.
[[nodiscard]] nlohmann::ordered_json curves(const SweepSource& source, const CurveOptions& options);

}  // namespace xw::toolchain
