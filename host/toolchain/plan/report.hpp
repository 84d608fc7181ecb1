// Plans for readers and scripts.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/toolchain/plan/plan.hpp"

namespace xw::toolchain {

[[nodiscard]] std::string to_text(const PlanReport& report);
/// docs/schemas/plan.schema.json.
[[nodiscard]] nlohmann::ordered_json to_json(const PlanReport& report);
/// A line per plan; empty fields are not known.
[[nodiscard]] std::string to_csv(const PlanReport& report);

}  // namespace xw::toolchain
