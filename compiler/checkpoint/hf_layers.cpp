// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/hf_layers.hpp"

#include <algorithm>
#include <optional>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

constexpr std::uint32_t kDefaultWindow = 4096;     // of every family that has a default
constexpr std::uint32_t kDefaultFullLayers = 28;   // max_window_layers of Qwen
constexpr std::uint32_t kDefaultGemmaPattern = 6;  // every sixth layer of Gemma 3 attends to everything
constexpr std::uint64_t kMaxCount = UINT32_MAX;

bool is_qwen(const ModelConfig& config) {
  return config.family == "qwen2" || config.family == "qwen3";
}

std::uint32_t read_size(const ModelConfig& config, const JsonObject& json) {
  if (config.family == "llama") return 0;
  if (is_qwen(config) && !json.find_bool("use_sliding_window").value_or(false)) return 0;
  const std::uint32_t absent = config.family == "phi3" || json.contains("sliding_window") ? 0 : kDefaultWindow;
  return static_cast<std::uint32_t>(json.find_uint("sliding_window", kMaxCount).value_or(absent));
}

// One entry per layer, "full_attention" or "sliding_attention".
std::vector<bool> read_types(const ModelConfig& config, const nlohmann::json& types, const std::string& origin) {
  const bool fits = types.is_array() && types.size() == config.num_layers;
  std::vector<bool> windows;
  for (std::size_t i = 0; fits && i < types.size(); ++i) {
    if (types[i] != "full_attention" && types[i] != "sliding_attention") break;
    windows.push_back(types[i] == "sliding_attention");
  }
  if (windows.size() != config.num_layers) {
    throw Error(ErrorCode::kUnsupported,
                origin +
                    ": \"layer_types\": expected one entry per layer, \"full_attention\" or \"sliding_attention\", "
                    "found " +
                    printable(types.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 60));
  }
  return windows;
}

std::uint32_t read_period(const JsonObject& json, const std::string& origin) {
  const std::optional<std::uint64_t> stored = json.find_uint("sliding_window_pattern", kMaxCount);
  // Releases of transformers differ in which of the two they write; only the first one is read back.
  const std::optional<std::uint64_t> hidden = json.find_uint("_sliding_window_pattern", kMaxCount);
  const std::uint64_t period = stored.value_or(kDefaultGemmaPattern);
  if (period == 0) {
    throw Error(ErrorCode::kFormat, origin + ": \"sliding_window_pattern\": expected 1 or more, found 0");
  }
  if (hidden.value_or(period) != period) {
    throw Error(ErrorCode::kUnsupported, origin + ": \"_sliding_window_pattern\": found " + std::to_string(*hidden) +
                                             " beside a pattern of " + std::to_string(period) +
                                             "; supported: equal ones, or \"layer_types\"");
  }
  return static_cast<std::uint32_t>(period);
}

}  // namespace

void read_hf_windows(ModelConfig& config, const JsonObject& json, const std::string& origin) {
  config.sliding_window = read_size(config, json);
  const nlohmann::json* types = json.find("layer_types");
  std::vector<bool> windows;
  if (types != nullptr) {
    windows = read_types(config, *types, origin);
  } else if (config.family == "gemma3") {
    windows = periodic_windows(config.num_layers, read_period(json, origin));
  } else if (is_qwen(config) && config.sliding_window != 0) {
    const auto full =
        static_cast<std::uint32_t>(json.find_uint("max_window_layers", kMaxCount).value_or(kDefaultFullLayers));
    windows.assign(config.num_layers, true);
    std::fill_n(windows.begin(), std::min(full, config.num_layers), false);
  }
  const bool any = std::find(windows.begin(), windows.end(), true) != windows.end();
  if (any && config.sliding_window == 0) {
    throw Error(ErrorCode::kUnsupported, origin +
                                             ": \"layer_types\": found \"sliding_attention\" in a model without a "
                                             "sliding window; supported: \"full_attention\"");
  }
  if (!windows.empty() && !any) config.sliding_window = 0;
  const bool all = std::find(windows.begin(), windows.end(), false) == windows.end();
  if (config.sliding_window != 0 && !all) config.window_layers = std::move(windows);
}

}  // namespace xw::checkpoint
