// The config.json of a tiny model with some keys changed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "compiler/checkpoint/model_config.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::test {

inline nlohmann::json base(const std::string& family) {
  return nlohmann::json::parse(tiny_model(family).config_json);
}

// The base configuration with some keys changed.
inline checkpoint::ModelConfig parse_with(const std::string& family, const nlohmann::json& changes) {
  nlohmann::json config = base(family);
  if (!changes.is_null()) config.update(changes);
  return checkpoint::parse_hf_config(config.dump(), "config.json");
}

inline void expect_failure(const std::string& family, const nlohmann::json& changes, ErrorCode code,
                           const std::string& text) {
  expect_error(code, text, [&] { static_cast<void>(parse_with(family, changes)); });
}

}  // namespace xw::test
