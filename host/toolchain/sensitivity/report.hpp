// The losses of a model's parts for readers and scripts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "host/toolchain/sensitivity/sensitivity.hpp"

namespace xw::toolchain {

/// {"reference_nll_nats", "ranges", "seconds", "all", "groups": [...]}: those of the first time; of several times also "times", with
/// "seconds", "time", "all" and "groups" of every one.
[[nodiscard]] nlohmann::ordered_json to_json(const Sensitivity& sensitivity);
/// For every time a table for each way of grouping, the most sensitive first.
[[nodiscard]] std::string to_text(const Sensitivity& sensitivity);
/// A line per time and group with a head line (RFC 4180).
[[nodiscard]] std::string to_csv(const Sensitivity& sensitivity);

/// What to_json() wrote into the complete result `text` of `crossweave sensitivity --json`, with an array of groups. Throws Error{kFormat}
/// naming `origin` for anything else; `options` of the command are what it says is expected.
[[nodiscard]] nlohmann::json parse_sensitivity(const std::string& text, const std::string& origin,
                                               const std::string& options);

}  // namespace xw::toolchain
