// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/names.hpp"

namespace xw::checkpoint {
namespace {

// Modules whose parameters a fused module holds; the module itself if it is not fused.
std::vector<std::string> parts_of(const std::string& module) {
  if (module == "self_attn.qkv_proj") return {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
  if (module == "mlp.gate_up_proj") return {"mlp.gate_proj", "mlp.up_proj"};
  return {module};
}

}  // namespace

std::map<std::string, std::vector<float>> stored_input_ranges(const Checkpoint& checkpoint) {
  std::map<std::string, std::vector<float>> ranges;
  for (const auto& [stored_name, tensor] : checkpoint.tensors()) {
    const CanonicalName canonical = split_name(stored_name);
    if (canonical.parameter != "input_range") continue;
    const std::vector<float> values = read_all(tensor);
    for (const float value : values) {
      if (std::isfinite(value) && value > 0) continue;
      throw Error(std::isfinite(value) ? ErrorCode::kFormat : ErrorCode::kNotFinite,
                  tensor.location + ": tensor \"" + printable(stored_name) +
                      "\": expected positive finite input ranges, found " + std::to_string(value));
    }
    const std::string prefix =
        canonical.layer.has_value() ? "model.layers." + std::to_string(*canonical.layer) + "." : "";
    for (const std::string& module : parts_of(canonical.module)) ranges[prefix + module] = values;
  }
  return ranges;
}

}  // namespace xw::checkpoint
