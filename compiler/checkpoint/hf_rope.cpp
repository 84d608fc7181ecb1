// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/hf_rope.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/model_config.hpp"

namespace xw::checkpoint {
namespace {

constexpr const char* kFull = "full_attention";
constexpr const char* kSliding = "sliding_attention";
constexpr const char* kOriginal = "original_max_position_embeddings";
constexpr std::uint32_t kPhi3Original = 4096;  // what transformers assumes for phi3 when the key is not there

/// Keys that a type uses, beside those that every type has.
struct RopeType {
  std::string_view name;
  std::vector<std::string_view> keys;
};

const std::vector<RopeType>& rope_types() {
  static const std::vector<RopeType> kTypes = {
      {"default", {}},
      {"linear", {"factor"}},
      {"llama3", {"factor", "low_freq_factor", "high_freq_factor"}},
      {"longrope", {"factor", "short_factor", "long_factor", "attention_factor"}}};
  return kTypes;
}

class RopeReader {
 public:
  RopeReader(const ModelConfig& config, const JsonObject& json) : config_(config), json_(json) {}

  /// One flat object, or nothing (then only the keys outside count). Layers with a window have a base of their own in
  /// Gemma 3 (`is_window`).
  [[nodiscard]] RopeSettings read(const nlohmann::json* object, const std::string& what, bool is_window = false) const {
    static const nlohmann::json kEmpty = nlohmann::json::object();
    const JsonObject inside(object == nullptr ? kEmpty : *object, what);
    RopeSettings rope;
    const bool is_gemma = config_.family == "gemma3";
    const char* outside = is_gemma && is_window ? "rope_local_base_freq" : "rope_theta";
    const double absent = is_gemma && !is_window ? 1e6 : 1e4;
    rope.theta = inside.find_number("rope_theta").value_or(json_.find_number(outside).value_or(absent));
    rope.dims = read_dims(inside, what);
    const std::string type = read_type(inside);
    check_keys(object == nullptr ? kEmpty : *object, type, what);
    if (type == "default") return rope;
    rope.scaling = type;
    if (type == "longrope") {
      read_longrope(rope, inside, what);
      return rope;
    }
    rope.factor = get_number(inside, "factor", what);
    if (type != "llama3") return rope;
    rope.low_freq_factor = inside.find_number("low_freq_factor").value_or(1);
    rope.high_freq_factor = inside.find_number("high_freq_factor").value_or(4);
    rope.original_context = find_original(inside).value_or(0);
    if (rope.original_context == 0)
      throw Error(ErrorCode::kFormat, what + ": expected \"" + kOriginal + "\", found nothing");
    return rope;
  }

 private:
  static double get_number(const JsonObject& json, const char* key, const std::string& what) {
    const std::optional<double> number = json.find_number(key);
    if (!number.has_value()) throw Error(ErrorCode::kFormat, what + ": expected \"" + key + "\", found nothing");
    return *number;
  }

  [[nodiscard]] std::uint32_t read_dims(const JsonObject& inside, const std::string& what) const {
    constexpr const char* kKey = "partial_rotary_factor";
    const double partial = inside.find_number(kKey).value_or(json_.find_number(kKey).value_or(1));
    if (!(partial > 0 && partial <= 1)) {
      throw Error(ErrorCode::kFormat,
                  what + ": \"" + kKey + "\": expected above 0 and at most 1, found " + std::to_string(partial));
    }
    if (partial != 1 && config_.family != "phi3") {
      throw Error(ErrorCode::kUnsupported, what + ": \"" + kKey + "\": found " + std::to_string(partial) +
                                               "; supported in family " + config_.family + ": 1");
    }
    return static_cast<std::uint32_t>(config_.head_dim * partial);
  }

  [[nodiscard]] std::string read_type(const JsonObject& inside) const {
    const std::string type = inside.find_string("rope_type").value_or(inside.find_string("type").value_or("default"));
    if (type == "none") return "default";
    // The first Phi-3 files say "su" or "yarn" and mean longrope.
    return type == "su" || (type == "yarn" && config_.family == "phi3") ? "longrope" : type;
  }

  /// True for factors of 1, which change nothing where they are not used.
  static bool is_neutral(const std::string& key, const nlohmann::json& value) {
    return (key == "factor" || key == "attention_factor") && value.is_number() && value == 1;
  }

  void check_keys(const nlohmann::json& inside, const std::string& type, const std::string& what) const {
    const auto& types = rope_types();
    const auto found = std::find_if(types.begin(), types.end(), [&](const RopeType& t) { return t.name == type; });
    if (found == types.end()) {
      throw Error(ErrorCode::kUnsupported,
                  what + ": found type \"" + printable(type) + "\"; supported: default, linear, llama3, longrope");
    }
    constexpr std::array<std::string_view, 6> kShared = {"rope_type", "type",     "rope_theta", "partial_rotary_factor",
                                                         kOriginal,   "finetuned"};
    for (const auto& [key, value] : inside.items()) {
      const bool is_known = std::find(kShared.begin(), kShared.end(), key) != kShared.end() ||
                            std::find(found->keys.begin(), found->keys.end(), key) != found->keys.end();
      if (is_known || value.is_null() || is_neutral(key, value)) continue;
      std::string supported;
      for (const std::string_view known : kShared) supported += std::string(known) + ", ";
      for (const std::string_view known : found->keys) supported += std::string(known) + ", ";
      supported.resize(supported.size() - 2);
      throw Error(ErrorCode::kUnsupported,
                  what + ": found key \"" + printable(key) + "\"; supported with type " + type + ": " + supported);
    }
  }

  /// The original context; a key outside wins over one inside, as in transformers.
  [[nodiscard]] std::optional<std::uint32_t> find_original(const JsonObject& inside) const {
    const std::optional<std::uint64_t> outside = json_.find_uint(kOriginal, UINT32_MAX);
    const std::optional<std::uint64_t> value = outside.has_value() ? outside : inside.find_uint(kOriginal, UINT32_MAX);
    if (!value.has_value()) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
  }

  void read_longrope(RopeSettings& rope, const JsonObject& inside, const std::string& what) const {
    rope.short_factors = inside.get_numbers("short_factor");
    rope.long_factors = inside.get_numbers("long_factor");
    rope.original_context =
        find_original(inside).value_or(config_.family == "phi3" ? kPhi3Original : config_.context_length);
    if (config_.family == "phi3" && !json_.has(kOriginal) && inside.has(kOriginal) &&
        rope.original_context != kPhi3Original) {
      throw Error(ErrorCode::kUnsupported, what + ": \"" + kOriginal + "\": found " +
                                               std::to_string(rope.original_context) + " here but no \"" + kOriginal +
                                               "\" outside, which transformers takes as " +
                                               std::to_string(kPhi3Original) + " for phi3; write it outside, too");
    }
    const std::optional<double> stored = inside.find_number("attention_factor");
    const std::optional<double> factor = inside.find_number("factor");
    const double ratio = static_cast<double>(config_.context_length) / rope.original_context;
    // With both, transformers 4 takes the ratio and transformers 5 the factor: only equal ones mean something.
    if (!stored.has_value() && factor.has_value() && json_.has(kOriginal) && std::abs(*factor - ratio) > 1e-6 * ratio) {
      throw Error(ErrorCode::kUnsupported, what + ": found \"factor\" " + std::to_string(*factor) +
                                               " and a context stretched by " + std::to_string(ratio) +
                                               "; supported: equal ones, or an \"attention_factor\"");
    }
    const double stretched = rope.original_context * factor.value_or(ratio);
    rope.attention_factor = stored.value_or(longrope_attention_factor(stretched, rope.original_context));
  }

  const ModelConfig& config_;
  const JsonObject& json_;
};

/// True if the object holds one object per layer type.
bool is_nested(const nlohmann::json& object) {
  return object.is_object() && (object.contains(kFull) || object.contains(kSliding));
}

/// Settings by layer type; types without layers are read, too, so that nothing in them passes unseen.
void read_nested(ModelConfig& config, const RopeReader& reader, const nlohmann::json& object, const std::string& what) {
  for (const auto& [key, value] : object.items()) {
    if (key != kFull && key != kSliding) {
      throw Error(ErrorCode::kUnsupported, what + ": found key \"" + printable(key) +
                                               "\" beside layer types; supported: " + kFull + ", " + kSliding);
    }
  }
  const auto read = [&](const char* type, bool is_used) -> std::optional<RopeSettings> {
    const auto found = object.find(type);
    const bool is_window = std::string_view(type) == kSliding;
    if (found != object.end() && !found->is_null()) return reader.read(&*found, what + " of " + type, is_window);
    if (!is_used) return std::nullopt;
    if (config.family == "gemma3") return reader.read(nullptr, what + " of " + type, is_window);
    throw Error(ErrorCode::kUnsupported, what + ": expected rotary settings of " + type +
                                             ", found none; layers without rotation are not supported");
  };
  const bool has_window = config.sliding_window != 0;
  const bool has_full = !has_window || !config.window_layers.empty();
  const std::optional<RopeSettings> full = read(kFull, has_full);
  const std::optional<RopeSettings> sliding = read(kSliding, has_window);
  config.rope = has_full ? *full : *sliding;
  if (has_window && *sliding != config.rope) config.window_rope = sliding;
}

}  // namespace

void read_hf_rope(ModelConfig& config, const JsonObject& json, const std::string& origin) {
  const RopeReader reader(config, json);
  const nlohmann::json* old_object = json.find("rope_scaling");
  const nlohmann::json* new_object = json.find("rope_parameters");
  const auto are_same = [&] {
    if (*old_object == *new_object) return true;
    if (is_nested(*old_object) || is_nested(*new_object)) return false;
    // Releases of transformers differ in which one they read: both must give the same rotation.
    return reader.read(old_object, origin + ": \"rope_scaling\"") ==
           reader.read(new_object, origin + ": \"rope_parameters\"");
  };
  if (old_object != nullptr && new_object != nullptr && !are_same()) {
    throw Error(ErrorCode::kUnsupported,
                origin + ": found different \"rope_scaling\" and \"rope_parameters\"; supported: one of them");
  }
  const nlohmann::json* object = old_object != nullptr ? old_object : new_object;
  const std::string what = origin + (object == nullptr      ? ""
                                     : object == old_object ? ": \"rope_scaling\""
                                                            : ": \"rope_parameters\"");
  if (object != nullptr && is_nested(*object)) {
    read_nested(config, reader, *object, what);
    return;
  }
  if (config.family == "gemma3" && object != nullptr && object == new_object && !object->empty()) {
    throw Error(ErrorCode::kUnsupported, what +
                                             ": expected objects \"full_attention\" and \"sliding_attention\", found " +
                                             printable(object->begin().key()));
  }
  config.rope = reader.read(object, what);
  if (config.family != "gemma3" || config.sliding_window == 0) return;
  const RopeSettings window = reader.read(nullptr, what, true);  // "rope_scaling" is of the other layers
  if (config.window_layers.empty()) {
    config.rope = window;
  } else if (window != config.rope) {
    config.window_rope = window;
  }
}

}  // namespace xw::checkpoint
